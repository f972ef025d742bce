"""A client that connects twice at a time, from one port of its own."""
import socket


def connect():
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    client.bind(('127.0.0.1', 50001))
    client.connect(listener.getsockname())  # here
    return client


listener = socket.create_server(('127.0.0.1', 0))
first = connect()
try:
    connect()
except OSError:
    pass
first.close()
