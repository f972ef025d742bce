#!/usr/bin/env python3
"""A client of the calculation server: asks for every operation, one after the other.

    calc_client.py [PORT [NUMBER]...]

The protocol is described in calc_server.py.
"""

import socket
import struct
import sys

HOST = "127.0.0.1"
PORT = 50000
NUMBERS = [3, 4, -5]
TIMEOUT_SECONDS = 5.0
REPLY_BYTES = 8


def receive_reply(sock):
    """Receives until the reply is whole: TCP may deliver it in pieces."""
    reply = b""
    while len(reply) < REPLY_BYTES:
        chunk = sock.recv(1024)
        if not chunk:
            raise ConnectionError("the server closed before it had answered")
        reply += chunk
    return struct.unpack("<Ii", reply)


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else PORT
    numbers = [int(word) for word in sys.argv[2:]] or NUMBERS

    # Without arguments a socket is for IPv4 and TCP.
    sock = socket.socket()
    sock.settimeout(TIMEOUT_SECONDS)
    sock.connect((HOST, port))
    for number, operation in enumerate(("Summe", "Produkt", "Minimum", "Maximum"), 1):
        request = struct.pack("<I", number) + operation.encode()
        request += struct.pack(f"<B{len(numbers)}i", len(numbers), *numbers)
        sock.sendall(request)
        answered, result = receive_reply(sock)
        if answered != number:
            raise ValueError(f"reply {answered} to request {number}")
        print(f"{operation}({', '.join(map(str, numbers))}) = {result}")
    sock.close()


if __name__ == "__main__":
    main()
