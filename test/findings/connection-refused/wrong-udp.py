"""A client for TCP, and a server for UDP.

with: python3 {folder}/server.py AF_INET SOCK_DGRAM 127.0.0.1 50000
"""
import socket
import sys

while ':C350 ' not in open('/proc/net/udp', encoding='ascii').read():
    pass
try:
    socket.create_connection(('127.0.0.1', 50000))  # here
except OSError as error:
    sys.exit(str(error))
