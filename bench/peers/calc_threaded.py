#!/usr/bin/python3
"""A calculation server as one would write it in an hour, a thread for each client, for
sonde serve to be measured against.

Prints the port that it listens on.
"""

import math
import socket
import struct
import threading

OPERATIONS = {b'Summe': sum, b'Produkt': math.prod, b'Minimum': min, b'Maximum': max}


class Gone(Exception):
    """The client has left."""


def read(connection, count):
    data = b''
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise Gone
        data += more
    return data


def serve(connection):
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with connection:
        try:
            while True:
                head = read(connection, 9)
                word = head[4:9] if head[4:5] == b'S' else head[4:9] + read(connection, 2)
                count = read(connection, 1)[0]
                numbers = struct.unpack(f'<{count}i', read(connection, 4 * count))
                connection.sendall(head[:4] + struct.pack('<i', OPERATIONS[word](numbers)))
        except (Gone, ConnectionError, KeyError, ValueError, struct.error):
            pass


def main():
    listener = socket.create_server(('127.0.0.1', 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)
    while True:
        connection, _ = listener.accept()
        threading.Thread(target=serve, args=(connection,), daemon=True).start()


main()
