"""Is reset while it waits for an answer."""
import socket

from barrier import about_to_wait, until_waiting

sock = socket.socket()
until_waiting('accept')
sock.connect(('127.0.0.1', 50000))                   # connect
sock.send(b'hello')                                  # send
about_to_wait('answer')
try:
    sock.recv(1024)                                  # answer
except ConnectionResetError:
    print('reset')
sock.close()                                         # close
