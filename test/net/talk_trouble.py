#!/usr/bin/python3
"""`sonde connect` and `sonde listen` in trouble: full disks, closed descriptors, none left,
readers that went away, peers that reset; and by the habits of who knows nc, ncat and socat.
One clear line each, and the right status."""

import json
import os
import re
import resource
import socket
import struct
import subprocess
import time

import netns
from talking import Listen, Peer, blob, connect, echo, until_end
from tap import tap

netns.enter()
SONDE = netns.SONDE
FULL = ('sonde: write standard output: No space left on device (ENOSPC)\n'
        'hint: what was received is not complete\n')


def said(listen):
    """Without the addresses."""
    return ''.join(line for line in open(listen.log, encoding='utf-8')
                   if not re.match(r'sonde: (listening|client)', line))


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    sock.close()


def shell(script, *words):
    return netns.run(['bash', '-c', script, 'bash', *map(str, words)])


# --- full disks

for name, words in ('one client', []), ('many', ['-k']), ('TLS', ['--tls']):
    with open('/dev/full', 'wb') as full:
        listen = Listen(*words, stdout=full)
    secured = ['--tls', '--insecure'] if name == 'TLS' else []
    connect(*secured, '127.0.0.1', listen.port, input=bytes(100000))
    text = said(listen)
    tap.check(f'listen, {name}, a full disk: status 4, one line',
              listen.process.wait(60) == 4 and 'standard output: No space left' in said(listen) and
              said(listen).count('sonde: write') == 1, said(listen))

# What was written is compared inside: the file system goes with its namespace.
small = netns.scratch()
data = blob(1000000)
with open(f'{small}/sent', 'wb') as file:
    file.write(data)
WITHIN = ('mkdir "$1/small"; mount -t tmpfs -o size=256k tmpfs "$1/small" || exit 99; '
          '{} >"$1/small/got"; status=$?; '
          'cmp -n "$(stat -c %s "$1/small/got")" "$1/small/got" "$1/sent" && '
          '[ -s "$1/small/got" ] && exit $status')
many = Peer(lambda sock: sock.sendall(data))
done = netns.run(['unshare', '-m', 'sh', '-c', WITHIN.format('"$0" connect 127.0.0.1 "$2" </dev/null'),
                  SONDE, small, str(many.port)])
tap.equal('a file system that becomes full: what fitted is there', (done.returncode, done.stderr),
          (4, FULL))
os.rmdir(f'{small}/small')
process = netns.background(['unshare', '-m', 'sh', '-c', WITHIN.format(
    '"$0" listen -q 127.0.0.1:5019 </dev/null'), SONDE, small], stderr=subprocess.PIPE, text=True)
netns.wait_for_port('tcp', 5019)
connect('127.0.0.1', 5019, input=data)
tap.equal('the same of a listener', (process.wait(60), process.stderr.read()), (4, FULL))

with open('/dev/full', 'wb') as full:
    process = netns.background([SONDE, 'listen', '-k', '--json', '127.0.0.1:5020'], stdout=full,
                               stdin=subprocess.DEVNULL, stderr=subprocess.PIPE)
tap.equal('--json that cannot be printed ends a listener',
          (process.wait(60), process.stderr.read().count(b'ENOSPC')), (4, 1))
with open('/dev/full', 'wb') as full, open('/dev/zero', 'rb') as zero:
    done = connect('--json', '127.0.0.1', Peer(until_end).port, stdin=zero, stdout=full)
tap.equal('and a client that would go on for ever',
          (done.returncode, done.stderr.count(b'ENOSPC')), (4, 1))

# --- readers that went away

process = netns.background([SONDE, 'listen', '-k', '--json', '127.0.0.1:5021'],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE)
tap.equal('a reader of --json', json.loads(process.stdout.readline())['event'], 'start')
netns.wait_for_port('tcp', 5021)
process.stdout.close()
connect('127.0.0.1', 5021)
tap.equal('that has seen enough ends it quietly', (process.wait(60), process.stderr.read()),
          (0, b''))
listen = Listen('-k', stdin=subprocess.DEVNULL)
listen.process.stdout.close()
connect('127.0.0.1', listen.port, input=b'nobody reads this')
tap.equal('many clients, and nobody reads', listen.process.wait(60), 0)

# --- closed descriptors

peer = Peer(lambda sock: (sock.sendall(b'answer'), until_end(sock)))
tap.equal('standard input that was closed is at its end',
          shell('"$1" connect 127.0.0.1 "$2" <&-; echo $?', SONDE, peer.port).stdout, 'answer0\n')
done = shell('"$1" connect 127.0.0.1 "$2" </dev/null >&-; echo $? >&2', SONDE, peer.port)
tap.check('standard output that was closed takes nothing',
          done.stderr.startswith('sonde: write standard output: Bad file descriptor (EBADF)') and
          done.stderr.endswith('4\n'), done.stderr)
tap.equal('standard error that was closed',
          shell('"$1" connect -v 127.0.0.1 "$2" </dev/null 2>&-; echo $?', SONDE,
                peer.port).stdout, 'answer0\n')
process = netns.background(['bash', '-c', '"$0" listen 127.0.0.1:5022 <&- >&- 2>&-; '
                            'echo $? >"$1"', SONDE, f'{netns.scratch()}/status'])
netns.wait_for_port('tcp', 5022)
connect('127.0.0.1', 5022)
process.wait(60)
with open(f'{netns.scratch()}/status', encoding='ascii') as file:
    tap.equal('a listener with all of them closed', file.read(), '0\n')

# --- no descriptor is left

def leave(listen, count):
    """So many descriptors, and no more, for what comes."""
    taken = {int(name) for name in os.listdir(f'/proc/{listen.process.pid}/fd')}
    free = [number for number in range(100) if number not in taken]
    resource.prlimit(listen.process.pid, resource.RLIMIT_NOFILE,
                     (free[count], resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


target = Peer(lambda sock: [sock.sendall(piece) for piece in iter(lambda: sock.recv(99), b'')])
listen = Listen('-k', '--to', f'127.0.0.1:{target.port}')
leave(listen, 5)  # a client has 2: the third gets one for itself alone
crowd = [listen.join() for _ in range(12)]
for sock in crowd:
    sock.sendall(b'x')
netns.wait_until('it says why', lambda: 'ulimit -n' in listen.said())


def serve_crowd():
    """How many get an answer, each when those before it have left."""
    served = 0
    while crowd:
        for sock in list(crowd):
            sock.settimeout(0.05)
            try:
                served += sock.recv(1) == b'x'
            except TimeoutError:
                continue
            except ConnectionError:
                pass
            sock.close()
            crowd.remove(sock)
    return served


served = serve_crowd()
tap.check('a relay without descriptors: all wait until there is room, and none is reset',
          served == 12, (served, listen.said()))


def answer_to_new():
    """Nothing while it holds what the crowd had."""
    with listen.join() as client:
        try:
            client.sendall(b'y')
            return client.recv(1)
        except ConnectionError:
            return b''


tap.equal('and has room again', netns.wait_until('an answer', answer_to_new), b'y')
listen.end()


def is_said_seldom(words, began):
    """Once in ten seconds."""
    return 1 <= len(re.findall(words, listen.said())) <= 1 + (time.monotonic() - began) / 10


began = time.monotonic()
listen = Listen('-k', '--exec', 'cat')
leave(listen, 9)  # one client has 4 in the end, and needs 6 to begin
crowd = [listen.join() for _ in range(8)]
for sock in crowd:
    sock.sendall(b'x')
netns.wait_until('it says why', lambda: 'ulimit -n' in listen.said())
served = serve_crowd()
tap.check('a command for each client, without descriptors: the same', served == 8 and
          is_said_seldom('a client has to wait: Too many open files; ulimit -n', began),
          (served, listen.said()))
listen.end()


def outcome_of(listen):
    try:
        with listen.join() as client:
            return client.recv(1)
    except ConnectionError:
        return 'reset'



listen = Listen('-k', '--exec', 'cat')
leave(listen, 3)
began = time.monotonic()
tap.equal('where nobody is there whose descriptors could come free: reset',
          [outcome_of(listen) for _ in range(2)], ['reset'] * 2)
tap.check('and why, once', is_said_seldom(
    r'sonde: client \d \(127\.0\.0\.1:\d+\) did not get its command: Too many open files '
    r'\(EMFILE\); ulimit -n sets', began), listen.said())
tap.equal('and it goes on', (listen.process.poll(), listen.end()), (None, 0))

listen = Listen('--exec', 'cat')
leave(listen, 3)
outcome_of(listen)
tap.check('the only client: status 4, and what helps', listen.process.wait(60) == 4 and re.search(
    r'sonde: run cat: Too many open files \(EMFILE\)\nhint: ulimit -n sets', listen.said()),
          listen.said())

dead = socket.create_server(('127.0.0.1', 0))
dead_port = dead.getsockname()[1]
dead.close()
listen = Listen('-k', '--to', f'127.0.0.1:{dead_port}')
began = time.monotonic()
for _ in range(3):
    outcome_of(listen)
netns.wait_until('three have gone', lambda: listen.said().count('closed after') == 3)
tap.check('a relay to where nobody listens says so, not for each client', is_said_seldom(
    rf'sonde: client \d \(127\.0\.0\.1:\d+\) cannot be relayed to 127\.0\.0\.1:{dead_port}: '
    rf'Connection refused \(ECONNREFUSED\); nothing listens there; `sonde listen {dead_port}` '
    r'would\n', began), listen.said())
listen.end()

# --- one client that does not end in order: why, without -v

listen = Listen()
reset(listen.join())
tap.equal('a client that resets', (listen.process.wait(60), said(listen).count('ECONNRESET')),
          (1, 1))
listen = Listen('--to', '127.0.0.1:1')
try:
    listen.join().recv(1)
except ConnectionError:
    pass
tap.check('one that cannot be relayed', listen.process.wait(60) == 1 and re.fullmatch(
    r'sonde: relay to 127\.0\.0\.1:1: Connection refused \(ECONNREFUSED\)\n'
    r'hint: nothing listens there; `sonde listen 1` would\n', said(listen)),
          said(listen))

listen = Listen('--exec', 'cat', '--idle-timeout', '200ms')
stuck = listen.join()
tap.check('a client that never says a word', listen.process.wait(60) == 1 and
          'nothing came or went for too long' in said(listen), said(listen))
stuck.close()
listen = Listen('--exec', 'cat /dev/zero', '--idle-timeout', '300ms')
stuck = listen.join()
tap.check('one that never reads', listen.process.wait(60) == 1 and
          'nothing came or went for too long' in said(listen), said(listen))
stuck.close()

# --- a link-local address without its interface

for words, what in ((['connect', 'fe80::1', '1'], r'connect \[fe80::1\]:1/tcp'),
                    (['connect', '-u', 'fe80::1', '1'], r'connect \[fe80::1\]:1/udp'),
                    (['listen', '-k', '--to', '[fe80::1]:1', '127.0.0.1:0'], 'relay to .*')):
    done = netns.run([SONDE, *words])
    tap.check(f'{" ".join(words)}: what is missing', done.returncode == 2 and re.fullmatch(
        f'sonde: {what}: a link-local address needs its interface \\(EINVAL\\)\n'
        r"hint: write fe80::1%eth0, with the interface's name\n", done.stderr), done.stderr)

# --- a socket that is connected with itself

done = connect('--bind', '127.0.0.1:50007', '127.0.0.1', 50007)
tap.check('nobody listens, but the local port is the same one',
          done.returncode == 1 and b'with itself' in done.stderr, done.stderr)

# --- habits

for words, hint in (
        (['listen', '-l', '5000'], 'it listens anyway: sonde listen PORT'),
        (['listen', '-lvnp', '5000'], 'it listens anyway: sonde listen PORT'),
        (['listen', '-p', '5000'], 'the port stands alone: sonde listen PORT'),
        (['listen', '--sh-exec', 'cat', '5000'], '--exec CMD'),
        (['listen', '--ssl', '5000'], '--tls'),
        (['connect', '-l', '5000'], 'sonde listen PORT waits for a peer'),
        (['connect', '-z', 'localhost', '80'], 'sonde scan -p PORT HOST'),
        (['connect', '-w', '3', 'localhost', '80'], '--timeout 5s'),
        (['connect', '-N', 'localhost', '80'], 'leave it out'),
        (['connect', '--ssl', 'localhost', '443'], '--tls'),
        (['connect', '--tsl', 'localhost', '443'], 'did you mean --tls?')):
    done = netns.run([SONDE, *words])
    tap.check(f'{" ".join(words)}: what it is called here', done.returncode == 2 and
              hint in done.stderr and done.stderr.count('\n') == 2, done.stderr)

peer = Peer(echo)
with open('/etc/services', 'rb') as file:
    services = file.read()
with open('/etc/services', 'rb') as file:
    done = connect('127.0.0.1', peer.port, stdin=file)
tap.equal('connect HOST PORT < file', (done.returncode, done.stdout == services), (0, True))
for words, shown in ((['127.0.0.1', '0'], r'127\.0\.0\.1:\d+'), (['::1', '0'], r'\[::1\]:\d+'),
                     (['[::1]', '0'], r'\[::1\]:\d+'), (['localhost', '0'], r'127\.0\.0\.1:\d+'),
                     (['127.0.0.2', 'postgresql'], r'127\.0\.0\.2:5432')):
    listen = Listen(*words[:-1], where=words[-1])
    tap.check(f'listen {" ".join(words)}', re.search(f'listening on {shown}/tcp', listen.said()),
              listen.said())
    listen.end()
done = netns.run([SONDE, 'listen', '127.0.0.1', '5000', '5001'])
tap.check('one address is enough', done.returncode == 2 and '5001: one address' in done.stderr,
          done.stderr)

tap.done()
