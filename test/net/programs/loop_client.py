"""Asks three times in a loop: each turn's send is a statement of its own.

    loop_client.py [TIMEOUT]
"""
import socket
import sys

from barrier import about_to_wait, until_waiting

timeout = float(sys.argv[1]) if len(sys.argv) > 1 else None
sock = socket.socket()
sock.settimeout(timeout)
until_waiting('accept')
sock.connect(('127.0.0.1', 50000))                   # connect
for count in 1, 2, 3:
    until_waiting(f'request {count}')
    sock.send(b'x' * count)                          # send
    about_to_wait(f'answer {count}')
    sock.recv(1024)                                  # answer
until_waiting('request 4')
sock.close()                                         # close
