#!/usr/bin/python3
"""Which sockets sonde trace sees, and whose they are, where descriptors take odd ways; and
what it says where it cannot see them."""

import collections
import json
import os
import signal
import sys

import capturing
import netns
from tap import tap
from traced import ISOLATE, PYTHON, program

sys.dont_write_bytecode = True

OUTPUT = os.path.join(netns.scratch(), 'output')
PIDFD_OPEN, PIDFD_GETFD = 434, 438  # the same numbers on all architectures
EMFILE, EINVAL = 24, 22
PIDFD_THREAD = os.O_EXCL


class Run:
    """A program under sonde trace --json: done, calls, sockets, notes."""

    def __init__(self, argv, before=(), isolate=None):
        isolate = ISOLATE if isolate is None else isolate
        self.done = netns.run([*before, netns.SONDE, 'trace', *isolate, '--json', '-o',
                               OUTPUT, '--', *argv])
        self.events = collections.defaultdict(list)
        with open(OUTPUT, encoding='utf-8') as file:
            for line in file:
                event = json.loads(line)
                self.events[event['event']].append(event)
        self.calls, self.sockets = self.events['call'], self.events['socket']
        self.notes = [note['text'] for note in self.events['note']]

    def names(self, *without):
        return [call['name'] for call in self.calls if call['name'] not in without]

    def ended(self):
        """What the program printed, and its status."""
        return self.done.stdout, self.done.returncode


def refuse(number, argument, value, error):
    return [capturing.program('refuse'), *map(str, (number, argument, value, error))]


# --- descriptors that cannot be looked up

def check_many_processes():
    run = Run(program('children.py 60'), before=['sh', '-c', 'ulimit -n 48; exec "$@"', 'sh'])
    tap.equal('more processes than descriptors: each is seen',
              (run.ended(), run.names().count('socketpair'),
               [each['proto'] for each in run.sockets].count('unix-stream'), run.notes),
              (('0\n', 0), 60, 120, []))


def check_no_descriptors():
    run = Run(program('children.py 3'), before=refuse(PIDFD_GETFD, 2, 0, EMFILE))
    tap.equal('no descriptors left: the program runs', run.ended(), ('0\n', 0))
    tap.equal('no descriptors left: said once', run.notes,
              ['sonde ran out of descriptors: some sockets are not seen'])


OLDER_KERNEL = ('the first thread of first_thread_ends has ended: new sockets of the others are '
                'not seen')


def check_first_thread_ends():
    argv = [capturing.program('first_thread_ends')]
    run = Run(argv)
    names = run.names('exit_group')
    if run.notes == [OLDER_KERNEL]:
        tap.skip('the first thread ends first: the others are seen', run.notes[0])
    else:
        tap.equal('the first thread ends first: the others are seen',
                  (run.ended(), names, len(run.sockets), run.notes),
                  (('talked\n', 0), ['socketpair', 'sendto', 'recvfrom', 'close', 'close'],
                   2, []))
    run = Run(argv, before=refuse(PIDFD_OPEN, 1, PIDFD_THREAD, EINVAL))
    tap.equal('the first thread ends first, on an older kernel: said',
              (run.ended(), run.notes), (('talked\n', 0), [OLDER_KERNEL]))


def check_not_dumpable():
    run = Run([capturing.program('not_dumpable')], before=netns.unprivileged([]),
              isolate=[])
    notes = [note for note in run.notes if not note.startswith('no packets')]
    tap.equal('a program that nobody may look into: said once', (run.ended(), notes),
              (('talked\n', 0), ['not_dumpable does not let other programs look into it: its '
                                 'sockets are not seen']))


# --- closes

def check_odd_closes():
    run = Run(program('odd_closes.py'))
    tap.equal('odd closes: the program runs', run.ended(), ('', 0))
    tap.equal('odd closes: a close_range that fails closes nothing',
              run.names().count('sendto'), 2)
    calls = {call['call']: call['name'] for call in run.calls}
    # Two sockets a pair, in the order of their numbers.
    wanted = {50: 'close_range', 51: 'close_range', 52: 'dup2', 53: 'dup2',
              60: 'close', 61: 'close_range', 70: 'close_range', 71: 'close_range'}
    got = [calls.get(each.get('closed_by')) for each in run.sockets]
    tap.equal('odd closes: which call closed which socket', got, list(wanted.values()))
    closed_by = {each['socket']: each.get('closed_by') for each in run.sockets}
    wrong = [(call['name'], call['socket']) for call in run.calls
             if 'socket' in call and bool(call.get('last_reference')) !=
             (closed_by[call['socket']] == call['call'])]
    tap.equal('odd closes: a call is said to be the last of its own socket only', wrong, [])


# --- descriptors in messages

def check_passed_on():
    run = Run(program('passed_on.py'))
    tap.equal('passed on: the program runs', run.ended(), ("b'hi'\nb''\n", 0))
    calls = {call['call']: call for call in run.calls}
    child = run.events['program'][-1]['pid']
    [passed] = [each for each in run.sockets if 'accepted_by' in each]
    last = calls[passed['closed_by']]
    tap.equal('passed on: closed by who got it',
              (last['name'], last['pid'], last.get('last_reference')), ('close', child, True))
    early = [call for call in run.calls if call['name'] == 'close' and
             call.get('socket') == passed['socket'] and call is not last]
    tap.equal('passed on: its first owner did not end it',
              [(call['pid'] == child, 'last_reference' in call) for call in early],
              [(False, False)])
    # Sent where nobody takes it: that fails, and the close is the last one.
    kept = run.sockets[-1]
    last = calls[kept['closed_by']]
    tap.equal('passed on in vain: closed by its owner',
              (last['name'], last['pid'] == child, last.get('last_reference')),
              ('close', False, True))


def check_two_messages():
    run = Run([capturing.program('two_messages')])
    tap.equal('descriptors in a second message: the program runs', run.ended(), ('', 0))
    sends = [call for call in run.calls if call['name'] == 'write']
    tap.equal('descriptors in a second message: what is under the number is seen',
              [(call['socket'], call['result']) for call in sends], [(3, 5)])


# --- forks

def check_fork_race():
    run = Run([capturing.program('fork_race')])
    sent = [call for call in run.calls if call['name'] == 'sendto' and call['result'] == 1]
    tap.equal('forks while threads open and close: each send of the children is seen',
              (run.ended(), run.notes), ((f'{len(sent)}\n', 0), []))
    tap.equal('forks while threads open and close: no socket came from nowhere',
              [each for each in run.sockets if 'inherited' in each], [])


def check_shared_table():
    run = Run([capturing.program('shared_table')])
    owners = {call['call']: call['pid'] for call in run.calls}
    child = run.events['program'][-1]['pid']
    tap.equal('descriptors shared by two processes: what one opens, the other uses and closes',
              (run.ended(), run.names('exit_group'), len(run.sockets),
               [owners[each['closed_by']] == child for each in run.sockets]),
              (('', 0), ['socketpair', 'sendto', 'close', 'recvfrom'], 2, [False, False]))


# --- calls that are resumed

def check_resumed():
    argv = [capturing.program('two_interruptions')]
    run = Run(argv)
    tap.equal('a poll ended by a handler, a sleep resumed: the program runs', run.ended(),
              ('poll -1\nnanosleep 0\n', 0))
    waits = [call for call in run.calls if call['name'] in ('poll', 'restart_syscall')]
    tap.equal('a poll ended by a handler: EINTR, and the sleep is none',
              [(call['name'], call['errno']) for call in waits], [('poll', 'EINTR')])
    run = Run([*argv, 'stop'])
    waits = [call for call in run.calls if call['name'] in ('poll', 'restart_syscall')]
    # Once for the stop, and perhaps once for the signal that continues it.
    tap.equal('a poll that is stopped and continued is resumed',
              (run.ended(), waits[0]['name'], {call['name'] for call in waits[1:]},
               {call.get('resumed') for call in waits[1:]}, waits[-1]['result']),
              (('poll 1\n', 0), 'poll', {'poll'}, {True}, 1))
    tap.equal('a call that is resumed has no result, and no error',
              {(call.get('restarted'), call['result'], call['errno']) for call in waits[:-1]},
              {(True, None, None)})
    run = Run([PYTHON, '-c', 'import signal, socket; signal.alarm(1); '
               "socket.create_server(('127.0.0.1', 0)).accept()"])
    [last] = [call for call in run.calls if call['name'].startswith('accept')]
    tap.equal('a call in which a signal ends the program has no result',
              (run.done.returncode, last['result'], last['errno']),
              (128 + signal.SIGALRM, None, None))


# --- what cannot be had under a tracer

def check_tracers():
    argv = [capturing.program('traces_another')]
    run = Run(argv)
    tap.equal('a program that wants to trace another: it fails, and why', (
        run.ended(), run.notes),
        (('1 1\n', 0), ['a program wants to trace another, as gdb and strace do: that fails, '
                        'because sonde traces it already']))
    run = Run([*argv, 'untraced'])
    tap.equal('a child that no tracer gets: said', (run.ended()[1], run.notes),
              (0, ['a program makes a process that nobody may trace (CLONE_UNTRACED): it '
                   'cannot work under sonde']))


def check_dissolved():
    run = Run(program('dissolved.py'))
    tap.equal('a dissolved association: the peer is gone, the datagrams are not',
              (run.ended(), [each['peer'] for each in run.sockets],
               [packet['sender'] for packet in run.events['packet']]),
              (('', 0), [None, None, None], [2, 1, 3]))


check_many_processes()
check_no_descriptors()
check_first_thread_ends()
check_not_dumpable()
check_odd_closes()
check_passed_on()
check_two_messages()
check_fork_race()
check_shared_table()
check_resumed()
check_dissolved()
check_tracers()
tap.done()
