#!/usr/bin/python3
"""The sandbox of `sonde serve`: what a served process can still do, tried from inside of it.

    inject --ptrace--> sonde serve      executes system calls in the server's own threads

The same calls in a process without a sandbox show that the injection works.

LeakSanitizer: off (injected into, traced, and in a sandbox)
"""

import errno
import os
import re

import netns
from serving import Server, read_exactly, reply, request, tcp, udp
from tap import tap

netns.enter()

INJECT = os.path.join(os.path.dirname(netns.SONDE), 'test', 'net', 'inject')


def status(pid):
    with open(f'/proc/{pid}/status', encoding='ascii') as file:
        return dict(line.rstrip('\n').split(':\t', 1) for line in file if ':\t' in line)


def threads(pid):
    return sorted(map(int, os.listdir(f'/proc/{pid}/task')))


def sleeps(tid):
    """In a system call that waits: only there can one be put in its place."""
    with open(f'/proc/{tid}/syscall', encoding='ascii') as file:
        return re.match(r'\d+ ', file.read())


def inject(pid, tid):
    netns.wait_until('the thread to wait', lambda: sleeps(tid))
    done = netns.run([INJECT, str(pid), str(tid)])
    if done.returncode != 0:
        return {'failed': done.stderr}
    return {name: int(result) for name, result in map(str.split, done.stdout.splitlines())}


def ask(sock):
    sock.sendall(request(1, 'Summe', 1, 2))
    return (sock.recv(100) if sock.type else b'') == reply(1, 3)


# --- without a sandbox they succeed

free = netns.background(['sleep', 'infinity'])
results = inject(free.pid, free.pid)
tap.check('without a sandbox: a file is opened, a socket made, a program executed',
          results.get('getpid') == free.pid and results.get('openat', -1) >= 0 and
          results.get('socket', -1) >= 0 and results.get('mmap-exec', -1) > 0 and
          results.get('execve') == 0, results)

# --- inside of the server


def sandboxed(title, *words):
    server = Server('calc@:0', *words)
    port = server.ports[0]
    with tcp(port) as before:
        good = ask(before)
        state = status(server.pid)
        tap.equal(f'{title}: no new privileges, a filter in force',
                  (state['NoNewPrivs'], state['Seccomp']), ('1', '2'))
        for number, tid in enumerate(threads(server.pid)):
            state = status(tid)
            tap.equal(f'{title}: thread {number} too',
                      (state['NoNewPrivs'], state['Seccomp']), ('1', '2'))
            results = inject(server.pid, tid)
            tap.equal(f'{title}: thread {number}: what serving needs is permitted',
                      results.pop('getpid', results), server.pid)
            wrong = {name: result for name, result in results.items()
                     if result != -errno.EPERM}
            tap.check(f'{title}: thread {number}: no open, execve, socket, clone ...: EPERM',
                      len(results) == 12 and not wrong, results)
        tap.check(f'{title}: a client of before and a new one are served on',
                  good and ask(before) and ask(tcp(port)) and ask(udp(port)))
    tap.equal(f'{title}: a clean end', server.stop()[0::2], (0, ''))


sandboxed('one thread')
sandboxed('three workers', '--workers', '3')

# --- traced

for _ in range(5):  # on a busy machine the server may not listen yet when its client starts
    traced = netns.run([netns.SONDE, 'trace', '--json', '--with',
                        f'{netns.SONDE} serve calc@127.0.0.1:50000/tcp', '--',
                        netns.SONDE, 'calc', 'sum', '40', '2'])
    if traced.returncode == 0:
        break
tap.check('`sonde trace` sees the calls of a server in its sandbox',
          traced.returncode == 0 and '"accept4"' in traced.stdout,
          (traced.returncode, traced.stdout[-2000:], traced.stderr))

# --- root

server = Server('calc@:0', '-v')
state = status(server.pid)
errors = server.stop()[2]
if '0' in state['Uid'].split():
    tap.check('root of a namespace that has no nobody stays so, and it is said',
              'sandbox: stays root: the user namespace has no user 65534' in errors, errors)
else:
    tap.equal('root has become nobody', state['Uid'].split(), ['65534'] * 4)
tap.check('-v says what is given up', 'can open no file, start no program' in errors, errors)
tap.done()
