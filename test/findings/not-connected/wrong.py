"""A server that receives on the socket that listens."""
import socket

listener = socket.create_server(('127.0.0.1', 50000))
client = socket.create_connection(('127.0.0.1', 50000))
try:
    listener.recv(100)  # here
except OSError:
    pass
client.close()
listener.close()
