"""A client without a server."""
import socket
import sys

client = socket.socket()
try:
    client.connect(('127.0.0.1', 50000))  # here
except OSError as error:
    sys.exit(str(error))
