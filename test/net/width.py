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

tap.done()
