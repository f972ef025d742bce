"""A client that ends its line."""
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
client.settimeout(30)
client.sendall(b'hello\n')
client.recv(1024)
client.close()
thread.join()
