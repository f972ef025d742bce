#!/usr/bin/python3
"""A path between two network namespaces, packet by packet in this program's hands: two TUN
devices, and between them delay, jitter, loss, copies, and a wrong sender.

    scan_path.py PID DELAY_MS JITTER_MS LOSS DUPLICATES WRONG

PID's namespace gets the far end.  Here 10.78.0.1/24, there 10.78.0.2/24; LOSS, DUPLICATES
and WRONG (the sender of an answer becomes 10.78.0.9) are probabilities, each way, or of
answers.  Prints "ready".
"""

import ctypes
import fcntl
import heapq
import os
import random
import select
import struct
import subprocess
import sys
import time

TUNSETIFF = 0x400454ca
IFF_TUN_NO_PI = 0x1001
CLONE_NEWNET = 0x40000000


def open_tun(name):
    fd = os.open('/dev/net/tun', os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(fd, TUNSETIFF, struct.pack('16sH22x', name.encode(), IFF_TUN_NO_PI))
    return fd


def up(name, address):
    for words in (['address', 'add', address, 'dev', name],
                  ['link', 'set', name, 'up', 'txqueuelen', '10000']):
        subprocess.run(['ip', *words], check=True)


def checksum(data):
    total = sum(struct.unpack(f'>{len(data) // 2}H', data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def with_source(packet, source):
    """The same packet from another address: the checksums follow (RFC 1624)."""
    packet = bytearray(packet)
    before = bytes(packet[12:16])
    packet[12:16] = source
    at = 20 + {6: 16, 17: 6}.get(packet[9], -10)
    for place in {10, at}:
        (old,) = struct.unpack_from('>H', packet, place)
        total = (~old & 0xffff) + sum(~word & 0xffff for word in struct.unpack('>2H', before)) + \
            sum(struct.unpack('>2H', source))
        while total >> 16:
            total = (total & 0xffff) + (total >> 16)
        struct.pack_into('>H', packet, place, ~total & 0xffff)
    return bytes(packet)


def main():
    pid = int(sys.argv[1])
    delay, jitter = (float(word) / 1000 for word in sys.argv[2:4])
    loss, duplicates, wrong = map(float, sys.argv[4:7])
    libc = ctypes.CDLL(None, use_errno=True)
    here = open_tun('path0')
    up('path0', '10.78.0.1/24')
    own = os.open('/proc/self/ns/net', os.O_RDONLY)
    other = os.open(f'/proc/{pid}/ns/net', os.O_RDONLY)
    if libc.setns(other, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), 'setns')
    there = open_tun('path1')
    up('path1', '10.78.0.2/24')
    libc.setns(own, CLONE_NEWNET)
    print('ready', flush=True)

    chance = random.Random(1)
    queue = []
    count = 0
    while True:
        now = time.monotonic()
        while queue and queue[0][0] <= now:
            _, _, to, packet = heapq.heappop(queue)
            try:
                os.write(to, packet)
            except OSError:
                pass
        wait = max(0, queue[0][0] - now) if queue else None
        for fd in select.select([here, there], [], [], wait)[0]:
            to = there if fd == here else here
            for _ in range(64):
                try:
                    packet = os.read(fd, 65536)
                except BlockingIOError:
                    break
                if chance.random() < loss or packet[0] >> 4 != 4:
                    continue
                if fd == there and chance.random() < wrong:
                    packet = with_source(packet, bytes((10, 78, 0, 9)))
                for _ in range(1 + (chance.random() < duplicates)):
                    count += 1
                    due = time.monotonic() + delay + chance.random() * jitter
                    heapq.heappush(queue, (due, count, to, packet))


main()
