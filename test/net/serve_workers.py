#!/usr/bin/python3
"""`sonde serve` with several workers, with busy polling, with clients that vanish and with
very many that are idle.

    clients ---- lo ---- sonde serve
    client namespace ---- veth 10.77.0.0/24 ---- sonde serve
"""

import json
import os
import re
import resource
import signal
import socket
import subprocess
import time

import netns
from serving import Server, read_all, read_exactly, reply, request, tcp, udp
from tap import tap

netns.enter()

IS_SANITIZED = 'ASAN_OPTIONS' in os.environ


def ask(sock, number=1):
    sock.sendall(request(number, 'Summe', number, 2))
    if sock.type == socket.SOCK_DGRAM:
        return sock.recv(100) == reply(number, number + 2)
    return read_exactly(sock, 8) == reply(number, number + 2)


def times_ns(pid):
    """What each thread has used of its CPU."""
    used = []
    for tid in sorted(map(int, os.listdir(f'/proc/{pid}/task'))):
        with open(f'/proc/{pid}/task/{tid}/schedstat', encoding='ascii') as file:
            used.append(int(file.read().split()[0]))
    return used


# --- workers

server = Server('calc@:0', 'echo@:0', '--workers', '3')
port = server.ports[0]
# It says that it listens before its threads run.
netns.wait_until('three threads', lambda: len(times_ns(server.pid)) >= 3)
before = times_ns(server.pid)
tap.equal('--workers 3: three threads', len(before), 3)
tap.equal('each socket is named once', len(server.sockets()), 8)
good = 0
for i in range(240):
    with tcp(port, ('127.0.0.1', '::1')[i % 2]) as sock:
        good += all(ask(sock, k) for k in range(5))
tap.equal('240 clients, 5 requests each', good, 240)
good = 0
for i in range(60):
    with udp(port) as sock:
        good += ask(sock, i)
tap.equal('60 clients over UDP', good, 60)
used = [after - b for after, b in zip(times_ns(server.pid), before)]
tap.check('each worker has its part of them', min(used) > sum(used) / 12, used)


def numbers():
    return sorted(int(m[1]) for m in (re.search(r'#(\d+): accepted', line)
                                      for line in list(server.lines)) if m)


netns.wait_until('all of the log', lambda: len(numbers()) >= 240)
tap.equal('each connection has a number of its own', numbers(), list(range(1, 241)))
for words in ((), ('--workers', '2'), ('--workers', '3')):
    for transport in ('tcp', 'udp'):
        second = netns.run([netns.SONDE, 'serve', f'calc@:{port}/{transport}', *words])
        tap.check(f'a second server on the port is refused: {transport} {" ".join(words)}',
                  second.returncode == 4 and 'EADDRINUSE' in second.stderr and
                  f'(process {server.pid})' in second.stderr, second.stderr)
busy = [tcp(port) for _ in range(30)]
stream = b''.join(request(i, 'Summe', i) for i in range(100))
for sock in busy:
    sock.sendall(stream)
netns.wait_until('all to be read',
                 lambda: server.received() >= 30 * len(stream) + 260 * 18)
server.process.send_signal(signal.SIGTERM)
answers = b''.join(reply(i, i) for i in range(100))
tap.check('SIGTERM: every worker answers what was read',
          all(read_all(sock) == answers for sock in busy))
status, lines, errors = server.wait()
tap.equal('and all of them end', (status, errors), (0, ''))
tap.equal('the totals add up', lines[-1], 'served 270 clients and 60 datagrams: '
          f'{240 * 5 + 60 + 3000} requests answered, 0 refused')

log = os.path.join(netns.scratch(), 'log')
with open(log, 'w', encoding='utf-8') as file:
    server = netns.background([netns.SONDE, 'serve', '--json', '--workers', '4',
                               'calc@127.0.0.1:0/tcp'], stdout=file)


def events_so_far():
    with open(log, encoding='utf-8') as file:
        return [json.loads(line) for line in file if line.endswith('\n')]


netns.wait_until('it to listen', lambda: len(events_so_far()) == 2)
socks = [tcp(events_so_far()[1]['port']) for _ in range(40)]
for _ in range(20):
    for sock in socks:
        sock.sendall(request(1, 'Summe', 1, 2))
for sock in socks:
    read_exactly(sock, 160)
    sock.close()
server.send_signal(signal.SIGTERM)
status = server.wait(60)
events = events_so_far()
times = [event['at_ns'] for event in events[1:]]
tap.check('--json: the lines of four workers are whole, and their times in order',
          times == sorted(times) and events[-1]['event'] == 'summary' and
          events[-1]['answered'] == 800 == sum(event.get('requests', 0) for event in events),
          events[-1])
tap.equal('exit status 0', status, 0)

server = Server('calc@:0', '--workers', '4', '--max-clients', '4')
served = True
for _ in range(5):
    clients = [tcp(server.ports[0]) for _ in range(4)]
    served = all([ask(sock, 1) for sock in clients]) and served
    for sock in clients:
        sock.close()
    netns.wait_until('their end', lambda: sum('accepted' in line for line in server.lines) ==
                     sum(': closed' in line for line in server.lines))
tap.check('--max-clients: as many are served, whichever workers have them', served)
server.stop()
server = Server('calc@:0', '--workers', '2', '--max-clients', '2')
first = [tcp(server.ports[0]) for _ in range(30)]
for i, sock in enumerate(first):
    sock.sendall(request(i, 'Summe', i))
netns.wait_until('clients', lambda: len([l for l in server.lines if 'accepted' in l]) >= 2)
time.sleep(0.3)
tap.equal('--max-clients is shared out: no more than two at once',
          len([line for line in server.lines if 'accepted' in line]), 2)
server.stop()
server = Server('calc@:0', '--workers', '2')
server.stop(signal.SIGINT)
tap.equal('SIGINT before the first client', server.process.returncode, 0)
tap.equal('--for', netns.run([netns.SONDE, 'serve', 'calc@:0', '--workers', '3', '--for', '50ms',
                              '-q']).returncode, 0)

# --- busy polling

server = Server('calc@:0/tcp', '--busy-poll', '120s', listening=2)
with tcp(server.ports[0]) as sock:
    good = all(ask(sock, i) for i in range(100))
    cpu = server.cpu_s()
    netns.wait_until('it to be busy with nothing', lambda: server.cpu_s() - cpu > 0.1)
    tap.check('--busy-poll: serves, and does not sleep', good)
started = time.monotonic()
status = server.stop()[0]
tap.check('and ends before its time is over', status == 0 and time.monotonic() - started < 60,
          status)
server = Server('calc@:0/tcp', '--busy-poll', '1ms', '--idle-timeout', '2s', listening=2)
with tcp(server.ports[0]) as sock:
    good = ask(sock)
    cpu = server.cpu_s()
    tap.check('after its time it waits, and deadlines are kept',
              good and read_all(sock) == b'' and server.cpu_s() - cpu < 0.1)
server.stop()

# --- clients that vanish

other = netns.background(['unshare', '-n', 'sleep', 'infinity'])
own = os.readlink('/proc/self/ns/net')
netns.wait_until('the namespace', lambda: os.readlink(f'/proc/{other.pid}/ns/net') != own)
for words in (f'link add veth0 type veth peer name veth1 netns {other.pid}',
              'address add 10.77.0.1/24 dev veth0', 'link set veth0 up'):
    subprocess.run(['ip', *words.split()], check=True)
there = ['nsenter', '-t', str(other.pid), '-n']
for words in ('address add 10.77.0.2/24 dev veth1', 'link set veth1 up'):
    subprocess.run([*there, 'ip', *words.split()], check=True)
server = Server('echo@10.77.0.1:0/tcp', '--keepalive', '4s', listening=1)
client = netns.background([*there, 'ncat', '10.77.0.1', str(server.ports[0])],
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE)
client.stdin.write(b'hello\n')
client.stdin.flush()
client.stdout.readline()
idle_fds = server.fds()
time.sleep(5)
tap.check('--keepalive 4s: a silent client that is there stays', server.fds() == idle_fds and
          not server.find_line('closed'))
subprocess.run([*there, 'ip', 'link', 'set', 'veth1', 'down'], check=True)
started = time.monotonic()
closed = netns.wait_until('the client to be closed', lambda: server.find_line('closed: .*'))
took = time.monotonic() - started
tap.check('one that vanished without a FIN is closed, within about that time', took < 15, took)
tap.check('and the log says how', 'ETIMEDOUT' in closed[0] or 'EHOSTUNREACH' in closed[0],
          closed[0])
tap.equal('its descriptor is free again', server.fds(), idle_fds - 1)
server.stop()
other.kill()
other.wait()

# --- very many that are idle

IDLE = 4000
limits = resource.getrlimit(resource.RLIMIT_NOFILE)
resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
count = min(IDLE, limits[1] - 200)
server = Server('calc@:0/tcp', '-q', '--backlog', '4096', listening=2)
socks = [tcp(server.ports[0]) for _ in range(20)]
good = all(ask(sock) for sock in socks)


def private_kib(pid):
    with open(f'/proc/{pid}/smaps_rollup', encoding='ascii') as file:
        return int(re.search(r'Private_Dirty:\s+(\d+)', file.read())[1])


before = private_kib(server.pid)
base = server.fds()
socks += [tcp(server.ports[0]) for _ in range(count)]
netns.wait_until('all to be in', lambda: server.fds() == base + count)
good = good and all(ask(sock) for sock in socks[::50])
each = (private_kib(server.pid) - before) * 1024 / count
print(f'# {count} idle connections: {each:.0f} bytes of user memory each')
tap.check('an idle connection has at most 512 bytes of user memory',
          good and (each <= 512 or IS_SANITIZED), each)
server.stop()
tap.done()
