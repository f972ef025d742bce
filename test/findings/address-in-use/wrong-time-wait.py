"""A server that ends a connection itself, and starts again a moment later."""
import socket


def listen():
    server = socket.socket()
    server.bind(('127.0.0.1', 50000))  # here
    server.listen()
    return server


def serve_once(server):
    client = socket.create_connection(('127.0.0.1', 50000))
    connection, _ = server.accept()
    connection.close()
    client.recv(1)
    client.close()
    server.close()


serve_once(listen())
try:
    listen()
except OSError:
    pass
