"""Pairs of programs whose truth is known, for the tests that trace them: which statement
sent each packet, which packet completed each blocking statement.

    scenario(name, packets, statements, main, server)   traces them and compares every cell;
                                                        the trace, None where it went wrong.
                                        was_slow(trace)  the machine was, and it is no truth
                                                        then.  Where something differs, and so it
                                                        was, or not all is told: traced again,
                                                        five times at most
    apart_ns(trace, one, other)         how long after one statement began the other did
    judge(trace, packets, statements)   the same comparisons: (what, got, wanted)

A program is a line for traced.program(), or a command.  traced.py tells how statements and
packets are called here.
"""

from tap import tap
from traced import PYTHON, Trace, always, program, rows


def judge(trace, packets, statements):
    yield 'packet -> statement', trace.packet_table(), rows(packets)
    yield 'blocking statement -> packet', trace.statement_table(), rows(statements)
    yield from always(trace)


def apart_ns(trace, one, other):
    began = {trace.name(each): each['enter_ns'] for each in trace.statements.values()}
    return began.get(other, 0) - began.get(one, 0)


def scenario(name, packets, statements, main, server=None, status=0, stdout=None,
             python=PYTHON, server_python=None, was_slow=lambda trace: False):
    def command(side, interpreter):
        return program(side, interpreter) if isinstance(side, str) else side

    for _ in range(5):
        trace = Trace(command(main, python),
                      server and command(server, server_python or python))
        if trace.done.returncode != status or not trace.events['summary']:
            break
        judged = list(judge(trace, packets, statements))
        if all(got == wanted for _, got, wanted in judged) or \
                (trace.is_told() and not was_slow(trace)):
            break
    told = trace.done.stdout + trace.done.stderr
    if not tap.check(f'{name}: the programs end as they do by themselves',
                     trace.done.returncode == status and trace.events['summary'],
                     f'exit status {trace.done.returncode}, wanted {status}\n{told}'):
        return None
    if stdout is not None:
        # With --json, and -o, what the programs print is their own.
        tap.equal(f'{name}: what the program prints', trace.done.stdout, stdout)
    for what, got, wanted in judged:
        tap.equal(f'{name}: {what}', got, wanted)
    return trace


WAIT_PACKETS = '''
    1 client S      client.connect
    2 server SA     -
    3 client A      -
    4 client PA+18  client.send
    5 server PA+8   server.reply
    6 client FA     client.close
    7 server FA     server.close
'''
WAIT_STATEMENTS = '''
    client.connect  blocked 2
    client.answer   blocked 5
    server.accept   blocked 3
    server.request  blocked 4
    server.end      blocked 6
'''
LOOP_PACKETS = '''
     1 client S     client.connect
     2 server SA    -
     3 client A     -
     4 client PA+1  client.send
     5 server PA+1  server.reply
     6 client PA+2  client.send
     7 server PA+2  server.reply
     8 client PA+3  client.send
     9 server PA+3  server.reply
    10 client FA    client.close
    11 server FA    server.close
'''
LOOP_STATEMENTS = '''
    client.connect  blocked 2
    client.answer   blocked 5
    client.answer   blocked 7
    client.answer   blocked 9
    server.accept   blocked 3
    server.request  blocked 4
    server.request  blocked 6
    server.request  blocked 8
    server.request  blocked 10
'''
FORK_PACKETS = '''
    1 client S      client.connect
    2 server SA     -
    3 client A      -
    4 client PA+5   client.send
    5 server PA+5   server.reply
    6 server FA     server.close
    7 client FA     client.close
'''
FORK_STATEMENTS = '''
    client.connect  blocked 2
    client.answer   blocked 5
    client.eof      blocked 6
    server.accept   blocked 3
    server.request  blocked 4
'''
THREAD_PACKETS = '''
     1 client S     client.connect-one
     2 server SA    -
     3 client A     -
     4 client S     client.connect-two
     5 server SA    -
     6 client A     -
     7 client PA+3  client.send-two
     8 server PA+3  server.reply
     9 client PA+4  client.send-one
    10 server PA+4  server.reply
    11 client FA    client.close-one
    12 server FA    server.close
    13 client FA    client.close-two
    14 server FA    server.close
'''
THREAD_STATEMENTS = '''
    client.connect-one  blocked 2
    client.connect-two  blocked 5
    client.answer-two   blocked 8
    client.answer-one   blocked 10
    server.accept       blocked 3
    server.request      blocked 9
    server.accept       blocked 6
    server.request      blocked 7
    server.end          blocked 13
    server.end          blocked 11
'''
