#!/usr/bin/python3
"""What TCP segments mean beside each other, by sonde's library and by tshark 4.0: random
connections of which nothing is as it should be.  Segments are lost, late, repeated, they
overlap, and acknowledge what was never seen; windows close; numbers wrap.

	notes_tshark.py [CONNECTIONS [SEED]]	400 of seed 1

All of a seed are one capture.  A failure names the frame, and shows its connection."""

import os
import random
import struct
import sys

import dissecting
import netns
from tap import tap

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
# What keeps a frame from the next ones: below and above what tells late segments from
# repeated ones (3 ms or the round trip), and fast retransmissions from slow ones (20 ms).
SYNS = (SYN,)
GAPS_US = (50, 50, 700, 700, 5000, 18000, 30000, 400000)


class Side:
    """What one end has sent, and what it says of the other's."""

    def __init__(self, chance, wraps):
        self.start = chance.randrange(0xffffff00, 0x100000000) if wraps else \
            chance.randrange(1000, 0x60000000)
        self.next = self.ack = 0
        self.window = 1000


class Connection:
    def __init__(self, chance, number):
        self.chance = chance
        self.ports = 40000 + number, 9007
        wraps = chance.random() < .2
        self.sides = Side(chance, wraps), Side(chance, wraps)
        self.has_scale = [chance.random() < .5, chance.random() < .5]
        self.last = (0, ACK, 0, 0, 0)

    def segment(self, end, flags, seq, ack, size, options=b''):
        own, other = self.sides[end], self.sides[1 - end]
        header = struct.pack('>HHIIBBHHH', self.ports[end], self.ports[1 - end],
                             (own.start + seq) % 2**32,
                             (other.start + ack) % 2**32 if flags & ACK else 0,
                             (20 + len(options)) * 4, flags, own.window, 0, 0)
        data = header + options + b'x' * size
        ip = struct.pack('>BBHHHBBH4s4s', 0x45, 0, 20 + len(data), 1, 0, 64, 6, 0,
                         bytes((192, 0, 2, 1 + end)), bytes((192, 0, 2, 2 - end)))
        own.next = max(own.next, seq + size + bool(flags & (SYN | FIN)))
        own.ack = ack
        return ip + data

    def open(self):
        for end, flags, seq, ack in ((0, SYN, 0, 0), (1, SYN | ACK, 0, 1), (0, ACK, 1, 1)):
            scale = flags & SYN and self.has_scale[end]
            yield self.segment(end, flags, seq, ack, 0, b'\1\3\3\2' if scale else b'')

    def any(self):
        """Near to what would be right, and often right."""
        chance = self.chance
        if chance.random() < .12:
            return self.segment(*self.last)
        end = chance.choice((0, 0, 1))
        own, other = self.sides[end], self.sides[1 - end]
        size = chance.choice((0, 0, 0, 1, 1, 100, 100, 100, 200, 500))
        flags = ACK | chance.choice((0, 0, PSH))
        if chance.random() < .06:
            flags |= chance.choice((FIN, FIN, RST) + SYNS)
        seq = own.next + chance.choice((0, 0, 0, 0, 0, 0, -1, -1, -100, -200, -500, 1, 100))
        if chance.random() < .1:
            seq = other.ack
        ack = other.next if chance.random() < .4 else own.ack
        if chance.random() < .15:
            ack = max(1, other.next + chance.choice((-200, -100, -1, 1, 100, 300)))
        if chance.random() < .12:
            own.window = chance.choice((0, 0, 100, 200, 1000))
        options = b''
        if ack < other.next and chance.random() < .3:
            left = other.start + ack + chance.choice((-100, 50, 100))
            options = b'\1\1\5\x0a' + struct.pack(
                '>II', left % 2**32, (left + chance.choice((50, 100))) % 2**32)
        self.last = end, flags, max(seq, 0), ack, size, options
        return self.segment(*self.last)

    def packets(self):
        if self.chance.random() < .8:
            yield from self.open()
        for _ in range(self.chance.randrange(10, 40)):
            yield self.any()


def make(path, count, seed):
    now_us = 1700000000 * 1000000
    with open(path, 'wb') as f:
        f.write(struct.pack('<IHHIIII', 0xa1b2c3d4, 2, 4, 0, 0, 65535, 101))
        for number in range(count):
            chance = random.Random(f'{seed}/{number}')
            for packet in Connection(chance, number).packets():
                now_us += chance.choice(GAPS_US)
                f.write(struct.pack('<IIII', now_us // 1000000, now_us % 1000000,
                                    len(packet), len(packet)) + packet)


def main():
    count, seed = (*map(int, sys.argv[1:3]), *(400, 1)[len(sys.argv) - 1:])
    path = os.path.join(netns.scratch(), 'random.pcap')
    make(path, count, seed)
    differences = dissecting.compare(path, EXPLAINED, is_compared=is_compared)
    tap.equal(f'{count} connections of seed {seed}: as tshark tells them',
              differences[:20], [])
    tap.done()


def main():
    count, seed = (*map(int, sys.argv[1:3]), *(400, 1)[len(sys.argv) - 1:])
    path = os.path.join(netns.scratch(), 'random.pcap')
    make(path, count, seed)
    explained = {name: is_explained for name in ('info', *dissecting.own_fields())}
    differences = dissecting.compare(path, explained, is_compared=is_compared)
    tap.equal(f'{count} connections of seed {seed}: as tshark tells them',
              differences[:20], [])
    tap.done()


def is_compared(name):
    return name.startswith('tcp.analysis') or name in (
        'tcp.stream', 'tcp.seq', 'tcp.ack', 'tcp.nxtseq', 'tcp.completeness',
        'tcp.window_size', 'tcp.window_size_scalefactor')


# --- what differs, and why

def before(difference):
    """Of the same connection, this one last."""
    found, frame = [], difference.frame
    stream = difference.fields[frame]['tcp.stream']
    while frame and difference.fields[frame]['tcp.stream'] == stream:
        found.insert(0, Segment(difference.fields[frame]))
        frame -= 1
    return found


class Segment:
    def __init__(self, fields):
        self.source = fields['tcp.srcport'][0]
        self.seq, self.ack = int(fields['tcp.seq_raw'][0]), int(fields['tcp.ack_raw'][0])
        self.base = self.seq - int(fields['tcp.seq'][0])
        flags = int(fields['tcp.flags'][0], 0)
        self.end = (self.seq + int(fields['tcp.len'][0]) + bool(flags & (SYN | FIN))) % 2**32
        self.is_probe = 'tcp.analysis.zero_window_probe' in fields


def is_after(a, b):
    return 0 < (a - b) % 2**32 < 2**31


def is_explained(difference):
    segments = before(difference)
    if has_zero(segments):
        return True
    if difference.name in ('tcp.analysis.bytes_in_flight', 'tcp.analysis.push_bytes_sent'):
        return is_below_base(segments)
    if difference.name == 'info':
        return 'Fast' in difference.theirs and acks_unseen(segments)
    return difference.name in FAST and acks_unseen(segments)


FAST = ('tcp.analysis.fast_retransmission', 'tcp.analysis.retransmission',
        'tcp.analysis.out_of_order', 'tcp.analysis.rto', 'tcp.analysis.rto_frame')


def has_zero(segments):
    """A sequence number of 0 is to tshark none: as if nothing had been sent before."""
    return any(0 in (s.seq, s.ack, s.end, (s.seq + 1) % 2**32) for s in segments)


def is_below_base(segments):
    """To tshark, what stands before the first number that it saw stands behind all."""
    own = segments[-1]
    return any((s.seq - own.base) % 2**32 >> 31 for s in segments if s.source == own.source)


def acks_unseen(segments):
    """tshark's count of repeated acknowledgements runs below 0 where the other side says to
    have got what was not seen.  That is then more than two: a fast retransmission."""
    seen = None
    for segment in segments:
        if segment.source == segments[-1].source:
            if seen is not None and is_after(segment.ack, seen):
                return True
        elif not segment.is_probe and (seen is None or is_after(segment.end, seen)):
            seen = segment.end
    return False


if __name__ == '__main__':
    netns.enter()
    main()
