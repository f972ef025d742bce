#!/usr/bin/python3
"""Each finding has a folder in test/findings: wrong.py or wrong.c with the mistake, at the
line that ends in the comment "here", and right.* that does the same without it.

    wrong ---- lo, in a namespace of sonde's own ---- itself, or the program after "with:"

The mistake is found, by the folder's name and at that line, and nothing else is; nothing at
all is found in the right one.  A comment near the top of a program may say

    with: PROGRAM [ARGUMENT]...   run by --with first; {folder} is the program's own
    signal: NAME                  the program's end is by that signal
    also: NAME...                 findings that this mistake has as a consequence

What calls alone prove is found without packets, too, where nobody may capture any:

    wrong ---- lo, in a namespace without CAP_NET_RAW ---- itself, or the program after "with:"
"""

import concurrent.futures
import json
import os
import re
import shlex
import subprocess
import sys

import netns
from tap import tap

netns.become_root()  # some programs set a packet filter
FOLDER = os.path.join(netns.ROOT, 'test', 'findings')
only = sys.argv[1:]
# What socket labs and reviews see most.
COMMONEST = ('address-in-use', 'byte-order-wrong', 'connection-refused', 'descriptor-leak',
             'killed-by-sigpipe', 'line-end-missing', 'message-split', 'messages-merged',
             'no-timeout', 'padding-in-message', 'recv-end-ignored', 'reset-by-unread-input',
             'short-send-ignored')
# What the packets alone tell: no line is marked.
NOWHERE = ('retransmission/wrong.py', 'zero-window/wrong.py')
# What needs no packets, in its first pair of programs.
BY_CALLS = ('address-in-use', 'address-not-here', 'both-wait', 'connect-before-listen', 'connection-refused',
            'descriptor-leak', 'epipe-ignored', 'half-close-ignored', 'killed-by-sigpipe',
            'listens-on-loopback-only', 'message-split', 'messages-merged', 'no-route', 'no-timeout', 'not-bound', 'not-connected', 'port-privileged',
            'recv-end-ignored', 'reply-from-stranger', 'short-send-ignored', 'thread-never-ends')
BY_CALLS_TOO = ('port-reused-too-soon/wrong-open.py',)


def needs_no_packets(name, program):
    return (name in BY_CALLS and program in ('wrong.py', 'right.py') or
            f'{name}/{program}' in BY_CALLS_TOO)


def kind(path):
    """wrong or right, of wrong.py and right-again.c."""
    return re.split('[-.]', os.path.basename(path))[0]


def note(text, word):
    found = re.search(rf'^\W*{word}: (.*?)(?: \*/)?$', text, re.MULTILINE)
    return found[1].strip() if found else ''


def command(path):
    if path.endswith('.py'):
        return ['/usr/bin/python3', path]
    built = os.path.join(netns.scratch(), path.replace('/', '_') + '.out')
    subprocess.run(['cc', '-g', '-O0', '-Wall', '-Werror', '-pthread', '-o', built, path],
                   check=True)
    return [built]


def findings(events):
    return {event['name'] for event in events if event['event'] == 'finding'}


def trace(path, has_packets=True):
    with open(path, encoding='utf-8') as file:
        text = file.read()
    argv = [netns.SONDE, 'trace', *(['--isolate'] if has_packets else []), '--json']
    helper = note(text, 'with')
    if helper:
        words = shlex.split(helper.format(folder=os.path.dirname(path)))
        if words[0].endswith(('.py', '.c')):
            words = command(words[0]) + words[1:]
        argv += ['--with', shlex.join(words)]
    argv += ['--', *command(path)]
    if not has_packets:
        argv = ['unshare', '-n', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', *netns.unprivileged(argv)]
    own = {os.path.basename(os.path.dirname(path)), *note(text, 'also').split()}
    for _ in range(5):  # a machine that stands still for 0.2 s makes TCP send again
        done = netns.run(argv)
        events = [json.loads(line) for line in done.stdout.splitlines()]
        if findings(events) - (own if kind(path) == 'wrong' else set()) != {'retransmission'}:
            break
    marked = [i for i, line in enumerate(text.splitlines(), 1)
              if re.search(r'(#|/\*) here(?: \*/)?$', line)]
    return text, marked, events, done


def check(name, path, has_packets=True):
    title = f'{name}/{os.path.basename(path)}' + ('' if has_packets else ', without packets')
    text, marked, events, done = runs[path, has_packets].result()
    statements = {event['statement']: event for event in events
                  if event['event'] == 'statement'}
    found = [event for event in events if event['event'] == 'finding']
    names = sorted({event['name'] for event in found})
    trouble = '\n'.join(json.dumps(event) for event in found) + done.stderr
    if not has_packets:
        tap.check(f'{title}: none', [event['packets'] for event in events if event['event'] == 'summary'] == [None] and
                  not any(event['packets'] for event in found), trouble)
    if kind(path) == 'right':
        tap.check(f'{title}: nothing is found', not found and events and done.returncode == 0,
                  f'{done.returncode}\n{trouble}')
        return
    also = note(text, 'also').split()
    tap.equal(f'{title}: what is found', [it for it in names if it not in also], [name])
    lines = {(os.path.basename(statements[number]['file'] or ''), statements[number]['line'])
             for event in found if event['name'] == name for number in event['statements']}
    tap.check(f'{title}: at its line', len(marked) == (0 if title in NOWHERE else 1) and
              all((os.path.basename(path), line) in lines for line in marked),
              f'{sorted(lines)}, wanted {marked}\n{trouble}')
    for event in found:
        tap.check(f'{title}: {event["name"]} has evidence, a reason and a remedy',
                  (event['packets'] or event['statements']) and event['why'] and event['do'],
                  json.dumps(event))


names = sorted(name for name in os.listdir(FOLDER)
               if os.path.isdir(os.path.join(FOLDER, name)) and (not only or name in only))
programs = {name: sorted(os.listdir(os.path.join(FOLDER, name))) for name in names}
# Most of them wait, for a time limit or a peer: several run at once.
with concurrent.futures.ThreadPoolExecutor(8) as pool:
    runs = {(path, has_packets): pool.submit(trace, path, has_packets)
            for name in names for path in (os.path.join(FOLDER, name, it) for it in programs[name])
            if kind(path) in ('wrong', 'right')
            for has_packets in (True, False) if has_packets or needs_no_packets(name, os.path.basename(path))}
for name in names:
    tap.check(f'{name}: a mistake, and its correct twin',
              {'wrong', 'right'} <= {kind(it) for it in programs[name]}, programs[name])
    if name in COMMONEST:
        tap.check(f'{name}: in Python and in C',
                  {'wrong.py', 'right.py', 'wrong.c', 'right.c'} <= set(programs[name]),
                  programs[name])
    for program in programs[name]:
        if kind(program) in ('wrong', 'right'):
            check(name, os.path.join(FOLDER, name, program))
        if needs_no_packets(name, program):
            check(name, os.path.join(FOLDER, name, program), False)
tap.done()
