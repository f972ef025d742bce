"""A client and a server that agree who begins."""
import socket
import threading


def serve():
    connection, _ = listener.accept()
    with connection:
        connection.sendall(connection.recv(1024))


listener = socket.create_server(('127.0.0.1', 0))
threading.Thread(target=serve).start()
client = socket.create_connection(listener.getsockname())
client.sendall(b'hello')
client.recv(1024)
client.close()
