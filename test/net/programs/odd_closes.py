"""Closes by dup2 and close_range; sockets are called by the numbers of their descriptors."""

import ctypes
import os
import socket

CLOSE_RANGE = 436
libc = ctypes.CDLL(None, use_errno=True)


def pair(number):
    one, other = socket.socketpair()
    os.dup2(one.fileno(), number)
    os.dup2(other.fileno(), number + 1)
    one.close()
    other.close()


for number in 50, 52, 60, 70:
    pair(number)
os.dup2(50, 52)     # closes the socket of 52; that of 50 lives on
os.dup2(1, 53)      # closes that of 53
assert libc.syscall(CLOSE_RANGE, 50, 79, 1 << 7) == -1   # no such flag: closes nothing
assert libc.syscall(CLOSE_RANGE, 79, 50, 0) == -1
libc.send(51, b'x', 1, 0)
os.dup2(60, 80)     # the socket of 60 outlives what follows
libc.syscall(CLOSE_RANGE, 60, 79, 0)
libc.send(80, b'x', 1, socket.MSG_NOSIGNAL)
os.close(80)        # its end
os.closerange(50, 60)
