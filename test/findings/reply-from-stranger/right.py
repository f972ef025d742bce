"""A client that takes answers from its server alone."""
import socket

server, stranger, client = (socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3))
server.bind(('127.0.0.1', 0))
client.bind(('127.0.0.1', 0))
client.sendto(b'question', server.getsockname())
stranger.sendto(b'lie', client.getsockname())
server.sendto(b'answer', client.getsockname())
while True:
    answer, address = client.recvfrom(1024)
    if address == server.getsockname():
        break
client.close()
