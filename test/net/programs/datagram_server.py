"""Answers one datagram."""
import socket

from barrier import about_to_wait, until_waiting

sock = socket.socket(type=socket.SOCK_DGRAM)
sock.bind(('127.0.0.1', 50000))
about_to_wait('request')
request, address = sock.recvfrom(1024)               # request
until_waiting('answer')
sock.sendto(request, address)                        # reply
