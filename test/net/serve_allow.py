#!/usr/bin/python3
"""`sonde serve --allow`: who is not of an allowed network is closed or not answered, is
counted, and named once; and what several workers share of UDP.

    clients ---- lo ---- sonde serve on every interface
    192.0.2.1, 2001:db8::1           are addresses of lo: not loopback ones
"""

import json
import os
import re
import socket
import subprocess
import time

import netns
from serving import LIMIT_S, Server, read_all, read_exactly, reply, request, tcp, udp, unread
from tap import tap

netns.enter()
for address in ('192.0.2.1/24', '192.0.2.129/24', '2001:db8::1/64'):
    subprocess.run(['ip', 'address', 'add', address, 'dev', 'lo', *(
        ['nodad'] if ':' in address else [])], check=True)


def over_tcp(port, host, source=None):
    """'served', or 'closed' where it ends at once."""
    with socket.create_connection((host, port), timeout=60,
                                  source_address=(source or host, 0)) as sock:
        try:
            sock.sendall(request(1, 'Summe', 1, 2))
            return 'served' if read_exactly(sock, 8) == reply(1, 3) else 'closed'
        except ConnectionError:
            return 'closed'


def over_udp(port, host, wanted):
    with udp(port, host, source=(host, 0)) as sock:
        sock.settimeout(0.3 if wanted == 'silent' else LIMIT_S)
        sock.send(request(1, 'Summe', 1, 2))
        try:
            return 'served' if sock.recv(100) == reply(1, 3) else 'wrong'
        except socket.timeout:
            return 'silent'


def ask_all(port, wanted):
    return [(over_tcp(port, host), over_udp(port, host, want[1]))
            for host, want in zip(HOSTS, wanted)]


YES, NO = ('served', 'served'), ('closed', 'silent')
HOSTS = ('127.0.0.1', '192.0.2.1', '192.0.2.129', '::1', '2001:db8::1')

server = Server('calc@*:0', '--allow', '192.0.2.0/25', '--allow', '2001:db8::/32')
started = time.monotonic()
wanted = [NO, YES, NO, NO, YES]
tap.equal('--allow twice: IPv4 and IPv6, loopback only where it is named',
          ask_all(server.ports[0], wanted), wanted)
turned_away = server.wait_line(
    r'^calc ([^ ]+):\d+/tcp: trouble: turned away: not of an allowed network \(--allow\)')
tap.equal('the log names the first of them', turned_away[1], '127.0.0.1')
ignored = server.wait_line(
    r'^calc ([^ ]+):\d+/udp: trouble: not answered: not of an allowed network')
tap.equal('also over UDP', ignored[1], '127.0.0.1')
for _ in range(40):
    over_tcp(server.ports[0], '127.0.0.1')
status, lines, errors = server.stop()
took = time.monotonic() - started
said = [re.search(r'turned away: not of an allowed network \(--allow\)(?: \((\d+) times\))?$', line)
        for line in lines]
times = [int(match[1] or 1) for match in said if match]
tap.check('and says it once in 10 s, and at the end', 2 <= len(times) <= 2 + took / 10, times)
tap.equal('all of them', (times[0], sum(times)), (1, 43))
tap.equal('and counts them', (status, errors, lines[-1]), (
    0, '', 'served 2 clients and 2 datagrams: 4 requests answered, 0 refused, '
    '43 connections turned away, 3 datagrams without an answer'))

server = Server('calc@*:0', '--allow', '192.0.2.1,127.0.0.0/8,::/0', '--workers', '2')
wanted = [YES, YES, NO, YES, YES]
tap.equal('a list; one host; with workers', ask_all(server.ports[0], wanted), wanted)
server.stop()

log = os.path.join(netns.scratch(), 'log')
with open(log, 'w', encoding='utf-8') as file:
    process = netns.background([netns.SONDE, 'serve', '--json', 'calc@127.0.0.1:0/tcp', '--allow',
                                '127.0.0.2'], stdout=file)


def events_so_far():
    with open(log, encoding='utf-8') as file:
        return [json.loads(line) for line in file if line.endswith('\n')]


netns.wait_until('it to listen', lambda: len(events_so_far()) == 2)
port = events_so_far()[1]['port']
tap.equal('who is turned away gets a FIN, and no byte',
          [read_all(sock) for sock in [tcp(port) for _ in range(3)]], [b''] * 3)
tap.equal('another address of loopback is served', over_tcp(port, '127.0.0.1', '127.0.0.2'),
          'served')
process.terminate()
process.wait(60)
events = events_so_far()
trouble = [event for event in events if event['event'] == 'trouble']
tap.check('--json: trouble with its peer, and the summary',
          trouble[0]['peer']['address'] == '127.0.0.1' and
          sum(event['times'] for event in trouble) == 3 and
          events[-1]['turned_away'] == 3 and events[-1]['clients'] == 1, events[-3:])

for words, what in (
        (('calc@*:0', '--allow', '192.0.2.7/24'), 'write 192.0.2.0/24 for the network, or '
         '192.0.2.7 for that host alone'),
        (('calc@*:0', '--allow', '192.0.2.0/33'), 'from 0 to 32'),
        (('calc@*:0', '--allow', '10.0.0.0/8,example.org'), 'allow example.org: it is no network'),
        (('calc@*:0', '--allow', ''), 'allow "": it is no network'),
        (('calc', '--port-base', '10000', '--allow', '192.0.2.0/24'),
         'SERVICE@*:PORT listens on every interface')):
    ran = netns.run([netns.SONDE, 'serve', '--for', '1ms', *words])
    tap.check(f'refused: {" ".join(words)}', ran.returncode == 2 and what in ran.stderr, ran.stderr)

# --- what workers share

SEEDED = ('--drop', '50%', '--seed', '5')


def losses(*words):
    """Which of 24 datagrams of one socket are answered."""
    server = Server('echo@127.0.0.1:0/udp', *SEEDED, *words, listening=1)
    with udp(server.ports[0]) as sock:
        for i in range(24):
            sock.send(bytes([i]))
        netns.wait_until('all to be there',
                         lambda: sum('received 1 byte' in line for line in server.lines) == 24)
        server.stop()
        sock.setblocking(False)
        got = []
        try:
            while True:
                got.append(sock.recv(10)[0])
        except BlockingIOError:
            return got


alone = losses()
tap.check('--seed: some are lost, not all', 0 < len(alone) < 24, alone)
tap.equal('--workers: whichever worker has a client, it meets the same losses',
          [losses('--workers', '3') for _ in range(3)], [alone] * 3)

server = Server('echo@*:0/udp', '--workers', '4', '-q', listening=2)
socks = [udp(server.ports[0], '192.0.2.1', source=('192.0.2.1', 0)) for _ in range(64)]
answers = 0
for sock in socks:
    sock.setblocking(False)


def count_answers(sock):
    global answers
    try:
        while sock.recv(10) == b'flood':
            answers += 1
    except BlockingIOError:
        pass


started = time.monotonic()
for _ in range(60):
    for sock in socks:
        sock.send(b'flood')
        count_answers(sock)
netns.wait_until('the requests to be read', lambda: not unread(server.ports[0]))
took = time.monotonic() - started
server.stop()
for sock in socks:  # nobody is left to send more
    count_answers(sock)
tap.check('one source on 64 ports, four workers: a burst of 512, then 256 a second, in all',
          400 <= answers <= min(512 + 256 * (took + 0.5), 3839), (answers, took))
tap.done()
