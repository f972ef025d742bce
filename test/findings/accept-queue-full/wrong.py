"""A server that accepts late, with a queue for one."""
import socket
import threading
import time


def waiting():
    """Whose SYN has no answer yet."""
    with open('/proc/net/tcp', encoding='ascii') as file:
        return {line.split()[1] for line in file if line.split()[3] == '02'}


server = socket.socket()
server.bind(('127.0.0.1', 0))
server.listen(0)  # here
clients = [threading.Thread(target=lambda: socket.create_connection(server.getsockname()).close())
           for _ in range(4)]
for client in clients:
    client.start()
stuck = set()
while not stuck & waiting():
    stuck = waiting()
    time.sleep(0.1)
for _ in clients:
    server.accept()[0].close()
for client in clients:
    client.join()
