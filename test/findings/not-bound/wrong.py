"""A server that forgets bind()."""
import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server:
    server.settimeout(0.3)
    try:
        server.recvfrom(100)  # here
    except OSError:
        pass
