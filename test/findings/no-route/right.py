"""A client that finds its server at the second address; and a look which address would be
used, which sends nothing."""
import socket

with socket.create_server(('127.0.0.1', 50000)):
    for address in '192.0.2.1', '127.0.0.1':
        with socket.socket() as client, socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as look:
            try:
                look.connect((address, 9))
            except OSError:
                pass
            try:
                client.connect((address, 50000))
                break
            except OSError:
                pass
