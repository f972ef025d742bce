#!/usr/bin/python3
"""Unix sockets and pipes between traced programs: calls joined to calls.

programs/local.py does one thing after the other, with barriers where somebody has to be
waiting; its lines have names.

    writer ---- a pipe, a FIFO, a Unix socket ---- reader      no packets
"""

import json
import os
import sys

from tap import tap
from traced import Trace, program

sys.dont_write_bytecode = True


class Local(Trace):
    """One scenario of programs/local.py."""

    def __init__(self, scenario, *arguments, form='--json'):
        super().__init__(program(' '.join(['local.py', scenario, *arguments])), form=form)
        self.taken = [edge for edge in self.events['edge'] if edge['kind'] == 'taken']

    def short(self, number):
        return self.name(self.statements[number])

    def passes(self):
        """'give[0:5] -> take', in order of taking."""
        order = sorted(self.taken, key=lambda edge: (self.calls[edge['call']]['exit_ns'],
                                                     edge['from_call']))
        return [f"{self.short(edge['from_statement'])}->{self.short(edge['statement'])}"
                f"{[edge['from'], edge['to']] if 'from' in edge else ''}"
                f"{'' if edge['exact'] else '?'}".replace('local.', '') for edge in order]

    def completions(self):
        """Of those statements that another call has completed, or had done it before."""
        return [row.replace('local.', '') for row in self.statement_table(
            lambda statement: statement['can_block'] or statement['blocked'])]

    def kinds(self):
        return [each['proto'] for each in self.events['stream'] if not each['packets']]


def told(scenario):
    """A run of which it is known whether each call slept."""
    for _ in range(5):
        run = Local(scenario)
        if run.is_told():
            break
    return run


def check(name, scenario, passes, completions, kinds):
    run = told(scenario)
    tap.equal(f'{name}: runs', (run.done.returncode, run.done.stdout), (0, 'done\n'))
    tap.equal(f'{name}: who took what', run.passes(), passes)
    # Whether a call that finds all it wants has blocked is not asked here.
    tap.equal(f'{name}: what completed whom',
              [row for row in run.completions() if ' blocked ' in row], completions)
    tap.equal(f'{name}: streams', run.kinds(), kinds)
    return run


check('a pipe', 'pipe',
      ['give->take[0, 5]', 'second->rest[0, 4]', 'third->rest[4, 8]', 'third->tail[0, 2]'],
      ['take blocked give', 'end blocked close'], ['pipe'])
check('a full pipe', 'full', ['fill->drain[0, 65536]', 'more->later[0, 4096]'],
      ['more blocked drain'], ['pipe'])
check('a FIFO, opened twice', 'fifo',
      ['one->take[0, 3]', 'two->again[0, 3]'],
      ['take blocked one', 'end blocked close', 'again blocked two', 'last blocked exit_group'],
      ['pipe'])
check('a Unix stream', 'stream',
      ['ask->request[0, 4]', 'answer->reply[0, 6]'],
      ['accept blocked connect', 'request blocked ask', 'reply blocked answer',
       'end blocked shutdown'], ['unix-stream'])
check('a Unix stream without a name', 'abstract',
      ['ask->request[0, 4]', 'answer->reply[0, 6]'],
      ['accept blocked connect', 'request blocked ask', 'reply blocked answer',
       'end blocked shutdown'], ['unix-stream'])
check('two clients, accepted in their order', 'order',
      ['first->take[0, 5]', 'second->take[0, 6]'], [], ['unix-stream', 'unix-stream'])
check('messages keep their bounds', 'seqpacket',
      ['one->take[0, 3]', 'two->again[0, 2]'], ['take blocked one'], ['unix-seqpacket'])
check('datagrams of two senders', 'datagrams',
      ['a->take[0, 1]', 'b->take[0, 2]', 'again->take[0, 3]'], ['take blocked a'],
      ['unix-datagram', 'unix-datagram'])
check('a socket pair between parent and child', 'pair',
      ['give->take[0, 5]'], ['take blocked give', 'end blocked exit_group'],
      ['unix-stream'])
check('poll and epoll', 'waits',
      ['give->take[0, 1]', 'more->again[0, 1]'],
      ['poll blocked give', 'epoll blocked more', 'hangup blocked close'], ['pipe'])
check('from a pipe to a socket and on', 'splice',
      ['give->move[0, 5]', 'move->take[0, 5]'], ['take blocked move'],
      ['pipe', 'unix-stream'])
check('the own shutdown', 'deaf', [], ['take blocked shutdown'], [])

run = Local('writers')
tap.equal('two writers at once: runs', (run.done.returncode, run.done.stdout), (0, 'done\n'))
with open(os.path.join(run.folder, 'reads'), encoding='ascii') as file:
    reads = json.load(file)
calls = sorted(run.calls.values(), key=lambda call: call['enter_ns'])
# Of each call that read something: the calls whose bytes it took, and which ones.
truth = {read['call']: {(
    [call['call'] for call in calls if call['pid'] == pid and call['name'] == 'write'][number],
    start, end) for pid, number, start, end in parts} for read, parts in zip(
        [call for call in calls if call['name'] == 'read' and call['bytes']], reads)}
tap.equal('two writers at once: all 100 writes are seen, and all reads',
          (len({part[0] for parts in truth.values() for part in parts}), len(truth)),
          (100, len(reads)))
tap.equal('two writers at once: what is exact is true', [edge for edge in run.taken if edge['exact'] and (
    edge['from_call'], edge['from'], edge['to']) not in truth[edge['call']]], [])
tap.equal('two writers at once: what is true is among the possible', [
    (read, part) for read, parts in truth.items() for part in parts if not any(
        edge['call'] == read and edge['from_call'] == part[0] and
        edge['from'] <= part[1] and part[2] <= edge['to'] for edge in run.taken)], [])

run = Local('crowd')
tap.equal('a crowd connects: runs', (run.done.returncode, run.done.stdout), (0, 'done\n'))
with open(os.path.join(run.folder, 'taken'), encoding='ascii') as file:
    taken, asked = json.load(file)
received = [call['call'] for call in sorted(run.calls.values(), key=lambda call: call['enter_ns'])
            if call['name'] == 'recvfrom' and str(call['tid']) not in asked]
tap.equal('a crowd connects: no byte is from somebody else', [
    edge for edge in run.taken if edge['call'] in received and
    asked.get(str(run.calls[edge['from_call']]['tid'])) != taken[received.index(edge['call'])]], [])

run = Local('outside')
tap.equal('a pipe to somebody who is not traced is let alone',
          (run.done.stdout, [each['proto'] for each in run.events['socket']], run.kinds()),
          ('done\n', [], []))

run = Local('stream', form='--text')
tap.check('the ladder has arrows from call to call, and lanes with names',
          '4 bytes' in run.output and 'connect' in run.output and '═' in run.output and
          'Unix stream' in run.output and 'unix /' in run.output, run.output)
tap.check('both tables show them', 'taken by statement' in run.output and
          'sock.sendall(b\'ask!\')' in run.output.split('blocking statement')[-1], run.output)
run = Local('pipe', form='--text')
tap.check('a lane for each end of a pipe', 'write end' in run.output and
          'read end' in run.output, run.output)
tap.done()
