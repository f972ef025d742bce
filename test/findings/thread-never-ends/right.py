"""A server whose thread is woken up before the socket is closed."""
import socket
import threading


def serve():
    try:
        while True:
            connection, _ = listener.accept()
            connection.close()
    except OSError:
        pass


listener = socket.create_server(('127.0.0.1', 0))
thread = threading.Thread(target=serve)
thread.start()
socket.create_connection(listener.getsockname()).close()
listener.shutdown(socket.SHUT_RDWR)
listener.close()
thread.join()
