"""A client that waits for a while."""
import socket

listener = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(listener.getsockname())
connection, _ = listener.accept()
client.settimeout(0.2)
try:
    client.recv(1024)
except TimeoutError:
    client.close()
connection.close()
