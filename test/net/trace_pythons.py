#!/usr/bin/python3
"""The truth of pairs of programs under every CPython of this machine, client and server
each under the same one, and under two that are far apart.

    client 127.0.0.1:* ---- lo, in a namespace of sonde's own ---- 127.0.0.1:50000 server
"""

import os

import netns
import pythons
from tap import tap
from traced import Trace
from truth import (FORK_PACKETS, FORK_STATEMENTS, LOOP_PACKETS, LOOP_STATEMENTS,
                   THREAD_PACKETS, THREAD_STATEMENTS, WAIT_PACKETS, WAIT_STATEMENTS, scenario)


def say(python):
    return 'CPython ' + '.'.join(map(str, python.version))


def readers(trace):
    """Of the programs; sonde itself, before it becomes one, was not looked at."""
    return {(each['lines'], each.get('interpreter')) for each in trace.events['program']
            if each['lines'] != 'untried'}


def check_reader(name, trace, wanted):
    told = readers(trace)
    tap.equal(f'{name}: which interpreter is read', told, wanted)


def readable(python):
    """As sonde calls it: before 3.11 no more is to be had than the minor version."""
    words = python.version if python.version >= (3, 11) else python.version[:2]
    return 'read', 'Python ' + '.'.join(map(str, words))


def check_known(python):
    name = say(python)
    trace = scenario(f'{name}: everybody waits', WAIT_PACKETS, WAIT_STATEMENTS,
                     server='wait_server.py', main='wait_client.py', python=python.path)
    check_reader(name, trace, {readable(python)})
    scenario(f'{name}: everybody waits, with timeouts', WAIT_PACKETS, WAIT_STATEMENTS,
             server='wait_server.py 20', main='wait_client.py 20', python=python.path)
    scenario(f'{name}: requests in a loop', LOOP_PACKETS, LOOP_STATEMENTS,
             server='loop_server.py', main='loop_client.py', python=python.path)
    scenario(f'{name}: a server that forks', FORK_PACKETS, FORK_STATEMENTS,
             server='fork_server.py', main='fork_client.py', python=python.path)
    scenario(f'{name}: a thread for each client', THREAD_PACKETS, THREAD_STATEMENTS,
             server='thread_server.py', main='thread_client.py', python=python.path)


def check_unknown(name, command):
    """No lines, and why."""
    trace = Trace(command)
    tap.equal(f'{name}: calls without lines', (
        trace.done.returncode, {lines for lines, _ in readers(trace)},
        {each['file'] for each in trace.events['statement']}, bool(trace.calls)),
        (0, {'unknown-version'}, {None}, True))
    tap.check(f'{name}: which versions have lines', any(
        'CPython 3.8 to 3.13' in str(each) for each in trace.events['note']),
        trace.events['note'])


known = []
for each in pythons.find():
    if each.version[1] in pythons.SONDE_READS and not each.is_free_threaded:
        known.append(each)
        check_known(each)
    else:
        check_unknown(say(each), [each.path, '-c', 'import socket; socket.socket()'])

# A program that looks like one that is not there yet.
check_unknown('Python 3.15', [os.path.join(os.path.dirname(netns.SONDE), 'test', 'unit', 'trace',
                                           'fake_python_future')])

oldest = min(known, key=lambda each: each.version)
newest = max(known, key=lambda each: each.version)
mixed = f'client {say(oldest)}, server {say(newest)}'
trace = scenario(mixed, WAIT_PACKETS, WAIT_STATEMENTS, server='wait_server.py',
                 main='wait_client.py', python=oldest.path, server_python=newest.path)
check_reader(mixed, trace, {readable(oldest), readable(newest)})
tap.done()
