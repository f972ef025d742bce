"""A server that stops when its client leaves."""
import socket
import threading


def serve():
    connection, _ = listener.accept()
    while connection.recv(1024):
        pass
    connection.close()


listener = socket.create_server(('127.0.0.1', 0))
thread = threading.Thread(target=serve)
thread.start()
with socket.create_connection(listener.getsockname()) as client:
    client.sendall(b'hello')
thread.join()
