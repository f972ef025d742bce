"""A client that receives until the end, beside which an urgent byte came.  That is no part of
what it receives.
"""
import socket
import threading


def serve():
    connection, _ = listener.accept()
    with connection:
        connection.sendall(b'first')
        heard.wait()
        connection.send(b'!', socket.MSG_OOB)
        connection.sendall(b'last')


listener = socket.create_server(('127.0.0.1', 0))
heard = threading.Event()
thread = threading.Thread(target=serve)
thread.start()
client = socket.create_connection(listener.getsockname())
message = b''
while chunk := client.recv(100):
    message += chunk
    heard.set()
client.close()
thread.join()
