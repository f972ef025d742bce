"""A server that answers each line."""
import socket
import threading


def serve():
    connection, _ = listener.accept()
    with connection:
        sent.wait()
        lines = connection.makefile('rb')
        for _ in lines:
            connection.sendall(b'answer\n')


sent = threading.Event()
listener = socket.create_server(('127.0.0.1', 0))
thread = threading.Thread(target=serve)
thread.start()
client = socket.create_connection(listener.getsockname(), timeout=30)
client.sendall(b'question\n')
client.sendall(b'question\n')
sent.set()
answers = 0
try:
    while answers < 2:
        answers += client.recv(1024).count(b'\n')
except TimeoutError:
    pass
client.close()
thread.join()
