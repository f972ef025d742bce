"""A sender that believes that send() sends everything.

also: zero-window
"""
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
client.setblocking(False)
client.send(b'x' * 50_000_000)  # here
thread.start()
client.close()
thread.join()
