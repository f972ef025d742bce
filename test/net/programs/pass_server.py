"""Passes its connection to another process, which answers and ends it."""
import os
import socket

from barrier import about_to_wait, reached, until_reached, until_waiting

here, there = socket.socketpair()
if os.fork() == 0:
    about_to_wait('take')
    message, descriptors, _, _ = socket.recv_fds(there, 16, 1)   # take
    conn = socket.socket(fileno=descriptors[0])
    until_reached('passed')
    about_to_wait('request')
    request = conn.recv(1024)                        # request
    until_waiting('answer')
    conn.send(request)                               # reply
    until_waiting('eof')
    conn.close()                                     # close
    os._exit(0)
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(('127.0.0.1', 50000))
server.listen()
until_waiting('take')
about_to_wait('accept')
conn, address = server.accept()                      # accept
socket.send_fds(here, [b'for you'], [conn.fileno()])  # give
conn.close()                                         # first-close
reached('passed')
os.wait()
