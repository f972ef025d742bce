"""Two sockets share an address, and one after the other listens."""
import socket

for _ in range(2):
    with socket.socket() as it:
        it.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        it.bind(('127.0.0.1', 50000))
        it.listen()
