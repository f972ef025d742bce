"""Two servers on one UDP port, the second at all addresses."""
import socket

first = socket.socket(type=socket.SOCK_DGRAM)
first.bind(('127.0.0.1', 50000))
second = socket.socket(type=socket.SOCK_DGRAM)
try:
    second.bind(('', 50000))  # here
except OSError:
    pass
