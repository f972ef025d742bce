"""Reads nothing before the client sleeps because no more fits in."""
import socket

from barrier import about_to_wait, until_waiting

server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(('127.0.0.1', 50000))
server.listen()
about_to_wait('accept')
conn, address = server.accept()                      # accept
until_waiting('send')
total = 0
while data := conn.recv(65536):                      # request
    total += len(data)
print(total, flush=True)
conn.close()                                         # close
