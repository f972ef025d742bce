"""Connects to a port where nobody listens.

    refused.py [TIMEOUT]
"""
import socket
import sys

sock = socket.socket()
sock.settimeout(float(sys.argv[1]) if len(sys.argv) > 1 else None)
try:
    sock.connect(('127.0.0.1', 50000))               # connect
except ConnectionRefusedError as error:
    print(error)
sock.close()                                         # close
