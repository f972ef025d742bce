"""A sender whose peer has gone, without a word against SIGPIPE.

also: reset-by-unread-input
"""
import signal
import socket

signal.signal(signal.SIGPIPE, signal.SIG_DFL)
listener = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(listener.getsockname())
connection, _ = listener.accept()
connection.close()
for _ in range(3):
    client.send(b'hello')  # here
