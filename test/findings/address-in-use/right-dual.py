"""A server for IPv4 beside one for IPv6 alone."""
import socket

first = socket.create_server(('', 50000), family=socket.AF_INET6)
second = socket.socket()
second.bind(('127.0.0.1', 50000))
