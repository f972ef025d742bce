"""A client that asks the port beside its server's.

with: python3 {folder}/server.py AF_INET SOCK_STREAM 127.0.0.1 50001
"""
import socket
import sys

try:
    socket.create_connection(('127.0.0.1', 50000))  # here
except OSError as error:
    sys.exit(str(error))
