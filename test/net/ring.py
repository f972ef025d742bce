#!/usr/bin/python3
"""The packet ring: opened inside a namespace and mapped outside, it loses nothing, not even
the packets of the last milliseconds; what it must drop, it counts.

    ring_rounds (maps, reads)  ----  its child (opens; sends UDP over the lo of its namespace)

    ring_capture ---- all interfaces of this test's own namespace:
        lo, veth pair left 192.0.2.1 - right, tun0 (where the machine has /dev/net/tun)
"""

import fcntl
import os
import signal
import socket
import struct
import subprocess
import time

import capturing
import netns
from tap import tap

TUNSETIFF = 0x400454ca
IFF_TUN, IFF_NO_PI = 0x0001, 0x1000


def rounds(*arguments, prefix=()):
    """A list a round: datagrams seen, of them in order, received, dropped, read."""
    done = netns.run([*prefix, capturing.program('ring_rounds'), *map(str, arguments)])
    if done.returncode:
        tap.not_ok(f'ring_rounds {arguments}', done.stderr)
    return [list(map(int, line.split())) for line in done.stdout.splitlines()]


def test_lossless():
    tap.equal('10,000 datagrams, read while they come and drained at once: all of them',
              rounds('along', 3, 10000, 32), [[10000, 10000, 10000, 0, 10000]] * 3)
    tap.equal('10 datagrams and an immediate drain, 50 times: always all 10',
              rounds('late', 50, 10, 32), [[10, 10, 10, 0, 10]] * 50)
    tap.equal('full-sized datagrams',
              rounds('late', 3, 100, 65507), [[100, 100, 100, 0, 100]] * 3)

    (seen, _, received, dropped, read), = rounds('late', 1, 1200, 60000)
    tap.check('more than the ring holds: what is not there was counted as dropped',
              received == 1200 and dropped > 0 and seen == read == received - dropped,
              (seen, received, dropped, read))

    if netns.can_isolate():
        tap.equal('without a capability outside of its own namespace',
                  rounds('late', 2, 10, 32, prefix=netns.unprivileged([])),
                  [[10, 10, 10, 0, 10]] * 2)
    else:
        tap.skip('without a capability', 'user namespaces cannot be made here')


def test_no_permission():
    done = netns.run(netns.unprivileged([capturing.program('ring_capture'), '/dev/null']))
    tap.check('without CAP_NET_RAW: refused, and named',
              done.returncode == 1 and 'EPERM' in done.stderr, done.stderr)


def test_loopback_once():
    path = os.path.join(netns.scratch(), 'lo.pcapng')
    before = time.time()
    with capturing.Capture(path) as capture:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            for i in range(100):
                s.sendto(b'%d' % i, ('127.0.0.1', 9))
    after = time.time()
    packets = capturing.fields(path, ['frame.time_epoch', 'udp.dstport', 'icmp.type',
                                      'frame.packet_flags_direction'])
    datagrams = [packet for packet in packets if not packet['icmp.type']]
    tap.equal('on loopback every packet is there once',
              (len(datagrams), capture.dropped, capture.read - capture.received), (100, 0, 0))
    tap.equal('and comes in', {packet['frame.packet_flags_direction'][0] for packet in packets},
              {'0x00000001'})
    times = [float(packet['frame.time_epoch'][0]) for packet in packets]
    tap.check('time is that of CLOCK_REALTIME, and does not run backwards',
              before <= times[0] and times[-1] <= after and times == sorted(times),
              (before, times[0], times[-1], after))


def test_late_reader():
    """Each packet in a block of its own: a millisecond apart, and nobody reads."""
    for _ in range(3):  # where the machine is slow, 300 take more than a second
        with capturing.Capture(os.path.join(netns.scratch(), 'late.pcapng')) as capture:
            os.kill(capture.process.pid, signal.SIGSTOP)
            began = time.monotonic()
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
                s.bind(('127.0.0.1', 0))
                for _ in range(300):
                    s.sendto(b'late', s.getsockname())
                    time.sleep(0.0011)
            took = time.monotonic() - began
            os.kill(capture.process.pid, signal.SIGCONT)
        if took < 0.9:
            break
    tap.equal('a reader that is away for a third of a second loses nothing',
              (capture.received, capture.dropped, capture.read), (300, 0, 300))


def test_veth_and_vlan():
    """A tagged frame is captured twice, going out of one end and coming into the other, where
    the kernel takes the tag out."""
    for argv in (['ip', 'link', 'add', 'left', 'type', 'veth', 'peer', 'name', 'right'],
                 ['ip', 'link', 'set', 'left', 'up'], ['ip', 'link', 'set', 'right', 'up']):
        subprocess.run(argv, check=True)
    path = os.path.join(netns.scratch(), 'vlan.pcapng')
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as s:
        s.bind(('left', 0))
        source = s.getsockname()[4]
        ip = bytes.fromhex('4500002000004000401100000a0000010a000002')
        udp = struct.pack('>HHHH', 50000, 50001, 12, 0) + b'ping'
        tag = struct.pack('>HHH', 0x8100, 0x6007, 0x0800)
        outer = struct.pack('>HH', 0x88a8, 0x0064)
        frames = [b'\xff' * 6 + source + between + ip + udp
                  for between in (tag, outer + tag, tag[4:])]
        with capturing.Capture(path):
            for frame in frames:
                s.send(frame)
    decoded = netns.run([capturing.program('decode_tsv'), path]).stdout.splitlines()[1:]
    ours = capturing.fields(path, ['frame.interface_name', 'vlan.id', 'ieee8021ad.id',
                                   'frame.len', 'udp.dstport', 'frame.number'])
    ours = [packet for packet in ours if packet['udp.dstport'] == ['50001']]
    got = sorted((packet['frame.interface_name'][0],
                  packet['ieee8021ad.id'] + packet['vlan.id'], int(packet['frame.len'][0]))
                 for packet in ours)
    tap.equal('VLAN tags, one and two, are where they were on the wire', got, sorted(
        (name, vlans, len(frame)) for name in ('left', 'right')
        for frame, vlans in zip(frames, (['7'], ['100', '7'], []))))
    payloads = [decoded[int(packet['frame.number'][0]) - 1].split('\t')[-1] for packet in ours]
    tap.equal('and the payload is found behind them', payloads, [b'ping'.hex()] * 6)


def test_tun():
    try:
        tun = os.open('/dev/net/tun', os.O_RDWR)
    except OSError as error:
        tap.skip('a link without Ethernet is captured as raw IP', f'/dev/net/tun: {error}')
        return
    fcntl.ioctl(tun, TUNSETIFF, struct.pack('16sH22x', b'tun0', IFF_TUN | IFF_NO_PI))
    for argv in (['ip', 'address', 'add', '198.51.100.1/24', 'dev', 'tun0'],
                 ['ip', 'link', 'set', 'tun0', 'up']):
        subprocess.run(argv, check=True)
    path = os.path.join(netns.scratch(), 'tun.pcapng')
    with capturing.Capture(path):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b'out', ('198.51.100.2', 50001))
    os.close(tun)
    packets = [packet for packet in capturing.fields(
        path, ['frame.interface_name', 'frame.encap_type', 'ip.dst', 'udp.dstport',
               'udp.payload', 'frame.packet_flags_direction'])
               if packet['ip.dst'] == ['198.51.100.2']]
    tap.equal('a link without Ethernet is captured as raw IP', packets, [{
        'frame.interface_name': ['tun0'], 'frame.encap_type': ['7'],
        'ip.dst': ['198.51.100.2'], 'udp.dstport': ['50001'],
        'udp.payload': [b'out'.hex()], 'frame.packet_flags_direction': ['0x00000002']}])


netns.enter()
test_lossless()
test_no_permission()
test_loopback_once()
test_late_reader()
test_veth_and_vlan()
test_tun()
tap.done()
