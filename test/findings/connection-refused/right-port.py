"""A client that asks its server's port.

with: python3 {folder}/server.py AF_INET SOCK_STREAM 127.0.0.1 50001
"""
import socket

while ':C351 00000000:0000 0A' not in open('/proc/net/tcp', encoding='ascii').read():
    pass
socket.create_connection(('127.0.0.1', 50001)).close()
