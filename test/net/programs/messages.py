"""What sendmmsg() and recvmmsg() want, which Python does not have.

    many = Messages([b'one', b'two'])
    libc.sendmmsg(sock.fileno(), many.array, many.count, 0)
    many = Messages.empty(8, 65535)
    count = libc.recvmmsg(sock.fileno(), many.array, many.count, WAIT_FOR_ONE, None)
    many.received(0)        the first datagram

The call stands in the program itself, whose line it is.
"""

import ctypes
import os

WAIT_FOR_ONE = 0x10000

libc = ctypes.CDLL(None, use_errno=True)


class _Vector(ctypes.Structure):
    _fields_ = [('base', ctypes.c_void_p), ('length', ctypes.c_size_t)]


class _Message(ctypes.Structure):
    _fields_ = [('name', ctypes.c_void_p), ('name_length', ctypes.c_uint32),
                ('vectors', ctypes.POINTER(_Vector)), ('vector_count', ctypes.c_size_t),
                ('control', ctypes.c_void_p), ('control_length', ctypes.c_size_t),
                ('flags', ctypes.c_size_t), ('length', ctypes.c_size_t)]


class Messages:
    def __init__(self, datagrams):
        self.buffers = [ctypes.create_string_buffer(each, len(each)) for each in datagrams]
        self.vectors = [_Vector(ctypes.addressof(each), len(each)) for each in self.buffers]
        self.count = len(self.buffers)
        self.array = (_Message * self.count)(*[
            _Message(vectors=ctypes.pointer(each), vector_count=1) for each in self.vectors])

    @classmethod
    def empty(cls, count, size):
        return cls([bytes(size)] * count)

    def received(self, number):
        return self.buffers[number].raw[:self.array[number].length & 0xffffffff]


def checked(result):
    """The result, or the error as Python has it."""
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result
