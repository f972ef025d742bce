#!/usr/bin/python3
"""Traces of larger or other pairs: a megabyte in segments that know nothing of sends, sonde
serve calc with sonde calc, the examples; and the tables for people against the same truth.

    client 127.0.0.1:* ---- lo, in a namespace of sonde's own ---- 127.0.0.1:50000 server

traced.py tells how statements and packets are called here.  LeakSanitizer: off, because
one pair is sonde itself, and it does not work in what is traced.
"""

import os
import re

import netns
from tap import tap
from traced import PROGRAMS, PYTHON, Trace, check_always, label, program, rows, until_it_works
from truth import WAIT_PACKETS, WAIT_STATEMENTS


def check_bulk():
    """A megabyte by two statements in turn, in segments that know nothing of them."""
    name = 'many bytes'
    trace = Trace(program('bulk_client.py'), program('bulk_server.py'))
    if not tap.check(f'{name}: the programs end well',
                     (trace.done.returncode, trace.done.stdout) == (0, '1000770\n'),
                     trace.done.stdout + trace.done.stderr):
        return
    check_always(name, trace)
    # Byte by byte: 100000 of one statement, 77 of the other, ten times.
    wanted = ['client.big'] * 100000 + ['client.small'] * 77
    wrong = []
    for packet in trace.events['packet']:
        for edge in trace.sent[packet['packet']]:
            if 'from' not in edge:
                continue
            word = trace.name(trace.statements[edge['statement']])
            # Relative sequence numbers: the first byte of data has the number 1.
            first, last = (packet['seq'] - 1 + edge['from'], packet['seq'] - 2 + edge['to'])
            if {wanted[first % 100077], wanted[last % 100077]} != {word}:
                wrong.append((packet['packet'], edge, word))
    tap.equal(f'{name}: each byte to the statement that wrote it', wrong, [])
    senders = {trace.name(trace.statements[edge['statement']])
               for edges in trace.sent.values() for edge in edges}
    tap.equal(f'{name}: all statements that send', senders,
              {'client.connect', 'client.big', 'client.small', 'client.close',
               'server.close'})


def check_full():
    """A send that waits for room: the acknowledgement that makes it completes it."""
    name = 'a full buffer'
    trace = Trace(program('full_client.py'), program('full_server.py'))
    if not tap.check(f'{name}: the programs end well',
                     (trace.done.returncode, trace.done.stdout) == (0, '20000000\n'),
                     trace.done.stdout + trace.done.stderr):
        return
    check_always(name, trace)
    sends = [each for each in trace.statements.values() if trace.name(each) == 'client.send']
    tap.equal(f'{name}: one statement, which blocked', [each['blocked'] for each in sends], [True])
    packets = [trace.packets[edge['packet']] for edge in trace.completed[sends[0]['statement']]]
    tap.equal(f'{name}: an acknowledgement of the server completed it',
              [(trace.sender(each), each['flags'], each['len']) for each in packets],
              [('server', 'A', 0)])


def check_calc(is_udp):
    """sonde serve calc with sonde calc: C programs, by their calls."""
    proto = 'udp' if is_udp else 'tcp'
    name = f'sonde serve calc and sonde calc over {proto}'
    udp = ['--udp'] if is_udp else []
    trace = until_it_works(lambda: Trace([netns.SONDE, 'calc', *udp, 'sum', '1', '2'],
                                         [netns.SONDE, 'serve', f'calc@:50000/{proto}']))
    told = trace.done.stdout + trace.done.stderr
    if not tap.check(f'{name}: the answer', trace.done.returncode == 0 and
                     '3' in trace.done.stdout.splitlines(), told):
        return
    check_always(name, trace)
    send = r'(sendto|sendmsg|write|send|sendmmsg|writev)'
    wanted = [rf'1 client udp\+18 calc:{send}', rf'2 server udp\+8 serve:{send}'] if is_udp else [
        '1 client S calc:(connect|poll|ppoll)',
        '2 server SA -',
        '3 client A -',
        rf'4 client PA\+18 calc:{send}',
        rf'5 server PA\+8 serve:{send}',
        '6 client FA calc:close',
        '7 server FA serve:close',
    ]
    table = trace.packet_table()
    matches = len(table) == len(wanted) and all(
        re.fullmatch(pattern, row) for pattern, row in zip(wanted, table))
    tap.check(f'{name}: packet -> call', matches, '\n'.join(table))
    # Their statements are lines of sonde's own source, and say what the call does.
    shown = []
    for packet in trace.events['packet']:
        for edge in trace.sent[packet['packet']]:
            statement = trace.statements[edge['statement']]
            deed = {'S': 'connect', 'FA': 'close'}.get(packet.get('flags'), 'send')
            with open(statement['file'] or '/dev/null', encoding='utf-8') as file:
                line = (file.read().splitlines() or [''])[(statement['line'] or 1) - 1]
            shown.append((deed, deed in line, line.strip() == statement['text']))
    tap.check(f'{name}: the line of each statement that sends',
              len(shown) == (2 if is_udp else 5) and
              all(row[1:] == (True, True) for row in shown), shown)
    # No barriers here: what waits may find it there already.  But nothing else can have
    # completed it than these.
    may = {'calc': {'2', '5', '-'}, 'serve': {'3', '4', '6', '-'}}
    if is_udp:
        may = {'calc': {'2', '-'}, 'serve': {'1', '-'}}
    wrong = [row for row in trace.statement_table()
             if row.split()[-1] not in may[row.split(':')[0]]]
    tap.equal(f'{name}: blocking call -> packet', wrong, [])
    first = '1' if is_udp else '3'
    waits = [row for row in trace.statement_table() if row.startswith('serve:')]
    # It is in its first wait long before the client starts.
    tap.check(f'{name}: the server sleeps until the client comes',
              waits and re.fullmatch(rf'serve:epoll_p?wait2? blocked {first}', waits[0]), waits)


def check_examples():
    """The pair that the demo shows."""
    name = 'the examples'
    folder = os.path.join(netns.ROOT, 'examples')
    trace = until_it_works(lambda: Trace([PYTHON, os.path.join(folder, 'calc_client.py')],
                                         [PYTHON, os.path.join(folder, 'calc_server.py')]))
    told = trace.done.stdout + trace.done.stderr
    if not tap.check(f'{name}: the answers', trace.done.returncode == 0 and
                     'Maximum(3, 4, -5) = 4' in trace.done.stdout, told):
        return
    check_always(name, trace)
    table = []
    for packet in trace.events['packet']:
        if packet['packet'] in trace.numbers:
            texts = [trace.statements[edge['statement']]['text']
                     for edge in trace.sent[packet['packet']]]
            table.append((trace.sender(packet), trace.what(packet), *texts))
    ask, answer = 'sock.sendall(request)', 'conn.sendall(reply)'
    tap.equal(f'{name}: packet -> text of the statement', table, [
        ('client', 'S', 'sock.connect((HOST, port))'),
        ('server', 'SA'),
        ('client', 'A'),
        ('client', 'PA+22', ask), ('server', 'PA+8', answer),
        ('client', 'PA+24', ask), ('server', 'PA+8', answer),
        ('client', 'PA+24', ask), ('server', 'PA+8', answer),
        ('client', 'PA+24', ask), ('server', 'PA+8', answer),
        ('client', 'FA', 'sock.close()'),
        ('server', 'FA', 'with conn:'),
    ])


def check_text():
    """The tables for people say the same."""
    name = 'the tables in text'
    trace = Trace(program('wait_client.py 20'), program('wait_server.py 20'), '--text')
    text = trace.output
    parts = re.split(r'^Which .*$', text, flags=re.MULTILINE)
    if not tap.check(f'{name}: there are two', len(parts) == 3, text):
        return

    def places(line):
        found = re.search(r'wait_(client|server)\.py:(\d+)', line)
        if not found:
            return '-'
        path = os.path.join(PROGRAMS, f'wait_{found[1]}.py')
        return label(path, int(found[2]))

    numbers, table = {}, []
    for line in parts[1].splitlines()[2:]:
        found = re.match(r'\s*(\d+)\s+([A-Z]{3}(?:,[A-Z]{3})*)\s', line)
        if found and (found[2] != 'ACK' or 'ACK' not in [row[0] for row in table]):
            table.append((found[2], places(line)))
            numbers[found[1]] = str(len(table))
    words = {'S': 'SYN', 'SA': 'SYN,ACK', 'A': 'ACK', 'PA': 'PSH,ACK', 'FA': 'FIN,ACK'}
    wanted = [(words[row.split()[2].split('+')[0]], row.split()[3])
              for row in rows(WAIT_PACKETS)]
    if not tap.equal(f'{name}: packet -> statement', table, wanted):
        tap.check(f'{name}: the text', False, text)
    completed = []
    for line in parts[2].splitlines():
        if places(line) != '-':
            packet = re.search(r'\s(\d+) (?:SYN|ACK|PSH|FIN)\b', line)
            completed.append((places(line), numbers.get(packet[1]) if packet else '-'))
    wanted = [(row.split()[0], row.split()[2]) for row in rows(WAIT_STATEMENTS)]
    if not tap.equal(f'{name}: blocking statement -> packet', sorted(completed),
                     sorted(wanted)):
        tap.check(f'{name}: the text', False, text)


check_bulk()
check_full()
check_calc(is_udp=False)
check_calc(is_udp=True)
check_examples()
check_text()
tap.done()
