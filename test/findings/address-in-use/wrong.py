"""Two servers on one port."""
import socket

first = socket.create_server(('127.0.0.1', 50000))
second = socket.socket()
try:
    second.bind(('127.0.0.1', 50000))  # here
except OSError:
    pass
second.close()
first.close()
