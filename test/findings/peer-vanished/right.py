"""A client whose server answers the probes, and then something."""
import socket
import subprocess
import threading

RULES = """
table inet wall {
    chain input {
        type filter hook input priority 0;
        tcp dport 50000 counter
    }
}
"""


def serve():
    connection, _ = listener.accept()
    subprocess.run(['nft', '-f', '-'], input=RULES, text=True, check=True)
    over.wait(2.2)
    connection.sendall(b'hello')
    connection.close()


over = threading.Event()
listener = socket.create_server(('127.0.0.1', 50000))
thread = threading.Thread(target=serve)
thread.start()
client = socket.create_connection(('127.0.0.1', 50000))
client.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 1)
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 1)
client.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 2)
try:
    client.recv(1024)
except OSError:
    pass
client.close()
over.set()
thread.join()
