#!/usr/bin/python3
"""`sonde connect --script` where things go wrong: TLS that does not come or is not alone, signals,
peers that read slowly or not at all, long texts, expressions that cost too much."""

import os
import re
import signal
import socket
import ssl
import subprocess
import time

import netns
from screen import Screen
from talking import LIMIT_S, Peer, connect, until_end
from tap import tap

netns.enter()
FOLDER = netns.scratch()
PATH = f'{FOLDER}/script'
netns.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
           '-nodes', '-keyout', f'{FOLDER}/key', '-out', f'{FOLDER}/cert', '-subj', '/CN=localhost',
           '-days', '2', '-addext', 'subjectAltName=DNS:localhost'], check=True)
CONTEXT = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
CONTEXT.load_cert_chain(f'{FOLDER}/cert', f'{FOLDER}/key')


def write(text):
    with open(PATH, 'w', encoding='utf-8') as file:
        file.write(text)


def script(text, *words):
    write(text)
    return connect('--ca-file', f'{FOLDER}/cert', '--script', PATH, *words)


def start(text, port):
    write(text)
    return netns.background([netns.SONDE, 'connect', '--script', PATH, '127.0.0.1', str(port)],
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE)


def said(done):
    return done.returncode, done.stderr.decode()


def heeds_signals(process):
    with open(f'/proc/{process.pid}/status', encoding='ascii') as status:
        blocked = re.search(r'SigBlk:\s*(\w+)', status.read())[1]
    return int(blocked, 16) >> (signal.SIGTERM - 1) & 1


def ticks(process):
    with open(f'/proc/{process.pid}/stat', encoding='ascii') as stat:
        return sum(map(int, stat.read().rsplit(') ', 1)[1].split()[11:13]))


# --- nothing that came in the clear passes for what came by TLS


def starts_tls(answer):
    """Says the answer in the clear, then speaks TLS and says `inside`."""
    def handle(sock):
        sock.sendall(answer)
        with CONTEXT.wrap_socket(sock, server_side=True) as secured:
            secured.sendall(b'250 inside\r\n')
            until_end(secured)
    return Peer(handle)


TLS_250 = 'expect "220 "\ntls\nexpect "250 "\n'
done = script(TLS_250, 'localhost', starts_tls(b'220 x\r\n250 INJECTED\r\n').port)
tap.equal('a line behind the answer: no TLS, and why', said(done), (
    1, f'sonde: script {PATH}:2: tls is not begun: more came in the clear than was expected\n'
       'hint: somebody on the way may have put it there: "x\\r\\n250 INJECTED\\r\\n"\n'))
done = script('expect "220 x\\r\\n"\ntls\nexpect "250 "\n', 'localhost',
              starts_tls(b'220 x\r\n250 INJECTED').port)
tap.equal('the beginning of one, where the answer was whole', done.returncode, 1)
tap.check('is why, too', b'in the clear' in done.stderr, done.stderr)
done = script(TLS_250, 'localhost', starts_tls(b'220 go 250 ahead\r\n').port)
tap.equal('the rest of the line itself is part of the answer', said(done), (0, ''))
tap.check('and is not looked at any more', b'< 250 inside' in done.stdout, done.stdout)
done = script('expect /^220 .*$/\ntls\nexpect "250 inside"\n', 'localhost',
              starts_tls(b'220 go\r\n').port)
tap.equal('an expression that ends before the end of the line', said(done), (0, ''))

# --- TLS that never comes



def keeps_still(sock):
    while piece := sock.recv(100):
        heard.append(piece)


heard = []
mute = Peer(keeps_still)
done = script('timeout 200ms\ntls\n', '127.0.0.1', mute.port)
tap.equal('`timeout` is for `tls`, too', said(done), (
    1, f'sonde: secure 127.0.0.1:{mute.port}/tcp: the handshake of TLS took too long (ETIMEDOUT)\n'))
for number in signal.SIGTERM, signal.SIGINT:
    heard.clear()
    process = start('timeout 1h\nline "x"\ntls\n', mute.port)
    netns.wait_until('a line and the handshake', lambda: len(b''.join(heard)) > 50)
    process.send_signal(number)
    tap.equal(f'{number.name} ends a handshake', process.wait(LIMIT_S), 1)

# At a terminal, `tls` and `open`.
heard.clear()
screen = Screen('127.0.0.1', mute.port)
screen.shows('at a terminal', 'sonde: connected; ^] for commands, ^D ends our half', '>')
screen.press('C-]', *'tls', 'Enter')
screen.shows('`tls` waits', 'sonde> tls')
# What is typed is shown before it is done; a ^C then would end the editing.
netns.wait_until('the handshake', lambda: len(b''.join(heard)) > 50)
screen.press('C-c')
netns.wait_until('its end', lambda: os.path.exists(screen.status))
tap.ok('^C ends it')
full = socket.create_server(('127.0.0.1', 0), backlog=0)
crowd = []
for _ in range(4):
    sock = socket.socket()
    sock.setblocking(False)
    sock.connect_ex(full.getsockname())
    crowd.append(sock)
screen = Screen()
screen.shows('without a peer', 'sonde: open HOST PORT connects; help shows more', 'sonde>')
screen.type(f'open 127.0.0.1 {full.getsockname()[1]}')
screen.press('Enter')
screen.shows('`open` waits', f'sonde> open 127.0.0.1 {full.getsockname()[1]}')
screen.press('C-c')
netns.wait_until('its end', lambda: os.path.exists(screen.status))
tap.ok('^C ends it')

# --- sending

BIG = 300000
with open('/proc/sys/net/ipv4/tcp_wmem', 'w', encoding='ascii') as file:
    file.write('4096 16384 65536')


def slow(sock):
    """Reads after it has said its end: nothing is taken for a while."""
    sock.shutdown(socket.SHUT_WR)
    gate.append(sock)
    netns.wait_until('to be let go', lambda: len(gate) == 0, LIMIT_S)
    got.append(until_end(sock))


def small_buffers(handler):
    peer = Peer(handler)
    peer.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    return peer


gate, got = [], []
peer = small_buffers(slow)
long = '\n'.join([f'send "{"x" * BIG}"'] * 3) + '\nend\n'
process = start(long, peer.port)
netns.wait_until('a peer', lambda: gate)
# It fills the connection, and then waits; how long that takes is seen by the ticks standing still.
before = -1
while (now := ticks(process)) != before:
    before = now
    time.sleep(0.3)
used = ticks(process)
time.sleep(0.5)
tap.check('a peer that has ended its half and takes nothing: waiting costs nothing',
          ticks(process) - used < 20, (ticks(process), used))
gate.clear()
out, err = process.communicate(timeout=LIMIT_S)
tap.equal('a text longer than the queue, in parts', (process.returncode, err), (0, b''))
netns.wait_until('all of it', lambda: got)
tap.equal('is whole', len(got[0]), 3 * BIG)

process = start(long, peer.port)
netns.wait_until('a peer', lambda: gate and heeds_signals(process))
process.send_signal(signal.SIGTERM)
tap.equal('SIGTERM ends a send that waits', process.wait(LIMIT_S), 1)
gate.clear()

done = script('end\nsend "x"\n', '127.0.0.1', mute.port)
tap.equal('nothing is sent behind `end`: a mistake of the script', said(done), (
    2, f'sonde: script {PATH}:2: send "x" could not be sent: our half is closed\n'
       'hint: nothing came that was not expected before\n'))
done = script(f'send "{"x" * 70000}"\n', '--udp', '127.0.0.1', 9)
tap.check('too long for a datagram', done.returncode == 1 and
          b'could not be sent: too long for a datagram (EMSGSIZE)' in done.stderr, done.stderr[-300:])


def resets(sock):
    sock.recv(1)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0')


done = script('send "x"\nexpect "y"\n', '127.0.0.1', Peer(resets).port)
tap.check('a reset is told as what it is', done.returncode == 1 and
          b'expect "y" did not come: the peer reset the connection (ECONNRESET)' in done.stderr,
          done.stderr)

# --- expressions

costly = Peer(lambda sock: (sock.sendall(b'a' * 60 + b'c\n'), until_end(sock)))
done = script('expect /^(a|aa)+$/ within 20s\n', '127.0.0.1', costly.port)
tap.check('one that cannot be told is no silence of the peer', done.returncode == 2 and
          b'cannot be looked for: match limit exceeded' in done.stderr, done.stderr)

tap.done()
