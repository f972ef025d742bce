"""A client that writes its numbers as the server reads them."""
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
        head = take(connection, 12)
        numbers = struct.unpack('<2i', take(connection, 8))
        connection.sendall(head[:4] + struct.pack('<i', max(numbers)))
        while connection.recv(1024):
            pass


listener = socket.create_server(('127.0.0.1', 50000))
thread = threading.Thread(target=serve)
thread.start()
client = socket.create_connection(('127.0.0.1', 50000))
client.sendall(struct.pack('<I7sB2i', 7, b'Maximum', 2, 1, 256))
client.recv(8)
client.close()
thread.join()
