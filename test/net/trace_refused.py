#!/usr/bin/python3
"""Who is near an address that refuses a connection, in words.

    server.py (traced by --with, or not at all) ---- lo ---- client.py (traced)

What the traced calls prove is named with its line, what sonde saw on the machine with its
process; and nobody where nobody is near.  With packets and without, live and from the file.
"""

import json
import os
import re
import shlex
import subprocess

import netns
from tap import tap

netns.enter()
FOLDER = netns.scratch()
PORT = 50000
PYTHON = '/usr/bin/python3'


def at(name):
    return os.path.join(FOLDER, name)


def write(name, text):
    with open(at(name), 'w', encoding='utf-8') as file:
        file.write(text)
    return at(name)


SERVER = write('server.py', '''\
import os
import socket
import sys
how, family, kind, address, port = sys.argv[1:6]
server = socket.socket(getattr(socket, family), getattr(socket, kind))
if family == 'AF_INET6':
    server.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
server.bind((address, int(port)))
if how in ('listens', 'closes'):
    server.listen()  # line 10
if how == 'closes':
    server.close()
os.write(1, b'ready\\n')
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as waits:
    waits.bind(('127.0.0.1', 40000))  # any wait: then the client starts
    waits.recvfrom(1)
''')
CLIENT = write('client.py', '''\
import socket
import sys
while len(sys.argv) > 3 and ':9C40 ' not in open('/proc/net/udp', encoding='ascii').read():
    pass  # until the server waits
try:
    socket.create_connection((sys.argv[1], int(sys.argv[2])))
except OSError as error:
    print(error.errno)
''')


def findings(lines):
    return [event for event in map(json.loads, lines.splitlines()) if event['event'] == 'finding']


def trace(server, client, before=()):
    argv = [*before, netns.SONDE, 'trace', '--json', '-w', at('run.pcapng')]
    if server:
        argv += ['--with', shlex.join([PYTHON, SERVER, *map(str, server)])]
    done = netns.run([*argv, '--', PYTHON, CLIENT, *map(str, client), *(['wait'] if server else [])], cwd=FOLDER)
    found = findings(done.stdout)
    again = netns.run([netns.SONDE, 'explain', '--json', at('run.pcapng')])
    tap.check(f'{server} {client}: the file says the same', done.returncode == 0 and found == findings(again.stdout),
              done.stdout + done.stderr + again.stdout + again.stderr)
    return found


def check(what, found, why, do, name='connection-refused', packets=2):
    tap.equal(f'{what}: one finding', [it['name'] for it in found], [name])
    for it in found:
        tap.check(f'{what}: who', re.fullmatch(why, it['why']), it['why'])
        tap.check(f'{what}: and what to do', do in it['do'], it['do'])
        tap.equal(f'{what}: packets', len(it['packets']), packets)


TCP4, TCP6, UDP4 = ('AF_INET', 'SOCK_STREAM'), ('AF_INET6', 'SOCK_STREAM'), ('AF_INET', 'SOCK_DGRAM')
HERE = ('127.0.0.1', PORT)
REFUSED = rf'The connection to 127\.0\.0\.1:{PORT} was refused'
CASES = (
    ('another port', ('listens', *TCP4, '127.0.0.1', 8080), HERE,
     rf'{REFUSED}: nobody listens there, but WHO listens at 127\.0\.0\.1:8080\.', 'Give both the same port', False),
    ('a slip', ('listens', *TCP4, '127.0.0.1', 5000), HERE,
     rf'{REFUSED}: nobody listens there, but WHO listens at 127\.0\.0\.1:5000\.', 'Give both the same port', True),
    ('bytes in the other order', ('listens', *TCP4, '', 20675), HERE,
     rf'{REFUSED}: WHO listens at \*:20675, which is the same port with its two bytes in the other order\.',
     'htons(port)', True),
    ('IPv6 and a server for IPv4', ('listens', *TCP4, '127.0.0.1', PORT), ('::1', PORT),
     rf'The connection to \[::1\]:{PORT} was refused: WHO listens at 127\.0\.0\.1:{PORT}, for IPv4 alone, and this is '
     r'IPv6\.', 'Connect to 127.0.0.1:', True),
    ('IPv4 and a server for IPv6', ('listens', *TCP6, '::', PORT), HERE,
     rf'{REFUSED}: WHO listens at \*:{PORT}, for IPv6 alone, and this is IPv4\.', 'IPV6_V6ONLY off', True),
    ('UDP', ('bound', *UDP4, '127.0.0.1', PORT), HERE,
     rf'{REFUSED}: WHO has that port for UDP, and this is TCP\..*', 'SOCK_DGRAM with sendto()', True),
)
for what, server, client, why, do, is_seen in CASES:
    line = 8 if server[0] == 'bound' else 10
    check(what, trace(server, client), why.replace('WHO', rf'server\.py:{line}'), do)
    check(f'{what}, without packets', trace(server, client, before=netns.unprivileged([])),
          why.replace('WHO', rf'server\.py:{line}'), do, packets=0)
    holder = netns.background([PYTHON, SERVER, *map(str, server)], cwd=FOLDER, stdout=subprocess.PIPE, text=True)
    tap.equal(f'{what}: a server that is not traced', holder.stdout.readline(), 'ready\n')
    if is_seen:
        check(f'{what}, not traced', trace(None, client),
              why.replace('WHO', rf'server\.py \(process {holder.pid}(, started \d+ s before)?\)'), do)
    else:
        check(f'{what}, not traced: that may be anybody', trace(None, client),
              rf'{REFUSED}: nothing listens there, and the kernel answered the SYN with RST\.', 'ss -tln')
    netns.end_group(holder)

check('bound and no more', trace(('bound', *TCP4, '127.0.0.1', PORT), HERE),
      rf'{REFUSED}: server\.py:8 has bound a socket to 127\.0\.0\.1:{PORT}, and never called listen\(\) on it\.',
      'Call listen() after bind()')
check('closed', trace(('closes', *TCP4, '127.0.0.1', PORT), HERE),
      rf'{REFUSED}: nobody listens there any more; server\.py:12 had closed that socket before\.', 'keeps the socket')
check('another address', trace(('listens', *TCP4, '127.0.0.1', PORT), ('127.0.0.2', PORT)),
      rf'The connection to 127\.0\.0\.2:{PORT} was refused: server\.py:10 listens on 127\.0\.0\.1:{PORT}, which .*',
      '0.0.0.0', name='listens-on-loopback-only')
check('nobody', trace(None, HERE), rf'{REFUSED}: nothing listens there, and the kernel answered the SYN with RST\.',
      'Start the server')
check('nobody, without packets', trace(None, HERE, before=netns.unprivileged([])),
      rf'{REFUSED} \(ECONNREFUSED\): nothing listens there\.', 'Start the server', packets=0)

# Who looks for open ports is told of none, and what the machine has is looked up a few times.
SCAN = write('scan.py', f'''
import socket
for port in range({PORT} + 1, {PORT} + 100):
    with socket.socket() as sock:
        sock.connect_ex(('127.0.0.1', port))
''')
holder = netns.background([PYTHON, SERVER, 'listens', *TCP4, '127.0.0.1', str(PORT)], cwd=FOLDER,
                          stdout=subprocess.PIPE, text=True)
holder.stdout.readline()
done = netns.run([netns.SONDE, 'trace', '--json', '--', PYTHON, SCAN])
held = [it for it in map(json.loads, done.stdout.splitlines()) if it.get('holder')]
tap.equal('a scan has no finding', findings(done.stdout), [])
tap.check('and asks the machine so often, and no more', 1 <= len(held) <= 16, held)
netns.end_group(holder)
tap.done()
