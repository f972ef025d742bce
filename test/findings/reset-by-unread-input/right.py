"""A server that reads the question to its end."""
import socket

listener = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(listener.getsockname())
connection, _ = listener.accept()
client.sendall(b'question')
client.shutdown(socket.SHUT_WR)
while connection.recv(1024):
    pass
connection.close()
client.close()
