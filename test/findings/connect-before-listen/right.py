"""A client that tries again until its server listens."""
import socket

listener = socket.socket()
listener.bind(('127.0.0.1', 50000))
for _ in range(2):
    client = socket.socket()
    try:
        client.connect(('127.0.0.1', 50000))
        break
    except OSError:
        client.close()
        listener.listen()
client.close()
