"""A client that leaves its port to the kernel."""
import socket
import threading


def serve():
    for _ in range(2):
        connection, _ = listener.accept()
        with connection:
            while connection.recv(1024):
                pass


def talk(port):
    with socket.socket() as client:
        client.bind(('127.0.0.1', port))
        client.connect(('127.0.0.1', 50000))
        client.sendall(b'hello')
        client.shutdown(socket.SHUT_WR)
        client.recv(1)


listener = socket.create_server(('127.0.0.1', 50000))
thread = threading.Thread(target=serve, daemon=True)
thread.start()
try:
    talk(0)
    talk(0)
    thread.join()
except OSError:
    pass
