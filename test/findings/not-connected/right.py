"""A server that receives on the socket of its client."""
import socket

listener = socket.create_server(('127.0.0.1', 50000))
client = socket.create_connection(('127.0.0.1', 50000))
connection, _ = listener.accept()
client.sendall(b'hello')
connection.recv(100)
connection.close()
client.close()
listener.close()
