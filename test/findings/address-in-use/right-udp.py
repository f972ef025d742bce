"""Two servers on one port number, of UDP and of TCP, and one at another address."""
import socket

first = socket.socket(type=socket.SOCK_DGRAM)
first.bind(('127.0.0.1', 50000))
second = socket.socket()
second.bind(('127.0.0.1', 50000))
third = socket.socket(type=socket.SOCK_DGRAM)
third.bind(('127.0.0.2', 50000))
