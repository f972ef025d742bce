"""Captures for the tests of `sonde read` and `sonde follow`, and what tshark says of them.

    reading.capture(path)       real traffic of this namespace, as pcapng: HTTP, DNS, refused
                                and reset connections, datagrams, fragments, echo, IPv4 and IPv6
    reading.respace(path, to)   the same frames as pcap, a second apart
    reading.sonde(*argv)        runs it; the result's stdout is text
    reading.passing(path, filter)  the numbers of the frames that sonde lets through
    reading.passing_each(path, filters)  {filter: numbers}, of the library, in one process
    reading.tshark_passing(path, filters)  {filter: numbers}; the file's frames are a second
                                apart, so that one run's statistics tell every filter's frames,
                                but for the last one, which has no second of its own
    reading.tshark(path, *argv) its standard output
    reading.write_pcap(path, frames, link=1)  bytes, or (bytes, nanoseconds)
    reading.tcp(...)            a segment in IPv4 and Ethernet, for write_pcap
"""

import contextlib
import functools
import http.client
import http.server
import os
import re
import socket
import struct
import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor

import capturing
import netns


# --- traffic

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = 'HTTP/1.1'

    def do_GET(self):
        body = b'hello, ' * 3000 if self.path == '/large' else b'hello\n'
        self.send_response(200 if self.path != '/missing' else 404)
        self.send_header('Content-Type', 'text/plain')
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def make_http(host, family):
    server_class = type('Server', (http.server.ThreadingHTTPServer,),
                        {'address_family': family})
    server = server_class((host, 8080 if family == socket.AF_INET else 8081), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        for path in ('/', '/large', '/missing'):
            connection = http.client.HTTPConnection(host, server.server_port)
            connection.request('GET', path, headers={'User-Agent': 'Probe/1.0'})
            connection.getresponse().read()
            connection.close()
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def make_datagrams(host, family):
    query = bytes.fromhex('123401000001000000000000') + b'\x05sonde\x04test\0\0\x01\0\x01'
    for port, datagrams in ((53, [query]),
                            (7007, [b'ABCDEFGH', b'xyz\0\xff', b'', b'z' * 5000])):
        with socket.socket(family, socket.SOCK_DGRAM) as server, \
                socket.socket(family, socket.SOCK_DGRAM) as client:
            server.bind((host, port))
            client.bind((host, 50053))
            for datagram in datagrams:
                client.sendto(datagram, server.getsockname()[:2])
                got, peer = server.recvfrom(70000)
                server.sendto(got[:100], peer)
                client.recv(70000)


def make_refused(host, family):
    with socket.socket(family, socket.SOCK_STREAM) as s:
        with contextlib.suppress(ConnectionRefusedError):
            s.connect((host, 1))
    with socket.socket(family, socket.SOCK_DGRAM) as s:
        s.connect((host, 1))
        s.send(b'')
        with contextlib.suppress(ConnectionRefusedError):
            s.recv(1)


def make_reset(host, family):
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.bind((host, 0))
        listener.listen()
        client = socket.create_connection(listener.getsockname()[:2])
        peer, _ = listener.accept()
        client.send(b'unread')
        netns.wait_until('data', lambda: peer.recv(6, socket.MSG_PEEK | socket.MSG_DONTWAIT))
        peer.close()
        client.close()


def make_echo(host, family):
    if family == socket.AF_INET6:
        protocol, message = socket.IPPROTO_ICMPV6, struct.pack('>BBHHH', 128, 0, 0, 7, 1)
    else:
        protocol, message = 1, struct.pack('>BBHHH', 8, 0, 0xf7f7, 7, 1)
    with socket.socket(family, socket.SOCK_RAW, protocol) as s:
        s.settimeout(60)
        s.sendto(message, (host, 0))
        s.recv(100)


def capture(path):
    subprocess.run(['ip', 'link', 'set', 'lo', 'mtu', '1500'], check=True)
    with capturing.Capture(path):
        for host, family in (('127.0.0.1', socket.AF_INET), ('::1', socket.AF_INET6)):
            for make in (make_http, make_datagrams, make_refused, make_reset, make_echo):
                make(host, family)


# --- files

def write_pcap(path, frames, link=1):
    with open(path, 'wb') as file:
        file.write(struct.pack('<IHHiIII', 0xa1b23c4d, 2, 4, 0, 0, 262144, link))
        for i, frame in enumerate(frames):
            data, at_ns = frame if isinstance(frame, tuple) else (frame, i * 10 ** 9)
            at_ns += 1700000000 * 10 ** 9
            file.write(struct.pack('<IIII', at_ns // 10 ** 9, at_ns % 10 ** 9, len(data),
                                   len(data)) + data)


def read_pcap(path):
    with open(path, 'rb') as file:
        data = file.read()
    at = 24
    while at < len(data):
        length, = struct.unpack('<I', data[at + 8:at + 12])
        yield data[at + 16:at + 16 + length]
        at += 16 + length


def respace(path, to):
    subprocess.run(['editcap', '-F', 'pcap', path, to + '.tmp'], check=True,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    write_pcap(to, list(read_pcap(to + '.tmp')))


def tcp(source, destination, flags, seq, ack, payload=b'', options=b'', ports=(40000, 5000)):
    """Ends are the last number of 192.0.2.0/24; ports belong to 1 and to the others."""
    ports = ports if source == 1 else ports[::-1]
    header = struct.pack('>HHIIBBHHH', *ports, seq % 2 ** 32, ack % 2 ** 32,
                         (5 + len(options) // 4) << 4, flags, 8192, 0, 0) + options
    ip = struct.pack('>BBHHHBBH4B4B', 0x45, 0, 20 + len(header) + len(payload), 1, 0, 64, 6, 0,
                     192, 0, 2, source, 192, 0, 2, destination)
    total = sum(struct.unpack('>10H', ip))
    total = (total & 0xffff) + (total >> 16)
    ip = ip[:10] + struct.pack('>H', ~total & 0xffff) + ip[12:]
    ethernet = bytes([2, 0, 0, 0, 0, destination, 2, 0, 0, 0, 0, source, 8, 0])
    return ethernet + ip + header + payload


# --- the programs

def sonde(*argv, **more):
    return netns.run([netns.SONDE, *argv], **more)


def passing(path, text):
    done = sonde('read', path, '-Y', text, '-e', 'frame.number')
    if done.returncode:
        return done.stderr
    return [int(number) for number in done.stdout.split()]


def passing_each(path, filters):
    done = netns.run([capturing.program('filter_tsv'), path, *filters])
    if done.returncode:
        raise RuntimeError(done.stderr)
    return {text: [int(number) for number in line.split()]
            for text, line in zip(filters, done.stdout.splitlines(), strict=True)}


def tshark(path, *argv):
    done = netns.run(['tshark', '-n', '-r', path, *argv])
    if done.returncode:
        raise RuntimeError(done.stderr)
    return done.stdout


def _by_statistics(path, filters):
    found = {text: [] for text in filters}
    out = tshark(path, '-q', '-z', 'io,stat,1,' + ','.join(filters))
    for line in out.splitlines():
        match = re.match(r'\|\s*(\d+) <>\s*(?:\d+|Dur)\s*\|', line)
        if not match:
            continue
        cells = [int(cell) for cell in line[match.end():].strip(' |').split('|')]
        for text, frames in zip(filters, cells[::2]):
            if frames:
                found[text].append(int(match.group(1)) + 1)
    return found


def _by_itself(path, text):
    out = tshark(path, '-Y', text, '-T', 'fields', '-e', 'frame.number')
    return text, [int(number) for number in out.split()]


def _is_alone(text):
    """A comma would part two filters of the statistics, and a protocol has another length
    where tshark makes no tree of it."""
    return ',' in text or 'len(' in text


def tshark_passing(path, filters):
    found = _by_statistics(path, [text for text in filters if not _is_alone(text)])
    with ThreadPoolExecutor(2) as pool:
        found.update(pool.map(functools.partial(_by_itself, path),
                              [text for text in filters if _is_alone(text)]))
    return found


def tshark_accepts(text):
    path = os.path.join(netns.scratch(), 'empty.pcap')
    write_pcap(path, [])
    return netns.run(['tshark', '-r', path, '-Y', text]).returncode == 0
