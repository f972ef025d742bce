#!/usr/bin/python3
"""Hard streams: crowds, loss, bulk, odd ends, sockets from elsewhere.

programs/streams.py has them, and knows what it did; truthful.py holds every edge against
that.  Besides, for each case, what makes it hard must have happened.
"""

import collections
import functools
import os
import shlex
import socket
import struct
import subprocess
import sys
import threading
import time
import traceback

import netns
from tap import tap
from truthful import Program

netns.enter()
PROGRAM = os.path.join(netns.ROOT, 'test', 'net', 'programs', 'streams.py')
PYTHON = '/usr/bin/python3'
only = sys.argv[1:]
totals = collections.Counter()


@functools.cache
def can_lose():
    return netns.run(['nft', 'list', 'ruleset']).returncode == 0


def run(case, *args, options=('--isolate',), missing=0, before=(), **more):
    """The program of a case, its edges compared; None where that went wrong."""
    if only and case not in only:
        return None
    if case == 'kept_back' or case.startswith('lost_'):
        if not can_lose():
            tap.skip(case, 'nft does not work here')
            return None
    name = f'{case} {" ".join(map(str, args))}'.strip() if args else case
    began = time.monotonic()
    try:
        program = Program(os.path.join(netns.scratch(), name.replace(' ', '_')),
                          [*before, PYTHON, PROGRAM, case, *map(str, args)], *options, **more)
    except Exception:
        tap.not_ok(f'{name}: runs', traceback.format_exc())
        return None
    os.rename(program.folder, f'{program.folder}.{len(os.listdir(netns.scratch()))}')
    print(f'# {name}: {time.monotonic() - began:.1f} s')
    totals.update(program.figures)
    totals['wrong'] += len(program.wrong)
    tap.check(f"{name}: {program.figures['sent']} packets sent, "
              f"{program.figures['completed']} calls completed, none wrong",
              not program.wrong, '\n'.join(program.wrong[:4]))
    left_out = {name: count for name, count in program.figures.items()
                if count and ('nobody' in name or 'nothing' in name or 'not traced' in name)}
    tap.check(f'{name}: missing edges: {sum(left_out.values())}',
              sum(left_out.values()) <= missing, [left_out, *program.missing[:20]])
    return program


def has(text, program, condition):
    if program:
        tap.check(text, condition(program), dict(program.figures))


def edges(program, kind):
    return [each for each in program.events['edge'] if each['kind'] == kind]


def packets(program, condition):
    return [each for each in program.packets.values() if condition(each)]


def again(program):
    """Packets with bytes that had been captured before."""
    furthest, count = collections.Counter(), 0
    for packet in program.packets.values():
        if packet['proto'] == 'tcp' and packet['len']:
            way = packet['from'], packet['to']
            count += packet['seq'] < furthest[way]
            furthest[way] = max(furthest[way], packet['seq'] + packet['len'])
    return count


program = run('crowd')
has('crowd: 40 connections, 8000 sends', program, lambda it: len(it.streams) == 40 and
    it.figures['sent'] >= 8000)
run('threads')

MARGIN_NS = 2_000  # of the two clocks: so near an edge a packet may be on either side


NONE_OUTSIDE = 'none left outside of a send call'

def released_wrong(it):
    """Every data packet's release against the calls' own times: what left while a send call
    that gave it bytes ran was released by that call, what left while none of its sender's
    ran by a packet that came in, or by a timer.  Near an edge, and inside of another send
    call of the sender (which may push what lay there), both answers are right, and counted."""
    sends = collections.defaultdict(list)
    for call in it.events['call']:
        if call['name'].startswith(('send', 'write')) and call.get('socket'):
            sends[call['socket']].append(call)
    givers = collections.defaultdict(set)
    for edge in edges(it, 'sent'):
        givers[edge['packet']].add(edge['call'])
    figures, wrong = collections.Counter(), []
    for edge in edges(it, 'released'):
        packet = it.packets[edge['packet']]
        if not packet['len'] or packet.get('retransmission') or not packet.get('sender'):
            continue
        at_ns = packet['at_ns'] - it.epoch_ns
        around, inside = set(), set()
        for call in sends[packet['sender']]:
            enter_ns, exit_ns = call['enter_ns'], call['exit_ns'] or it.until_ns
            if enter_ns - MARGIN_NS <= at_ns <= exit_ns + MARGIN_NS:
                around.add(call['call'])
            if enter_ns + MARGIN_NS <= at_ns <= exit_ns - MARGIN_NS:
                inside.add(call['call'])
        by_call = edge.get('call')
        own = inside & givers[packet['packet']]
        if not around:
            figures['outside'] += 1
            is_right = by_call is None
        elif own:
            figures['inside'] += 1
            is_right = by_call in own
        else:
            figures['either'] += 1
            is_right = by_call is None or by_call in around & givers[packet['packet']]
        if by_call is None and 'by_packet' in edge:
            cause = it.packets[edge['by_packet']]
            is_right = is_right and cause['to'] == packet['from'] and \
                cause['packet'] < packet['packet']
        if not is_right:
            wrong.append((edge, packet, sorted(around), sorted(inside)))
    data = sum(1 for each in packets(it, lambda each: each['len'] and each.get('sender') and
                                     not each.get('retransmission')))
    print(f"# bulk: {data} data packets left: {figures['inside']} inside of their send calls, "
          f"{figures['outside']} outside, {figures['either']} near an edge or in another")
    if sum(figures.values()) != data:
        wrong.append(f'{data} data packets, {sum(figures.values())} releases')
    if not figures['outside']:
        wrong.append(NONE_OUTSIDE)
    return wrong


for _ in range(5):
    program = run('bulk')
    found = program and released_wrong(program)
    if found != [NONE_OUTSIDE]:  # which depends on who runs when
        break
if program:
    tap.equal('bulk: what left outside of the send calls was released by a packet or a timer, '
              'what left inside by its call', found[:3], [])

program = run('two_senders')
has('two_senders: they overlap', program, lambda it: it.figures['candidates'] > 0)

program = run('full_queue')
has('full_queue: SYNs come again', program, lambda it: len(packets(
    it, lambda each: each['flags'] == 'S')) > 6)

run('kept_back')
for case in 'lost_at_the_end', 'lost_bulk':
    has(f'{case}: segments come again', run(case), lambda it: again(it) > 0)
run('lost_acks')
has('lost_syn: it comes again', run('lost_syn'), lambda it: len(packets(
    it, lambda each: each['flags'] == 'S')) == 2)
has('lost_syn_ack: it comes again', run('lost_syn_ack'), lambda it: len(packets(
    it, lambda each: each['flags'] == 'SA')) > 1)
run('lost_third_ack')
has('lost_fin: it comes again', run('lost_fin'), lambda it: len(packets(
    it, lambda each: 'F' in each['flags'])) > 2)
has('fin_on_data: it does', run('fin_on_data'), lambda it: len(packets(
    it, lambda each: 'F' in each['flags'] and each['len'] == 70)) == 1)
has('urgent: it is', run('urgent'), lambda it: packets(it, lambda each: 'U' in each['flags']))
has('workers: 24 connections', run('workers'), lambda it: len(it.streams) == 24)
run('transfers')
has('many_datagrams: eight in a call', run('many_datagrams'), lambda it: (
    it.figures['sent'] == 8 and len({each['call'] for each in edges(it, 'sent')}) == 1))
has('many_sockets: all are there', run('many_sockets'), lambda it: (
    sum(each['proto'] != 'pipe' for each in it.events['socket']) ==
    int(it.done.stdout.split()[0])))


# --- one side alone, and sockets that were there before

def answer(end, count):
    def receive(size):
        while size:
            size -= len(end.recv(size))
    for _ in range(count):
        receive(300)
        end.sendall(b'a' * 70)


def check_inherited():
    if only and 'inherited' not in only:
        return
    listener = socket.create_server(('127.0.0.1', 0))
    ours = socket.create_connection(listener.getsockname())
    theirs, _ = listener.accept()
    ours.sendall(b'before')
    theirs.recv(100)
    thread = threading.Thread(target=answer, args=(theirs, 5), daemon=True)
    thread.start()
    os.set_inheritable(ours.fileno(), True)
    # Where it stood was looked at: all is known but who sends on the other side.
    program = run('inherited', ours.fileno(), options=(), missing=5, pass_fds=(ours.fileno(),))
    thread.join(60)
    has('inherited: its packets are there', program, lambda it: len(packets(
        it, lambda each: each['len'] == 300)) == 5)


def check_one_side(name, before=()):
    if only and 'ask_for' not in only:
        return
    listener = socket.create_server(('127.0.0.1', 0))

    def serve():
        end, _ = listener.accept()
        answer(end, 5)
        end.recv(1)  # until its end: a FIN behind an answer comes again where the client is slow
        end.close()

    thread = threading.Thread(target=serve, daemon=True)
    thread.start()
    program = run('ask_for', *listener.getsockname(), options=(), missing=6,
                  before=before)
    thread.join(60)
    has(f'{name}: what the other side sends is nobody\'s', program, lambda it: not any(
        each['packet'] in {edge['packet'] for edge in edges(it, 'sent')}
        for each in packets(it, lambda each: each['len'] == 70)))


def check_two_namespaces():
    """client 10.9.0.1 ---- veth ---- 10.9.0.2 server, in another namespace; both traced"""
    if only and 'ask_for' not in only:
        return
    there = netns.background(['unshare', '-n', 'sleep', 'infinity'])
    ours = os.readlink('/proc/self/ns/net')
    netns.wait_until('the namespace', lambda: os.readlink(f'/proc/{there.pid}/ns/net') != ours)
    enter = ['nsenter', '-t', str(there.pid), '-n']
    for words in ('link add left type veth peer name right', f'link set right netns {there.pid}',
                  'address add 10.9.0.1/24 dev left', 'link set left up'):
        subprocess.run(['ip', *words.split()], check=True)
    for words in 'address add 10.9.0.2/24 dev right', 'link set right up':
        subprocess.run([*enter, 'ip', *words.split()], check=True)
    server = shlex.join([*enter, PYTHON, PROGRAM, 'serve_at', '10.9.0.2', '5000'])
    program = run('ask_for', '10.9.0.2', 5000, 5, 'traced', options=('--with', server))
    has('two namespaces: both sides are known', program, lambda it: all(
        each.get('sender') and each.get('receiver')
        for each in packets(it, lambda each: each['proto'] == 'tcp')))


def check_said():
    """What cannot be traced is named."""
    if only and 'said' not in only:
        return
    uring = 'import ctypes; ctypes.CDLL(None).syscall(425, 4, (ctypes.c_char * 120)())'
    done = netns.run([netns.SONDE, 'trace', '--isolate', '--', PYTHON, '-c', uring])
    tap.check('io_uring is said', 'uses io_uring' in done.stderr, done.stderr)
    # No compiler for such programs is wanted for this: it leaves with 3.
    code = bytes.fromhex('b801000000bb03000000cd80')
    base, at = 0x08048000, 52 + 32
    path = os.path.join(netns.scratch(), 'thirty-two')
    with open(path, 'wb') as file:
        file.write(b'\x7fELF\x01\x01\x01' + bytes(9) + struct.pack(
            '<HHIIIIIHHHHHH', 2, 3, 1, base + at, 52, 0, 0, 52, 32, 1, 0, 0, 0))
        file.write(struct.pack('<8I', 1, 0, base, base, at + len(code), at + len(code), 5, 4096))
        file.write(code)
    os.chmod(path, 0o755)
    try:
        subprocess.run([path], check=False)
    except OSError as error:
        tap.skip('32 bits are said', f'the kernel does not run such programs: {error}')
        return
    done = netns.run([netns.SONDE, 'trace', '--isolate', '--', path])
    tap.check('32 bits are said', done.returncode == 3 and
              'thirty-two is a 32-bit program' in done.stderr, done.stderr)


check_said()
check_inherited()
check_one_side('one side')
check_one_side('a chain of exec', ['sh', '-c', 'exec env A=b sh -c \'exec "$@"\' sh "$@"', 'sh'])
check_two_namespaces()
print('# ' + ', '.join(f'{count} {name}' for name, count in totals.items()))
tap.done()
