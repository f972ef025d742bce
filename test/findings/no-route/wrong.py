"""A client of a host that cannot be reached from here."""
import socket

with socket.socket() as client:
    try:
        client.connect(('192.0.2.1', 50000))  # here
    except OSError:
        pass
