"""A sender on a network that loses nothing."""
import socket
import subprocess
import threading

RULES = """
table inet wall {
    chain input {
        type filter hook input priority 0;
        tcp dport 50000 tcp flags & psh == psh accept
    }
}
"""
subprocess.run(['nft', '-f', '-'], input=RULES, text=True, check=True)


def serve():
    connection, _ = listener.accept()
    with connection:
        while connection.recv(1024):
            pass


listener = socket.create_server(('127.0.0.1', 50000))
thread = threading.Thread(target=serve)
thread.start()
with socket.create_connection(('127.0.0.1', 50000)) as client:
    client.sendall(b'hello')
thread.join()
