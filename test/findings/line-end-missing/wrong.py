"""A client that sends its line without an end."""
import socket
import threading


def serve():
    connection, _ = listener.accept()
    with connection, connection.makefile('rwb') as file:
        line = file.readline()
        file.write(line.upper())


listener = socket.create_server(('127.0.0.1', 0))
thread = threading.Thread(target=serve)
thread.start()
client = socket.create_connection(listener.getsockname())
client.settimeout(2)
client.sendall(b'hello')  # here
try:
    client.recv(1024)
except TimeoutError:
    pass
client.close()
thread.join()
