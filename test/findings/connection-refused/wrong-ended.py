"""A server that is there for one client, and a second one.

with: python3 {folder}/once.py
"""
import os
import socket
import sys

PORT = 50000


def is_there():
    with open('/proc/net/tcp', encoding='ascii') as table:
        return f':{PORT:04X} 00000000:0000 0A' in table.read()


while not is_there():
    pass
if os.fork() == 0:
    with socket.create_connection(('127.0.0.1', PORT)) as first:
        first.recv(1)
    os._exit(0)
os.wait()
while is_there():
    pass
try:
    socket.create_connection(('127.0.0.1', PORT))  # here
except OSError as error:
    sys.exit(str(error))
