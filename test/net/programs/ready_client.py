"""Calls nothing before what it waits for is there: only connect has to wait.

    ready_client.py [TIMEOUT]
"""
import socket
import sys

from barrier import reached, until_readable, until_reached

timeout = float(sys.argv[1]) if len(sys.argv) > 1 else None
sock = socket.socket()
sock.settimeout(timeout)
until_reached('listening')
sock.connect(('127.0.0.1', 50000))                   # connect
reached('connected')
sock.send(b'eighteen bytes ok!')                     # send
until_readable(sock, 8)
answer = sock.recv(1024)                             # answer
sock.close()                                         # close
# The end of this program is soon followed by the other's.
until_reached('closed')
print(answer.decode())
