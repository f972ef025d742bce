#!/usr/bin/python3
"""What `sonde listen` tells: its events and its words, of one client and of many, and that they
are true however a client comes and goes.
"""

import json
import re
import signal
import socket
import struct
import subprocess

import netns
from talking import Listen, connect, until_end
from tap import tap

netns.enter()
SCRATCH = netns.scratch()


def events_of(client, *words, where='127.0.0.1:0', answer=b''):
    """Runs `sonde listen --json`, calls client(listening), and returns its events."""
    process = netns.background([netns.SONDE, 'listen', '--json', *words, where],
                               stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    lines = (json.loads(line) for line in process.stdout)
    listening = next(event for event in lines if event['event'] == 'listening')
    process.stdin.write(answer.decode())
    process.stdin.close()
    client(listening)
    events = list(lines)
    process.wait(10)
    return events


def closed(events):
    found = [event for event in events if event['event'] == 'closed']
    return [(event['client'], event['received'], event['sent']) for event in found]


def is_stopped(pid):
    with open(f'/proc/{pid}/stat', encoding='ascii') as stat:
        return stat.read().rsplit(') ', 1)[1][0] == 'T'


# --- what came and went

WAYS = (('TCP', [], '127.0.0.1:0'), ('UDP', ['--udp'], '127.0.0.1:0'),
        ('a Unix socket', ['--unix'], f'{SCRATCH}/told'))
for name, words, where in WAYS:
    def talk(listening, words=words, where=where):
        to = [where] if 'path' in listening else ['127.0.0.1', listening['port']]
        connect(*words, *to, input=b'hello')

    ends = ['--idle-timeout', '500ms'] if '--udp' in words else []
    events = events_of(talk, *words, *ends, where=where, answer=b'twelve bytes')
    tap.equal(f'{name}: the end of the one client says what came and went',
              closed(events), [(1, 5, 12)])

listen = Listen(stdin=subprocess.PIPE)
listen.process.stdin.write(b'twelve bytes')
listen.process.stdin.close()
connect('127.0.0.1', listen.port, input=b'hello')
listen.process.wait(10)
tap.check('so does -v', '; 5 bytes came, 12 bytes went' in listen.said(), listen.said())

# --- both ends

for words in [], ['--exec', 'cat'], ['-k'], ['--to', '127.0.0.1:5078']:
    echoes = socket.create_server(('127.0.0.1', 5078))
    with netns.background([netns.SONDE, 'listen', '--json', *words, '127.0.0.1:0'],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE) as process:
        lines = (json.loads(line) for line in process.stdout)
        port = next(event for event in lines if event['event'] == 'listening')['port']
        client = socket.create_connection(('127.0.0.1', port), 10)
        if '--to' in words:
            echoes.accept()[0].close()
        client.shutdown(socket.SHUT_WR)
        until_end(client)
        client.close()
        ends, event = [], None
        while event != 'closed':
            line = next(lines)
            event = line['event']
            if event == 'end':
                ends.append((line['client'], line['direction'], line['text']))
        process.terminate()
    echoes.close()
    tap.equal(f'{" ".join(words) or "one client"}: --json has both ends', sorted(ends),
              [(1, 'received', 'FIN'), (1, 'sent', 'FIN')])

# --- who is refused

listen = Listen('-k', '--deny', '127.0.0.0/8')
for _ in range(5):
    with listen.join() as client:
        until_end(client)
listen.end()
shown = listen.said().count('is refused')
more = sum(int(count) for count in re.findall(r'(\d+) more w', listen.said()))
tap.equal('of many that are refused some are shown, and how many were not', shown + more, 5)
process = netns.background([netns.SONDE, 'listen', '--json', '-k', '--deny', '127.0.0.0/8',
                            '127.0.0.1:0'], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
lines = (json.loads(line) for line in process.stdout)
port = next(event for event in lines if event['event'] == 'listening')['port']
for _ in range(5):
    socket.create_connection(('127.0.0.1', port), 10).close()
tap.equal('with --json each one is an event', [next(lines)['event'] for _ in range(5)],
          ['refused'] * 5)
process.terminate()

# --- every interface

listen = Listen(where='*:0')
netns.wait_until('both are told', lambda: listen.said().count('listening on') == 2)
tap.equal('every interface: the addresses of both sockets', listen.said(),
          f'sonde: listening on 0.0.0.0:{listen.port}/tcp\n'
          f'sonde: listening on [::]:{listen.port}/tcp\n')
listen.end()

# --- a client that is gone before it was accepted

for words in [], ['-k']:
    listen = Listen(*words)
    listen.process.send_signal(signal.SIGSTOP)
    netns.wait_until('it stands still', lambda: is_stopped(listen.process.pid))
    client = listen.join()
    name = '%s:%d' % client.getsockname()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    client.close()
    listen.process.send_signal(signal.SIGCONT)
    netns.wait_until('it noticed', lambda: 'closed after' in listen.said())
    if words:
        listen.end()
    listen.process.wait(10)
    known = re.findall(r'client 1 \(([0-9.:]+)\): (?:accepted|closed)', listen.said())
    tap.equal(f'a client that resets before it is accepted has its address{" (-k)" * len(words)}',
              known, [name, name])
    if not words:
        tap.check('also in the error', f'receive from {name}/tcp: ' in listen.said(),
                  listen.said())

# --- a target that is not there


def come_and_be_reset(listen):
    """The reset may come before connect() has returned, or not."""
    try:
        with listen.join() as sock:
            sock.recv(1)
    except ConnectionError:
        pass


listen = Listen('--to', 'localhost:9')
come_and_be_reset(listen)
netns.wait_until('it has ended', lambda: listen.process.poll() is not None)
tap.check('a relay that cannot be had names its target', listen.said().endswith(
    'sonde: relay to localhost:9: Connection refused (ECONNREFUSED)\n'
    'hint: nothing listens there; `sonde listen 9` would\n'), listen.said())
tap.check('and in the words of the client', 'cannot be relayed to localhost:9: Connection '
          'refused (ECONNREFUSED); 0 bytes' in listen.said(), listen.said())
listen = Listen('-k', '--to', f'{SCRATCH}/none')
come_and_be_reset(listen)
netns.wait_until('it is said', lambda: f'cannot be relayed to {SCRATCH}/none: No such file '
                 'or directory (ENOENT)' in listen.said())
tap.ok('also of a Unix socket')
listen.end()

# --- names of Unix sockets

listen = Listen('--unix', where=f'{SCRATCH}/named')
tap.equal('a Unix socket stands by its name, and its kind behind it', listen.said(),
          f'sonde: listening on {SCRATCH}/named (unix)\n')
listen.end()

# --- a port that is taken

holder = netns.background(['python3', '-c', 'import socket; s = socket.create_server('
                           '("127.0.0.1", 5077)); print(flush=True); input()'],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE)
holder.stdout.readline()
who = f'python3 (process {holder.pid}) has this port (EADDRINUSE)\nhint: end it, or '
done = netns.run([netns.SONDE, 'listen', '5077'])
tap.equal('a port that is taken: by whom', (done.returncode, done.stderr), (
    4, f'sonde: listen 127.0.0.1:5077/tcp: {who}take another one; port 0 lets the kernel '
    'choose\n'))
done = netns.run([netns.SONDE, 'connect', '--bind', '127.0.0.1:5077', '127.0.0.1', '9'],
                 input='')
tap.equal('the same of connect --bind', (done.returncode, done.stderr), (
    4, f'sonde: bind 127.0.0.1:5077/tcp: {who}choose another one, or 0 for any free one\n'))
holder.send_signal(signal.SIGSTOP)
netns.wait_until('it stands still', lambda: is_stopped(holder.pid))
done = netns.run([netns.SONDE, 'listen', '5077'])
tap.check('and that it is stopped', 'has this port and is stopped (EADDRINUSE)\nhint: continue '
          'it with fg' in done.stderr, done.stderr)
holder.kill()

tap.done()
