"""A client that waits for ever (here: until a signal ends it)."""
import signal
import socket

signal.alarm(2)
listener = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(listener.getsockname())
connection, _ = listener.accept()
client.recv(1024)  # here
