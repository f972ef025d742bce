"""A client that finds its server at the second address: refusals on the way are no
mistake."""
import socket

listener = socket.create_server(('127.0.0.1', 50000))
for address in '127.0.0.2', '127.0.0.1':
    client = socket.socket()
    try:
        client.connect((address, 50000))
        break
    except OSError:
        client.close()
client.close()
