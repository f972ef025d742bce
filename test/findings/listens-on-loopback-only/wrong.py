"""A server that hears one address of loopback, and a client that asks another."""
import socket

server = socket.create_server(('127.0.0.1', 50000))
client = socket.socket()
try:
    client.connect(('127.0.0.2', 50000))  # here
except OSError:
    pass
client.close()
server.close()
