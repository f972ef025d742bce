#!/usr/bin/python3
"""sonde trace --json of a real client and server: is every line what the contract says?

    client.py 127.0.0.1 ---- lo ---- 127.0.0.1 server.py        (a namespace of its own)

What the edges say is for other tests; here they must refer to what was told before, and
the numbers, orders and sums of all events must fit.
"""

import json
import os
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import netns  # noqa: E402
from tap import tap  # noqa: E402

netns.enter()

SERVER = '''
import socket
server = socket.create_server(('127.0.0.1', 50000))
for i in range(2):
    connection, address = server.accept()
    with connection:
        while data := connection.recv(1024):
            connection.sendall(data)
'''
# Its server may be slow to start: it waits until the port is in the state LISTEN.
CLIENT = '''
import socket, time
while ':C350 00000000:0000 0A' not in open('/proc/net/tcp').read(): time.sleep(0.02)
for i in range(2):
    sock = socket.socket()
    sock.settimeout(30)
    sock.connect(('127.0.0.1', 50000))
    sock.sendall(b'\\x00question')
    print(len(sock.recv(1024)))
    sock.close()
'''

# Fields that every event of a kind has, and their types.  None: may be null.
NUMBER, STRING, LIST, OBJECT, TRUTH = int, str, list, dict, bool
FIELDS = {
    'program': {'program': NUMBER, 'pid': NUMBER, 'name': STRING, 'argv': LIST,
                'started_ns': NUMBER, 'ended_ns': (NUMBER, None)},
    'socket': {'socket': NUMBER, 'pid': NUMBER, 'fd': NUMBER, 'family': STRING, 'proto': STRING,
               'opened_ns': NUMBER, 'closed_ns': (NUMBER, None)},
    'stream': {'stream': NUMBER, 'proto': STRING, 'client': OBJECT, 'server': OBJECT,
               'packets': NUMBER},
    'statement': {'statement': NUMBER, 'pid': NUMBER, 'tid': NUMBER, 'file': (STRING, None),
                  'line': (NUMBER, None), 'text': (STRING, None), 'function': (STRING, None),
                  'calls': LIST, 'enter_ns': NUMBER, 'exit_ns': (NUMBER, None),
                  'blocked': (TRUTH, None)},
    'call': {'call': NUMBER, 'pid': NUMBER, 'tid': NUMBER, 'name': STRING, 'enter_ns': NUMBER,
             'exit_ns': (NUMBER, None), 'result': (NUMBER, None), 'errno': (STRING, None),
             'bytes': (NUMBER, None), 'blocked': (TRUTH, None), 'statement': NUMBER},
    'packet': {'packet': NUMBER, 'frame': NUMBER, 'at_ns': NUMBER, 'proto': STRING, 'src': OBJECT,
               'dst': OBJECT, 'stream': NUMBER, 'flags': STRING, 'seq': NUMBER, 'ack': NUMBER,
               'len': NUMBER},
    'edge': {'kind': STRING, 'packet': NUMBER},
    'note': {'severity': STRING, 'text': STRING},
    'summary': {'packets': NUMBER, 'packets_mapped': NUMBER, 'packets_dropped': NUMBER,
                'calls': NUMBER, 'calls_without_line': NUMBER},
}
TIME = {'program': 'started_ns', 'socket': 'opened_ns', 'statement': 'enter_ns',
        'call': 'enter_ns', 'packet': 'at_ns'}


def run(folder, *options):
    for name, text in (('server.py', SERVER), ('client.py', CLIENT)):
        with open(os.path.join(folder, name), 'w', encoding='utf-8') as file:
            file.write(text)
    return subprocess.run(
        [netns.SONDE, 'trace', *options, '--with', '/usr/bin/python3 server.py', '--',
         '/usr/bin/python3', 'client.py'],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=300,
        check=False)


def fits(value, wanted):
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    if value is None:
        return None in wanted
    # A bool is an int for Python, not for JSON.
    return any(type(value) is kind for kind in wanted if kind)  # noqa: E721


with tempfile.TemporaryDirectory() as folder:
    done = run(folder, '--json', '-o', 'out.json', '-w', 'out.pcapng')
    tap.equal('the program has its own output and status', (done.stdout, done.returncode),
              ('9\n9\n', 0))
    with open(os.path.join(folder, 'out.json'), encoding='utf-8') as file:
        lines = file.read().splitlines()
    full = run(folder, '--full')

events = [json.loads(line) for line in lines]
tap.check('every line is one object with an event',
          all(isinstance(e, dict) and isinstance(e.get('event'), str) for e in events))
start, summary = events[0], events[-1]
tap.check('start is first, with schema and epoch',
          start['event'] == 'start' and start['schema'] == 1 and
          isinstance(start['epoch_ns'], str) and start['epoch_ns'].isdigit(), start)
tap.equal('summary is last', summary['event'], 'summary')
tap.equal('there is one of each', [sum(e['event'] == k for e in events)
                                   for k in ('start', 'summary')], [1, 1])

wrong = []
for event in events[1:]:
    for name, kind in FIELDS[event['event']].items():
        if name not in event or not fits(event[name], kind):
            wrong.append((name, event))
tap.check('every event has its fields', not wrong, wrong[:3])

by_kind = {kind: [e for e in events if e['event'] == kind] for kind in FIELDS}
for kind in ('program', 'socket', 'statement', 'call', 'packet', 'stream'):
    first = 0 if kind == 'stream' else 1
    numbers = [e[kind] for e in by_kind[kind]]
    tap.equal(f'numbers of {kind} count from {first} without a gap', sorted(numbers),
              list(range(first, first + len(numbers))))
times = [e[TIME[e['event']]] for e in events if e['event'] in TIME]
tap.check('events are in order of time', times == sorted(times))
tap.check('no number passes 2^53',
          all(abs(v) < 2**53 for e in events for v in e.values() if type(v) is int))  # noqa: E721

# ---- references

known = {kind: set() for kind in ('program', 'socket', 'statement', 'call', 'packet', 'stream')}
unknown = []
for event in events:
    if event['event'] == 'edge':
        for name in ('statement', 'call', 'packet', 'by_packet'):
            kind = 'packet' if name == 'by_packet' else name
            if name in event and event[name] not in known[kind]:
                unknown.append((name, event))
    elif event['event'] in known:
        known[event['event']].add(event[event['event']])
        if event['event'] != 'program' and event.get('program', 1) not in known['program']:
            unknown.append(('program', event))
        if event['event'] == 'packet' and event['stream'] not in known['stream']:
            unknown.append(('stream', event))
        if event['event'] == 'call' and event['statement'] not in known['statement']:
            unknown.append(('statement', event))
tap.check('edges come after both of their ends, objects before what names them', not unknown,
          unknown[:3])
calls = {c['call']: c for c in by_kind['call']}
tap.check('statements and calls name each other',
          sorted(c for s in by_kind['statement'] for c in s['calls']) == sorted(calls) and
          all(calls[c]['statement'] == s['statement']
              for s in by_kind['statement'] for c in s['calls']))

# ---- what the kinds say

tap.equal('both programs are there',
          sorted({e['name'] for e in by_kind['program']} - {'sh'}), ['client.py', 'server.py'])
tap.equal('two streams', len(by_kind['stream']), 2)
tap.equal('from the client to port 50000',
          {(s['client']['address'], s['server']['address'], s['server']['port'])
           for s in by_kind['stream']}, {('127.0.0.1', '127.0.0.1', 50000)})
packets = {p['packet']: p for p in by_kind['packet']}
tap.check('a stream begins with SYN, SYN-ACK, ACK; seq and ack are relative',
          all([(p['flags'], p['seq'], p['ack'], p['len']) for p in by_kind['packet']
               if p['stream'] == s][:3] == [('S', 0, 0, 0), ('SA', 0, 1, 0), ('A', 1, 1, 0)]
              for s in (0, 1)), by_kind['packet'][:3])
frames = [p['frame'] for p in by_kind['packet']]
tap.check('frames count the calls, too', frames == sorted(frames) and len(set(frames)) == len(frames)
          and frames[0] > 1, frames)
sent = [e for e in by_kind['edge'] if e['kind'] == 'sent']
covered = {}
for edge in sent:
    if 'from' in edge:
        covered.setdefault(edge['packet'], []).append((edge['from'], edge['to']))
tap.check('the bytes of every data packet come from calls',
          all(covered.get(p['packet']) == [(0, p['len'])] for p in packets.values() if p['len']),
          covered)
tap.check('failed calls name their errno and have no bytes',
          all((c['result'] == -1) == (c['errno'] is not None) for c in calls.values()
              if c['exit_ns'] is not None) and
          all(c['bytes'] is None for c in calls.values() if c['errno']))
tap.check('there is one that failed: connect under a timeout',
          any(c['name'] == 'connect' and c['errno'] == 'EINPROGRESS' for c in calls.values()))
tap.equal('the summary counts', (summary['packets'], summary['packets_mapped'],
                                 summary['packets_dropped'], summary['calls']),
          (len(packets), len({e['packet'] for e in sent}), 0, len(calls)))

# ---- the text of the same programs

tap.equal('--full: status and output of the program', (full.returncode, full.stdout[:4]),
          (0, '9\n9\n'))
text = full.stdout.splitlines()
tap.check('at most 80 columns', all(len(line) <= 80 for line in text),
          [line for line in text if len(line) > 80])
for wanted in ('client.py:7  sock.connect', 'server.py:7  while data := ',
               'stream 0  TCP', 'stream 1  TCP', 'Which statement sent each packet',
               'Which packet completed each blocking statement'):
    tap.check(f'the text has: {wanted}', wanted in full.stdout, full.stdout)
rows = [line for line in text if line.startswith(' ') and '─ ' in line]
tap.equal('every packet has an arrow', len(rows),
          int(re.search(r'^(\d+) packets: ', full.stdout, re.MULTILINE)[1]))
tap.done()
