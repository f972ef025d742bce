"""A client that tries both versions of IP, as "localhost" has both: the first is refused.

with: python3 {folder}/server.py AF_INET SOCK_STREAM 127.0.0.1 50000
"""
import socket

while ':C350 00000000:0000 0A' not in open('/proc/net/tcp', encoding='ascii').read():
    pass
for address in '::1', '127.0.0.1':
    try:
        socket.create_connection((address, 50000)).close()
        break
    except OSError:
        pass
