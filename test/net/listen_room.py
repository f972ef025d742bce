#!/usr/bin/python3
"""`sonde listen --broker` and `--chat`: who starts it takes part.  What is typed there goes to
all, what anybody sends is shown there, and nobody waits for a reader that does not read."""

import os
import pty
import re
import signal
import socket
import subprocess

import netns
from screen import Screen
from talking import Listen
from tap import tap

netns.enter()


def read_until(file, wanted, most=1):
    """From a pipe or a socket; `most` at once."""
    got = b''
    while not got.endswith(wanted):
        piece = file.recv(most) if isinstance(file, socket.socket) else file.read(most)
        if not piece:
            break
        got += piece
    return got


def room(*words, count=2, **more):
    listen = Listen(*words, stdin=subprocess.PIPE, bufsize=0, **more)
    clients = []
    for number in range(1, count + 1):
        clients.append(listen.join())
        netns.wait_until('it is there', lambda n=number: f'client {n} (' in listen.said())
    return listen, clients


def leave(listen, clients):
    for sock in clients:
        sock.close()
    listen.process.stdin.close()
    return listen.end()


# --- a broker

listen, (a, b) = room('--broker')
listen.process.stdin.write(b'from us\n')
tap.equal('a broker: our input goes to every client',
          [read_until(sock, b'\n') for sock in (a, b)], [b'from us\n'] * 2)
a.sendall(b'from a\n')
tap.equal('what a client sends goes to the others, and to our output',
          (read_until(b, b'\n'), read_until(listen.process.stdout, b'\n')),
          (b'from a\n',) * 2)
listen.process.stdin.close()
b.sendall(b'from b\n')
tap.equal('the end of our input ends nothing',
          (read_until(a, b'\n'), read_until(listen.process.stdout, b'\n')),
          (b'from b\n',) * 2)
tap.equal('a signal does', leave(listen, (a, b)), 0)

# --- a chat

listen, (a, b) = room('--chat')
tap.check('a chat: our output says who comes, and to how many',
          re.fullmatch(rb'\* 1 \(127.0.0.1:\d+\) came, 1 here\n'
                       rb'\* 2 \(127.0.0.1:\d+\) came, 2 here\n',
                       read_until(listen.process.stdout, b'2 here\n')))
read_until(a, b'2 here\n')
listen.process.stdin.write(b'half a ')
listen.process.stdin.write(b'line\x07\nanother\n')
tap.equal('our lines come with the number 0, escaped as all are',
          [read_until(sock, b'another\n') for sock in (a, b)],
          [b'0: half a line\\x07\n0: another\n'] * 2)
b.sendall('grüße\\n\x1b[31m\n'.encode())
wanted = '2: grüße\\\\n\\x1b[31m\n'.encode()
tap.equal('what is shown to us is what the others get',
          (read_until(a, b'\n'), read_until(listen.process.stdout, b'\n')), (wanted,) * 2)
leave(listen, (a, b))

# --- at a terminal

screen = Screen('--chat', '127.0.0.1:0', command='listen')
found = netns.wait_until('it listens', lambda: re.search(
    r'listening on 127.0.0.1:(\d+)/', ' '.join(screen.lines())))
a = socket.create_connection(('127.0.0.1', int(found[1])), 10)
netns.wait_until('it is there', lambda: 'came, 1 here' in ' '.join(screen.lines()))
screen.type('good morning')
screen.press('Enter')
tap.equal('at a terminal: a line that is typed', read_until(a, b'\n'), b'0: good morning\n')
a.sendall('grüße\n'.encode())
screen.shows('and the answer is shown', 'good morning', '1: grüße')
a.close()
screen.press('C-c')
screen.ends('^C ends it', 0)

# --- in the background of a terminal

pid, terminal = pty.fork()
if pid == 0:
    log, job = (f'{netns.scratch()}/{name}' for name in ('log', 'job'))
    os.execvp('bash', ['bash', '-c', f'set -m; "$0" listen --chat 127.0.0.1:0 </dev/tty 2>{log} & '
                       f'echo $! >{job}; wait', netns.SONDE])


def read(name):
    path = f'{netns.scratch()}/{name}'
    return open(path, encoding='utf-8').read() if os.path.exists(path) else ''


found = netns.wait_until('it listens', lambda: re.search(r':(\d+)/tcp', read('log')))
job = int(netns.wait_until('its number', lambda: read('job')))
os.write(terminal, b'for the shell\n')
a, b = (socket.create_connection(('127.0.0.1', int(found[1])), 10) for _ in range(2))
b.sendall(b'hello\n')
tap.check('a job in the background leaves the terminal alone, and goes on',
          read_until(a, b': hello\n').endswith(b': hello\n'))
for sock in a, b:
    sock.close()
os.kill(job, signal.SIGTERM)
os.close(terminal)
os.waitpid(pid, 0)

# --- an output that nobody reads

listen, (a, b) = room('--broker')
rounds = 0
while 'is not read' not in listen.said() and rounds < 100:
    a.sendall(b'x' * 65535 + b'\n')  # one piece after the other: b keeps up
    read_until(b, b'\n', 65536)
    rounds += 1
tap.check('an output that is not read keeps nobody from talking, and it says so',
          'standard output is not read' in listen.said(), listen.said())
b.sendall(b'still\n')
tap.equal('the clients go on', read_until(a, b'still\n'), b'still\n')
leave(listen, (a, b))

# --- how many

listen = Listen('--max-clients', '2', '--exec', 'cat')
a, b, c = (listen.join() for _ in range(3))
for sock in a, b:
    sock.sendall(b'x')
tap.equal('--max-clients alone: many clients', (a.recv(1), b.recv(1)), (b'x', b'x'))
c.sendall(b'c')
a.close()
tap.equal('and the next one when one has left', c.recv(1), b'c')
b.close()
c.close()
netns.wait_until('all have left', lambda: listen.said().count('closed after') == 3)
tap.equal('it still listens', (listen.process.poll(), listen.end()), (None, 0))
done = netns.run([netns.SONDE, 'listen', '-m', '2', '--crlf', '5000'])
tap.check('--crlf is for one client', done.returncode == 2 and '--max-clients' in done.stderr,
          done.stderr)

tap.done()
