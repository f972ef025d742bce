"""Passes a connection to a child and closes its own descriptor before the child has taken
it; then sends one that nobody takes."""

import os
import socket

here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
closed_here, closed_there = os.pipe()
server = socket.create_server(('127.0.0.1', 0))
child = os.fork()
if child == 0:
    here.close()
    server.close()
    os.read(closed_here, 1)
    descriptors = socket.recv_fds(there, 10, 4)[1]
    conn = socket.socket(fileno=descriptors[0])
    conn.sendall(b'hi')
    conn.close()
    os._exit(0)
client = socket.create_connection(server.getsockname())
conn, _ = server.accept()
socket.send_fds(here, [b'x'], [conn.fileno()])
conn.close()
os.write(closed_there, b'x')
print(client.recv(9))
print(client.recv(9))
os.wait()
there.close()
kept = socket.socket()
try:
    socket.send_fds(here, [b'x'], [kept.fileno()])
except ConnectionRefusedError:
    kept.close()
