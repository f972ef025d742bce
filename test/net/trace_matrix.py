#!/usr/bin/python3
"""The matrix: language of the client x of the server x how they wait x blocking or not x IPv4,
IPv6 x TCP, UDP x whether what is waited for is there.  Every cell of both tables, each time.

    cell client 127.0.0.1 or ::1 ---- lo, a namespace for each cell ---- port 50000 cell server

programs/cell.c and cell.py are the sides, and tell what the words mean; here stands what
they must show.  The check takes a spread: each language with each other and in every way,
each way in every family, protocol and order.  All of them, as ./dev matrix does:

    WHOLE=1 test/net/trace_matrix.py [WORD]...      or only those with all these words
"""

import concurrent.futures
import itertools
import os
import pprint
import sys
import time
import traceback

import netns
from tap import tap
from traced import ISOLATE, PYTHON, PROGRAMS, Trace, label
from truth import judge

BUILT = os.path.join(os.path.dirname(netns.SONDE), 'test', 'net')
LANGUAGES = {
    'o0': [os.path.join(BUILT, 'o0_cell')],
    'o2': [os.path.join(BUILT, 'o2_cell')],
    'static': [os.path.join(BUILT, 'static_cell')],
    'cxx': [os.path.join(BUILT, 'cxx_cell')],
    'python': [PYTHON, os.path.join(PROGRAMS, 'cell.py')],
}
WAITS_APART = 'poll', 'select', 'epoll'
WAYS = [('blocking', wait) for wait in ('plain', 'settimeout', 'rcvtimeo', *WAITS_APART)]
WAYS += [('nonblocking', wait) for wait in ('plain', *WAITS_APART)]
# Sleeping is most of what a cell does.
AT_ONCE = 8 if ISOLATE else 1


class CellTrace(Trace):
    """Both sides are the same file: the program says which."""

    def name(self, statement):
        owner = self.programs[statement['program']]
        role = next((word for word in owner['argv'] if word in ('client', 'server')), '?')
        word = label(statement['file'], statement['line']) if statement['file'] else '?'
        return f"{role}.{word.removeprefix('cell.').removeprefix('cell:')}"


class Side:
    """What one side shows in the second table."""

    def __init__(self, role, way, order):
        self.role, (self.mode, self.wait), self.order = role, way, order
        self.rows = []

    def add(self, word, blocked, packet='-'):
        self.rows.append(f'{self.role}.{word} {blocked} {packet}')

    def waits(self, word, packet):
        """A call that may have to wait, and does so for this packet."""
        is_ready = self.order == 'ready'
        if self.wait in WAITS_APART and (self.mode == 'blocking' or not is_ready):
            self.add('wait', *(['ready'] if is_ready else ['blocked', packet]))
            is_ready = True
        # What is tried can not wait.
        if self.mode == 'blocking':
            self.add(word, *(['ready'] if is_ready else ['blocked', packet]))

    def connects(self, packet):
        if self.mode == 'blocking':
            self.add('connect', 'blocked', packet)
        elif self.wait in WAITS_APART:
            self.add('wait', 'ready')

    def waits_in_vain(self):
        if self.order == 'expires':
            self.add('wait' if self.wait in WAITS_APART else 'vain', 'blocked')


class Cell:
    """A cell: its words, its programs, its truth."""

    def __init__(self, client, server, ways, family, proto, order):
        self.client, self.server, self.ways = client, server, ways
        self.family, self.proto, self.order = family, proto, order
        mode, wait = zip(*ways)
        self.words = [f'client={client}', f'server={server}', f'client={mode[0]}-{wait[0]}',
                      f'server={mode[1]}-{wait[1]}', f'IPv{family}', proto, order]

    def __str__(self):
        return ' '.join(self.words)

    def is_possible(self):
        for language, (mode, wait) in zip((self.client, self.server), self.ways):
            if wait == 'settimeout' and language != 'python':
                return False
        # Without a timeout nothing expires.
        return self.order != 'expires' or self.ways[0][1] != 'plain'

    def command(self, role):
        language = getattr(self, role)
        mode, wait = self.ways[role == 'server']
        return [*LANGUAGES[language], role, self.proto, self.family, mode, wait, self.order]

    def packets(self):
        if self.proto != 'tcp':
            return '1 client udp+18 client.send\n2 server udp+8 server.reply'
        return '''
            1 client S      client.connect
            2 server SA     -
            3 client A      -
            4 client PA+18  client.send
            5 server PA+8   server.reply
            6 client FA     client.close
            7 server FA     server.close
        '''

    def statements(self):
        client = Side('client', self.ways[0], self.order)
        server = Side('server', self.ways[1], 'ready' if self.order == 'ready' else 'waits')
        if self.proto == 'tcp':
            client.connects(2)
            server.waits('accept', 3)
        client.waits_in_vain()
        client.waits('receive', 5 if self.proto == 'tcp' else 2)
        server.waits('receive', 4 if self.proto == 'tcp' else 1)
        if self.proto == 'tcp':
            server.waits('receive', 6)
        return '\n'.join(client.rows + server.rows)

    def differences(self):
        """Between what sonde shows and the truth, as text."""
        for _ in range(5):
            trace = CellTrace(self.command('client'), self.command('server'))
            differences = self.compare(trace)
            if not differences or trace.is_told():
                break
        return differences

    def compare(self, trace):
        told = trace.done.stdout + trace.done.stderr
        if (trace.done.returncode, trace.done.stdout) != (0, 'EIGHTEEN\n') or \
                not trace.events['summary']:
            return f'exit status {trace.done.returncode}\n{told}'
        return '\n'.join(
            f'{what}: got\n{pprint.pformat(got)}\nwanted\n{pprint.pformat(wanted)}'
            for what, got, wanted in judge(trace, self.packets(), self.statements())
            if got != wanted)


def all_cells():
    """Each pair of languages with each way on both sides; each pair of ways, the languages in
    turn; all of that in each family, protocol and order."""
    names = list(LANGUAGES)
    same = [(client, server, (way, way))
            for client, server, way in itertools.product(names, names, WAYS)]
    turns = itertools.cycle(itertools.product(names, names))
    mixed = []
    for pair in itertools.permutations(WAYS, 2):
        # Not all languages have all ways.
        fits = (turn for turn in turns if all(
            way[1] != 'settimeout' or language == 'python' for way, language in zip(pair, turn)))
        mixed.append((*next(fits), pair))
    cells = [Cell(*sides, *place) for place in itertools.product(
        ('4', '6'), ('tcp', 'udp', 'connected'), ('waits', 'ready', 'expires'))
        for sides in same + mixed]
    return [cell for cell in cells if cell.is_possible()]


def spread(cells):
    """As few as come to hand in which the words come together as the top of this file says."""
    def combinations(cell):
        client, server, client_way, server_way, *place = cell.words
        sides = (client, client_way), (server, server_way)
        return {(client, server), *sides,
                *itertools.product((client_way, server_way), place)}

    pairs = {cell: combinations(cell) for cell in cells}
    left = set().union(*pairs.values())
    chosen = []
    while left:
        cell = max(cells, key=lambda each: len(pairs[each] & left))
        chosen.append(cell)
        left -= pairs[cell]
    return chosen


def compare(cell):
    try:
        return cell.differences()
    except Exception:  # shown as this cell's failure
        return traceback.format_exc()


cells = all_cells()
total = len(cells)
if not os.environ.get('WHOLE'):
    cells = spread(cells)
cells = [cell for cell in cells if set(sys.argv[1:]) <= set(cell.words)]
began = time.monotonic()
with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
    for cell, differences in zip(cells, pool.map(compare, cells)):
        tap.check(str(cell), not differences, differences)
print(f'# {len(cells)} of {total} cells, {tap.failed} with a difference, '
      f'{time.monotonic() - began:.0f} s')
tap.done()
