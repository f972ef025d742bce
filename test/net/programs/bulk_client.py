"""Sends much, by two statements in turn."""
import socket

from barrier import until_waiting

sock = socket.socket()
until_waiting('accept')
sock.connect(('127.0.0.1', 50000))                   # connect
for count in range(10):
    sock.sendall(b'a' * 100000)                      # big
    sock.sendall(b'b' * 77)                          # small
sock.close()                                         # close
