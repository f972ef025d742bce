"""Sends one datagram, and one to a port where nobody is."""
import socket

from barrier import about_to_wait, until_long_past, until_waiting

sock = socket.socket(type=socket.SOCK_DGRAM)
until_waiting('request')
sock.sendto(b'hello', ('127.0.0.1', 50000))          # send
about_to_wait('answer')
sock.recvfrom(1024)                                  # answer
sock.connect(('127.0.0.1', 50001))                   # connect
sock.send(b'nobody')                                 # nobody
until_long_past()
try:
    sock.recv(1024)                                  # refused
except ConnectionRefusedError:
    print('refused')
