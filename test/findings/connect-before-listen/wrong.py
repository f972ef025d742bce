"""A client that is quicker than its server."""
import socket

listener = socket.socket()
listener.bind(('127.0.0.1', 50000))
client = socket.socket()
try:
    client.connect(('127.0.0.1', 50000))  # here
except OSError:
    pass
listener.listen()
