#!/usr/bin/python3
"""The same as socket_calls.c in Python, where a tracer also reads the line: socket_calls.py N"""

import os
import socket
import sys
import time


def main():
    count = int(sys.argv[1])
    left, right = socket.socketpair()
    began_ns = time.monotonic_ns()
    for _ in range(count):
        left.send(b'x')
        right.recv(1)
    print('socket', round((time.monotonic_ns() - began_ns) / (2 * count), 1))
    began_ns = time.monotonic_ns()
    for _ in range(20 * count):
        os.getppid()
    print('other', round((time.monotonic_ns() - began_ns) / (20 * count), 1))


main()
