"""A server that hears all addresses."""
import socket

server = socket.create_server(('0.0.0.0', 50000))
client = socket.socket()
try:
    client.connect(('127.0.0.2', 50000))
except OSError:
    pass
client.close()
server.close()
