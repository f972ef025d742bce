"""Serves one client, and ends."""
import socket

with socket.create_server(('127.0.0.1', 50000)) as listener:
    listener.accept()[0].close()
