#!/usr/bin/python3
"""Malformed requests without number: random, cut and mutated ones, over TCP and UDP, to every
service and dialect.  After each piece of them the next valid request is answered; at the end
the server has grown by nothing and holds no descriptor.

    malformed.py [COUNT [SEED]]     without COUNT 50000; `./dev soak` sends a million

    clients ---- lo ---- sonde serve -q
"""

import os
import random
import socket
import struct
import sys

import netns
from serving import Server, read_exactly, reply, request, tcp, udp
from tap import tap

netns.enter()
if 'ASAN_OPTIONS' in os.environ:  # what it keeps back of freed memory would look like growth
    os.environ['ASAN_OPTIONS'] += ':quarantine_size_mb=0:thread_local_quarantine_size_kb=0'

COUNT = int(sys.argv[1]) if len(sys.argv) > 1 else 50000
SEED = int(sys.argv[2]) if len(sys.argv) > 2 else 1
PIECE = 500  # requests between two valid ones
STREAMS = 16  # requests that one connection sends
chance = random.Random(SEED)

SERVICES = ('calc@:0', 'echo@:0', 'upper@:0', 'rot13@:0', 'reverse@:0', 'tell@:0', 'discard@:0',
            'daytime@:0', 'time@:0', 'qotd@:0', 'chargen@:0',
            *(f'calc@:0,dialect={dialect},order={order},on-error={policy}'
              for dialect, order, policy in (
                  ('fixed7', 'be', 'close'), ('fixed8', 'auto', 'wrap'), ('fixed10', 'le', 'zero'),
                  ('fixed64', 'be', 'saturate'), ('three', 'auto', 'zero'), ('one', 'auto', 'wrap'),
                  ('lenprefix', 'le', 'saturate'))))
server = Server('-q', *SERVICES, listening=4 * len(SERVICES))
ports = server.ports
calc = ports[0]
mixed = [port for port in ports if port != ports[10]]  # chargen's datagrams are checked apart

WORDS = ('Summe', 'Produkt', 'Minimum', 'Maximum', 'SUM', 'Max', 's', 'a', 'Summe\0\0\0')


def valid():
    count = chance.choice((0, 1, 2, 3, 10, 255))
    numbers = [chance.choice((0, 1, -1, 2**31 - 1, -2**31, chance.getrandbits(31)))
               for _ in range(count)]
    return request(chance.getrandbits(32), chance.choice(WORDS), *numbers,
                   order=chance.choice('<>'))


def malformed():
    kind = chance.randrange(3)
    if kind == 0:
        return chance.randbytes(chance.choice((0, 1, 4, 5, 11, 12, 40, 200, 1032, 2000)))
    data = bytearray(valid())
    if kind == 1:
        return bytes(data[:chance.randrange(len(data) + 1)])
    for _ in range(chance.randrange(1, 6)):
        data[chance.randrange(min(len(data), 24))] = chance.getrandbits(8)
    return bytes(data)


def is_alive():
    number = chance.getrandbits(31)
    good = []
    with tcp(calc) as sock:
        sock.sendall(request(number, 'Summe', 40, 2))
        good.append(read_exactly(sock, 8) == reply(number, 42))
    with udp(calc) as sock:
        sock.send(request(number, 'Maximum', 40, 2))
        good.append(sock.recv(100) == reply(number, 40))
    return all(good)


def drain(sock):
    try:
        while True:
            sock.recv(65536, socket.MSG_DONTWAIT)
    except (BlockingIOError, ConnectionError):
        pass


def send_datagrams(count):
    for _ in range(count):
        data = malformed()
        sender.sendto(data, ('127.0.0.1', chance.choice(ports)))
    drain(sender)


def send_streams(count):
    """A few connections, each with malformed requests until the server closes it."""
    sent = 0
    while sent < count:
        sock = socket.create_connection(('127.0.0.1', chance.choice(ports)), 20)
        try:
            for _ in range(STREAMS):
                sent += 1
                sock.send(malformed())
            if chance.randrange(2):
                sock.shutdown(socket.SHUT_WR)
        except (ConnectionError, socket.timeout):
            pass
        if chance.randrange(4) == 0:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
        sock.close()


sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)

# Its own ones, all of which it has after the first client.
is_alive()
netns.wait_until('the first client to be closed', lambda: not netns.run(
    ['ss', '-Htn', 'state', 'established', 'state', 'close-wait']).stdout)
fds = server.fds()

# First it fetches memory that it keeps, a sanitizer more than the server.
for _ in range(20):
    rss = server.rss_kib()
    send_datagrams(4000)
    send_streams(1000)
    if server.rss_kib() < rss + 64:
        break
alive = is_alive()
netns.wait_until('all clients to be closed', lambda: server.fds() == fds)
rss = server.rss_kib()

sent = dead = 0
while sent < COUNT:
    send_datagrams(PIECE * 4 // 5)
    send_streams(PIECE // 5)
    sent += PIECE
    dead += not is_alive()
tap.check(f'{sent} malformed requests: each valid one after {PIECE} of them is answered',
          alive and not dead, dead)
netns.wait_until('all clients to be closed', lambda: server.fds() == fds)
tap.equal('no descriptor is left over', server.fds(), fds)
tap.check('the server has not grown', server.rss_kib() <= rss + 1024, (rss, server.rss_kib()))
status, lines, errors = server.stop()
tap.check('and ends as ever', (status, errors) == (0, ''), (status, errors))
print('#', lines[-1])
tap.done()
