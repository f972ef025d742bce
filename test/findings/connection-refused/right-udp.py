"""A client for UDP, and a server for it.

while ':C350 ' not in open('/proc/net/udp', encoding='ascii').read():
    pass
with: python3 {folder}/server.py AF_INET SOCK_DGRAM 127.0.0.1 50000
"""
import socket

while ':C350 ' not in open('/proc/net/udp', encoding='ascii').read():
    pass
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
    client.connect(('127.0.0.1', 50000))
    client.send(b'hello')
