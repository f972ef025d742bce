"""A receiver that does something else first."""
import socket
import threading
import time


def serve():
    connection, _ = listener.accept()
    with connection:
        time.sleep(2.6)
        while connection.recv(65536):
            pass


listener = socket.socket()
listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
listener.bind(('127.0.0.1', 0))
listener.listen()
thread = threading.Thread(target=serve)
thread.start()
with socket.create_connection(listener.getsockname()) as client:
    client.sendall(b'x' * 1_000_000)
thread.join()
