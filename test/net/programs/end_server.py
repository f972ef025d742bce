"""Waits for the end of one client, however it comes."""
import socket

from barrier import about_to_wait

server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(('127.0.0.1', 50000))
server.listen()
about_to_wait('accept')
conn, address = server.accept()                      # accept
about_to_wait('request')
conn.recv(1024)                                      # request
about_to_wait('end')
assert conn.recv(1024) == b''                        # end
conn.close()                                         # close
