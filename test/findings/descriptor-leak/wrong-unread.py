"""A server that greets its clients, and never looks at them again."""
import socket
import threading


def serve():
    connections = []
    for _ in range(4):
        connection, _ = listener.accept()  # here
        connection.sendall(b'hello')
        connections.append(connection)
    done.wait()


done = threading.Event()
listener = socket.create_server(('127.0.0.1', 0))
thread = threading.Thread(target=serve)
thread.start()
for _ in range(4):
    with socket.create_connection(listener.getsockname()) as client:
        client.recv(5)
done.set()
thread.join()
