"""A server that is bound, and hears nobody; a client that sends first."""
import socket

for is_server in True, False:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(('127.0.0.1', 50001))
        if is_server:
            sock.bind(('127.0.0.1', 50000))
        else:
            sock.sendto(b'hello', ('127.0.0.1', 50001))
        sock.settimeout(0.3)
        try:
            sock.recvfrom(100)
        except OSError:
            pass
