#!/usr/bin/python3
"""Real traffic, decoded by sonde and by tshark: every field the same, packet by packet.

    lo 127.0.0.1, ::1 (MTU 1500, so that large datagrams come as fragments):
        HTTP over TCP, refused and reset connections, bulk data, a closed window, UDP,
        UDP to a closed port, echo, all over IPv4 and IPv6
    left 192.0.2.1, 2001:db8::1 ---- veth ---- right: ARP, neighbour discovery, a padded frame

The same traffic captured on `any` by dumpcap, cooked (SLL and SLL2), is compared as well."""

import contextlib
import fcntl
import functools
import http.client
import http.server
import os
import pathlib
import signal
import socket
import struct
import subprocess
import threading

import capturing
import netns
from tap import tap

MULTI_FIELDS = ['ip.src', 'ip.dst', 'ipv6.src', 'ipv6.dst', 'ip.ttl', 'ipv6.hlim',
                'tcp.srcport', 'tcp.dstport', 'udp.srcport', 'udp.dstport', 'tcp.seq_raw',
                'icmp.type', 'icmp.code', 'icmpv6.type', 'icmpv6.code', 'udp.length']
FIELDS = MULTI_FIELDS + [
    'frame.time_epoch', 'frame.len', 'eth.type', 'sll.etype', 'tcp.ack_raw', 'tcp.flags',
    'tcp.window_size_value', 'tcp.len', 'tcp.options.mss_val', 'tcp.options.wscale.shift',
    'tcp.options.sack_perm', 'tcp.options.timestamp.tsval', 'tcp.options.timestamp.tsecr',
    'tcp.payload', 'udp.payload', 'ip.frag_offset', 'ip.flags.mf', 'ipv6.fraghdr.offset',
    'ipv6.fraghdr.more', 'data.data']
# Each packet by itself, as sonde sees it; data as such, whatever it looks like.
OPTIONS = ['-o', 'ip.defragment:FALSE', '-o', 'ipv6.defragment:FALSE', '--disable-protocol',
           'http', '--disable-protocol', 'wg', '-o', 'udp.try_heuristic_first:FALSE']

FRAGMENT = 4
SIOCOUTQ, SIOCOUTQNSD = 0x5411, 0x894b  # bytes not acknowledged, bytes not sent


# --- traffic

def make_http(host):
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    server_class = type('Server', (http.server.ThreadingHTTPServer,),
                        {'address_family': family})
    handler = type('Handler', (http.server.SimpleHTTPRequestHandler,),
                   {'log_message': lambda *_: None})
    server = server_class((host, 0), functools.partial(handler, directory=netns.scratch()))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        for path in ('/', '/bulk', '/missing'):
            connection = http.client.HTTPConnection(host, server.server_port)
            connection.request('GET', path)
            connection.getresponse().read()
            connection.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def make_refused(host):
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as s:
        with contextlib.suppress(ConnectionRefusedError):
            s.connect((host, 1))
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.connect((host, 1))
        s.send(b'nobody there')
        with contextlib.suppress(ConnectionRefusedError):
            s.recv(1)


def outq(s, request):
    return struct.unpack('i', fcntl.ioctl(s, request, bytes(4)))[0]


def make_reset(host):
    """A receive window that closes, and unread input at close."""
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        listener.bind((host, 0))
        listener.listen()
        client = socket.create_connection(listener.getsockname()[:2])
        peer, _ = listener.accept()
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                client.send(b'x' * 50000)
        netns.wait_until('a closed window', lambda: outq(client, SIOCOUTQ)
                         == outq(client, SIOCOUTQNSD) > 0)
        peer.close()
        client.close()


def make_udp(host):
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    query = bytes.fromhex('123401000001000000000000') + b'\x05sonde\x04test\0\0\x01\0\x01'
    with socket.socket(family, socket.SOCK_DGRAM) as server, \
            socket.socket(family, socket.SOCK_DGRAM) as client:
        server.bind((host, 0))
        for datagram in (query, b'', b'y' * 1400, b'z' * 5000, b'w' * 65507):
            client.sendto(datagram, server.getsockname()[:2])
            got, peer = server.recvfrom(70000)
            server.sendto(got[:100], peer)
            client.recv(70000)


def make_echo(host):
    if ':' in host:
        protocol, message = socket.IPPROTO_ICMPV6, struct.pack('>BBHHH', 128, 0, 0, 7, 1)
        family = socket.AF_INET6
    else:
        # Its checksum: the sum of all words is 0xffff.
        protocol, message = 1, struct.pack('>BBHHH', 8, 0, 0xf7f7, 7, 1)
        family = socket.AF_INET
    with socket.socket(family, socket.SOCK_RAW, protocol) as s:
        s.settimeout(60)
        s.sendto(message, (host, 0))
        s.recv(100)


def make_neighbours():
    """ARP and neighbour discovery for somebody who is not there, and a padded frame."""
    for peer in ('192.0.2.2', '2001:db8::2'):
        family = socket.AF_INET6 if ':' in peer else socket.AF_INET
        with socket.socket(family, socket.SOCK_DGRAM) as s:
            s.sendto(b'are you there?', (peer, 9))
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind(('left', 0))
        ip = bytes.fromhex('4500001e00004000401100000a0000010a000002')
        udp = struct.pack('>HHHH', 50000, 50001, 10, 0) + b'hi'
        s.send(b'\xff' * 6 + s.getsockname()[4] + b'\x08\x00' + ip + udp + b'P' * 16)


def make_traffic():
    for host in ('127.0.0.1', '::1'):
        make_http(host)
        make_refused(host)
        make_reset(host)
        make_udp(host)
        make_echo(host)
    make_neighbours()


# --- what tshark says, in our columns

def number(values, base=10):
    return str(int(values[0], base)) if values else ''


def expect(theirs):
    quoted_tcp = len(theirs['ip.src'] + theirs['ipv6.src']) > 1 and theirs['tcp.srcport']
    quoted = len(theirs['ip.src'] + theirs['ipv6.src']) > 1
    src = (theirs['ip.src'] + theirs['ipv6.src'])[:1]
    dst = (theirs['ip.dst'] + theirs['ipv6.dst'])[:1]
    ports = (theirs['tcp.srcport'] + theirs['udp.srcport'],
             theirs['tcp.dstport'] + theirs['udp.dstport'])
    own = (lambda values: [] if quoted else values)
    their = (lambda values: values if quoted else [])
    expected = {
        'time': theirs['frame.time_epoch'][0],
        'wire_length': theirs['frame.len'][0],
        'ether_type': (theirs['eth.type'] + theirs['sll.etype'])[0][-6:],
        'ttl': number(theirs['ip.ttl'] + theirs['ipv6.hlim']),
        'src': ''.join(src), 'dst': ''.join(dst),
        'src_port': number(own(ports[0])), 'dst_port': number(own(ports[1])),
        'seq': number(own(theirs['tcp.seq_raw'])),
        'ack': number(own(theirs['tcp.ack_raw'])),
        'flags': number(own(theirs['tcp.flags']), 16),
        'window': number(own(theirs['tcp.window_size_value'])),
        'mss': number(own(theirs['tcp.options.mss_val'])),
        'scale': number(own(theirs['tcp.options.wscale.shift'])),
        'sack_permitted': '1' if own(theirs['tcp.options.sack_perm']) else '',
        'timestamp_value': number(own(theirs['tcp.options.timestamp.tsval'])),
        'timestamp_echo': number(own(theirs['tcp.options.timestamp.tsecr'])),
        'icmp_type': number(theirs['icmp.type'] + theirs['icmpv6.type']),
        'icmp_code': number(theirs['icmp.code'] + theirs['icmpv6.code']),
        'quote_src': ''.join((theirs['ip.src'] + theirs['ipv6.src'])[1:]),
        'quote_dst': ''.join((theirs['ip.dst'] + theirs['ipv6.dst'])[1:]),
        'quote_src_port': number(their(ports[0])),
        'quote_dst_port': number(their(ports[1])),
        'quote_seq': number(their(theirs['tcp.seq_raw'])) if quoted_tcp else '',
    }
    if theirs['tcp.len'] and not quoted:
        expected['payload_length'] = theirs['tcp.len'][0]
        expected['payload'] = ''.join(theirs['tcp.payload'])
    elif theirs['udp.length'] and not quoted and not is_fragment(theirs):
        expected['payload_length'] = str(int(theirs['udp.length'][0]) - 8)
        expected['payload'] = ''.join(theirs['udp.payload'])
    return expected


def is_fragment(theirs):
    return any(int(value) for name in ('ip.frag_offset', 'ip.flags.mf', 'ipv6.fraghdr.offset',
                                       'ipv6.fraghdr.more')
               for value in theirs[name][:1])


def compare(title, path):
    done = netns.run([capturing.program('decode_tsv'), path])
    if done.returncode:
        tap.not_ok(f'{title}: the file is read', done.stderr)
        return []
    lines = [line.split('\t') for line in done.stdout.splitlines()]
    ours = [dict(zip(lines[0], line)) for line in lines[1:]]
    theirs = capturing.fields(path, FIELDS, OPTIONS)
    tap.equal(f'{title}: as many packets', len(ours), len(theirs))
    differences = []
    compared = 0
    for our, their in zip(ours, theirs):
        expected = expect(their)
        compared += len(expected)
        differences += [f'packet {our["number"]} ({our["proto"]}) {name}: sonde {our[name][:80]!r}, '
                        f'tshark {value[:80]!r}'
                        for name, value in expected.items() if our[name] != value]
        trouble = FRAGMENT if is_fragment(their) else 0
        if int(our['trouble']) != trouble:
            differences.append(f'packet {our["number"]}: trouble {our["trouble"]}')
    tap.check(f'{title}: {len(ours)} packets, {compared} fields, all as tshark has them',
              compared and not differences, '\n'.join(differences[:40]))
    return ours


def check_variety(ours):
    """That the traffic was what it is meant to be; else the comparison says little."""
    def some(text, **wanted):
        tap.check(f'there was {text}', any(
            all(our[name] == value for name, value in wanted.items()) for our in ours))

    for family, host in (('0x0800', '127.0.0.1'), ('0x86dd', '::1')):
        some(f'a SYN from {host}', ether_type=family, flags='2', src=host, sack_permitted='1')
        some(f'a reset from {host}', ether_type=family, flags='20', src=host)
        some(f'a closed window of {host}', window='0', flags='16', src=host)
        some(f'a fragment from {host}', ether_type=family, trouble='4', src=host)
        some(f'a later fragment from {host}', trouble='4', src=host, src_port='')
        some(f'a quoted datagram of {host}', quote_src=host, quote_dst_port='1')
        some(f'an empty datagram from {host}', proto='udp', src=host, payload_length='0')
    some('echo', icmp_type='8')
    some('echo over IPv6', icmp_type='128')
    some('ARP', ether_type='0x0806', src='')
    some('neighbour discovery', icmp_type='135', proto='icmp6')
    some('a padded frame', wire_length='60', payload=b'hi'.hex())
    tap.check('there was a segment of more than 16 kB',
              any(our['proto'] == 'tcp' and int(our['payload_length']) > 16000 for our in ours))


def cooked(link):
    path = os.path.join(netns.scratch(), link + '.pcapng')
    process = netns.background(['dumpcap', '-i', 'any', '-y', link, '-w', path],
                               stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if line.startswith('File: '):  # it captures from here on
            break
    make_traffic()
    last = b'the last datagram'
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.sendto(last, ('127.0.0.1', 9))
    netns.wait_until('the last datagram in the file of dumpcap',
                     lambda: last in pathlib.Path(path).read_bytes())
    process.send_signal(signal.SIGINT)
    process.communicate()
    compare(link, path)


def main():
    for argv in (['ip', 'link', 'set', 'lo', 'mtu', '1500'],
                 ['ip', 'link', 'add', 'left', 'type', 'veth', 'peer', 'name', 'right'],
                 ['ip', 'address', 'add', '192.0.2.1/24', 'dev', 'left'],
                 ['ip', 'address', 'add', '2001:db8::1/64', 'dev', 'left', 'nodad'],
                 ['ip', 'link', 'set', 'left', 'up'], ['ip', 'link', 'set', 'right', 'up']):
        subprocess.run(argv, check=True)
    with open(os.path.join(netns.scratch(), 'bulk'), 'wb') as bulk:
        bulk.write(b'0123456789abcdef' * 20000)

    path = os.path.join(netns.scratch(), 'ring.pcapng')
    with capturing.Capture(path) as capture:
        make_traffic()
    tap.equal('nothing was lost', (capture.dropped, capture.read), (0, capture.received))
    check_variety(compare('the ring', path))
    cooked('LINUX_SLL')
    cooked('LINUX_SLL2')
    tap.done()


netns.enter()
main()
