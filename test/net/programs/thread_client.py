"""Two connections; the second one asks first."""
import socket

from barrier import about_to_wait, until_waiting

until_waiting('accept 1')
one = socket.socket()
one.connect(('127.0.0.1', 50000))                    # connect-one
until_waiting('accept 2')
two = socket.socket()
two.connect(('127.0.0.1', 50000))                    # connect-two
until_waiting('request 1')
until_waiting('request 2')
two.send(b'two')                                     # send-two
about_to_wait('answer 2')
two.recv(1024)                                       # answer-two
one.send(b'one!')                                    # send-one
about_to_wait('answer 1')
one.recv(1024)                                       # answer-one
until_waiting('end 1')
one.close()                                          # close-one
until_waiting('end 2')
two.close()                                          # close-two
