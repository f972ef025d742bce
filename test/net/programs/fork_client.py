"""A client of {fork,exec,pass}_server.py; it waits for the end that the server makes."""
import socket

from barrier import about_to_wait, until_waiting

sock = socket.socket()
until_waiting('accept')
sock.connect(('127.0.0.1', 50000))                   # connect
until_waiting('request')
sock.send(b'hello')                                  # send
about_to_wait('answer')
sock.recv(1024)                                      # answer
about_to_wait('eof')
sock.recv(1024)                                      # eof
sock.close()                                         # close
