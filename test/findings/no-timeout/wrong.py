"""A client that waits for ever (here: until a signal ends it)."""
import signal
import socket

listener = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(listener.getsockname())
connection, _ = listener.accept()
signal.alarm(3)
client.recv(1024)  # here
