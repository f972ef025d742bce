"""A child serves each client: the connection ends with the last of its two copies."""
import os
import socket

from barrier import about_to_wait, reached, until_reached, until_waiting

server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(('127.0.0.1', 50000))
server.listen()
about_to_wait('accept')
conn, address = server.accept()                      # accept
if os.fork() == 0:
    server.close()
    until_reached('parent')
    about_to_wait('request')
    request = conn.recv(1024)                        # request
    until_waiting('answer')
    conn.send(request)                               # reply
    until_waiting('eof')
    conn.close()                                     # close
    os._exit(0)
conn.close()                                         # parent-close
reached('parent')
os.wait()
