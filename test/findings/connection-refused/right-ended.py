"""A server that is there for two clients, one after the other."""
import socket

listener = socket.create_server(('127.0.0.1', 50000))
for _ in range(2):
    client = socket.create_connection(('127.0.0.1', 50000))
    listener.accept()[0].close()
    client.close()
listener.close()
