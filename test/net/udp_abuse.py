#!/usr/bin/python3
"""UDP requests whose source is a lie: no loop, no flood, nothing made bigger.

    raw socket, clients ---- lo ---- sonde serve on every interface
    192.0.2.1, 2001:db8::1           are addresses of lo: not loopback ones

All packets on lo are counted: one that went in, and none that came of it.
"""

import socket
import struct
import subprocess
import time

import netns
from serving import LIMIT_S, Server, udp, unread
from tap import tap

netns.enter()
for address in ('192.0.2.1/24', '2001:db8::1/64'):
    subprocess.run(['ip', 'address', 'add', address, 'dev', 'lo', *(
        ['nodad'] if ':' in address else [])], check=True)

raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
sniffer = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, socket.htons(0x0800))
sniffer.bind(('lo', 0x0800))


def checksum(data):
    total = sum(struct.unpack(f'>{len(data) // 2}H', data))
    while total > 0xffff:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def packet(source, source_port, target, target_port, payload):
    length = 8 + len(payload)
    header = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + length, 0, 0, 64, 17, 0,
                         socket.inet_aton(source), socket.inet_aton(target))
    header = header[:10] + struct.pack('>H', checksum(header)) + header[12:]
    return header + struct.pack('>HHHH', source_port, target_port, length, 0) + payload


def gather(sock, expect, receive):
    """What receive() gives until it is as much as expected, however long that takes; then a
    moment for what would be too much."""
    got = []
    try:
        while len(got) < 1000:
            sock.settimeout(LIMIT_S if len(got) < expect else 0.3)
            got += receive()
    except socket.timeout:
        pass
    return got


def seen_after(*what, expect=1):
    """UDP packets on lo, as (source port, target port, bytes), after this one was sent."""
    sniffer.setblocking(False)
    try:
        while sniffer.recv(65536):
            pass
    except BlockingIOError:
        pass

    def receive():
        got, address = sniffer.recvfrom(65536)
        if address[2] == socket.PACKET_OUTGOING or got[9] != 17:
            return []
        return [(*struct.unpack('>HH', got[20:24]), len(got) - 28)]

    raw.sendto(packet(*what), (what[2], 0))
    return gather(sniffer, expect, receive)


server = Server('echo@*:5000/udp', 'chargen@*:5001/udp', 'calc@*:5002/udp', 'tell@*:5003/udp',
                'daytime@*:5004/udp', listening=10)

honest = seen_after('127.0.0.1', 40000, '127.0.0.1', 5000, b'hello', expect=2)
tap.check('an honest source is answered (and is counted as two packets)',
          honest[:2] == [(40000, 5000, 5), (5000, 40000, 5)], honest)
for source in ('127.0.0.1', '192.0.2.1'):
    for name, port, own in (('echo -> chargen', 5001, 5000), ('chargen -> echo', 5000, 5001),
                            ('echo -> echo', 5000, 5000), ('calc -> echo', 5000, 5002),
                            ('daytime -> tell', 5003, 5004)):
        tap.equal(f'a loop {name}, spoofed from {source}: no second packet',
                  seen_after(source, own, source, port, b'x' * 20), [(own, port, 20)])
for port in (7, 19, 53, 1023, 2049):
    tap.equal(f'a source port where others answer, {port}: no second packet',
              seen_after('127.0.0.1', port, '127.0.0.1', 5000, b'x'), [(port, 5000, 1)])
tap.equal('source port 1024 is an ordinary one',
          seen_after('127.0.0.1', 1024, '127.0.0.1', 5000, b'x', expect=2)[:2],
          [(1024, 5000, 1), (5000, 1024, 1)])
for source in ('224.0.0.1', '239.1.2.3', '255.255.255.255', '0.1.2.3', '192.0.2.255'):
    tap.check(f'a source that is nobody, {source}: no second packet',
              len(seen_after(source, 40000, '192.0.2.1', 5000, b'x', expect=0)) <= 1)
refused = server.wait_line(
    r'^[a-z]+ ([^ ]+)/udp: trouble: not answered: the request comes from where')
tap.equal('the log names the first of them', refused[1], '127.0.0.1:5000')

# --- nothing longer, nothing often


def answers(port, messages, expect, host='192.0.2.1', source='192.0.2.1'):
    with udp(port, host, source=(source, 0)) as sock:
        for message in messages:
            sock.send(message)
        return gather(sock, expect, lambda: [sock.recv(65536)])


tap.equal('echo off loopback: as long as the request, at most 512',
          [len(answer) for answer in answers(5000, [bytes(n) for n in (0, 1, 512, 513, 4000)],
                                              expect=3)],
          [0, 1, 512])
tap.equal('tell and daytime off loopback: not where the answer is longer',
          (answers(5003, [b'hello'], expect=0), answers(5004, [b''], expect=0)), ([], []))
tap.equal('daytime off loopback: whoever sends enough gets it',
          [len(answer) for answer in answers(5004, [bytes(26)], expect=1)], [26])
sizes = [len(answer) for n in (0, 1, 40) for answer in answers(5001, [bytes(n)] * 3, expect=3)]
tap.check('chargen off loopback: never longer than the request',
          len(sizes) == 9 and sizes[:3] == [0] * 3 and max(sizes[3:6]) <= 1 and max(sizes) <= 40,
          sizes)
tap.check('the log says so', server.wait_line('longer than its request or than 512 bytes'))

time.sleep(2.5)  # the source's burst is whole again
started = time.monotonic()
flood = 0
flooder = udp(5000, '192.0.2.1', source=('192.0.2.1', 0))
flooder.setblocking(False)


def count_answers():
    global flood
    try:
        while flooder.recv(100):
            flood += 1
    except BlockingIOError:
        pass


for _ in range(60):
    for _ in range(50):  # no more at once than the socket's buffer holds
        flooder.send(b'flood')
    netns.wait_until('the requests to be read', lambda: not unread(5000))
    count_answers()
took = time.monotonic() - started
tap.check('the log says it once, with who it was', server.wait_line(
    r'^echo 192\.0\.2\.1:\d+/udp: trouble: not answered: its network asks too often') and
          sum('too often' in line for line in server.lines) <= 1 + took / 10)
tap.equal('another source is served meanwhile', answers(
    5000, [b'v6'], 1, '2001:db8::1', '2001:db8::1'), [b'v6'])
local = 0
with udp(5000) as sock:
    for i in range(3000):
        sock.send(b'local')
        local += sock.recv(100) == b'local'
tap.equal('loopback has no such limit', local, 3000)
status, lines, errors = server.stop()
count_answers()  # all of them: nobody is left to send more
tap.check('one source, 3000 requests: a burst of 512, then 256 a second',
          400 <= flood <= min(512 + 256 * (took + 1), 2999), (flood, took))
unanswered = int(lines[-1].split(', ')[-1].split()[0])
tap.check('the end: all that stayed without an answer is counted',
          lines[-1].endswith(' datagrams without an answer') and
          3000 - flood + 19 <= unanswered <= 3000 - flood + 25, (lines[-1], flood))
tap.done()
