"""Captures for the tests, by sonde's own packet ring; and what tshark says of a file.

    with capturing.Capture(path) as capture:
        ... traffic ...
    capture.received, .dropped, .read, .written     counts, once it has ended
    capturing.fields(path, ['ip.src', ...], [OPTION...])
                            a dict a packet: field -> list of its values, as tshark has them
"""

import os
import subprocess

import netns

# The preferences of whoever runs the test change nothing.
os.environ['WIRESHARK_CONFIG_DIR'] = '/nonexistent'

PROGRAMS = os.path.join(os.path.dirname(netns.SONDE), 'test', 'net')


def program(name):
    return os.path.join(PROGRAMS, name)


class Capture:
    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.process = netns.background([program('ring_capture'), self.path],
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.process.stdout.readline() != 'capturing\n':
            raise RuntimeError('ring_capture did not start')
        return self

    def __exit__(self, *_):
        out, _ = self.process.communicate(timeout=60)  # closes its input: the end
        if self.process.returncode:
            raise RuntimeError(f'ring_capture: exit status {self.process.returncode}')
        self.received, self.dropped, self.read, self.written = map(int, out.split())


def fields(path, names, options=()):
    argv = ['tshark', '-n', *options, '-T', 'fields', '-E', 'occurrence=a',
            '-E', 'aggregator=,', '-E', 'separator=/t', '-r', path]
    for name in names:
        argv += ['-e', name]
    done = netns.run(argv)
    if done.returncode:
        raise RuntimeError(done.stderr)
    packets = []
    for line in done.stdout.splitlines():
        values = line.split('\t')
        packets.append({name: value.split(',') if value else []
                        for name, value in zip(names, values)})
    return packets
