"""A client that takes an answer from anybody."""
import socket

server, stranger, client = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3))
server.bind(('127.0.0.1', 0))
client.bind(('127.0.0.1', 0))
client.sendto(b'question', server.getsockname())
stranger.sendto(b'lie', client.getsockname())
answer, address = client.recvfrom(1024)  # here
client.close()
