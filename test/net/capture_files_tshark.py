#!/usr/bin/python3
"""Capture files of every kind, read by sonde and by tshark: the same frames with the same
times, lengths, interfaces and comments; cut at every length; and once more after sonde has
written them anew."""

import os
import pathlib
import struct
import subprocess

import capturing
import netns
from capture_files import LONG, MICRO, NANO, Section, frame, ip, pcap
from tap import tap

FIELDS = ['frame.number', 'frame.time_epoch', 'frame.len', 'frame.cap_len',
          'frame.interface_id', 'frame.interface_name', 'frame.comment']


def pcapng_files():
    for order, word in (('<', 'little'), ('>', 'big')):
        s = Section(order)
        s.interface(1, 'eth0')
        s.packet(0, 1700000000123456, frame(1))
        s.packet(0, 1700000000123457, frame(2)[:30], 46,
                 s.option(1, b'first') + s.option(2, b'\1\0\0\0') +
                 s.option(1, 'zweit: ä'.encode()) + s.option(0, b''))
        yield f'pcapng-{word}-endian', s.bytes

        s = Section(order)
        for resolution in (0, 3, 6, 7, 9, 12, 0x80, 0x80 | 10, 0x80 | 30):
            s.interface(1, f'r{resolution}', resolution)
        for offset in (1000, -1000):
            s.interface(101, None, 9, offset)
        ticks = [1700000000, 1700000000123, 1700000000123456, 17000000001234567,
                 1700000000123456789, 17 * 10**17 + 123456789012, 1700000000,
                 1700000000 << 10 | 345, 1700000000 << 30 | 123456789]
        for i, tick in enumerate(ticks):
            s.packet(i, tick, frame(i))
        s.packet(9, 1700000000000000001, ip(9))
        s.packet(10, 1700000000000000001, ip(10))
        yield f'pcapng-{word}-resolutions', s.bytes

    s = Section()
    s.interface(1, 'a', 9, snap=40)
    s.simple(frame(1)[:40], 46)
    s.old(0, 1700000000123456789, frame(2), options=s.option(1, b'old') + s.option(0, b''))
    s.block(4, bytes(4))           # name resolution, with its end only
    s.block(0x0A0D0D0B, b'????')   # of a kind nobody knows
    s.packet(0, 1700000000123456790, frame(3))
    s.journal(b'__REALTIME_TIMESTAMP=1700000000123456\nMESSAGE=call\n')
    s.statistics(0, 7)
    s.packet(0, 1700000000123456791, b'', 60)
    yield 'pcapng-blocks', s.bytes

    s = Section()
    s.interface(1, 'first')
    s.interface(101, 'second', 9)
    s.packet(1, 1700000000000000001, ip(1))
    s.packet(0, 1700000000000002, frame(2))
    t = Section('>')
    t.interface(113, 'third', 9)
    t.packet(0, 1700000000000000003,
             b'\0\0\0\1\0\6\2\0\0\0\0\1\0\0\x08\0' + ip(3))
    u = Section()
    u.interface(276, None, 9)
    u.packet(0, 1700000000000000004,
             b'\x08\0\0\0\0\0\0\1\0\1\0\6\2\0\0\0\0\1\0\0' + ip(4))
    yield 'pcapng-sections', s.bytes + t.bytes + u.bytes

    yield 'pcapng-empty', Section().bytes


def pcap_files():
    packets = [(1700000000, 1, frame(1), 46), (1700000000, 999999, frame(2)[:20], 46),
               (0, 0, b'', 60), (4294967295, 7, frame(4), 46)]
    for order, word in (('<', 'little'), ('>', 'big')):
        yield f'pcap-{word}-micro', pcap(packets, order, MICRO)
        yield f'pcap-{word}-nano', pcap(packets, order, NANO)
        yield f'pcap-{word}-long', pcap(packets, order, LONG)
    for link in (12, 14, 101):
        yield f'pcap-raw-{link}', pcap([(1700000000, 5, ip(5), 32)], link=link)
    yield 'pcap-null', pcap([(1700000000, 5, b'\2\0\0\0' + ip(5), 36)], link=0)
    yield 'pcap-empty', pcap([])


def by_tshark(path):
    """Rows, and whether it says that the file is cut short."""
    options = []
    for field in FIELDS:
        options += ['-e', field]
    done = netns.run(['tshark', '-n', '-T', 'fields', '-E', 'aggregator=|', *options,
                      '-r', path])
    rows = [line.split('\t') for line in done.stdout.splitlines()]
    return rows, 'cut short' in done.stderr, done.stderr


def by_sonde(path, *out):
    done = netns.run([capturing.program('frames_tsv'), path, *out])
    rows = [line.split('\t') for line in done.stdout.splitlines()]
    return rows, 'cut: 1' in done.stderr, done.stderr


def alike(name, rows):
    """Without what tshark 4.0 says otherwise, and why: an interface without a name is
    "unknown" to it; in a file of several sections it looks names up in the first one; of
    times finer than nanoseconds its arithmetic of 32 bits loses the second's fraction."""
    kept = []
    for number, epoch, length, captured, _, interface, comment in rows:
        if interface == 'unknown' or name == 'pcapng-sections':
            interface = ''
        if interface == 'r12':
            epoch = epoch.partition('.')[0]
        kept.append((number, epoch, length, captured, interface, comment))
    return kept


def check_cuts(name, whole, scratch):
    path = os.path.join(scratch, 'cut')
    rows = by_sonde(os.path.join(scratch, name))[0]
    wrong = []
    for n in (len(whole) - 1, len(whole) - 22, len(whole) - 45):
        pathlib.Path(path).write_bytes(whole[:n])
        got, is_cut, _ = by_sonde(path)
        wanted, was_cut, _ = by_tshark(path)
        if (alike(name, got), is_cut) != (alike(name, wanted), was_cut) or \
                got != rows[:len(got)]:
            wrong.append((n, got, is_cut, wanted, was_cut))
    tap.equal(f'{name}: cut, as tshark reads it', wrong, [])


def check_pipe(name, whole, scratch):
    """From a pipe, in pieces that end anywhere."""
    rows = by_sonde(os.path.join(scratch, name))[0]
    reader = subprocess.Popen([capturing.program('frames_tsv'), '-'], stdin=subprocess.PIPE,
                              stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for at in range(0, len(whole), 7):
        reader.stdin.write(whole[at:at + 7])
        reader.stdin.flush()
    out = reader.communicate()[0].decode()
    tap.equal(f'{name}: from a pipe', [line.split('\t') for line in out.splitlines()], rows)


def check_lies(scratch):
    """Numbers that cannot be: an error that says where, no crash, and no memory for them."""
    path = os.path.join(scratch, 'lie')

    def says(text, data, reason):
        pathlib.Path(path).write_bytes(data)
        done = netns.run(['prlimit', '--as=300000000',
                          capturing.program('frames_tsv'), path]
                         if 'ASAN_OPTIONS' not in os.environ
                         else [capturing.program('frames_tsv'), path])
        tap.check(text, done.returncode == 1 and reason in done.stderr, done.stderr)

    one = pcap([(1700000000, 5, frame(5), 46)])
    says('a packet of 4 GB', one[:32] + b'\xff\xff\xff\xff' + one[36:], 'more than 16 MiB')
    says('an empty file', b'', 'it is empty')
    says('a short one', b'\xd4\xc3\xb2', 'within its header')
    says('a header that is cut', one[:23], 'within its header')
    says('text', b'hello, world\n', 'neither as pcap nor as pcapng')
    says('gzip', b'\x1f\x8b\x08\0\0\0\0\0', 'compressed by gzip')
    says('another version', one[:4] + b'\3' + one[5:], 'version')
    s = Section()
    s.interface()
    s.packet(1, 0, frame(1))
    says('a packet of no interface', s.bytes, 'an interface that it does not describe')
    s = Section()
    s.interface()
    s.block(6, struct.pack('<IIIII', 0, 0, 0, 1000, 1000) + bytes(8))
    says('a packet longer than its block', s.bytes, 'longer than its block')
    s = Section()
    s.block(0x7777, bytes(4))
    says('two lengths', s.bytes[:-4] + b'\x20\0\0\0', 'contradict')
    says('a block of 2 GB', s.bytes[:-12] + b'\xf0\xff\xff\x7f' + bytes(8), 'contradict')
    s = Section()
    s.interface()
    s.packet(0, 0, frame(1), options=struct.pack('<HH', 1, 60000) + b'x')
    says('a comment longer than its block', s.bytes, 'options do not fit')


def main():
    scratch = netns.scratch()
    files = dict([*pcap_files(), *pcapng_files()])
    for name, whole in files.items():
        path = os.path.join(scratch, name)
        pathlib.Path(path).write_bytes(whole)
        again = os.path.join(scratch, 'again')
        wanted, _, complaint = by_tshark(path)
        got, is_cut, said = by_sonde(path, again)
        tap.equal(f'{name}: as tshark reads it', (alike(name, got), is_cut),
                  (alike(name, wanted), False))
        tap.check(f'{name}: has frames', bool(got) != name.endswith('-empty'), complaint)
        # A packet without a time gets one, as tshark itself gives it: the epoch.
        there = [(number, epoch or '0.000000000', *more)
                 for number, epoch, *more in alike(name, got)]
        tap.equal(f'{name}: written anew', alike(name, by_sonde(again)[0]), there)
        if name in ('pcap-null', 'pcapng-big-resolutions', 'pcapng-blocks'):
            tap.equal(f'{name}: written anew, as tshark reads it',
                      alike(name, by_tshark(again)[0]), there)
    tap.equal('picoseconds', by_sonde(os.path.join(scratch, 'pcapng-big-resolutions'))[0][5][1],
              '1700000.123456789')
    for name in ('pcap-big-nano', 'pcapng-blocks'):
        check_cuts(name, files[name], scratch)
    for name in ('pcap-big-nano', 'pcapng-blocks', 'pcapng-sections'):
        check_pipe(name, files[name], scratch)
    tap.check('statistics and unknown blocks are told of',
              'passed over: 2 dropped: 7' in
              by_sonde(os.path.join(scratch, 'pcapng-blocks'))[2])
    check_lies(scratch)
    tap.done()


main()
