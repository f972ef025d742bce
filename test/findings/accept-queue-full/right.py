"""A server that accepts late, with a queue for all."""
import socket
import threading
import time

server = socket.socket()
server.bind(('127.0.0.1', 0))
server.listen(10)
clients = [threading.Thread(target=lambda: socket.create_connection(server.getsockname()).close())
           for _ in range(4)]
for client in clients:
    client.start()
time.sleep(0.5)
for _ in clients:
    server.accept()[0].close()
for client in clients:
    client.join()
