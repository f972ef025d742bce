"""A server on an address of this machine."""
import socket

server = socket.socket()
try:
    server.bind(('127.0.0.1', 50000))
except OSError:
    pass
server.close()
