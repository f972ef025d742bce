"""A client and a server that each wait for the other to begin."""
import signal
import socket
import threading


def serve():
    connection, _ = listener.accept()
    with connection:
        connection.sendall(connection.recv(1024))


listener = socket.create_server(('127.0.0.1', 0))
threading.Thread(target=serve).start()
client = socket.create_connection(listener.getsockname())
signal.alarm(4)
client.recv(1024)  # here
client.sendall(b'hello')
