"""A server on port 80, without the privilege."""
import ctypes
import socket

# Neither root's capabilities nor those of a namespace's owner: capset(2), version 3.
ctypes.CDLL(None).capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)())
server = socket.socket()
try:
    server.bind(('127.0.0.1', 80))  # here
except OSError:
    pass
server.close()
