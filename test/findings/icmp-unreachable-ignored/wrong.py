"""A client that waits for the answer of nobody."""
import socket

client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(0.3)
client.sendto(b'question', ('127.0.0.1', 50000))
try:
    client.recvfrom(1024)  # here
except socket.timeout:
    pass
