"""Two sockets share an address, which is no trouble until the second one listens."""
import socket

sockets = [socket.socket() for _ in range(2)]
for it in sockets:
    it.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    it.bind(('127.0.0.1', 50000))
sockets[0].listen()
try:
    sockets[1].listen()  # here
except OSError:
    pass
