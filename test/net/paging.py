"""What the tests of the page share: a run with a file of hostile names and lines, captures
made of numbers, and the page of each.

    run_of('name')         traces client and server; the files name.pcapng, name.html, name.out
    page_of('name', path)  sonde explain --html; the page's path
    capture_in(html)       the bytes that a page holds, and their name
    pcap(...)              frames (ms, bytes) as a file; segment(...) makes one
"""

import base64
import os
import re
import struct

import netns

SERVER = '''\
import socket
listener = socket.create_server(('127.0.0.1', 5005))
conn, address = listener.accept()
while True:
    data = conn.recv(1024)  # </script><script>alert("line")</script> <img src=x onerror=alert(1)>
    if not data:
        break
    conn.sendall(data.upper())
conn.close()
'''

CLIENT = '''\
import socket
sock = socket.create_connection(('127.0.0.1', 5005))
sock.settimeout(2)
for word in (b'</script><script>alert(1)</script>', b'two', b'three'):
    sock.sendall(word)
    sock.recv(1024)
sock.close()
a, b = socket.socketpair()
a.sendall(b'x')
b.recv(1)
try:
    socket.create_connection(('127.0.0.1', 5999))
except ConnectionRefusedError:
    pass
'''

HOSTILE = "<img src=x onerror=alert('name')>&.py"

folder = netns.scratch()


def at(name):
    return os.path.join(folder, name)


def write(name, content):
    with open(at(name), 'wb' if isinstance(content, bytes) else 'w') as file:
        file.write(content)
    return at(name)


def read(name):
    with open(at(name), encoding='utf-8') as file:
        return file.read()


def read_bytes(name):
    with open(at(name), 'rb') as file:
        return file.read()


def explain(*words, **more):
    return netns.run([netns.SONDE, 'explain', *words], **more)


def run_of(name, *words):
    server, client = write(HOSTILE, SERVER), write('client.py', CLIENT)
    return netns.run([netns.SONDE, 'trace', '--isolate', '-w', at(f'{name}.pcapng'), '--html',
                      at(f'{name}.html'), '-o', at(f'{name}.out'), *words, '--with',
                      f'/usr/bin/python3 "{server}"', '--', '/usr/bin/python3', client])


def page_of(name, path, *words):
    explain('--html', at(f'{name}.html'), '-o', os.devnull, *words, path)
    return at(f'{name}.html')


def capture_in(html):
    found = re.search(r'<script type="text/plain" id="capture" data-name="([^"]*)" data-stream="(\d+)"(?: data-secrets="shown")?>'
                      r'([^<]*)</script>', html)
    if not found:
        return None, None, None
    return base64.b64decode(found[3]), base64.b64decode(found[1]).decode(), int(found[2])


SYN, ACK, FIN, RST, PSH = 2, 16, 1, 4, 8


def segment(source, target, flags, seq, ack, payload=b'', window=1000):
    tcp = struct.pack('!HHIIBBHHH', source[1], target[1], seq, ack, 0x50, flags, window, 0, 0)
    body = tcp + payload
    head = struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(body), 0, 0, 64, 6, 0,
                       bytes(map(int, source[0].split('.'))), bytes(map(int, target[0].split('.'))))
    return head + body


def pcap(*frames):
    data = [struct.pack('<IHHiIII', 0xa1b23c4d, 2, 4, 0, 0, 65535, 101)]
    for at_ms, frame in frames:
        data.append(struct.pack('<IIII', 1000 + at_ms // 1000, at_ms % 1000 * 1000000, len(frame),
                                len(frame)) + frame)
    return b''.join(data)


def exchange():
    """A few connections, the first of them whole."""
    client, server, closed = ('192.0.2.1', 40000), ('192.0.2.2', 80), ('192.0.2.2', 81)
    request = b'GET /<script>\x1b[31m HTTP/1.1\r\n\r\n'
    return pcap(
        (0, segment(client, server, SYN, 100, 0)),
        (5, segment(server, client, SYN | ACK, 500, 101)),
        (6, segment(client, server, ACK, 101, 501)),
        (7, segment(client, server, PSH | ACK, 101, 501, request)),
        (408, segment(server, client, PSH | ACK, 501, 101 + len(request),
                      b'HTTP/1.1 204 No Content\r\n\r\n')),
        (409, segment(server, client, FIN | ACK, 528, 101 + len(request))),
        (410, segment(client, server, ACK, 101 + len(request), 529)),
        (500, segment(client, closed, SYN, 100, 0)),
        (501, segment(closed, client, RST | ACK, 0, 101)))


def login():
    """A mailbox's password in clear text, and one in a request."""
    client, server, web = ('192.0.2.1', 40000), ('192.0.2.2', 143), ('192.0.2.2', 80)
    said = b'a1 LOGIN alice wonderland\r\n'
    request = b'GET / HTTP/1.1\r\nHost: example.org\r\nAuthorization: Basic YWxpY2U6cmFiYml0\r\n\r\n'
    return pcap(
        (0, segment(client, server, PSH | ACK, 101, 501, said)),
        (1, segment(server, client, PSH | ACK, 501, 101 + len(said), b'a1 OK done\r\n')),
        (2, segment(client, web, PSH | ACK, 101, 501, request)))


def long_exchange(packets):
    """One connection of so many packets, data and acknowledgements in turns."""
    client, server = ('192.0.2.1', 40000), ('192.0.2.2', 9999)
    frames = [(0, segment(client, server, SYN, 100, 0)),
              (1, segment(server, client, SYN | ACK, 500, 101)),
              (2, segment(client, server, ACK, 101, 501))]
    seq = 101
    while len(frames) < packets:
        payload = b'message %d' % len(frames)
        frames.append((len(frames), segment(client, server, PSH | ACK, seq, 501, payload)))
        seq += len(payload)
        frames.append((len(frames), segment(server, client, ACK, 501, seq)))
    return pcap(*frames[:packets])
