"""A receiver whose buffer is large enough."""
import socket

receiver = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
receiver.bind(('127.0.0.1', 0))
sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
sender.sendto(b'x' * 100, receiver.getsockname())
receiver.recvfrom(65535)
