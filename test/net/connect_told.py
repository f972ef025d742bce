#!/usr/bin/python3
"""What `sonde connect` tells when there is nobody: every address that failed, a question by UDP
that was not answered, names of Unix sockets."""

import json
import socket
import subprocess

import netns
from talking import Peer, connect
from tap import tap

netns.enter()
SCRATCH = netns.scratch()


def said(done):
    return done.returncode, done.stderr.decode()


# --- failed addresses

def failures(*words):
    done = connect('--json', *words)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return done.returncode, [
        (event['event'], event['peer'], event.get('text')) for event in events
        if event['event'] in ('connecting', 'failed')]


REFUSED = 'Connection refused (ECONNREFUSED)'
peer = {'address': '127.0.0.1', 'port': 9}
tap.equal('the only address fails: an event', failures('127.0.0.1', 9),
          (1, [('connecting', peer, None), ('failed', peer, REFUSED)]))
status, events = failures('localhost', 9)
tap.equal('of several each one', (status, [event[0] for event in events]),
          (1, ['connecting', 'failed'] * 2))
path = f'{SCRATCH}/none'
tap.equal('a Unix socket', failures('--unix', path),
          (1, [('connecting', {'path': path}, None),
               ('failed', {'path': path}, 'No such file or directory (ENOENT)')]))
words = connect('-v', '127.0.0.1', 9).stderr.decode().splitlines()
tap.equal('in words the error says it, once',
          [line for line in words if 'refused' in line],
          [f'sonde: connect 127.0.0.1:9/tcp: {REFUSED}'])

# --- a question by UDP


def ask(*words):
    """From a file: a pipe may be open longer than the program waits."""
    with open(f'{SCRATCH}/question', 'w+b') as file:
        file.write(b'hi')
        file.seek(0)
        return connect(*words, stdin=file)


silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
silent.bind(('127.0.0.1', 0))
port = silent.getsockname()[1]
NOTE = 'sonde: no answer within 200 ms; UDP does not say whether anything arrived\n'
how = ('--udp', '--idle-timeout', '200ms', '127.0.0.1')
tap.equal('UDP: that nobody answers is said, and no failure',
          said(ask(*how, port)), (0, NOTE))
tap.equal('with -q it is not', said(ask('-q', *how, port)), (0, ''))
tap.equal('nor when nothing was asked', said(connect(*how, port, stdin=subprocess.DEVNULL)), (0, ''))
peer = Peer(lambda sock, data, source: sock.sendto(b'', source), kind=socket.SOCK_DGRAM)
# One that comes late on a busy machine is none: then there is more time for the next one.
for idle in '200ms', '2s', '20s':
    outcome = said(ask('--udp', '--idle-timeout', idle, '127.0.0.1', peer.port))
    if outcome == (0, ''):
        break
tap.equal('an empty datagram is an answer', outcome, (0, ''))
done = ask('--json', *how, port)
tap.check('--json: a note', b'"event":"note"' in done.stdout and b'200 ms' in done.stdout,
          done.stdout)
done = ask('--udp', '127.0.0.1', port)
tap.check('without --idle-timeout it is a second', said(done)[1] ==
          NOTE.replace('200 ms', '1 s'), said(done))

# --- names of Unix sockets

done = connect('-v', '--unix', path)
tap.equal('a Unix socket stands by its name, and its kind behind it', said(done),
          (1, f'sonde: connecting to {path} (unix)\n'
              f'sonde: connect {path} (unix): No such file or directory (ENOENT)\n'
              'hint: no such file: the server makes it when it starts\n'))

tap.done()
