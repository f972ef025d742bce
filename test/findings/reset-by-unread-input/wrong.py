"""A server that closes without having read the question."""
import socket

listener = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(listener.getsockname())
connection, _ = listener.accept()
client.sendall(b'question')
connection.recv(1, socket.MSG_PEEK)
connection.close()  # here
client.close()
