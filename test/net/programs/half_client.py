"""Two sends in one packet, a shutdown, and an answer whose packet brings the FIN too."""
import socket

from barrier import about_to_wait, until_waiting

sock = socket.socket()
until_waiting('accept')
sock.connect(('127.0.0.1', 50000))                   # connect
until_waiting('first')
sock.send(b'hello ', socket.MSG_MORE)                # head
sock.send(b'world')                                  # tail
until_waiting('end')
sock.shutdown(socket.SHUT_WR)                        # shutdown
about_to_wait('answer')
sock.recv(1024)                                      # answer
sock.recv(1024)                                      # eof
sock.close()                                         # close
