"""A client with two connections that it keeps, of which one is dead."""
import socket
import threading


def serve():
    first, _ = listener.accept()
    first.sendall(b'hello')
    first.close()
    second, _ = listener.accept()
    with second:
        while question := second.recv(1024):
            second.sendall(question)


listener = socket.create_server(('127.0.0.1', 0))
thread = threading.Thread(target=serve)
thread.start()
pool = [socket.create_connection(listener.getsockname()) for _ in range(2)]
pool[0].recv(5)
for _ in range(3):
    pool[1].sendall(b'hello')
    pool[1].recv(5)
pool[1].close()
thread.join()
