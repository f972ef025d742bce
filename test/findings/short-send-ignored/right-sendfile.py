"""A sender of a file, who asks for more bytes than it has."""
import os
import socket
import tempfile

listener = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(listener.getsockname())
connection, _ = listener.accept()
with tempfile.TemporaryFile() as file:
    file.write(b'hello')
    file.flush()
    os.sendfile(client.fileno(), file.fileno(), 0, 1 << 20)
client.close()
while connection.recv(1024):
    pass
connection.close()
