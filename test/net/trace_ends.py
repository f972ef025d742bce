#!/usr/bin/python3
"""A trace comes to its end whatever the programs do: many busy threads, births without end,
execs by threads, signals to the whole group, a second signal while they are busy.
"""

import collections
import json
import os
import signal
import subprocess

import netns
from tap import tap

PROGRAMS = os.path.join(os.path.dirname(netns.SONDE), 'test', 'net')


def program(name):
    return os.path.join(PROGRAMS, name)


def trace(*argv, **more):
    return netns.run([netns.SONDE, 'trace', '--isolate', '--json', *argv], timeout=100, **more)


def events(text, kind):
    return [e for e in map(json.loads, text.splitlines()) if e['event'] == kind]


# Busy threads do not keep the end away.
def calls_of_threads(text):
    return collections.Counter(call['tid'] for call in events(text, 'call') if call['name'] == 'sendto')


def all_got_on(threads):
    return len(threads) == 6 and min(threads.values()) * 20 > max(threads.values())


for _ in range(5):  # they have a second, in which a busy machine may leave one of them out
    done = trace('--with', 'exec ' + program('busy') + ' 6', '--', 'true')
    threads = calls_of_threads(done.stdout)
    if all_got_on(threads):
        break
tap.equal('busy threads end with the main program', done.returncode, 0)
ended = [p for p in events(done.stdout, 'program') if p['name'] == 'busy']
tap.equal('by SIGTERM', [p.get('signal') for p in ended], [signal.SIGTERM])
tap.check('all of them got on', all_got_on(threads), threads)

# A signal while the others start: the main program is not started any more.
mark = os.path.join(netns.scratch(), 'started')
process = netns.background([netns.SONDE, 'trace', '--isolate', '-o', '/dev/null', '--with',
                            f'echo >{mark}; exec sleep 100', '--', '/bin/sh', '-c',
                            'echo main'], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
netns.wait_until('the other one', lambda: os.path.exists(mark))
os.kill(process.pid, signal.SIGTERM)
out, err = process.communicate(timeout=60)
tap.check('a signal before the main program is started', out == 'main\n' or (
    process.returncode == 128 + signal.SIGTERM and 'it was not' in err), (process.returncode, out, err))

# The first signal is for the programs, which are busy; the second ends all.
process = netns.background([netns.SONDE, 'trace', '--isolate', '-o', '/dev/null', '--', '/bin/sh', '-c',
                            'trap "" INT; echo up; ' + program('busy') + ' 4'],
                           stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
process.stdout.readline()
os.kill(process.pid, signal.SIGINT)
said = ''
while 'still run' not in said:
    line = process.stderr.readline()
    if not line:
        break
    said += line
os.kill(process.pid, signal.SIGINT)
try:
    tap.equal('a second signal ends busy programs', process.wait(60), 128 + signal.SIGKILL)
except subprocess.TimeoutExpired:
    tap.not_ok('a second signal ends busy programs', f'still running after 60 s: {said}')

done = trace('--', program('births'))
tap.equal('births without end are ended', done.returncode, 3)
tap.check('and that is said', 'outlived it' in done.stderr, done.stderr)

for depth in 1, 8:
    done = trace('--', program('leader_exec'), str(depth))
    tap.equal(f'{depth} execs by a thread among births of threads', done.returncode, 7)
    tap.equal('a program for each image, none for a thread',
              len(events(done.stdout, 'program')), depth + 1)

done = trace('--', program('group'), start_new_session=True)
tap.equal('a signal to the whole group reaches the program and spares sonde',
          (done.returncode, done.stderr.count('caught 6 of 6')), (5, 1))
tap.done()
