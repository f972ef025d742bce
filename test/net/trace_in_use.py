#!/usr/bin/python3
"""Who has an address that a traced program wants, where that one is not traced.

    holder (not traced) ---- lo, in the test's own namespace ---- wants.py (traced)

The finding names it, says how it has the address and what to do, live and from the file; a
socket that is not in the way is never named.
"""

import json
import os
import re
import signal
import subprocess
import sys

import netns
from tap import tap

netns.enter()
FOLDER = netns.scratch()
PORT = 50000


def at(name):
    return os.path.join(FOLDER, name)


def write(name, text):
    with open(at(name), 'w', encoding='utf-8') as file:
        file.write(text)
    return at(name)


# Binds what its arguments say, tells so, and stays until its input ends.
HOLDER = write('keeper.py', '''
import os
import socket
import sys

how, family, kind, address = sys.argv[1:5]
sock = socket.socket(getattr(socket, family), getattr(socket, kind))
sock.bind(address.replace('\\\\0', '\\0') if family == 'AF_UNIX' else (address, int(sys.argv[5])))
if how == 'listens':
    sock.listen()
if how == 'talks':
    listener = sock
    listener.listen()
    client = socket.create_connection(sock.getsockname())
    sock, _ = listener.accept()
    listener.close()
if how == 'shut':  # nobody may look into it
    import ctypes
    sock.listen()
    ctypes.CDLL(None).prctl(4, 0, 0, 0, 0)
if how == 'forks':
    sock.listen()
    for _ in range(2):
        if os.fork() == 0:
            break
os.write(1, b'ready\\n')
sys.stdin.read()
try:
    while True:  # what its children have is free when they have ended
        os.wait()
except ChildProcessError:
    pass
''')
WANTS = write('wants.py', '''
import socket
import sys

family, kind, address = sys.argv[1:4]
sock = socket.socket(getattr(socket, family), getattr(socket, kind))
try:
    sock.bind(address.replace('\\\\0', '\\0') if family == 'AF_UNIX' else (address, int(sys.argv[4])))
except OSError as error:
    print(error.errno)
''')


class Holder:
    def __init__(self, *arguments):
        self.process = netns.background(['/usr/bin/python3', HOLDER, *map(str, arguments)], cwd=FOLDER,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for _ in range(3 if arguments[0] == 'forks' else 1):
            said = self.process.stdout.readline()
            assert said == 'ready\n', (arguments, said, self.process.poll())

    def __enter__(self):
        return self.process

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(20)


def trace(*arguments, file='run.pcapng', before=()):
    """The findings of one run, its events, and whether explain finds the same in the file."""
    done = netns.run([*before, netns.SONDE, 'trace', '--json', '-w', at(file), '--', '/usr/bin/python3', WANTS,
                      *map(str, arguments)], cwd=FOLDER)
    events = [json.loads(line) for line in done.stdout.splitlines()]
    again = netns.run([netns.SONDE, 'explain', '--json', at(file)])
    same = [json.loads(line) for line in again.stdout.splitlines()]
    tap.check(f'{arguments}: the file says the same', done.returncode == 0 and picked(events) == picked(same),
              done.stderr + again.stderr + json.dumps([picked(events), picked(same)], indent=1))
    return [it for it in events if it['event'] == 'finding'], events


def picked(events):
    return [it for it in events if it['event'] == 'finding' or it.get('holder')]


def check(what, arguments, why, do, **more):
    found, events = trace(*arguments, **more)
    tap.equal(f'{what}: one finding', [it['name'] for it in found], ['address-in-use'])
    said = ' '.join(it['why'] for it in found), ' '.join(it['do'] for it in found)
    tap.check(f'{what}: who', re.fullmatch(why, said[0]), said)
    tap.check(f'{what}: and what to do', do in said[1], said)
    return [it['holder'] for it in events if it.get('holder')]


TCP4, TCP6 = ('AF_INET', 'SOCK_STREAM'), ('AF_INET6', 'SOCK_STREAM')
UDP4 = ('AF_INET', 'SOCK_DGRAM')
STREAM = ('AF_UNIX', 'SOCK_STREAM')

# ---- it listens

with Holder('listens', *TCP4, '127.0.0.1', PORT) as holder:
    pid = holder.pid
    got = check('a listener', (*TCP4, '127.0.0.1', PORT),
                rf'bind\(\) to 127\.0\.0\.1:{PORT} failed: keeper\.py \(process {pid}(, started \d+ s before)?\) listens '
                rf'at 127\.0\.0\.1:{PORT}\.', f'kill {pid}')
    tap.equal('its event', [(it['state'], it['pid'], it['name'], it['local'], 'socket' in it) for it in got],
              [('listens', pid, 'keeper.py', {'address': '127.0.0.1', 'port': PORT}, False)])
    rows = netns.run([netns.SONDE, 'read', at('run.pcapng')]).stdout
    tap.check('its row', f'EADDRINUSE (listens: keeper.py, process {pid})' in rows, rows)
    text = netns.run([netns.SONDE, 'explain', at('run.pcapng')]).stdout
    tap.check('and in words', f'keeper.py (process {pid}' in ' '.join(text.split()), text)
    check('wanted at all addresses', (*TCP4, '', PORT), rf'bind\(\) to \*:{PORT} failed: keeper\.py .* at 127.*', 'port 0')
    tap.equal('at another address there is no finding', trace(*TCP4, '127.0.0.2', PORT)[0], [])
    tap.equal('nor for UDP', trace(*UDP4, '127.0.0.1', PORT)[0], [])
    holder.send_signal(signal.SIGSTOP)
    netns.wait_until('it to be stopped', lambda: ' T ' in open(f'/proc/{pid}/stat', encoding='ascii').read())
    check('a listener that is stopped', (*TCP4, '127.0.0.1', PORT), r'.*, stopped now\) listens.*', f'kill -CONT {pid}')
    holder.send_signal(signal.SIGCONT)

with Holder('listens', *TCP6, '::', PORT) as holder:
    check('one for both families', (*TCP4, '127.0.0.1', PORT), rf'.*keeper\.py \(process {holder.pid}.*\) listens at \*:{PORT}\.',
          'End it first')

with Holder('forks', *TCP4, '127.0.0.1', PORT) as holder:
    check('one that forked', (*TCP4, '127.0.0.1', PORT), rf'.*\(process {holder.pid}, with 2 more.*\) listens at .*', 'End it')

# ---- it does not

with Holder('bound', *TCP4, '127.0.0.1', PORT) as holder:
    check('one that is bound and no more', (*TCP4, '127.0.0.1', PORT),
          rf'.*: keeper\.py \(process {holder.pid}.*\) has 127\.0\.0\.1:{PORT}\.', f'kill {holder.pid}')

with Holder('bound', *UDP4, '127.0.0.1', PORT) as holder:
    check('a UDP server', (*UDP4, '', PORT), rf'.*: keeper\.py \(process {holder.pid}.*\) has 127\.0\.0\.1:{PORT}\.', 'port 0')

with Holder('talks', *TCP4, '127.0.0.1', PORT) as holder:
    check('one that still has a connection', (*TCP4, '127.0.0.1', PORT),
          rf'.*: keeper\.py \(process {holder.pid}.*\) has a connection there, from 127\.0\.0\.1:{PORT} to 127\.0\.0\.1:\d+\.',
          'SO_REUSEADDR')

# That one's side closed first, when it ended.
got = check('one that is gone', (*TCP4, '127.0.0.1', PORT), r'.*: nobody has it any more, .* \(TIME_WAIT, \d+ s more\)\.',
            'SO_REUSEADDR')
tap.check('for less than a minute', [0 < it['left_ms'] <= 61000 and 'pid' not in it for it in got] == [True], got)

# ---- nobody may look into it

with Holder('shut', *TCP4, '127.0.0.1', PORT + 1) as holder:
    check('one of which only its user is seen', (*TCP4, '127.0.0.1', PORT + 1),
          r'.*: a process of user \d+( \(root\))?, which sonde may not look into, listens at .*', 'sudo ss -anp',
          before=netns.unprivileged([])[:-1] + ['--'])

# ---- Unix sockets

with Holder('listens', *STREAM, './here') as holder:
    for path in ('here', './here', at('here')):
        check(f'a Unix server, {path}', (*STREAM, path),
              rf'bind\(\) to {re.escape(path)} failed: keeper\.py \(process {holder.pid}.*\) listens there\.', 'another path')
    os.makedirs(at('there'), exist_ok=True)
    write('there/here', '')
    check('a file', (*STREAM, 'there/here'), r'.*: a file that is no socket has that path\.', 'another path')
check('a path that is left', (*STREAM, 'here'), r'.*: the path is there, and nobody listens at it.*', 'unlink()')
with Holder('listens', *STREAM, '\\0abstract') as holder:
    check('an abstract name', (*STREAM, '\\0abstract'), rf'bind\(\) to @abstract failed: keeper\.py \(process {holder.pid}.*',
          'End it first')

# ---- it is asked for so often, and no more

STORM = write('storm.py', f'''
import socket
for turn in range(300):
    for port in ({PORT} + 1000, {PORT} + 1000 + turn):
        with socket.socket() as sock:
            try:
                sock.bind(('127.0.0.1', port))
            except OSError:
                pass
''')
with Holder('listens', *TCP4, '127.0.0.1', PORT + 1000) as holder:
    done = netns.run([netns.SONDE, 'trace', '--json', '--', '/usr/bin/python3', STORM])
    calls = [json.loads(line) for line in done.stdout.splitlines()]
    failed = [it for it in calls if it['event'] == 'call' and it['errno'] == 'EADDRINUSE']
    numbers = {it['holder']['holder'] for it in failed}
    tap.equal('a storm: each call has its holder', ({it['holder'].get('pid') for it in failed}, len(failed) >= 300),
              ({holder.pid}, True))
    seconds = (failed[-1]['enter_ns'] - failed[0]['enter_ns']) / 1e9
    tap.check('which was looked for once a second', len(numbers) <= seconds + 2, (numbers, seconds))
tap.done()
