"""One client, one request, one reply; sleeps in every call that can block.

    wait_server.py [TIMEOUT]
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
about_to_wait('request')
request = conn.recv(1024)                            # request
until_waiting('answer')
conn.sendall(request.upper()[:8])                    # reply
about_to_wait('end')
rest = conn.recv(1024)                               # end
assert rest == b''
conn.close()                                         # close
server.close()                                       # close-listening
