#!/usr/bin/python3
"""Packets of traced programs where others use the network, too.

       client (traced)  ---- lo ----  responder.py (not traced): answers from a second port
       many_peers (traced) ---- lo    nobody: ICMP answers
       noise.py (not traced) ---- lo

Without --isolate: a packet is the programs' when one of its ends is a traced socket's or
its peer's, and that may be known only after it has come.
"""

import json
import os

import netns
from tap import tap

netns.enter()
folder = netns.scratch()
PYTHON = '/usr/bin/python3'
MANY_PEERS = os.path.join(os.path.dirname(netns.SONDE), 'test', 'net', 'many_peers')

RESPONDER = '''\
import socket
asked = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
asked.bind(('127.0.0.1', 4545))
other = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
other.bind(('127.0.0.1', 4546))
while True:
    data, address = asked.recvfrom(100)
    other.sendto(b'answer', address)
'''

CLIENT = '''\
import socket
for i in range(30):
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.settimeout(30)
    sock.sendto(b'question', ('127.0.0.1', 4545))
    sock.recvfrom(100)
'''

NOISE = '''\
import socket
a = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
a.bind(('127.0.0.1', 4700))
b = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
b.bind(('127.0.0.1', 4701))
while True:
    a.sendto(b'noise', ('127.0.0.1', 4701))
    b.recv(100)
'''


def write(name, text):
    path = os.path.join(folder, name)
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    return path


def trace(*program):
    output = os.path.join(folder, 'events')
    done = netns.run([netns.SONDE, 'trace', '--json', '-o', output, '--', *program])
    with open(output, encoding='utf-8') as file:
        events = [json.loads(line) for line in file]
    return done.returncode, [event for event in events if event['event'] == 'packet']


def errors_sent():
    """ICMP "unreachable" that this namespace has sent: the kernel limits their rate."""
    with open('/proc/net/snmp', encoding='ascii') as file:
        names, values = [line.split() for line in file if line.startswith('Icmp:')]
    return int(values[names.index('OutDestUnreachs')])


responder = netns.background([PYTHON, write('responder.py', RESPONDER)])
netns.wait_for_port('udp', 4546)
client = write('client.py', CLIENT)
for what in ('alone', 'beside noise'):
    status, packets = trace(PYTHON, client)
    tap.equal(f'answers from another port, {what}: the client is content', status, 0)
    tap.equal(f'answers from another port, {what}: all are there', (
        sum(1 for packet in packets if packet['dst']['port'] == 4545),
        sum(1 for packet in packets if packet['src']['port'] == 4546)), (30, 30))
    before = errors_sent()
    status, packets = trace(MANY_PEERS, '7000')
    tap.equal(f'one call, many peers, {what}: all packets are there', (status, sorted(
        packet['dst']['port'] for packet in packets if packet['proto'] == 'udp')),
        (0, list(range(7000, 7050))))
    tap.equal(f'one call, many peers, {what}: and the ICMP errors', sum(
        1 for packet in packets if packet['proto'] == 'icmp'), errors_sent() - before)
    tap.check(f'packets of others are left out, {what}', not any(
        packet.get('dst', {}).get('port') == 4701 for packet in packets))
    noise = netns.background([PYTHON, write('noise.py', NOISE)])
    netns.wait_for_port('udp', 4701)
tap.done()
