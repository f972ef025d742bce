"""Two UDP sockets that were connected and are no more: one asked before, one never did."""

import ctypes
import socket

libc = ctypes.CDLL(None)
server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
server.bind(('127.0.0.1', 0))


def dissolve(sock):
    assert libc.connect(sock.fileno(), bytes(16), 16) == 0  # AF_UNSPEC


used = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
used.connect(server.getsockname())
used.send(b'question')
question, address = server.recvfrom(100)
server.sendto(question, address)
used.recv(100)
dissolve(used)
unused = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
unused.connect(server.getsockname())
dissolve(unused)
unused.sendto(b'again', server.getsockname())
server.recvfrom(100)
