#!/usr/bin/python3
"""Many datagrams at once: answered exactly, each by a packet of its own, unless the server has
so much to do that it lets the kernel cut several from one.

    clients ---- lo ---- sonde serve
"""

import json
import random
import socket
import struct
import subprocess

import netns
from serving import Server, reply, request, udp
from tap import tap

netns.enter()
WINDOW = 64  # as many as the server takes at once

# --- who captures a window of questions sees as many answers


def packets_from(sniffer, port, count):
    """The lengths of `count` UDP payloads that this port sent."""
    seen = []
    while len(seen) < count:
        data, address = sniffer.recvfrom(65536)
        if address[2] == socket.PACKET_OUTGOING or data[9] != 17:
            continue
        source, _, length = struct.unpack('>HHH', data[20:26])
        if source == port:
            seen.append(length - 8)
    return seen


server = Server('-q', 'calc@127.0.0.1:0/udp', 'echo@*:0/udp', listening=3)
calc, echo = server.ports
with socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800)) as sniffer:
    sniffer.bind(('lo', 0x0800))
    sniffer.settimeout(60)
    client = udp(calc)
    for number in range(WINDOW):
        client.send(request(number, 'Summe', number, 1))
    tap.equal('a window of questions: the answers, in order',
              [client.recv(100) for _ in range(WINDOW)],
              [reply(number, number + 1) for number in range(WINDOW)])
    tap.equal('each is a packet of its own', packets_from(sniffer, calc, WINDOW),
              [8] * WINDOW)

# --- a flood of many lengths: what comes back is what was sent, in its order

random.seed(1)
for host in ('127.0.0.1', '::1'):
    clients = [udp(echo, host) for _ in range(3)]
    wrong = []
    for turn in range(300):
        sent = {client: [] for client in clients}
        for client in clients:
            length = random.choice((0, 1, 8, 8, 8, 100, 512, 513, 1400))
            for i in range(random.randint(1, 16)):
                data = bytes((turn + i + k) & 0xff for k in range(length))
                sent[client].append(data)
                client.send(data)
        for client in clients:
            got = [client.recv(2048) for _ in sent[client]]
            if got != sent[client]:
                wrong.append((turn, got, sent[client]))
    tap.equal(f'a flood of many lengths over {host}', wrong[:1], [])

for words in (['--udp', '--connections', '20', '--depth', '16', '--to', f'127.0.0.1:{calc}'],
              ['--udp', '--connections', '20', '--depth', '64', '--service', 'echo',
               '--to', f'127.0.0.1:{echo}'],
              ['--udp', '--connections', '20', '--depth', '64', '--service', 'echo',
               '--to', f'[::1]:{echo}']):
    for _ in range(6):  # a busy machine may let none of the answers be counted
        ended = subprocess.run([netns.SONDE, 'calc', '--bench', '--json', '--for', '0.4s', *words],
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                               check=False, timeout=60)
        last = json.loads(ended.stdout.splitlines()[-1]) if ended.stdout else {}
        if ended.returncode != 0 or last.get('answered', 0) > 0:
            break
    tap.check(f'a load finds no wrong answer: {" ".join(words[:5])} {words[-1].split(":")[0]}',
              ended.returncode == 0 and last.get('answered', 0) > 0 and ended.stderr == '',
              (last, ended.stderr))

status, lines, errors = server.stop()
tap.equal('nothing failed at the server', (status, errors,
                                           [line for line in lines if 'could not' in line]),
          (0, '', []))
tap.done()
