"""Two servers, the second on a port that the kernel chooses."""
import socket

first = socket.create_server(('127.0.0.1', 50000))
second = socket.socket()
try:
    second.bind(('127.0.0.1', 0))
except OSError:
    pass
second.close()
first.close()
