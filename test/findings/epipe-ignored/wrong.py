"""A sender that goes on though its peer has gone."""
import socket

listener = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(listener.getsockname())
connection, _ = listener.accept()
connection.close()
for _ in range(5):
    try:
        client.send(b'hello')  # here
    except OSError:
        pass
