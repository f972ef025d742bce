"""A client that connects again and again, and closes nothing."""
import socket
import threading


def serve():
    for _ in range(5):
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b'hello')


listener = socket.create_server(('127.0.0.1', 0))
thread = threading.Thread(target=serve)
thread.start()
clients = []
for _ in range(5):
    client = socket.create_connection(listener.getsockname())  # here
    clients.append(client)
    while client.recv(1024):
        pass
thread.join()
