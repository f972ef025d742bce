"""One request, one reply; sleeps in every call that can block.

    wait_client.py [TIMEOUT]
"""
import socket
import sys

from barrier import about_to_wait, until_waiting

timeout = float(sys.argv[1]) if len(sys.argv) > 1 else None
sock = socket.socket()
sock.settimeout(timeout)
until_waiting('accept')
sock.connect(('127.0.0.1', 50000))                   # connect
until_waiting('request')
sock.send(b'eighteen bytes ok!')                     # send
about_to_wait('answer')
answer = sock.recv(1024)                             # answer
until_waiting('end')
sock.close()                                         # close
print(answer.decode())
