"""A client that stalls once, at the beginning."""
import socket
import threading


def serve():
    connection, _ = listener.accept()
    with connection:
        while connection.recv(8, socket.MSG_WAITALL):
            connection.sendall(b'answer')


listener = socket.create_server(('127.0.0.1', 0))
thread = threading.Thread(target=serve)
thread.start()
client = socket.create_connection(listener.getsockname())
client.send(b'ques')
client.send(b'tion')
client.recv(6, socket.MSG_WAITALL)
for _ in range(12):
    client.send(b'question')
    client.recv(6, socket.MSG_WAITALL)
client.close()
thread.join()
