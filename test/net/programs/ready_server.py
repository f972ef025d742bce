"""Calls nothing before what it waits for is there: no call blocks.

    ready_server.py [TIMEOUT]
"""
import socket
import sys

from barrier import reached, until_closed, until_reached, until_readable

timeout = float(sys.argv[1]) if len(sys.argv) > 1 else None
server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.settimeout(timeout)
server.bind(('127.0.0.1', 50000))
server.listen()
reached('listening')
until_reached('connected')
conn, address = server.accept()                      # accept
conn.settimeout(timeout)
until_readable(conn, 18)
request = conn.recv(1024)                            # request
conn.sendall(request.upper()[:8])                    # reply
until_closed(conn)
rest = conn.recv(1024)                               # end
assert rest == b''
conn.close()                                         # close
server.close()
reached('closed')
