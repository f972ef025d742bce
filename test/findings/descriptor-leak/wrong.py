"""A server that forgets its clients."""
import socket
import threading


def serve():
    connections = []
    for _ in range(3):
        connection, _ = listener.accept()  # here
        connections.append(connection)
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
