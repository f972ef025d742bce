"""A sender whose peer has gone, who looks at the error
"""
import socket

listener = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(listener.getsockname())
connection, _ = listener.accept()
connection.close()
try:
    for _ in range(3):
        client.send(b'hello')
except (BrokenPipeError, ConnectionResetError):
    client.close()
