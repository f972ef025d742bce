"""A server that reads on after its client has left."""
import socket
import threading


def serve():
    connection, _ = listener.accept()
    for _ in range(10):
        connection.recv(1024)  # here
    connection.close()


listener = socket.create_server(('127.0.0.1', 0))
thread = threading.Thread(target=serve)
thread.start()
with socket.create_connection(listener.getsockname()) as client:
    client.sendall(b'hello')
thread.join()
