#!/usr/bin/python3
"""One side far away: a traced client, and a server in another namespace that nobody traces.

    client 10.9.0.1, fd00:9::1 ---- veth ---- 10.9.0.2, fd00:9::2 server (not traced)

The way there loses packets, too: those that the client's machine drops on their way out, before
they are captured; those that are captured and dropped on their way in at the other
side.  And a client with more sockets than most may have.
"""

import os
import resource
import subprocess

import netns
from tap import tap
from truthful import Program

PYTHON = '/usr/bin/python3'
STREAMS = os.path.join(netns.ROOT, 'test', 'net', 'programs', 'streams.py')
DATA = 'tcp flags & (syn|fin) == 0 meta length > 100 numgen inc mod 3 == 1'
COUNT = 15

SERVER = '''\
import socket, sys
listener = socket.create_server((sys.argv[1], 5000), family=socket.AF_INET6
                                if ':' in sys.argv[1] else socket.AF_INET)
while True:
    end, _ = listener.accept()
    while data := end.recv(300, socket.MSG_WAITALL):
        end.sendall(b'a' * 70)
    end.close()
'''

netns.enter()
there = netns.background(['unshare', '-n', 'sleep', 'infinity'])
ours = os.readlink('/proc/self/ns/net')
netns.wait_until('the namespace', lambda: os.readlink(f'/proc/{there.pid}/ns/net') != ours)
ENTER = ['nsenter', '-t', str(there.pid), '-n']
for where, words in (
        ([], 'link add left type veth peer name right'), ([], f'link set right netns {there.pid}'),
        ([], 'address add 10.9.0.1/24 dev left'), ([], 'address add fd00:9::1/64 dev left nodad'),
        (ENTER, 'address add 10.9.0.2/24 dev right'),
        (ENTER, 'address add fd00:9::2/64 dev right nodad'),
        ([], 'link set left up'), (ENTER, 'link set right up')):
    subprocess.run([*where, 'ip', *words.split()], check=True)
for address in '10.9.0.2', 'fd00:9::2':
    netns.background([*ENTER, PYTHON, '-c', SERVER, address])
netns.wait_until('both servers', lambda: subprocess.run(
    [*ENTER, 'ss', '-Hntl', 'sport = :5000'], stdout=subprocess.PIPE,
    check=True).stdout.count(b'\n') == 2)


def lose(where, hook):
    rules = f'table inet lose {{ chain c {{ type filter hook {hook} priority 0; {DATA} drop; }}; }}'
    subprocess.run([*where, 'nft', rules], check=True)


def can_lose():
    return netns.run(['nft', 'list', 'ruleset']).returncode == 0


def again(program):
    """Bytes of the client that were captured more than once."""
    seen, count = set(), 0
    for packet in program.packets.values():
        if packet['proto'] == 'tcp' and packet['len'] and packet['to'][1] == 5000:
            count += packet['seq'] in seen
            seen.add(packet['seq'])
    return count


def check(name, address):
    program = Program(os.path.join(netns.scratch(), name.replace(' ', '-')),
                      [PYTHON, STREAMS, 'ask_for', address, '5000', str(COUNT)])
    # The server's packets have no statement, for nobody looked at it.
    of_server = {number for number, packet in program.packets.items()
                 if packet['proto'] == 'tcp' and packet['from'][1] == 5000}
    sent = {edge['packet'] for edge in program.events['edge'] if edge['kind'] == 'sent'}
    tap.check(f"{name}: {program.figures['sent']} packets sent, none wrong", not program.wrong,
              '\n'.join(program.wrong[:4]))
    tap.equal(f'{name}: no statement for what the server sends', of_server & sent, set())
    mine = {number for number, packet in program.packets.items()
            if packet['proto'] == 'tcp' and number not in of_server and
            (packet['len'] or set(packet['flags']) & set('SF'))}
    tap.equal(f'{name}: every packet of the client with bytes, SYN or FIN has one',
              mine - sent, set())
    tap.check(f'{name}: all answers are there', sum(
        program.packets[number]['len'] for number in of_server) >= 70 * COUNT, of_server)
    return program


for family, address in ('IPv4', '10.9.0.2'), ('IPv6', 'fd00:9::2'):
    for _ in range(3):  # a machine that stands still for 0.2 s makes TCP send again
        program = check(f'{family}, nothing lost', address)
        if not again(program):
            break
    tap.equal(f'{family}: nothing comes again', again(program), 0)
if not can_lose():
    tap.skip('loss', 'nft does not work here')
else:
    lose(ENTER, 'input')
    program = check('lost at the far end', '10.9.0.2')
    tap.check('lost at the far end: what was captured comes again', again(program) >= COUNT // 4,
              again(program))
    subprocess.run([*ENTER, 'nft', 'flush', 'ruleset'], check=True)
    lose([], 'output')
    program = check('lost before the capture', 'fd00:9::2')
    tap.equal('lost before the capture: nothing is seen twice', again(program), 0)
    subprocess.run(['nft', 'flush', 'ruleset'], check=True)

resource.setrlimit(resource.RLIMIT_NOFILE, (20000, max(
    20000, resource.getrlimit(resource.RLIMIT_NOFILE)[1])))
program = Program(os.path.join(netns.scratch(), 'many'), [PYTHON, STREAMS, 'many_sockets'])
tap.equal('10,000 sockets under a limit of 20,000 descriptors',
          (program.done.stdout.split()[0], sum(
              1 for each in program.events['socket'] if each['proto'] == 'udp')),
          ('10000', 10000))
tap.done()
