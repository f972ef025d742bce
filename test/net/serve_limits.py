#!/usr/bin/python3
"""`sonde serve` under strain: clients that vanish, that do not read, that are too many; few
descriptors; a signal in the middle of the work; a reader of the log that goes away.

    clients ---- lo ---- sonde serve
"""

import contextlib
import os
import select
import signal
import socket
import struct
import subprocess
import time

import netns
from serving import Server, read_all, read_exactly, reply, request, tcp, udp
from tap import tap

netns.enter()


def ask(sock, number=1):
    sock.sendall(request(number, 'Summe', number, 2))
    if sock.type == socket.SOCK_DGRAM:
        return sock.recv(100) == reply(number, number + 2)
    return read_exactly(sock, 8) == reply(number, number + 2)


def reset(sock):
    """Closes with a RST."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    sock.close()


def cpu_share(server):
    """What it uses of a CPU, for a second."""
    started, cpu = time.monotonic(), server.cpu_s()
    time.sleep(1)
    return (server.cpu_s() - cpu) / (time.monotonic() - started)


def fill(sock, chunk):
    """Sends until nobody takes any more for a while; returns how much was taken."""
    sent = 0
    sock.settimeout(0.5)
    while True:
        try:
            sent += sock.send(chunk[sent % len(chunk):])
        except socket.timeout:
            sock.settimeout(60)
            return sent


# --- clients that leave

server = Server('calc@:0', 'echo@:0')
calc, echo = server.ports
with tcp(calc) as sock:
    ask(sock)
netns.wait_until('the first client to be closed', lambda: server.find_line('closed'))
idle_fds = server.fds()
socks = [tcp((calc, echo)[i % 2]) for i in range(200)]
for i, sock in enumerate(socks):
    sock.sendall(request(i, 'Summe', *range(200))[:100 + i])
with udp(echo) as sock:
    sock.send(b'ping')
    sock.recv(10)
netns.wait_until('all of them to be in', lambda: server.fds() == idle_fds + len(socks))
for i, sock in enumerate(socks):
    if i % 3 == 0:
        reset(sock)
    elif i % 3 == 1:
        sock.shutdown(socket.SHUT_WR)
    else:
        sock.close()
netns.wait_until('all descriptors to be free again', lambda: server.fds() == idle_fds)
tap.equal('200 clients leave in the middle, by FIN, RST and half-close: nothing is left',
          server.fds(), idle_fds)
for sock in socks:
    sock.close()

# --- a client that does not read

rss_before = server.rss_kib()
pattern = os.urandom(1 << 16)
slow = tcp(echo)
sent = fill(slow, pattern)
tap.check('who does not read is not read from', sent < 64 << 20, sent)
tap.check('and takes little memory of ours', server.rss_kib() - rss_before < 4096,
          (rss_before, server.rss_kib()))
cpu = server.cpu_s()
with tcp(calc) as sock:
    good = all(ask(sock, i) for i in range(200))
time.sleep(0.5)
tap.check('others are served meanwhile', good)
tap.check('it costs no time to wait for it', server.cpu_s() - cpu < 0.2, server.cpu_s() - cpu)
slow.shutdown(socket.SHUT_WR)
got = read_all(slow)
tap.check('when it reads, it gets every byte', got == (pattern * (sent // len(pattern) + 1))[:sent],
          (len(got), sent))
slow.close()

slow = tcp(calc)
stream = b''.join(request(i, 'Maximum', i) for i in range(4096))
sent = fill(slow, stream)
slow.shutdown(socket.SHUT_WR)
wanted = b''.join(reply(i, i) for i in range(4096)) * (sent // len(stream) + 1)
whole = sent // (len(stream) // 4096)
got = read_all(slow)
tap.check('the same with requests: every whole one is answered, in order',
          got == wanted[:8 * whole], (len(got), 8 * whole))
slow.close()

slow = tcp(echo)
fill(slow, pattern)
fds = server.fds()
reset(slow)
netns.wait_until('it to be freed', lambda: server.fds() == idle_fds)
tap.equal('one that vanishes with everything in flight is freed', server.fds(), fds - 1)

# --- bad input in a flood

with udp(calc) as sock:
    good = 0
    for i in range(60):  # no more at once than the socket's buffer holds
        for size in range(50):
            sock.send(os.urandom(size))
        good += ask(sock, i)
    tap.equal('3000 datagrams of nonsense, a good one after each 50', good, 60)
good = 0
for i in range(300):
    with tcp(calc) as sock:
        sock.sendall(os.urandom(4) + b'Quux' * 50)
        good += read_all(sock) == b''
with tcp(calc) as sock:
    tap.check('300 streams of nonsense, then a good one', good == 300 and ask(sock), good)
tap.equal('all that is said of it is the log', server.stop()[2], '')

# --- a signal in the middle

server = Server('echo@:0/tcp', '-v', listening=2)
slow = tcp(server.ports[0])
sent = fill(slow, pattern)
server.process.send_signal(signal.SIGTERM)
try:
    got = read_all(slow)
except ConnectionResetError:
    got = None
status = server.wait()[0]
owed = server.received()  # as its log says, which is whole now
tap.check('SIGTERM: what was read is answered before the end',
          got is not None and got == (pattern * (owed // len(pattern) + 1))[:owed] and owed > 65536,
          (got and len(got), owed, sent))
tap.equal('and the exit status is 0', status, 0)

server = Server('calc@:0/tcp', listening=2)
busy = tcp(server.ports[0])
stream = b''.join(request(i, 'Summe', i) for i in range(1000))
busy.sendall(stream)
netns.wait_until('all to be read', lambda: server.received() == len(stream))
server.process.send_signal(signal.SIGTERM)
tap.check('1000 requests, then SIGTERM: 1000 answers, and a clean end',
          read_all(busy) == b''.join(reply(i, i) for i in range(1000)))
tap.equal('exit status 0 again', server.wait()[0], 0)

# It would wait for a second for who owes something; a busy machine may be as slow by itself.
for _ in range(5):
    server = Server('calc@:0/tcp', listening=2)
    idle = [tcp(server.ports[0]) for _ in range(100)]
    ask(idle[0])
    started = time.monotonic()
    status = server.stop()[0]
    took = time.monotonic() - started
    for sock in idle:
        sock.close()
    if took < 0.9:
        break
tap.check('idle clients do not hold it up', status == 0 and took < 0.9, took)

server = Server('echo@:0/tcp', listening=2)
stuck = tcp(server.ports[0])
fill(stuck, pattern)
started = time.monotonic()
status = server.stop()[0]
took = time.monotonic() - started
tap.check('one that never reads holds it up for a second', status == 0 and 0.9 < took < 30, took)
stuck.close()

# --- few descriptors

server = Server('calc@:0', before=['bash', '-c', 'ulimit -n 64; exec "$@"', '-'])
port = server.ports[0]
first = tcp(port)
ask(first)
socks = [tcp(port) for _ in range(120)]
server.wait_line('^calc/tcp: trouble: no file descriptor left')
share = cpu_share(server)
tap.check('no descriptor left (ulimit -n 64): less than 5 % of a CPU', share < 0.05, share)
tap.check('who is in is served on', ask(first, 7))
with udp(port) as sock:
    tap.check('so is UDP', ask(sock, 8))
waiting = socks[-1]
waiting.sendall(request(9, 'Summe', 9))
for sock in socks[:80]:
    sock.close()
tap.equal('who waited comes in when there are free descriptors', read_exactly(waiting, 8), reply(9, 9))
status, lines, errors = server.stop()
troubles = [line for line in lines if 'trouble' in line]
tap.check('one line says so, and one at the end how often it was so',
          (status, errors, len(troubles)) == (0, '', 2) and troubles[1].endswith(' times)'),
          (status, troubles, errors))
server = Server('calc@:0/tcp', '--workers', '3', listening=2,
                before=['bash', '-c', 'ulimit -n 64; exec "$@"', '-'])
socks = [tcp(server.ports[0]) for _ in range(120)]
server.wait_line('trouble: no file descriptor left')
time.sleep(0.3)
share = cpu_share(server)
socks[-1].sendall(request(9, 'Summe', 9))
for sock in socks[:110]:
    sock.close()
tap.check('the same with three workers', read_exactly(socks[-1], 8) == reply(9, 9) and share < 0.05,
          share)
server.stop()
few = subprocess.run(['bash', '-c', 'ulimit -n 8; exec "$@"', '-', netns.SONDE, 'serve',
                      'calc@:0', 'echo@:0'], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                     text=True, timeout=60)
tap.check('too few to start with: exit status 4, and why',
          few.returncode == 4 and 'EMFILE' in few.stderr, (few.returncode, few.stderr))

# --- limits that were asked for

server = Server('calc@:0', '--max-clients', '2', '--backlog', '5')
port = server.ports[0]
a, b, c = tcp(port), tcp(port), tcp(port)
good = ask(a) and ask(b)
c.sendall(request(3, 'Summe', 3))
server.wait_line('trouble: as many clients as allowed')
c.settimeout(0.3)
try:
    c.recv(8)
    waited = False
except socket.timeout:
    waited = True
c.settimeout(60)
a.close()
tap.check('--max-clients: the third waits until one leaves',
          good and waited and read_exactly(c, 8) == reply(3, 3))
server.stop()

server = Server('calc@:0', '--idle-timeout', '2s')
busy, idle, partial = tcp(server.ports[0]), tcp(server.ports[0]), tcp(server.ports[0])
partial.sendall(b'\1\2\3')
good = ask(busy)
while not (select.select([idle], [], [], 0.05)[0] and select.select([partial], [], [], 0)[0]):
    good = good and ask(busy)
tap.check('--idle-timeout: who speaks stays, who is silent is closed',
          read_all(idle) == b'' and read_all(partial) == b'' and good and ask(busy))
tap.check('and the log says why', server.wait_line(r'closed: idle for 2.00 s \('))
server.stop()

# --- a log that nobody reads

server = netns.background([netns.SONDE, 'serve', 'calc@127.0.0.1:0'], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
port = int(server.stdout.readline().split(':')[1].split('/')[0])
server.stdout.close()
with contextlib.suppress(OSError), tcp(port) as sock:  # its end may be quicker than the answer
    ask(sock)
tap.equal('the reader of the log goes away: a quiet end', (server.wait(60), server.stderr.read()),
          (0, ''))
full = netns.run(['bash', '-c', f'"{netns.SONDE}" serve calc@:0 --for 200ms >/dev/full'])
tap.check('a log that cannot be written: exit status 4, and why',
          full.returncode == 4 and 'ENOSPC' in full.stderr, (full.returncode, full.stderr))
closed = netns.run(['bash', '-c', f'"{netns.SONDE}" serve calc@:0 --for 200ms <&-'])
tap.equal('a closed standard input is none of its business', (closed.returncode, closed.stderr),
          (0, ''))
# Closed, its number would be that of the next socket, and the log would go there.
closed = netns.run(['bash', '-c', f'"{netns.SONDE}" serve calc@:0 --for 200ms >&-'])
tap.check('a closed standard output: exit status 4, and why', closed.returncode == 4 and
          'write standard output: Bad file descriptor (EBADF)' in closed.stderr,
          (closed.returncode, closed.stderr))
longest = netns.run([netns.SONDE, 'serve', '-q', 'calc@:0', '--keepalive', '12h', '--for', '10ms'])
tap.equal('the longest --keepalive is one that the kernel takes',
          (longest.returncode, longest.stderr), (0, ''))
quiet = Server('calc@:0', '-q')
with tcp(quiet.ports[0]) as sock:
    ask(sock)
tap.equal('-q: where it listens and what was served', len(quiet.stop()[1]), 5)
tap.done()
