"""Has something to compute after the client is gone, and closes then: 0.12 s without a call."""
import socket
import time

from barrier import about_to_wait, until_waiting

server = socket.socket()
server.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
server.bind(('127.0.0.1', 50000))
server.listen()
about_to_wait('accept')
conn, address = server.accept()                      # accept
about_to_wait('request')
request = conn.recv(1024)                            # request
until_waiting('answer')
conn.sendall(request.upper()[:8])                    # reply
about_to_wait('end')
conn.recv(1024)                                      # end
began = time.thread_time()
while time.thread_time() < began + 0.12:
    pass
conn.close()                                         # close
