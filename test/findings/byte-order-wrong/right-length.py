"""A server that reads the length of a message as it was written."""
import socket
import struct
import threading


def take(connection, n):
    data = b''
    while len(data) < n:
        more = connection.recv(n - len(data))
        if not more:
            break
        data += more
    return data


def serve():
    connection, _ = listener.accept()
    with connection:
        (length,) = struct.unpack('>H', take(connection, 2))
        connection.sendall(take(connection, length))


listener = socket.create_server(('127.0.0.1', 0))
thread = threading.Thread(target=serve)
thread.start()
client = socket.create_connection(listener.getsockname())
client.settimeout(30)
client.sendall(struct.pack('>H', 5) + b'hello')
try:
    client.recv(1024)
except TimeoutError:
    pass
client.close()
thread.join()
