#!/usr/bin/env python3
"""A calculation server.

    calc_server.py [PORT]

A request is  <ID><operation><N><z1>...<zN>  and its reply  <ID><result>:

    ID          4 bytes, any number that the client likes; it comes back with the reply
    operation   the word Summe, Produkt, Minimum or Maximum in UTF-8
    N           1 byte, how many numbers follow
    z, result   4 bytes each, signed

Numbers are little-endian.  Every client is served by a thread of its own.
"""

import math
import socket
import struct
import sys
import threading

HOST = "127.0.0.1"
PORT = 50000
IDLE_SECONDS = 30.0  # a client that says nothing for so long is sent away

OPERATIONS = {b"Summe": sum, b"Produkt": math.prod, b"Minimum": min, b"Maximum": max}


def take_request(data):
    """Splits the first request off the bytes received so far.

    Returns (id, operation, numbers, remaining bytes), or None while it is not complete:
    TCP may deliver half a request, or two at once.
    """
    if len(data) < 5:
        return None
    length = 5 if data[4:5] == b"S" else 7  # no word is the beginning of another one
    head = 4 + length + 1
    if len(data) < head:
        return None
    count = data[head - 1]
    end = head + 4 * count
    if len(data) < end:
        return None
    (number,) = struct.unpack_from("<I", data)
    numbers = struct.unpack_from(f"<{count}i", data, head)
    return number, data[4 : 4 + length], numbers, data[end:]


def serve(conn, address):
    """Answers the requests of one client until it closes the connection."""
    conn.settimeout(IDLE_SECONDS)
    data = b""
    with conn:
        while True:
            chunk = conn.recv(1024)
            if not chunk:  # the client has closed
                break
            data += chunk
            while request := take_request(data):
                number, operation, numbers, data = request
                result = OPERATIONS[operation](numbers)
                reply = struct.pack("<Ii", number, result)
                conn.sendall(reply)
    print(f"{address[0]}:{address[1]} is gone", flush=True)


def serve_safely(conn, address):
    """One client's mistake must not disturb the others."""
    try:
        serve(conn, address)
    except TimeoutError:
        print(f"{address[0]}:{address[1]} was silent for {IDLE_SECONDS} s", flush=True)
    except (KeyError, ValueError, struct.error, OSError) as error:
        print(f"{address[0]}:{address[1]}: {error!r}", flush=True)


def main():
    port = int(sys.argv[1]) if len(sys.argv) > 1 else PORT
    # Without arguments a socket is for IPv4 and TCP.
    with socket.socket() as server:
        server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        server.bind((HOST, port))
        server.listen()
        print(f"listening on {HOST}:{server.getsockname()[1]}", flush=True)
        while True:
            conn, address = server.accept()
            thread = threading.Thread(target=serve_safely, args=(conn, address), daemon=True)
            thread.start()


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
