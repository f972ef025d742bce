"""Sends more than fits into the buffers of both ends."""
import socket

from barrier import about_to_wait, until_waiting

sock = socket.socket()
sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 65536)
until_waiting('accept')
sock.connect(('127.0.0.1', 50000))                   # connect
about_to_wait('send')
sock.sendall(b'x' * 20000000)                        # send
sock.close()                                         # close
