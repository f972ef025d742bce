#!/usr/bin/python3
"""The capture file of sonde trace -w, as other programs read it.

       client.py  ---- lo ----  server.py      traced in a namespace of their own
                    |
              FILE.pcapng  -->  tshark, tcpdump
"""

import json
import os
import re
import signal
import struct
import subprocess

import netns
from tap import tap

PACKET_BLOCK, JOURNAL_BLOCK = 6, 9  # of pcapng

SERVER = '''\
import socket
listener = socket.create_server(('127.0.0.1', 5005))
conn, address = listener.accept()
while True:
    data = conn.recv(1024)
    if not data:
        break
    conn.sendall(data.upper())
conn.close()
'''

# Its server may be slow to start: it waits until the port is in the state LISTEN.
CLIENT = '''\
import socket, time
while ':138D 00000000:0000 0A' not in open('/proc/net/tcp').read(): time.sleep(0.02)
sock = socket.create_connection(('127.0.0.1', 5005))
for word in (b'one', b'two', b'three'):
    sock.sendall(word)
    sock.recv(1024)
sock.close()
'''

# Goes on until it is ended.
ENDLESS = '''\
import socket
a = socket.create_server(('127.0.0.1', 5006))
b = socket.create_connection(('127.0.0.1', 5006))
c, address = a.accept()
while True:
    b.sendall(b'x' * 100)
    c.recv(100)
'''

# The preferences of whoever runs the test change nothing.
os.environ['WIRESHARK_CONFIG_DIR'] = '/nonexistent'
folder = netns.scratch()
capture = os.path.join(folder, 'run.pcapng')


def write(name, text):
    path = os.path.join(folder, name)
    with open(path, 'w') as file:
        file.write(text)
    return path


def fields(path, *names):
    argv = ['tshark', '-r', path, '-T', 'fields', '-E', 'occurrence=a', '-E', 'aggregator=|']
    for name in names:
        argv += ['-e', name]
    done = netns.run(argv)
    return [line.split('\t') for line in done.stdout.splitlines()], done


server, client = write('server.py', SERVER), write('client.py', CLIENT)
done = netns.run([netns.SONDE, 'trace', '--isolate', '--json', '-w', capture, '--with',
                  f'/usr/bin/python3 {server}', '--', '/usr/bin/python3', client])
tap.equal('the trace ends well', done.returncode, 0)
events = [json.loads(line) for line in done.stdout.splitlines()]
packets = [e for e in events if e['event'] == 'packet']
calls = [e for e in events if e['event'] == 'call']

rows, done = fields(capture, 'frame.number', 'frame.protocols', 'frame.time_epoch', 'frame.comment',
                    'tcp.seq', 'tcp.len', 'systemd_journal.message', 'systemd_journal.code_file',
                    'systemd_journal.code_line', 'systemd_journal.pid')
tap.equal('tshark reads it without a word', done.returncode, 0)
tap.equal('a frame for each packet and each call', len(rows), len(packets) + len(calls))

shown = [row for row in rows if 'tcp' in row[1].split(':')]
tap.equal('all packets are there', len(shown), len(packets))
tap.equal('the JSON names their frames', [p['frame'] for p in packets],
          [int(row[0]) for row in shown])
tap.equal('relative sequence numbers agree', [(p['seq'], p['len']) for p in packets],
          [(int(row[4]), int(row[5])) for row in shown])
tap.check('each packet has its number in a comment',
          all(row[3].startswith(f'packet {i}: ') for i, row in enumerate(shown, 1)),
          [row[3] for row in shown])
data = [row[3] for row in shown if int(row[5]) > 0]
tap.check('each data packet names the statement that sent it',
          len(data) == 6 and all('sent by client.py:5 sock.sendall(word)' in d or
                                 'sent by server.py:8 conn.sendall(data.upper())' in d
                                 for d in data), data)

journal = [row for row in rows if row[6]]
tap.equal('all calls are there', len(journal), len(calls))
tap.check('a call has its place', any(row[7].endswith('/client.py') and row[8] == '5' and
                                      'sendto(' in row[6] for row in journal), journal)
tap.check('the pid is the program\'s', {row[9] for row in journal} <=
          {str(c['pid']) for c in calls})
times = [float(row[2]) for row in rows]
tap.check('frames are in the order of time (journal rows have microseconds)',
          all(a <= b + 2e-6 for a, b in zip(times, times[1:])), times)

filtered, done = fields(capture, 'frame.number')
done = netns.run(['tshark', '-r', capture, '-Y', 'frame.comment contains "client.py:5"',
                  '-T', 'fields', '-e', 'frame.number'])
tap.equal('Wireshark filters by comment', len(done.stdout.split()), 3)

with open(capture, 'rb') as file:
    content = file.read()
lossless = [json.loads(match) for match in
            re.findall(rb'SONDE_CALL=(\{[^\n]*\})\n', content)]
tap.equal('every call is in its row, nothing left out',
          sorted(c['call'] for c in lossless), sorted(c['call'] for c in calls))
tap.check('with its stack', all(c['stack']['places'][0]['file'] for c in lossless if 'stack' in c) and
          any('stack' in c for c in lossless))

done = netns.run(['tcpdump', '-nr', capture])
tap.equal('tcpdump reads the packets and passes over the calls',
          (done.returncode, len(done.stdout.splitlines())), (0, len(packets)))
tap.check('no half file is left beside it', os.listdir(folder).count('run.pcapng') == 1 and
          not any(name.startswith('run.pcapng.') for name in os.listdir(folder)),
          os.listdir(folder))

# Killed in the middle: what is on disk is whole up to the last block.
endless = write('endless.py', ENDLESS)
cut = os.path.join(folder, 'cut.pcapng')
process = netns.background([netns.SONDE, 'trace', '--isolate', '-w', cut, '--',
                            '/usr/bin/python3', endless],
                           stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def holds_packets():
    """Calls come first: a packet may be held until it is known whose it is."""
    if not os.path.exists(cut) or os.path.getsize(cut) < 300000:
        return False
    with open(cut, 'rb') as file:
        return file.read().count(b'x' * 100) > 3


netns.wait_until('packets on disk', holds_packets)


def programs():
    done = netns.run(['pgrep', '-f', endless])
    return [int(pid) for pid in done.stdout.split() if int(pid) != process.pid]


tap.check('the program runs', programs())
os.kill(process.pid, signal.SIGKILL)
process.wait()
netns.wait_until('the programs to die with sonde', lambda: not programs())
tap.ok('the programs die with sonde')


def whole_frames(path):
    """The packets and calls whose blocks are whole, and whether there is more behind them."""
    with open(path, 'rb') as file:
        data = file.read()
    at = frames = 0
    while at + 8 <= len(data):
        kind, length = struct.unpack_from('<II', data, at)
        if at + length > len(data):
            break
        frames += kind in (PACKET_BLOCK, JOURNAL_BLOCK)
        at += length
    return frames, at < len(data)


# The kernel ends a write() between two pages where the writer is killed, so that half a block may
# follow; one that certainly does is tried, too.
more = os.path.join(folder, 'more.pcapng')
with open(cut, 'rb') as file, open(more, 'wb') as other:
    other.write(file.read()[:-3])
for path in (more, cut):
    rows, done = fields(path, 'frame.number', 'systemd_journal.message', 'tcp.len')
    frames, is_half = whole_frames(path)
    tap.check(f'{os.path.basename(path)}: of a file that was cut short all that is whole is read',
              len(rows) == frames > 0 and done.returncode == (2 if is_half else 0) and
              ('cut short' in done.stderr) == is_half, (len(rows), frames, is_half, done.returncode, done.stderr))
tap.check('the one that lost three bytes has half a block', whole_frames(more)[1])
tap.check('it holds packets and calls', any(row[1] for row in rows) and
          any(row[2] == '100' for row in rows))

# The disk is full.
done = netns.run([netns.SONDE, 'trace', '--isolate', '-w', '/dev/full', '--',
                  '/usr/bin/python3', '-c', 'import socket; socket.socket()'])
tap.equal('a full disk is sonde\'s own trouble', done.returncode, 125)
tap.check('and is said', '/dev/full: No space left on device' in done.stderr, done.stderr)
done = netns.run([netns.SONDE, 'trace', '--isolate', '-w', '/nonexistent/x.pcapng', '--',
                  'touch', os.path.join(folder, 'ran')])
tap.equal('a wrong path is found before anything runs',
          (done.returncode, os.path.exists(os.path.join(folder, 'ran'))), (125, False))
tap.check('and is said', '/nonexistent/x.pcapng: No such file' in done.stderr, done.stderr)
tap.done()
