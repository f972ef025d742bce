"""A client for IPv6, and a server for IPv4.

with: python3 {folder}/server.py AF_INET SOCK_STREAM 127.0.0.1 50000
"""
import socket
import sys

try:
    socket.create_connection(('::1', 50000))  # here
except OSError as error:
    sys.exit(str(error))
