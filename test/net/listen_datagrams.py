#!/usr/bin/python3
"""`sonde listen --udp`: nobody but the one client gets in, answers come from the address that was
asked, and an output that is full ends nothing."""

import os
import re
import resource
import signal
import socket
import subprocess

import netns
from talking import Listen
from tap import tap

netns.enter()


def sock_at(address):
    family = socket.AF_INET6 if ':' in address else socket.AF_INET
    sock = socket.socket(family, socket.SOCK_DGRAM)
    sock.settimeout(60)
    sock.bind((address, 0))
    return sock


def read(listen, n):
    got = b''
    while len(got) < n and (piece := os.read(listen.process.stdout.fileno(), 65536)):
        got += piece
    return got


# --- one client alone: what others had sent before it was chosen

a, b = sock_at('127.0.0.1'), sock_at('127.0.0.2')
for where in '127.0.0.1:0', '*:0':
    listen = Listen('--udp', '--deny', '127.0.0.2', stdin=subprocess.PIPE, where=where)
    to = '127.0.0.1', listen.port
    listen.process.send_signal(signal.SIGSTOP)
    for sock, data in (b, b'evil0 '), (a, b'one '), (b, b'evil1 '), (a, b'two '), (b, b'evil2 '):
        sock.sendto(data, to)
    listen.process.send_signal(signal.SIGCONT)
    got = read(listen, 8)
    a.sendto(b'three', to)
    tap.equal(f'{where}: of a queue with two senders only the welcome one is read',
              got + read(listen, 5), b'one two three')
    listen.process.stdin.write(b'answer')
    listen.process.stdin.flush()
    tap.equal('and is answered', a.recvfrom(100), (b'answer', to))
    listen.end()

path = os.path.join(netns.scratch(), 'dgram')
listen = Listen('--udp', '--unix', where=path)
first, second = (socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(2))
first.bind(path + '.1')
second.bind(path + '.2')
listen.process.send_signal(signal.SIGSTOP)
first.sendto(b'one ', path)
second.sendto(b'other ', path)
first.sendto(b'two', path)
listen.process.send_signal(signal.SIGCONT)
tap.equal('the same of a Unix socket', read(listen, 7), b'one two')
listen.end()

# --- the address that was asked

for words in ['-k', '--exec', 'cat'], ['-k', '--to', '{echo}'], []:
    echo = Listen('--udp', '-k', '--exec', 'cat') if '--to' in words else None
    words = [word.replace('{echo}', f'127.0.0.1:{echo.port}' if echo else '') for word in words]
    listen = Listen('--udp', *words, where='*:0', stdin=subprocess.PIPE)
    client = sock_at('127.0.0.1')
    for number in b'12':
        client.sendto(bytes([number]), ('127.0.0.2', listen.port))
        if not words:
            read(listen, 1)
            listen.process.stdin.write(bytes([number]))
            listen.process.stdin.flush()
        tap.equal(f'*: {" ".join(words) or "one client"}: datagram {number - 48} is answered from the '
                  'address it was sent to', client.recvfrom(10),
                  (bytes([number]), ('127.0.0.2', listen.port)))
    listen.end()
    if echo:
        echo.end()

listen = Listen('--udp', '-k', '--exec', 'cat', where='*:0')
netns.run(['ip', '-6', 'address', 'add', 'fd00::2/128', 'dev', 'lo'], check=True)
client = sock_at('::1')
netns.wait_until('an address', lambda: 'tentative' not in netns.run(
    ['ip', '-6', 'address', 'show', 'dev', 'lo']).stdout)
client.sendto(b'x', ('fd00::2', listen.port))
tap.equal('the same of IPv6', client.recvfrom(10)[1][:2], ('fd00::2', listen.port))
listen.end()

# --- an output that is full

listen = Listen('--udp', '-k')
crowd = [sock_at('127.0.0.1') for _ in range(60)]


def fill():
    """3.6 MB at a time that nobody reads: more than the pipe and the queue hold, and more than the
    kernel keeps of it."""
    for number, sock in enumerate(crowd):
        sock.sendto(b'%04d' % number + bytes(59996), ('127.0.0.1', listen.port))
    return listen.said().count('accepted') > 8


netns.wait_until('it has taken what it can', fill)
got = read(listen, 600000)
tap.check('it goes on when it is read again', got[:4].isdigit() and len(got) >= 600000, got[:10])
tap.equal('and has not ended', listen.process.poll(), None)
os.set_blocking(listen.process.stdout.fileno(), False)


def last_word():
    """Until what waited has been read, nothing new may get in."""
    crowd[0].sendto(b'last word', ('127.0.0.1', listen.port))
    try:
        return b'last word' in os.read(listen.process.stdout.fileno(), 1 << 21)
    except BlockingIOError:
        return False


netns.wait_until('what comes then', last_word)
tap.ok('and hears what comes then')
tap.equal('in order', listen.end(), 0)

# --- more peers than descriptors

listen = Listen('--udp', '-k', preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (24, 24)))
crowd += [sock_at('127.0.0.1') for _ in range(240)]

def is_read():
    with open('/proc/net/udp', encoding='ascii') as table:
        rows = [row.split() for row in table if f'0100007F:{listen.port:04X} 00000000:0000' in row]
    return [row[4].endswith(':00000000') for row in rows] == [True]


sent = 0
while sent < len(crowd):
    # What comes while another peer's socket is made may be lost to it, and more than these would not fit into
    # the queue.
    for sock in crowd[sent:(sent := sent + (1 if sent < 30 else 50))]:
        sock.sendto(b'x', ('127.0.0.1', listen.port))
    netns.wait_until('their datagrams are read', is_read)
tap.equal('more peers than descriptors: it ends in order', listen.end(), 0)
accepted = listen.said().count('accepted')
lines = [line for line in listen.said().splitlines() if 'no socket for' in line]
told = [re.fullmatch(r'sonde: no socket for 127\.0\.0\.1:\d+: Too many open files(?: \((\d+) times\))?; '
                     'ulimit -n sets how many may be open', line) for line in lines]
tap.check('those that get no socket are counted, not listed', 0 < accepted < 24 and all(told) and
          sum(int(line[1] or 1) for line in told) == len(crowd) - accepted and 2 <= len(lines) <= 20, listen.said())

tap.done()
