#!/usr/bin/python3
"""TCP and UDP headers that are cut, or say of themselves what cannot be, by sonde's library
and by tshark 4.0: the columns, and what of the header is known.

Each segment has a connection of its own, so that none means anything beside another."""

import itertools
import os
import socket
import struct

import dissecting
import netns
from tap import tap

SYN, ACK = 2, 16
OPTIONS = (b'\2\0', b'\2\1', b'\2\4', b'\3\3', b'\x08\x0a', b'\5\x0a\0\0\0\1', b'\xfe\2',
           b'\x22\x0a\1\2', b'\2\3', b'\3\4', b'\x08\x08')
ports = itertools.count(40001)


def ip(protocol, payload):
    return struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(payload), 1, 0, 64, protocol, 0,
                       bytes((192, 0, 2, 1)), bytes((192, 0, 2, 2))) + payload


def ip6(protocol, payload):
    host = socket.inet_pton(socket.AF_INET6, '2001:db8::1')
    return struct.pack('>IHBB', 6 << 28, len(payload), protocol, 64) + host * 2 + payload


def tcp(offset=5, flags=ACK, rest=b''):
    return struct.pack('>HHIIBBHHH', next(ports), 9007, 1000, 2000, offset << 4, flags, 1000,
                       0, 0) + rest


def udp(length, data=b'', checksum=7):
    return struct.pack('>HHHH', next(ports), 40000, length, checksum) + data


def packets():
    """Pairs of what was captured of a packet, and its whole length."""
    for network, size in (ip, 20), (ip6, 40):
        for n in range(20):
            packet = network(6, tcp()[:n])
            yield packet, len(packet)
            packet = network(6, tcp(rest=b'hello'))
            yield packet[:size + n], len(packet)
        for offset in 0, 1, 4, 6, 8, 15:
            for rest in b'', b'hello':
                for flags in SYN, ACK:
                    packet = network(6, tcp(offset, flags, rest))
                    yield packet, len(packet)
        for n in 20, 21, 22, 24, 26, 30:
            packet = network(6, tcp(8, SYN, b'\2\4\5\xb4\1\3\3\7\4\2\0\0'))
            yield packet[:size + n], len(packet)
        for option in OPTIONS:
            rest = option.ljust((len(option) + 3) // 4 * 4, b'\0')
            packet = network(6, tcp(5 + len(rest) // 4, SYN, rest))
            yield packet, len(packet)
        for n in range(8):
            packet = network(17, udp(8)[:n])
            yield packet, len(packet)
            packet = network(17, udp(13, b'hello'))
            yield packet[:size + n], len(packet)
        for length in 0, 1, 7, 8, 9, 12, 13, 14, 100, 65535:
            for checksum in 0, 7:
                packet = network(17, udp(length, b'hello', checksum))
                yield packet, len(packet)


def make(path):
    found = list(packets())
    with open(path, 'wb') as f:
        f.write(struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        for number, (packet, length) in enumerate(found):
            f.write(struct.pack('<IIII', 1700000000 + number, 0, len(packet), length) + packet)
    return found


def is_compared(name):
    return name in ('tcp.srcport', 'tcp.stream', 'tcp.len', 'tcp.seq', 'tcp.nxtseq',
                    'tcp.flags', 'tcp.flags.syn', 'tcp.window_size', 'tcp.short_segment',
                    'udp.length', 'ip.len')


def main():
    path = os.path.join(netns.scratch(), 'broken.pcap')
    count = len(make(path))
    differences = dissecting.compare(path, {}, is_compared=is_compared)
    tap.equal(f'{count} packets: as tshark tells them', differences[:20], [])
    tap.done()


if __name__ == '__main__':
    netns.enter()
    main()
