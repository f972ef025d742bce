#!/usr/bin/python3
"""TCP through a network that puts packets out of order, sends them twice or never, as sonde
and tshark judge it: every field and column, frame by frame, on both sides of it.

    client 198.51.100.1 ---- tun0 ---- this program, which swaps the addresses
    server 198.51.100.1 ----------

To the client its peer is 198.51.100.2, and so it is to the server: each packet is captured
when it goes in and when it comes out, as two connections.  What happens to a packet depends
on its number alone."""

import fcntl
import os
import select
import socket
import struct
import subprocess
import threading
import time

import capturing
import dissecting
import netns
from tap import tap

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 0x0001, 0x1000
OWN, PEER, PORT, LENGTH = '198.51.100.1', '198.51.100.2', 9000, 400000
LATE_S = 0.3  # longer than it takes the sender to send it again


def is_two_answers(difference):
    """tshark takes the 0 of a SYN without ACK for an acknowledgement."""
    fields = difference.fields[difference.frame]
    first = int(fields.get('tcp.analysis.acks_frame', ['0'])[0])
    return first and difference.fields[first].get('tcp.flags') == ['0x0012'] and any(
        other.get('tcp.flags') == ['0x0012'] and other['tcp.stream'] == fields['tcp.stream']
        for frame, other in difference.fields.items() if first < frame < difference.frame)


EXPLAINED = {
    **dissecting.AGAIN,
    **dissecting.BEHIND_RESET,
    'frame.protocols': dissecting.was_before,  # of them, whether they are data
    'frame.time': 'tshark writes a calendar date; frame.time_epoch is compared',
    'frame.interface_id': 'to sonde all frames of a capture without names are of the first',
    **{field: is_two_answers for field in ('tcp.analysis.ack_rtt', 'tcp.analysis.acks_frame',
                                           'tcp.analysis', 'tcp.analysis.initial_rtt')},
}


class Network(threading.Thread):
    """What is read from the device is written back with its addresses swapped (which leaves
    the checksums as they are), but not always at once, once, or at all."""

    def __init__(self, tun):
        super().__init__(daemon=True)
        self.tun, self.count, self.held, self.late = tun, 0, [], []
        self.stop, self.stopped = os.pipe()

    def end(self):
        os.close(self.stopped)
        self.join()

    def send(self, packet):
        os.write(self.tun, packet[:12] + packet[16:20] + packet[12:16] + packet[20:])

    def judge(self, packet):
        self.count += 1
        n = self.count
        if n > 20 and n % 41 == 0:
            return  # never
        if n > 20 and n % 53 == 0:
            self.late.append((time.monotonic() + LATE_S, packet))  # for a retransmission
            return
        if n > 20 and n % 11 == 0:
            self.held.append((n + 1 + n % 5, packet))  # behind so many that follow
            return
        self.send(packet)
        if n % 29 == 0:
            self.send(packet)

    def release(self, everything):
        for item in [item for item in self.held if everything or item[0] <= self.count]:
            self.held.remove(item)
            self.send(item[1])
        while self.late and time.monotonic() >= self.late[0][0]:
            self.send(self.late.pop(0)[1])

    def run(self):
        while True:
            ready, _, _ = select.select([self.tun, self.stop], [], [], 0.02)
            if self.stop in ready:
                return
            if self.tun in ready:
                packet = os.read(self.tun, 65536)
                if packet[0] >> 4 == 4 and packet[9] == socket.IPPROTO_TCP:
                    self.judge(packet)
            self.release(everything=not ready)


def transfer(listener):
    def serve():
        connection, _ = listener.accept()
        with connection:
            while data := connection.recv(65536):
                connection.sendall(data[:len(data) // 10 + 1])

    def read(client, got):
        while data := client.recv(65536):
            got.append(len(data))

    got = []
    server = threading.Thread(target=serve, daemon=True)
    server.start()
    with socket.create_connection((PEER, PORT)) as client:
        reader = threading.Thread(target=read, args=(client, got), daemon=True)
        reader.start()
        for _ in range(LENGTH // 4000):
            client.sendall(b'x' * 4000)
        client.shutdown(socket.SHUT_WR)
        reader.join()
    server.join()
    return sum(got)


def main():
    try:
        tun = os.open('/dev/net/tun', os.O_RDWR)
    except OSError as error:
        tap.skip('a network of this program', f'/dev/net/tun: {error.strerror}')
        tap.done()
    fcntl.ioctl(tun, TUNSETIFF, struct.pack('16sH14x', b'tun0', IFF_TUN | IFF_NO_PI))
    # Without an IPv6 address, whose router solicitations would come between.
    subprocess.run(f'ip link set tun0 addrgenmode none && ip address add {OWN}/24 dev tun0 && '
                   'ip link set tun0 up', shell=True, check=True)
    path = os.path.join(netns.scratch(), 'reordered.pcapng')
    network = Network(tun)
    network.start()
    with socket.create_server((OWN, PORT)) as listener:
        with capturing.Capture(path) as capture:
            got = [transfer(listener) for _ in range(2)]
    network.end()
    tap.check('both transfers were whole', min(got) >= LENGTH // 10, got)
    tap.equal('no packet was lost by the capture', capture.dropped, 0)
    found = netns.run(['tshark', '-n', '-r', path, '-T', 'fields', '-e',
                       '_ws.expert.message']).stdout
    for words in ('(suspected) retransmission', '(suspected) out-of-order', 'Duplicate ACK',
                  'Previous segment(s) not captured'):
        tap.check(f'there was: {words}', words in found,
                  sorted(set(found.splitlines())))
    tap.equal('each packet as tshark judges it', dissecting.compare(path, EXPLAINED)[:40], [])
    tap.done()


netns.enter()
main()
