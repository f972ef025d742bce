"""Counts interrupts while it waits for a connection.

    interrupted.py NAME HOW    HOW: handled, default; NAME: of the barrier, and of the file
                               beside it that the number goes to
"""
import signal
import socket
import sys

from barrier import FOLDER, about_to_wait

name, how = sys.argv[1:]
server = socket.socket()
server.bind(('127.0.0.1', 0))
server.listen()
count = 0


def interrupt(number, frame):
    global count
    count += 1
    with open(f'{FOLDER}/{name}.count', 'w', encoding='utf-8') as file:
        file.write(str(count))


if how == 'handled':
    signal.signal(signal.SIGINT, interrupt)
server.settimeout(2.0)
about_to_wait(name)
while True:
    try:
        server.accept()
    except TimeoutError:
        if count:
            sys.exit(5)
