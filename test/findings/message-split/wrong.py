"""A client that takes what one recv() brings for the whole message.

also: reset-by-unread-input
"""
import select
import socket
import threading


def serve():
    connection, _ = listener.accept()
    with connection:
        connection.sendall(b'x' * 40000)


listener = socket.create_server(('127.0.0.1', 0))
thread = threading.Thread(target=serve)
thread.start()
client = socket.socket()
client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
client.connect(listener.getsockname())
message = client.recv(65536)  # here
select.select([client], [], [])
client.close()
thread.join()
