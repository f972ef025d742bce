"""A server on an address of another machine."""
import socket

server = socket.socket()
try:
    server.bind(('192.0.2.1', 50000))  # here
except OSError:
    pass
server.close()
