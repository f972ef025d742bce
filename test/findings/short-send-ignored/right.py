"""A sender that sends the rest, too."""
import socket
import threading


def serve():
    connection, _ = listener.accept()
    with connection:
        while connection.recv(65536):
            pass


listener = socket.create_server(('127.0.0.1', 0))
thread = threading.Thread(target=serve)
client = socket.create_connection(listener.getsockname())
thread.start()
client.sendall(b"x" * 5_000_000)
client.close()
thread.join()
