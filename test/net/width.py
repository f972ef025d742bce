#!/usr/bin/python3
"""What people read at a terminal fits into its width; what programs read stays a line."""

import fcntl
import os
import pty
import re
import select
import struct
import termios

import netns
from reading import tcp, write_pcap
from tap import tap

netns.enter()


def at_terminal(columns, *argv, only=(1, 2)):
    """Runs sonde with `only` these descriptors at a terminal; what came there, as lines."""
    leader, follower = pty.openpty()
    fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack('4H', 50, columns, 0, 0))
    where = {name: follower for number, name in ((1, 'stdout'), (2, 'stderr'))
             if number in only}
    process = netns.background([netns.SONDE, *argv], stdin=follower,
                               **{'stdout': -3, 'stderr': -3, **where})
    os.close(follower)
    said = b''
    while select.select([leader], [], [], 100)[0]:
        try:
            piece = os.read(leader, 65536)
        except OSError:  # nobody has the other end any more
            break
        said += piece
    process.wait(100)
    os.close(leader)
    return said.decode().replace('\r\n', '\n').rstrip('\n').split('\n')


def fits(text, lines, columns, label=r'(?:sonde|hint): '):
    """No line is too long, and one that goes on is indented below its words."""
    bad = [line for line in lines if len(line) > columns or
           not re.match(label + r'\S|      \S|       \S', line)]
    tap.check(text, lines and not bad, (bad, lines))


def joined(lines):
    """Each message in one line again."""
    return re.sub(r'\n +', ' ', '\n'.join(lines)).split('\n')


# --- messages

LONG = ('connect', '-v', '--bind', '127.0.0.1:0', 'localhost', '9')
HINTS = (('scan', '--syn', '--udp', '127.0.0.1'), ('scan', '127.0.0.1', '-oX', 'file'),
         ('read', '--format', 'x', 'file'), ('serve', 'calk'), ('capture', '--stats', 'conv'),
         ('calc', 'sum', 'x'), ('explain', '/a/name/of/no/file.pcapng'),
         ('scan', '192.0.2.0/8', '-p', '70000'))
for columns in (80, 47):
    lines = at_terminal(columns, *LONG)
    fits(f'-v at {columns} columns', lines, columns)
    piped = netns.run([netns.SONDE, *LONG]).stderr.splitlines()
    same = [re.sub(r'[\d.]+ [mun]?s\b|:\d{4,}', 'N', '\n'.join(some))
            for some in (joined(lines), piped)]
    tap.equal('and a line each through a pipe, of the same words', same[0], same[1])
    for words in HINTS:
        lines = at_terminal(columns, *words)
        fits(f'{" ".join(words)} at {columns} columns', lines, columns)
        tap.equal('and through a pipe', netns.run([netns.SONDE, *words]).stderr.splitlines(),
                  joined(lines))
wide = at_terminal(200, *LONG)
tap.check('a wide terminal is used', max(map(len, wide)) > 80, wide)
tap.check('where only data goes to a terminal, messages do not',
          at_terminal(80, *LONG, only=(1,)) == [''])

listener = netns.background([netns.SONDE, 'listen', '-q', '--keep-open', '127.0.0.1', '7001'],
                            stdin=-3, stdout=-3)
netns.wait_for_port('tcp', 7001)
lines = at_terminal(50, 'listen', '127.0.0.1', '7001')
fits('a listener\'s error', lines, 50)
tap.check('names who has the port', 'listen' in lines[0], lines)

# --- tables of what packets add up to

def tcp6(ports, payload):
    """A segment between two long addresses, in Ethernet."""
    ends = [bytes.fromhex('20010db8' + '0123456789ab' * 2), bytes.fromhex('20010db8' + 'ba9876543210' * 2)]
    if ports[0] < ports[1]:
        ends.reverse()
    segment = struct.pack('>HHIIBBHHH', *ports, 1, 1, 0x50, 0x18, 8192, 0, 0) + payload
    return (bytes.fromhex('02000000000102000000000286dd') +
            struct.pack('>IHBB', 0x60000000, len(segment), 6, 64) + b''.join(ends) + segment)


PATH = f'{netns.scratch()}/two.pcap'
write_pcap(PATH, [tcp(1, 2, 0x18, 1, 1, b'question'), tcp(2, 1, 0x18, 1, 9, b'the answer'),
                  tcp(1, 3, 0x18, 1, 1, b'x' * 500), tcp6((40001, 5001), b'ask'),
                  tcp6((5001, 40001), b'tell'), tcp6((40001, 5001), b'ask again')])
NOTE = 'sonde: the sums of both directions are left out: a terminal of '


def columns_of(lines):
    """{end: (packets, bytes)} that it sent, of the conversations in two lines each."""
    found, end = {}, ''
    for line in lines:
        words = line.split()
        if words and not words[0].isdigit():
            end = words[0]
            words = words[1:]
        if len(words) >= 2 and words[0].isdigit() and words[1].isdigit():
            found.setdefault(end, []).append((int(words[0]), int(words[1])))
    return found


for kind in ('conv', 'endpoints', 'hierarchy', 'streams'):
    words = ('read', PATH, '--stats', kind)
    piped = netns.run([netns.SONDE, *words]).stdout.rstrip('\n').split('\n')
    tap.equal(f'--stats {kind} at 200 columns is that of a pipe', at_terminal(200, *words), piped)
    for columns in (80, 60):
        lines = at_terminal(columns, *words)
        tap.check(f'--stats {kind} fits into {columns} columns',
                  len(lines) > 3 and not [line for line in lines if len(line) > columns], lines)
        if kind == 'streams':
            tap.equal('and has the same words', '\n'.join(lines).split(), '\n'.join(piped).split())
        elif kind != 'hierarchy':
            said = joined(lines)[-1]
            tap.check('and says what it leaves out', said.startswith(NOTE), said)
piped = netns.run([netns.SONDE, 'read', PATH, '--stats', 'conv']).stdout.splitlines()
rows = [line.split() for line in piped if re.search(r'\.\d{4}$', line)]
wanted = {}
for row in rows:
    for end, first in ((row[0], 2), (row[1], 4)):
        wanted.setdefault(end, []).append((int(row[first]), int(row[first + 1])))
for columns in (80, 60):
    tap.equal(f'all that is sent is in the conversations at {columns} columns',
              columns_of(at_terminal(columns, 'read', PATH, '--stats', 'conv', only=(1,))), wanted)
tap.check('two TCP conversations over IPv4 and one over IPv6', len(rows) >= 8, rows)

tap.done()
