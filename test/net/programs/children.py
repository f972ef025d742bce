"""Children that live at the same time, each with a socket pair of its own; their number is
the argument."""

import os
import socket
import sys

count = int(sys.argv[1])
read_end, write_end = os.pipe()
children = []
for _ in range(count):
    child = os.fork()
    if child == 0:
        os.close(write_end)
        os.read(read_end, 1)  # until all have been started
        one, other = socket.socketpair()
        one.send(b'x')
        os._exit(other.recv(1) != b'x')
    children.append(child)
os.close(write_end)
print(sum(os.waitpid(child, 0)[1] for child in children))
