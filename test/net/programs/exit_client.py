"""Ends without a close.

    exit_client.py HOW      HOW: now (os._exit), end (the interpreter's), killed (a signal)
"""
import os
import signal
import socket
import sys

from barrier import until_waiting

sock = socket.socket()
until_waiting('accept')
sock.connect(('127.0.0.1', 50000))                   # connect
until_waiting('request')
sock.send(b'eighteen bytes ok!')                     # send
until_waiting('end')
if sys.argv[1] == 'now':
    os._exit(3)                                      # exit
elif sys.argv[1] == 'killed':
    os.kill(os.getpid(), signal.SIGKILL)
