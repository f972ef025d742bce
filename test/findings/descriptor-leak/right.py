"""A server that closes what its clients left."""
import socket
import threading


def serve():
    for _ in range(3):
        connection, _ = listener.accept()
        with connection:
            while connection.recv(1024):
                pass
    done.wait()


done = threading.Event()
listener = socket.create_server(('127.0.0.1', 0))
thread = threading.Thread(target=serve)
thread.start()
for _ in range(3):
    with socket.create_connection(listener.getsockname()) as client:
        client.sendall(b'hello')
done.set()
thread.join()
