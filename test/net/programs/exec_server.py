"""Becomes another program, which goes on with the connection under another number.

    exec_server.py [DESCRIPTOR]
"""
import os
import socket
import sys

from barrier import about_to_wait, until_waiting

if len(sys.argv) > 1:
    conn = socket.socket(fileno=int(sys.argv[1]))
    about_to_wait('request')
    request = conn.recv(1024)                        # request
    until_waiting('answer')
    conn.send(request)                               # reply
    until_waiting('eof')
    conn.close()                                     # close
    sys.exit()
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(('127.0.0.1', 50000))
server.listen()
about_to_wait('accept')
conn, address = server.accept()                      # accept
# A copy of a copy, and only the last one survives the exec.
os.dup2(os.dup(conn.fileno()), 77)
os.execv(sys.executable, [sys.executable, __file__, '77'])
