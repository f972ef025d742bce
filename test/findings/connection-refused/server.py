"""Waits for one client."""
import socket
import sys

family, kind, address, port = sys.argv[1:5]
server = socket.socket(getattr(socket, family), getattr(socket, kind))
server.bind((address, int(port)))
if kind == 'SOCK_STREAM':
    server.listen()
    server.accept()[0].recv(100)
else:
    server.recvfrom(100)
