"""Closes without having read what the client sent: that is a reset."""
import socket

from barrier import about_to_wait, until_readable, until_waiting

server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(('127.0.0.1', 50000))
server.listen()
about_to_wait('accept')
conn, address = server.accept()                      # accept
until_readable(conn, 5)
until_waiting('answer')
conn.close()                                         # close
