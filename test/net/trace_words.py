#!/usr/bin/python3
"""What sonde trace says where there is nothing to join, and to what it does not know.

    raw.py  ---- lo: ICMP and ICMPv6 echo, answered by the kernel
"""

import os
import sys

import netns
from tap import tap
from traced import ISOLATE, PYTHON, Trace

netns.become_root()  # for raw sockets
# Pings are shown of a namespace of its own alone; root can make that everywhere.
ISOLATE[:] = ['--isolate']
sys.dont_write_bytecode = True

RAW = '''\
import os, socket, struct, sys, threading


def echo(kind):
    """An echo request; of ICMPv6 the kernel makes the checksum."""
    words = struct.pack('!BBHHH', kind, 0, 0, 7, 1)
    checksum = 0xffff - (sum(struct.unpack('!4H', words))) if kind == 8 else 0
    return struct.pack('!BBHHH', kind, 0, checksum, 7, 1)


with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as sock:
    def ask():
        # Not before the other thread waits.
        while open(f'/proc/self/task/{main}/stat').read().rsplit(')')[1].split()[0] != 'S':
            os.sched_yield()
        sock.sendto(echo(8), ('127.0.0.1', 0))
    main = threading.get_native_id()
    thread = threading.Thread(target=ask)
    thread.start()
    sock.recv(1000)
    thread.join()
with socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6) as sock:
    sock.sendto(echo(128), ('::1', 0))
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.sendto(b'x', ('127.0.0.1', 9))
'''

folder = netns.scratch()
raw = os.path.join(folder, 'raw.py')
with open(raw, 'w', encoding='utf-8') as file:
    file.write(RAW)

# ---- ICMP is not joined, and only some of it is an error

trace = Trace([PYTHON, raw])
tap.check('pings are traced', trace.done.returncode == 0, trace.done.stderr)
words = {}
for packet in trace.events['packet']:
    if packet['proto'] != 'udp':
        words.setdefault((packet['proto'], packet['icmp_type']), packet['why'])
words = {key: why for key, why in words.items() if key[0] == 'icmp' or key[1] in (128, 129)}
tap.equal('what is said of each packet', words, {
    ('icmp', 8): 'neither TCP nor UDP: not joined',
    ('icmp', 0): 'the kernel answers the echo request',
    ('icmp', 3): 'the kernel reports an error',
    ('icmp6', 128): 'neither TCP nor UDP: not joined',
    ('icmp6', 129): 'the kernel answers the echo request'})
calls = {call['name']: call for call in trace.events['call']}
tap.equal('a wait at such a socket is not joined either', calls['recvfrom'].get('why'),
          'neither TCP nor UDP: not joined')
tap.equal('a send that did not wait', (calls['sendto']['blocked'], calls['sendto']['why']),
          (False, "the kernel's buffer took it"))
text = Trace([PYTHON, raw], form='--text').output
tap.check('they are counted so', ' neither TCP nor UDP; 0 dropped' in ' '.join(text.split()), text[-400:])

# ---- CPythons that are too old have no _PyRuntime, and may have debug information

built = os.path.join(os.path.dirname(netns.SONDE), 'test')
for old, version in (('fake_python_36', 'Python before 3.8'), ('fake_python_27', 'Python 2')):
    trace = Trace([os.path.join(built, 'unit', 'trace', old)])
    tap.equal(f'{version}: no line of its C is shown, and why',
              ({(each['lines'], each.get('interpreter')) for each in trace.events['program']} - {('untried', None)},
               {each['line'] for each in trace.events['statement']},
               sum('CPython 3.8 to 3.13' in str(each) for each in trace.events['note'])),
              ({('unknown-version', version)}, {None}, 1))

# ---- a file that cannot be written is said before anything runs

ran = os.path.join(folder, 'ran')
old = os.path.join(folder, 'old.svg')
with open(old, 'w', encoding='utf-8') as file:
    file.write('old')
for option in ('--html', '--svg', '-o', '-w'):
    for path, why in ((os.path.join(folder, 'none', 'x'), 'No such file'), (folder, 's a directory')):
        done = netns.run([netns.SONDE, 'trace', *ISOLATE, option, path, '--', 'touch', ran])
        tap.check(f'{option}, {why}: said, and nothing runs', done.returncode == 125 and why in done.stderr and
                  path in done.stderr and not os.path.exists(ran), done.stderr)
done = netns.run([netns.SONDE, 'trace', *ISOLATE, '--svg', old, '--html', os.path.join(folder, 'new.html'), '--',
                  os.path.join(folder, 'no-such-program')])
with open(old, encoding='utf-8') as file:
    tap.equal('nothing ran: what was there stays, and nothing is left behind',
              (done.returncode, file.read(), os.path.exists(os.path.join(folder, 'new.html'))), (127, 'old', False))

# ---- standard output by its name

os.chdir(folder)
done = netns.run([netns.SONDE, 'trace', *ISOLATE, '-o', '-', '--', 'true'])
tap.check('-o - is standard output', done.returncode == 0 and 'made no socket calls' in done.stdout and
          not os.path.exists('-'), done)
for option in '--html', '--svg':
    done = netns.run([netns.SONDE, 'trace', *ISOLATE, option, '-', '--', 'touch', ran])
    tap.check(f'{option} - is refused', done.returncode == 2 and 'standard output is for the text' in done.stderr
              and not os.path.exists(ran), done)

tap.done()
