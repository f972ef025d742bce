"""A server that answers when its client has said everything."""
import socket
import threading


def serve():
    connection, _ = listener.accept()
    data = b''
    while more := connection.recv(1024):
        data += more
    connection.sendall(data.upper())
    done.wait()
    connection.close()


done = threading.Event()
listener = socket.create_server(('127.0.0.1', 0))
thread = threading.Thread(target=serve)
thread.start()
client = socket.create_connection(listener.getsockname())
client.settimeout(30)
client.sendall(b'hello')
client.shutdown(socket.SHUT_WR)
try:
    client.recv(1024)
except TimeoutError:
    pass
client.close()
done.set()
thread.join()
