"""Runs of sonde trace for the Python tests of this folder: the two tables built anew from
the JSON, in short words.

    trace = Trace(program('client.py'), program('server.py'))    the server is --with
    trace = until_it_works(lambda: Trace(...))      where nothing makes the client wait for it
    trace.packet_table()        ['4 client PA+18 client.send', ...]
    trace.statement_table()     ['client.answer blocked 5', ...], of those that can block
    trace.is_told()             whether it is known of all calls if they blocked
    always(trace)               what holds for every trace: (what, got, wanted)
    check_always(name, trace)   compares that

The programs are in programs/; barriers in them make certain what blocks (barrier.py).  A
statement is called by the comment at the end of its line: "client.send" is the line of
*_client.py that ends with "# send".  Pure acknowledgements come when the kernel likes, so
the tables number the other packets only; the handshake's third packet is one of these.
"""

import collections
import itertools
import json
import os
import re
import shlex

import netns
from tap import tap

PROGRAMS = os.path.join(netns.ROOT, 'test', 'net', 'programs')
PYTHON = '/usr/bin/python3'
SERVER_PORTS = (50000, 50001)

if netns.can_isolate():
    ISOLATE = ['--isolate']
else:
    netns.enter()
    ISOLATE = []


def program(line, python=PYTHON):
    """'wait_server.py 5' as a command."""
    name, *arguments = line.split()
    return [python, os.path.join(PROGRAMS, name), *arguments]


def short_name(path):
    """client for .../wait_client.py"""
    return os.path.splitext(os.path.basename(path))[0].split('_')[-1]


def label(path, line):
    """'client.send' for the line of wait_client.py that ends with '# send', of a C program
    with '/* send */', of one in Go or Rust with '// send'."""
    name = short_name(path)
    try:
        with open(path, encoding='utf-8') as file:
            text = file.read().splitlines()[line - 1]
    except (OSError, IndexError):
        return f'{name}:{line}'
    word = re.search(r'(?:#|/\*|//)\s*([^\s*]+)(?:\s*\*/)?$', text)
    return f'{name}.{word[1]}' if word else f'{name}:{line}'


def until_it_works(run):
    """Programs start 2 s after their server, also where that does not listen yet on a busy
    machine: what never works is wrong all the same."""
    for _ in range(5):
        trace = run()
        if trace.done.returncode == 0:
            break
    return trace


class Trace:
    """One run of sonde trace, and its events by kind."""

    runs = itertools.count(1)  # several threads may trace

    def __init__(self, main, server=None, form='--json'):
        self.folder = folder = os.path.join(netns.scratch(), str(next(Trace.runs)))
        os.mkdir(folder)
        output = os.path.join(folder, 'output')
        with_server = ['--with', shlex.join(server)] if server else []
        self.argv = [netns.SONDE, 'trace', *ISOLATE, form, '-o', output, *with_server,
                     '--', *main]
        self.done = netns.run(self.argv, env={**os.environ, 'BARRIER': folder,
                                              'PYTHONDONTWRITEBYTECODE': '1'})
        try:
            with open(output, encoding='utf-8') as file:
                self.output = file.read()
        except FileNotFoundError:
            self.output = ''
        self.events = collections.defaultdict(list)
        if form == '--json':
            for line in self.output.splitlines():
                event = json.loads(line)
                self.events[event['event']].append(event)
            self.index()

    def index(self):
        self.packets = {each['packet']: each for each in self.events['packet']}
        self.calls = {call['call']: call for call in self.events['call']}
        self.programs = {each['program']: each for each in self.events['program']}
        self.statements = {each['statement']: each for each in self.events['statement']}
        self.sent = collections.defaultdict(list)
        self.completed = collections.defaultdict(list)
        for edge in self.events['edge']:
            if edge['kind'] == 'sent':
                self.sent[edge['packet']].append(edge)
            elif edge['kind'] == 'completed':
                self.completed[edge['statement']].append(edge)
        self.number_packets()

    def is_told(self):
        """Whether the scheduler told of every call if it slept.  Of a thread that was preempted in
        it, it cannot; where the times are too near each other, too, that is not known."""
        return all(call['blocked'] is not None for call in self.calls.values())

    def number_packets(self):
        self.pure_acks, self.numbers = [], {}
        answered = set()  # streams whose SYN was answered, and no more
        for packet in self.events['packet']:
            stream, flags = packet.get('stream'), packet.get('flags')
            is_ack = flags == 'A' and packet['len'] == 0
            if is_ack and not (stream in answered and self.sender(packet) == 'client'):
                self.pure_acks.append(packet)
                continue
            if is_ack:
                answered.remove(stream)
            if flags == 'SA':
                answered.add(stream)
            self.numbers[packet['packet']] = len(self.numbers) + 1

    def sender(self, packet):
        if packet['proto'].startswith('icmp'):
            return 'kernel'
        return 'server' if packet['src']['port'] in SERVER_PORTS else 'client'

    def what(self, packet):
        words = {'tcp': packet.get('flags'), 'udp': 'udp'}.get(packet['proto'])
        if words is None:
            words = f"icmp{packet.get('icmp_type')}/{packet.get('icmp_code')}"
        elif packet['len']:
            words += f"+{packet['len']}"
        return words

    def name(self, statement):
        """'client.send'; 'client:close' where the line is not known."""
        owner = self.programs[statement['program']]
        # sonde's own lines change too often to have labels.
        if statement['file'] and owner['name'] != 'sonde':
            return label(statement['file'], statement['line'])
        words = owner['argv']
        name = words[1] if owner['name'] == 'sonde' else short_name(owner['name'])
        calls = [self.calls[number] for number in statement['calls']]
        return f"{name}:{calls[-1]['name']}"

    def senders(self, packet):
        """'client.send', with what it gave where that is not the whole packet."""
        edges = self.sent[packet['packet']]
        words = []
        for edge in edges:
            word = self.name(self.statements[edge['statement']])
            if 'from' in edge and (edge['from'], edge['to']) != (0, packet['len']):
                word += f"[{edge['from']}:{edge['to']}]"
            elif len(edges) > 1 and 'carries' in edge:
                word = f"{edge['carries']}={word}"
            words.append(word if edge['exact'] else word + '?')
        return ' '.join(sorted(words)) or '-'

    def packet_table(self):
        return [f"{self.numbers[packet['packet']]} {self.sender(packet)} "
                f"{self.what(packet)} {self.senders(packet)}"
                for packet in self.events['packet'] if packet['packet'] in self.numbers]

    def completer(self, edge):
        """The packet's number, or the statement of the call that did it."""
        if 'packet' not in edge:
            return self.name(self.statements[edge['by_statement']])
        return str(self.numbers.get(edge['packet'], f"ack {edge['packet']}"))

    def statement_table(self, wants=lambda statement: statement['can_block']):
        rows = []
        statements = sorted(self.statements.values(), key=lambda each: each['enter_ns'])
        for statement in filter(wants, statements):
            blocked = {True: 'blocked', False: 'ready', None: 'unknown'}
            packets = [self.completer(edge) for edge in self.completed[statement['statement']]]
            rows.append(f"{self.name(statement)} {blocked[statement['blocked']]} "
                        f"{' '.join(packets) or '-'}")
        # In order of time for each file, but not between the programs.
        return sorted(rows, key=lambda row: re.split(r'[.:]', row)[0])


def rows(text):
    return [' '.join(line.split()) for line in text.strip().splitlines()]


def always(trace):
    """What holds for every trace: (what, got, wanted)."""
    wrong = [(trace.what(packet), trace.senders(packet)) for packet in trace.pure_acks
             if trace.sent[packet['packet']]]
    yield 'no statement for a pure acknowledgement', wrong, []

    # But for a send that waits for room: an acknowledgement makes it.
    def waits_for_nothing(each):
        edges = trace.completed[each['statement']]
        makes_room = [trace.calls[edge['call']]['name'].startswith(('send', 'write')) and
                      trace.packets[edge['packet']].get('receiver') == each['socket'] and
                      'A' in trace.packets[edge['packet']]['flags'] for edge in edges]
        return not each['can_block'] and (edges or each['blocked']) and (
            not edges or not all(makes_room))

    yield 'no packet completes what cannot block', trace.statement_table(waits_for_nothing), []
    unmapped = []
    for packet in trace.events['packet']:
        edges = [edge for edge in trace.sent[packet['packet']] if 'from' in edge]
        covered = sorted({byte for edge in edges for byte in range(edge['from'], edge['to'])})
        if packet['proto'] in ('tcp', 'udp') and covered != list(range(packet['len'])):
            unmapped.append(packet)
    yield 'every byte of every data packet is mapped', unmapped, []
    summary = trace.events['summary'][0]
    mapped = sum(1 for packet in trace.events['packet'] if trace.sent[packet['packet']])
    yield 'nothing is lost', (
        summary['packets'], summary['packets_mapped'], summary['packets_dropped'],
        summary['calls']), (len(trace.events['packet']), mapped, 0, len(trace.calls))
    numbers = [packet['packet'] for packet in trace.events['packet']]
    yield ('packets are numbered in order of time',
           (numbers, sorted(trace.events['packet'], key=lambda each: each['at_ns'])),
           (list(range(1, len(numbers) + 1)), trace.events['packet']))


def check_always(name, trace):
    for what, got, wanted in always(trace):
        tap.equal(f'{name}: {what}', got, wanted)
