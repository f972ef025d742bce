"""A server that hands on what others still have to say, after its client has said all."""
import socket
import threading


def serve():
    connection, _ = listener.accept()
    while connection.recv(1024):
        pass
    for _ in range(3):
        other, _ = listener.accept()
        with other:
            while other.recv(1024):
                pass
    connection.sendall(b'hello')
    connection.close()


listener = socket.create_server(('127.0.0.1', 0))
thread = threading.Thread(target=serve)
thread.start()
client = socket.create_connection(listener.getsockname())
client.shutdown(socket.SHUT_WR)
for _ in range(3):
    socket.create_connection(listener.getsockname()).close()
client.recv(1024)
client.close()
thread.join()
