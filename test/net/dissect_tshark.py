#!/usr/bin/python3
"""Captures dissected by sonde's library and by tshark 4.0: every field that both know,
every column, frame by frame.

Real programs on loopback in a namespace of their own: curl with an HTTP server and an
OpenSSL one, dig with dnsmasq, ping with fragments, a bulk transfer that nft makes lose
packets, a receiver that stops reading.  And oddities made by scapy: VLAN tags, extension
headers, quoted packets, options that contradict themselves, numbers that wrap, segments
out of order, lost, repeated and late.

What may differ stands below, with the reason; nothing else may."""

import contextlib
import os
import re
import socket
import struct
import subprocess
import threading

import capturing
import dissecting
import netns
from tap import tap

# Of every capture.
EXPLAINED = {
    **dissecting.AGAIN,
    'frame.time': 'tshark writes a calendar date; frame.time_epoch is compared',
    'frame.interface_id': 'pcap has no interfaces: to sonde all frames are of the first',
    'ip.version': 'tshark gives IPv6 packets this field, too, hidden',
    'icmp.resptime': 'tshark counts milliseconds with a fraction, sonde has a duration',
    'icmpv6.resptime': 'the same',
    'dns.opt.cookie.server': 'tshark writes <MISSING> where there is none',
    'frame.protocols': 'tshark goes on into bodies (data-text-lines) and certificates',
    'tls.handshake.sig_hash_alg': 'sonde does not read a server key exchange',
}
# tshark takes the time that ping sends out of the data.
PING = {'data.data': 'see above', 'data.len': 'see above'}
ODD = {
    ('http.request_in', 10): 'a pipelined response: tshark relates the first alone',
    ('http.time', 10): 'the same',
    ('http.response_number', 10): 'the same; and it counts them with the requests',
    **{(field, frame): 'bytes that were there before' for field in dissecting.BEFORE
       for frame in (22, 30, 34, 36, 71)},
    ('info', 95): 'two messages: tshark writes nothing between them',
}
DISORDER = {
    'tcp.segment': 'to tshark the FIN that ends a body is a part of it, without bytes',
    'tcp.segment.count': 'the same',
}
# What loss does is another thing in each run; the oddities below hold these fields still.


def is_two_answers(difference):
    """tshark takes the 0 of a SYN without ACK for an acknowledgement: of about half of the
    numbers.  Where a SYN is sent again, it forgets what the first one was answered with."""
    def is_answer(frame):
        return difference.fields[frame].get('tcp.flags') == ['0x0012']

    fields = difference.fields[difference.frame]
    first = int(fields.get('tcp.analysis.acks_frame', ['0'])[0])
    return first and is_answer(first) and any(
        is_answer(frame) and difference.fields[frame]['tcp.stream'] == fields['tcp.stream']
        for frame in range(first + 1, difference.frame))


LOSS = {
    **{field: is_two_answers for field in ('tcp.analysis.ack_rtt', 'tcp.analysis.acks_frame',
                                           'tcp.analysis', 'tcp.analysis.initial_rtt')},
}
LATE = {
    **dissecting.BEHIND_RESET,
}
NET = {
    ('info', 25): 'tshark looks for two that have one address',
    ('tcp.seq_raw', 10): 'tshark hides a number of 0 in a quoted packet',
    ('eth.trailer', 34): 'tshark takes the last four bytes for a checksum',
    **{(field, 30): 'bytes that were there before' for field in dissecting.BEFORE},
}


def is_without_analysis(difference):
    return re.sub(r'^(\[TCP [^]]*\] )+', '', difference.ours) == difference.theirs


CUT = {
    **LOSS,
    'info': is_without_analysis,
    'frame.protocols': 'tshark does not count that something is missing',
}


# --- real traffic

def ask(*command, status=0):
    done = netns.run(command)
    if done.returncode != status:
        tap.not_ok(f'{" ".join(command)}: exit status {status}', done)


def serve(port, proto, *command):
    process = netns.background(command, cwd=netns.scratch(), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    netns.wait_for_port(proto, port)
    return process


def make_applications():
    with open(os.path.join(netns.scratch(), 'text.txt'), 'w', encoding='ascii') as f:
        f.write('line of text\n' * 2000)
    run = netns.run(['openssl', 'req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout',
                     'k.pem', '-out', 'c.pem', '-days', '2', '-subj', '/CN=example.org'],
                    cwd=netns.scratch())
    tap.equal('a certificate was made', run.returncode, 0)
    serve(8080, 'tcp', '/usr/bin/python3', '-m', 'http.server', '8080', '--bind', '127.0.0.1')
    for path in ('text.txt', 'nothing'):
        ask('curl', '-s', f'http://127.0.0.1:8080/{path}')
    ask('curl', '-s', '-d', 'a=b', 'http://127.0.0.1:8080/')
    ask('curl', '-s', 'http://127.0.0.1:81/', status=7)  # nobody listens
    serve(8443, 'tcp', 'openssl', 's_server', '-accept', '8443', '-key', 'k.pem', '-cert',
          'c.pem', '-quiet', '-www')
    for version in ('1.3', '1.2'):
        ask('curl', '-sk', '--tls-max', version, '--resolve', 'example.org:8443:127.0.0.1',
            'https://example.org:8443/')
    serve(53, 'udp', 'dnsmasq', '-d', '-p', '53', '--no-resolv', '--no-hosts', '-a',
          '127.0.0.1', '--pid-file=', '--address=/example.org/192.0.2.1',
          '--txt-record=t.example.org,hello world',
          '--mx-host=m.example.org,mail.example.org,10',
          '--srv-host=_calc._tcp.s.example.org,h.example.org,50000,1,2')
    for how in (['example.org', 'A'], ['t.example.org', 'TXT'], ['+tcp', 'm.example.org', 'MX'],
                ['_calc._tcp.s.example.org', 'SRV'], ['other.example.net', 'AAAA'],
                ['+noedns', 'm.example.org', 'MX']):
        ask('dig', '+tries=1', '+time=30', '@127.0.0.1', *how)


def make_pings():
    for size in ('56', '4000'):
        ask('ping', '-c', '2', '-i', '0.01', '-s', size, '127.0.0.1')
        ask('ping', '-c', '2', '-i', '0.01', '-s', size, '::1')
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.connect(('127.0.0.1', 50009))
        s.send(b'nobody there')


def make_loss():
    """Some of the segments are captured and then dropped; one receiver stops reading."""
    rules = 'add table inet t; add chain inet t in { type filter hook input priority 0; };'
    for port in ('dport', 'sport'):
        rules += f'add rule inet t in tcp {port} 9000 numgen random mod 25 == 0 drop;'
    tap.equal('nft takes the rules', netns.run(['nft', rules]).returncode, 0)
    listener = socket.create_server(('127.0.0.1', 9000))

    def send(client, size):
        sent = 0
        while sent < size:
            try:
                sent += client.send(b'x' * 3000)
            except BlockingIOError:
                with contextlib.suppress(BlockingIOError):
                    client.recv(4096)

    def fill(client):
        """Once is not enough: what a loss held up goes on later, and leaves room."""
        with contextlib.suppress(BlockingIOError):
            for _ in range(3000):
                client.send(b'x' * 3000)

    def is_probing():
        told = subprocess.run(['ss', '-Htnio', 'dport = :9000'], stdout=subprocess.PIPE,
                              check=True).stdout
        return b'timer:(persist' in told and b' backoff:' in told

    def read(is_slow):
        connection, _ = listener.accept()
        with connection:
            if is_slow:  # until the window is closed, and probed
                stuck.wait(60)
            while connection.recv(65536):
                connection.send(b'ok' * 10)

    for is_slow in (False, False, True):
        stuck = threading.Event()
        reader = threading.Thread(target=read, args=(is_slow,))
        reader.start()
        with socket.create_connection(('127.0.0.1', 9000)) as client:
            client.setblocking(False)
            if is_slow:  # a probe of a closed window takes 0.2 s at least
                netns.wait_until('a probe', lambda: fill(client) or is_probing(), 30)
            else:
                send(client, 200000)
            stuck.set()
            client.setblocking(True)
            client.shutdown(socket.SHUT_WR)
            while client.recv(4096):
                pass
        reader.join()
    listener.close()
    netns.run(['nft', 'delete table inet t'])


# --- oddities

def make_net(path):
    import scapy.all as s
    ethernet = s.Ether(src='02:00:00:00:00:01', dst='02:00:00:00:00:02')
    ip = s.IP(src='192.0.2.1', dst='192.0.2.2', id=7)
    back = s.IP(src='192.0.2.2', dst='192.0.2.1')
    ip6 = s.IPv6(src='2001:db8::1', dst='2001:db8::2')
    back6 = s.IPv6(src='2001:db8::2', dst='2001:db8::1')
    long = s.UDP(sport=1111, dport=3333) / (b'A' * 3000)
    short = s.UDP(sport=7777, dport=8888)
    options = [('MSS', 1460), ('SAckOK', b''), ('NOP', None), ('WScale', 9)]
    raw = [*s.fragment(ip / long, fragsize=1200),
           *s.fragment6(ip6 / s.IPv6ExtHdrFragment(id=77) / long, 1280),
           ip6 / s.IPv6ExtHdrHopByHop(options=[s.RouterAlert()]) / s.IPv6ExtHdrDestOpt() /
           s.UDP(sport=1, dport=2) / b'hello',
           ip6 / s.IPv6ExtHdrRouting(addresses=['2001:db8::9']) /
           s.TCP(sport=1, dport=2, flags='S'),
           ip / s.ICMP(type=3, code=3) / back / s.UDP(sport=3333, dport=1111) / b'x',
           ip / s.ICMP(type=3, code=1) / back / s.TCP(sport=3333, dport=80),
           ip / s.ICMP(type=8, id=3, seq=1) / b'abcdefgh',
           back / s.ICMP(type=0, id=3, seq=1) / b'abcdefgh',
           ip / s.ICMP(type=11, code=0) / back / s.ICMP(id=5, seq=9),
           ip / s.ICMP(type=5, code=1, gw='192.0.2.3') / back / s.UDP(sport=5, dport=6),
           ip6 / s.ICMPv6EchoRequest(id=1, seq=2, data=b'hello'),
           back6 / s.ICMPv6EchoReply(id=1, seq=2, data=b'hello'),
           ip6 / s.ICMPv6ND_NS(tgt='2001:db8::5') /
           s.ICMPv6NDOptSrcLLAddr(lladdr='02:00:00:00:00:01'),
           ip6 / s.ICMPv6ND_NA(tgt='2001:db8::5') /
           s.ICMPv6NDOptDstLLAddr(lladdr='02:00:00:00:00:01'),
           ip6 / s.ICMPv6ND_RS(),
           ip6 / s.ICMPv6ND_RA() / s.ICMPv6NDOptPrefixInfo(prefix='2001:db8::', prefixlen=64) /
           s.ICMPv6NDOptMTU(mtu=1400),
           ip6 / s.ICMPv6DestUnreach(code=4) / back6 / s.UDP(sport=1, dport=2) / b'a',
           ip6 / s.ICMPv6PacketTooBig(mtu=1280) / back6 / s.TCP(sport=1, dport=2)]
    framed = [ethernet / packet for packet in raw]
    framed += [
        ethernet / s.ARP(hwsrc='02:00:00:00:00:01', pdst='192.0.2.1', psrc='192.0.2.2'),
        ethernet / s.ARP(op=2, hwsrc='02:00:00:00:00:01', pdst='192.0.2.1', psrc='192.0.2.2',
                         hwdst='02:00:00:00:00:02'),
        ethernet / s.ARP(op=1, hwsrc='02:00:00:00:00:03', pdst='192.0.2.1', psrc='192.0.2.1',
                         hwdst='02:00:00:00:00:02'),
        ethernet / s.ARP(op=1, hwsrc='02:00:00:00:00:01', pdst='192.0.2.9', psrc='0.0.0.0') /
        s.Padding(b'\0' * 18),
        ethernet / s.Dot1Q(vlan=5, prio=3) / ip / short / b'vlan',
        ethernet / s.Dot1AD(vlan=6) / s.Dot1Q(vlan=5) / ip /
        s.TCP(sport=7777, dport=8888, flags='SA', options=options),
        ethernet / ip / s.TCP(sport=7777, dport=8888, flags='A', options=[
            ('NOP', None), ('NOP', None), ('SAck', (5, 9, 11, 20))]),
        ethernet / ip / s.TCP(sport=7777, dport=8888, flags='PA', options=[
            (254, b'abc'), ('MSS', b'\1')]) / b'1',
        ethernet / ip / s.UDP(sport=7777, dport=8888, chksum=0) / b'nochk',
        s.Dot3(src='02:00:00:00:00:01', dst='02:00:00:00:00:02') /
        s.LLC(dsap=0xaa, ssap=0xaa, ctrl=3) / s.SNAP(code=0x800) / ip / short / b'snap',
        ethernet / ip / s.IP(src='10.0.0.1', dst='10.0.0.2') / s.UDP(sport=50, dport=51) / b'in',
        ethernet / s.IP(src='192.0.2.1', dst='192.0.2.2', options=s.IPOption(b'\x94\x04\0\0')) /
        s.UDP(sport=5001, dport=6001) / b'options' / s.Padding(b'trailer' * 4),
        s.Ether(src='02:00:00:00:00:01', dst='02:00:00:00:00:02', type=0x1234) / b'unknown',
    ]
    s.wrpcap(path, framed)


class Connection:
    """Segments of one connection, by relative numbers: f() forward, r() back."""

    def __init__(self, made, ports, starts, scale=None, has_answer=True):
        self.made, self.ports, self.starts = made, ports, starts
        options = [('MSS', 1460)] + ([('WScale', scale)] if scale is not None else [])
        self.f('S', 0, 0, options=options)
        if has_answer:
            self.r('SA', 0, 1, options=options)
            self.f('A', 1, 1)

    def f(self, flags, seq, ack, data=b'', **more):
        self._send(0, flags, seq, ack, data, **more)

    def r(self, flags, seq, ack, data=b'', **more):
        self._send(1, flags, seq, ack, data, **more)

    def _send(self, end, flags, seq, ack, data, dt=0.001, window=8192, options=()):
        import scapy.all as s
        macs = ['02:00:00:00:00:01', '02:00:00:00:00:02']
        hosts = ['10.0.0.1', '10.0.0.2']
        segment = s.TCP(
            sport=self.ports[end], dport=self.ports[1 - end], flags=flags, window=window,
            seq=(self.starts[end] + seq) & 0xffffffff, options=list(options),
            ack=(self.starts[1 - end] + ack) & 0xffffffff if 'A' in flags else 0)
        packet = s.Ether(src=macs[end], dst=macs[1 - end]) / \
            s.IP(src=hosts[end], dst=hosts[1 - end], id=1) / segment / data
        add(self.made, packet, dt)


def add(made, packet, dt=0.001):
    packet.time = (float(made[-1].time) if made else 1700000000.0) + dt
    made.append(packet)


GET = b'GET /a HTTP/1.1\r\nHost: h.example.org\r\n\r\n'


def make_odd(path):
    import scapy.all as s
    made = []
    # Numbers that wrap, a request in three segments, chunks, pipelined requests.
    c = Connection(made, (1001, 80), (0xfffffff0, 100))
    c.f('PA', 1, 1, GET[:10])
    c.f('PA', 11, 1, GET[10:20])
    c.f('PA', 21, 1, GET[20:])
    at = 1 + len(GET)
    reply = b'HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n' \
        b'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n'
    c.r('PA', 1, at, reply)
    back = 1 + len(reply)
    c.f('A', at, back)
    c.f('PA', at, back, GET + GET)
    at += 2 * len(GET)
    reply = b'HTTP/1.1 204 No Content\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc'
    c.r('PA', back, at, reply)
    back += len(reply)
    c.f('FA', at, back)
    c.r('FA', back, at + 1)
    c.f('A', at + 1, back + 1)
    # A closed window and its probe, repeated acknowledgements, keep-alives, gaps.
    c = Connection(made, (1002, 9001), (1000, 5000), scale=2)
    c.f('PA', 1, 1, b'x' * 1000)
    c.r('A', 1, 1001, window=0)
    c.f('A', 1001, 1, b'p', dt=.5)
    c.r('A', 1, 1001, window=0)
    c.r('A', 1, 1001, window=4000)
    for i in range(1, 5):
        c.f('PA', 1000 * i + 1, 1, b'y' * 1000)
    for _ in range(4):
        c.r('A', 1, 2001, window=4000)
    c.f('PA', 2001, 1, b'y' * 1000)
    c.r('A', 1, 5001, window=4000)
    for data in (b'', b'\0'):
        c.f('A', 5000, 1, data, dt=5)
        c.r('A', 1, 5001, window=4000)
    c.f('PA', 2001, 1, b'y' * 1000)
    c.f('PA', 6001, 1, b'z' * 1000)
    c.r('A', 1, 9001, window=4000)
    c.f('PA', 9001, 1, b'w' * 16000)
    c.r('A', 1, 25001, window=4000)
    c.r('R', 1, 0)
    # The same ports again.
    c = Connection(made, (1002, 9001), (777000, 888000))
    c.f('PA', 1, 1, b'again')
    c.r('A', 1, 6)
    # Refused at the second attempt.
    c = Connection(made, (1006, 81), (50, 60), has_answer=False)
    c.f('S', 0, 0, options=[('MSS', 1460)], dt=1)
    # A connection of which the start is not there; flags; a header that is too short.
    e = s.Ether(src='02:00:00:00:00:01', dst='02:00:00:00:00:02')
    there, back = s.IP(src='10.0.0.1', dst='10.0.0.4'), s.IP(src='10.0.0.4', dst='10.0.0.1')
    add(made, e / there / s.TCP(sport=50008, dport=50007, flags='PA', seq=5000, ack=900) / b'hello')
    add(made, e / back / s.TCP(sport=50007, dport=50008, flags='A', seq=900, ack=5005))
    add(made, e / there / s.TCP(sport=8, dport=9003, flags='SEC', seq=1))
    add(made, e / back / s.TCP(sport=9003, dport=8, flags='SAE', seq=1, ack=2))
    add(made, e / there / s.TCP(sport=8, dport=9003, flags='AU', seq=2, ack=2, urgptr=3) / b'urg')
    add(made, e / there / s.TCP(sport=8, dport=9005, flags='A', dataofs=3, seq=2, ack=2) / b'urg')
    # DNS over TCP, cut anywhere.
    question = s.DNSQR(qname='_a._tcp.example.org', qtype='SRV')
    ask_ = bytes(s.DNS(id=1, qd=question))
    answer = bytes(s.DNS(id=1, qr=1, aa=1, qd=question, ancount=2, an=s.DNSRRSRV(
        rrname='_a._tcp.example.org', priority=1, weight=2, port=3, target='b.example.org') /
        s.DNSRR(rrname='b.example.org', type='A', rdata='192.0.2.9')))
    ask_, answer = (struct.pack('>H', len(m)) + m for m in (ask_, answer))
    c = Connection(made, (1010, 53), (100, 200))
    c.f('PA', 1, 1, ask_[:1])
    c.f('PA', 2, 1, ask_[1:])
    c.r('PA', 1, 1 + len(ask_), answer[:9])
    c.r('PA', 10, 1 + len(ask_), answer[9:])
    make_under_way(made)
    # The end of a message, and another one.
    c = Connection(made, (1013, 53), (100, 200))
    c.f('A', 1, 1, ask_[:5])
    c.f('PA', 6, 1, ask_[5:] + ask_)
    s.wrpcap(path, made)


def make_under_way(made):
    """Bytes in flight and round trips where a FIN, a gap, a part that was acknowledged or one
    that arrived twice makes counting hard."""
    c = Connection(made, (1011, 9006), (100, 200))
    c.f('PA', 1, 1, b'a' * 1000)
    c.f('PA', 1001, 1, b'b' * 1000)
    c.f('FPA', 2001, 1, b'c' * 500)
    c.r('A', 1, 1, options=[('SAck', (1101, 2602))])  # all but the first
    c.f('PA', 1, 1, b'a' * 1000, dt=.5)
    c.r('A', 1, 501, options=[('SAck', (1101, 2602))])
    c.f('A', 1, 1, b'a' * 400, dt=.5)
    c.f('PA', 501, 1, b'a' * 500)
    c.r('A', 1, 1001, options=[('SAck', (101, 501, 1101, 2602))])
    c.f('PA', 1001, 1, b'b' * 100, dt=.5)
    c.f('A', 2001, 1, b'c' * 500)
    c.f('FPA', 2001, 1, b'c' * 500, dt=.5)
    c.r('A', 1, 2602)
    c = Connection(made, (1012, 9006), (100, 200))
    c.f('A', 1, 1, b'a' * 100)
    c.f('PA', 301, 1, b'b' * 100)
    c.f('A', 401, 1, b'c' * 100)
    c.f('PA', 501, 1, b'c' * 100)
    c.r('A', 1, 101)
    c.f('A', 601, 1, b'c' * 100)
    c.r('A', 1, 701)
    c.f('FA', 701, 1)
    c.f('FA', 701, 1, dt=.5)
    c.r('A', 1, 702)


def make_disorder(path):
    """Segments out of order, and some that overlap."""
    import scapy.all as s
    made = []
    c = Connection(made, (1004, 80), (1, 1))
    at = 1 + len(GET)
    c.f('PA', 21, 1, GET[20:])
    c.f('PA', 1, 1, GET[:20], dt=0.0001)
    c.r('A', 1, at)
    c.r('PA', 1, at, b'HTTP/1.0 200 OK\r\n\r\nbody')
    c.r('FA', 24, at)
    c.f('A', at, 25)
    c = Connection(made, (1005, 80), (0xffffffe0, 9))
    c.f('PA', 1, 1, GET[:20])
    c.f('PA', 11, 1, GET[10:])
    s.wrpcap(path, made)


def make_late(path):
    """What is sent again: acknowledged or not, in part, in time, or after all is over."""
    import scapy.all as s
    made = []
    x = b'x' * 100
    # A FIN that is not acknowledged, behind bytes that are; then all is; then an old ACK.
    c = Connection(made, (1013, 9007), (100, 200))
    c.f('PA', 1, 1, x)
    c.f('FPA', 101, 1, x)
    c.r('A', 1, 201)
    c.f('FPA', 101, 1, x, dt=.3)
    c.r('A', 1, 202)
    c.f('FPA', 101, 1, x, dt=.3)
    c.f('FA', 201, 1, dt=.3)
    c.r('A', 1, 101)
    c.f('PA', 1, 1, x, dt=.3)
    c.f('FPA', 101, 1, x, dt=.3)
    # From the last byte on: new bytes, but for the first.
    c = Connection(made, (1014, 9007), (100, 200))
    c.f('PA', 1, 1, x)
    c.f('PA', 100, 1, x, dt=.3)
    c.f('PA', 199, 1, b'xy', dt=.3)
    c.r('A', 1, 201)
    c.f('PA', 200, 1, x, dt=.0001)
    c.f('PA', 298, 1, x, dt=.3)
    c.f('FPA', 397, 1, b'x', dt=.3)
    # Acknowledged before it was seen.
    c = Connection(made, (1015, 9007), (100, 200))
    c.f('PA', 1, 1, x)
    c.r('A', 1, 401)
    c.f('PA', 101, 1, x)
    c.f('PA', 201, 1, x, dt=.3)
    c.f('PA', 302, 1, x[:50], dt=.3)
    c.f('PA', 301, 1, x + b'y', dt=.3)
    c.f('FPA', 401, 1, b'', dt=.3)
    # The same at the start of a capture, and for a probe of the window.
    c = Connection(made, (1019, 9007), (100, 200))
    c.f('PA', 1, 1, x)
    c.r('A', 1, 101)
    c.r('A', 1, 103, window=0)
    c.f('PA', 101, 1, b'x')
    c.f('PA', 102, 1, b'x')
    c.f('PA', 103, 1, b'x')
    c = Connection([made[-1]], (1020, 9007), (100, 200))
    c.made = made
    c.r('A', 1, 101)
    c.f('PA', 1, 1, x)
    # Fast ones, slow ones, and none.
    c = Connection(made, (1016, 9007), (100, 200))
    c.f('PA', 1, 1, x)
    c.f('PA', 201, 1, x)
    for _ in range(4):
        c.r('A', 1, 101)
    c.f('PA', 101, 1, x, dt=.01)
    c.f('PA', 101, 1, x, dt=.02)
    c.f('PA', 101, 1, x, dt=.3)
    c.r('A', 1, 301)
    c.f('PA', 101, 1, x, dt=.0001)
    # Behind a RST.
    for ends in ((100, 200), (0x90000000, 0xa0000000)):
        c = Connection(made, (1017 + ends[0] % 2 + (ends[0] > 200), 9007), ends)
        c.f('PA', 1, 1, x)
        c.r('PA', 1, 101, x)
        c.f('A', 101, 101)
        c.r('R', 101, 0)
        c.f('PA', 1, 101, x, dt=.3)
        c.r('RA', 101, 101)
        c.f('PA', 1, 101, x, dt=.3)
    s.wrpcap(path, made)


def make_dns(path):
    import scapy.all as s
    made = []

    def send(message):
        ends = [('10.0.0.1', 4444), ('10.0.0.2', 53)][::-1 if message.qr else 1]
        add(made, s.Ether(src='02:00:00:00:00:01', dst='02:00:00:00:00:02') /
            s.IP(src=ends[0][0], dst=ends[1][0]) /
            s.UDP(sport=ends[0][1], dport=ends[1][1]) / message)

    def both(number, name, kind, answer, **more):
        question = s.DNSQR(qname=name, qtype=kind)
        send(s.DNS(id=number, rd=1, qd=question))
        send(s.DNS(id=number, qr=1, rd=1, ra=1, qd=question, an=answer, **more))

    soa = s.DNSRRSOA(rrname='example.org', mname='ns.example.org', rname='root.example.org',
                     serial=1, refresh=2, retry=3, expire=4, minimum=5)
    both(2, 'example.org', 'SOA', soa)
    both(3, '1.2.0.192.in-addr.arpa', 'PTR', s.DNSRR(
        rrname='1.2.0.192.in-addr.arpa', type='PTR', rdata='h.example.org'))
    both(4, 'example.org', 'NS', s.DNSRR(rrname='example.org', type='NS',
                                         rdata='ns.example.org'))
    both(5, 'nope.example.org', 'AAAA', None, rcode=3, ns=soa)
    both(6, 'v6.example.org', 'AAAA', s.DNSRR(rrname='v6.example.org', type='AAAA',
                                              rdata='2001:db8::7', ttl=3600))
    both(7, 't.example.org', 'TXT', s.DNSRR(rrname='t.example.org', type='TXT',
                                            rdata=['one', 'two words']))
    send(s.DNS(id=8, opcode=5, qd=s.DNSQR(qname='example.org', qtype='SOA')))
    send(s.DNS(id=9, opcode=4, qd=s.DNSQR(qname='example.org', qtype='SOA')))
    both(10, 'c.example.org', 'CAA', s.DNSRR(rrname='c.example.org', type=257,
                                             rdata=b'\0\5issueca.example.org'))
    s.wrpcap(path, made)


# --- the comparison

def check(title, path, explained, *options):
    differences = dissecting.compare(path, {**EXPLAINED, **explained}, options)
    tap.equal(f'{title}: as tshark tells it', differences[:20], [])


def captured(name, make, *protocols):
    path = os.path.join(netns.scratch(), name + '.pcapng')
    with capturing.Capture(path) as capture:
        make()
    tap.equal(f'{name}: no packet was lost', capture.dropped, 0)
    column = '_ws.col.Protocol'
    seen = {value for row in capturing.fields(path, [column]) for value in row[column]}
    tap.equal(f'{name}: {", ".join(protocols)} are there', set(protocols) - seen, set())
    return path


def main():
    subprocess.run(['ip', 'link', 'set', 'lo', 'mtu', '1500'], check=True)
    check('applications', captured(
        'applications', make_applications, 'DNS', 'HTTP', 'TCP', 'TLSv1.2', 'TLSv1.3'), {})
    check('pings and fragments', captured(
        'pings', make_pings, 'ICMP', 'ICMPv6', 'IPv4', 'IPv6', 'UDP'), PING)
    loss = captured('loss', make_loss, 'TCP')
    check('loss', loss, LOSS)
    analysis = {field: 'where options are cut, tshark has none'
                for field in dissecting.own_fields() if field.startswith('tcp.analysis')}
    for bytes_kept in 58, 64:  # of the options the timestamps are cut
        path = os.path.join(netns.scratch(), f'cut{bytes_kept}.pcapng')
        subprocess.run(['editcap', '-s', str(bytes_kept), loss, path], check=True)
        check(f'loss, {bytes_kept} bytes of each', path, {**CUT, **analysis})
    for name, make, explained, options in (
            ('net', make_net, NET, ()), ('odd', make_odd, ODD, ()), ('dns', make_dns, {}, ()),
            ('late', make_late, LATE, ()),
            ('disorder', make_disorder, DISORDER,
             ('-o', 'tcp.reassemble_out_of_order:TRUE'))):
        path = os.path.join(netns.scratch(), name + '.pcap')
        make(path)
        check(name, path, explained, *options)
    tap.done()


netns.enter()
main()
