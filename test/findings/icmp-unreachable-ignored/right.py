"""A client that hears of it, because its socket is connected."""
import socket

client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
client.settimeout(0.3)
client.connect(('127.0.0.1', 50000))
client.send(b'question')
try:
    client.recv(1024)
except ConnectionRefusedError:
    pass
