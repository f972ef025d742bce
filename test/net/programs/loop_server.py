"""Answers until the client has gone; sleeps in every call.

    loop_server.py [TIMEOUT]
"""
import socket
import sys

from barrier import about_to_wait, until_waiting

timeout = float(sys.argv[1]) if len(sys.argv) > 1 else None
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.settimeout(timeout)
server.bind(('127.0.0.1', 50000))
server.listen()
about_to_wait('accept')
conn, address = server.accept()                      # accept
conn.settimeout(timeout)
count = 0
while True:
    count += 1
    about_to_wait(f'request {count}')
    request = conn.recv(1024)                        # request
    if not request:
        break
    until_waiting(f'answer {count}')
    conn.send(request)                               # reply
conn.close()                                         # close
