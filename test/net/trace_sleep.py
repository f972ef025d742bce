#!/usr/bin/python3
"""Whether a call slept, as the scheduler tells: data that is there, and data that comes.

       right ==== a pair of connected sockets ==== left      one program, two threads
"""

import json
import os

import netns
from tap import tap

PROGRAM = '''\
import os, socket, threading, time
listener = socket.create_server(('127.0.0.1', 0))
left = socket.create_connection(listener.getsockname())
right, address = listener.accept()
for count in range(200):
    left.sendall(b'there')
    right.recv(5)  # there already
RECVFROM = {'x86_64': '45', 'aarch64': '207'}[os.uname().machine]
def sleeps_in_recv():
    with open(f'/proc/{os.getpid()}/stat') as stat, open(f'/proc/{os.getpid()}/syscall') as call:
        if call.read().split()[0] != RECVFROM or stat.read().rsplit(')', 1)[1].split()[0] != 'S':
            return False
        call.seek(0)
        return call.read().split()[0] == RECVFROM
def send_later():
    while not sleeps_in_recv():
        time.sleep(0.002)
    left.sendall(b'later')
for count in range(20):
    thread = threading.Thread(target=send_later)
    thread.start()
    right.recv(6)  # later
    thread.join()
'''

path = os.path.join(netns.scratch(), 'program.py')
with open(path, 'w') as file:
    file.write(PROGRAM)
line_of = {text: number for number, line in enumerate(PROGRAM.splitlines(), 1)
           for text in ('there already', '# later') if text in line}
done = netns.run([netns.SONDE, 'trace', '--isolate', '--json', '--', '/usr/bin/python3', path])
events = [json.loads(line) for line in done.stdout.splitlines()]
line = {e['statement']: e['line'] for e in events if e['event'] == 'statement'}
calls = {text: [e for e in events if e['event'] == 'call' and e['name'] == 'recvfrom'
                and line[e['statement']] == number] for text, number in line_of.items()}

there, later = calls['there already'], calls['# later']
tap.equal('all calls were seen', (len(there), len(later)), (200, 20))
told = [call['slept'] for call in there if 'slept' in call]
tap.check('the scheduler tells of most', len(told) > 150, len(told))
tap.check('who finds the data there does not sleep', not any(told))
tap.check('nor does it block', not any(call['blocked'] for call in there
                                       if 'slept' in call))
told = [call['slept'] for call in later if 'slept' in call]
tap.check('who waits for it sleeps', told and all(told), later)
tap.check('and blocks', all(call['blocked'] for call in later))
tap.done()
