"""Reads until the client has sent all, then answers and closes in one breath."""
import socket

from barrier import about_to_wait, until_waiting

server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(('127.0.0.1', 50000))
server.listen()
about_to_wait('accept')
conn, address = server.accept()                      # accept
about_to_wait('first')
conn.recv(1024)                                      # first
about_to_wait('end')
conn.recv(1024)                                      # end
until_waiting('answer')
conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, 1)
conn.send(b'reply')                                  # reply
conn.close()                                         # close
