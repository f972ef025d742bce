"""What the tests of `sonde explain` and of its page share: a run with a file of hostile names
and lines, and captures made of numbers.

    run_of('name')         traces client and server: the files name.pcapng, name.out
    explain(...)           sonde explain
    at(name), write(name, content), read(name)    a file in the test's folder
    pcap(...)              frames (ms, bytes) as a file; segment(...) makes one of TCP, ip() of
                           any protocol
"""

import os
import struct

import netns

SERVER = '''\
import socket
listener = socket.create_server(('127.0.0.1', 5005))
conn, address = listener.accept()
while True:
    data = conn.recv(1024)  # </script><script>alert("line")</script> <img src=x onerror=alert(1)> | `*_[a](b)
    if not data:
        break
    conn.sendall(data.upper())
conn.close()
'''

# Its server may be slow to start: it waits until the port is in the state LISTEN.
CLIENT = '''\
import socket, time
while ':138D 00000000:0000 0A' not in open('/proc/net/tcp').read(): time.sleep(0.02)
sock = socket.create_connection(('127.0.0.1', 5005))
sock.settimeout(30)
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


server, client = write(HOSTILE, SERVER), write('client.py', CLIENT)


def run_of(name, *words):
    return netns.run([netns.SONDE, 'trace', '--isolate', '-w', at(f'{name}.pcapng'), '-o',
                      at(f'{name}.out'), *words, '--with', f'/usr/bin/python3 "{server}"', '--',
                      '/usr/bin/python3', client])


SYN, ACK, FIN, RST, PSH = 2, 16, 1, 4, 8


def ip(source, target, proto, body):
    return struct.pack('!BBHHHBBH4s4s', 0x45, 0, 20 + len(body), 0, 0, 64, proto, 0,
                       bytes(map(int, source.split('.'))), bytes(map(int, target.split('.')))) + body


def segment(source, target, flags, seq, ack, payload=b'', window=1000):
    tcp = struct.pack('!HHIIBBHHH', source[1], target[1], seq, ack, 0x50, flags, window, 0, 0)
    return ip(source[0], target[0], 6, tcp + payload)


def pcap(*frames):
    data = [struct.pack('<IHHiIII', 0xa1b23c4d, 2, 4, 0, 0, 65535, 101)]
    for at_ms, frame in frames:
        data.append(struct.pack('<IIII', 1000 + at_ms // 1000, at_ms % 1000 * 1000000, len(frame),
                                len(frame)) + frame)
    return b''.join(data)
