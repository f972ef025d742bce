"""Reads whatever comes."""
import socket

from barrier import about_to_wait

server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(('127.0.0.1', 50000))
server.listen()
about_to_wait('accept')
conn, address = server.accept()                      # accept
total = 0
while data := conn.recv(65536):                      # request
    total += len(data)
print(total, flush=True)
conn.close()                                         # close
