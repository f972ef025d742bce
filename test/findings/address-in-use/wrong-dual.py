"""A server for IPv4 beside one that serves both families."""
import socket

first = socket.create_server(('', 50000), family=socket.AF_INET6, dualstack_ipv6=True)
second = socket.socket()
try:
    second.bind(('127.0.0.1', 50000))  # here
except OSError:
    pass
