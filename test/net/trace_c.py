#!/usr/bin/python3
"""Client and server in C, in several builds and together with Python: every cell of both
tables, and what is shown where there is no debug information.

    client 127.0.0.1:* ---- lo, in a namespace of sonde's own ---- 127.0.0.1:50000 server

traced.py tells how statements and packets are called here.
"""

import os
import re

import netns
from tap import tap
from traced import Trace
from truth import WAIT_PACKETS, WAIT_STATEMENTS, scenario

BUILT = os.path.join(os.path.dirname(netns.SONDE), 'test', 'net')

# poll() and recv() stand on two lines, and are two statements.
POLLING_STATEMENTS = '''
    client.connect  blocked 2
    client.poll     blocked 5
    client.answer   ready   -
    server.accept   blocked 3
    server.request  blocked 4
    server.end      blocked 6
'''


def built(name, *arguments):
    return [os.path.join(BUILT, name), *arguments]


def pair(name, main, server, packets=WAIT_PACKETS, statements=WAIT_STATEMENTS):
    return scenario(name, packets, statements, main, server, stdout='EIGHTEEN\n')


for build in 'o0', 'o2', 'static', 'fortified':
    pair(f'C, {build}', built(f'{build}_client'), built(f'{build}_server'))
pair('C, with poll', built('o2_client', 'poll'), built('o0_server'),
     statements=POLLING_STATEMENTS)
pair('C and Python', built('o2_client'), 'wait_server.py')
pair('Python and C', 'wait_client.py', built('static_server'))

# Without debug information the calls are the same, and each has function and offset.
CALL_PACKETS = '''
    1 client S      client:connect
    2 server SA     -
    3 client A      -
    4 client PA+18  client:sendto
    5 server PA+8   server:sendto
    6 client FA     client:close
    7 server FA     server:close
'''
CALLS = '''
    client:connect   blocked 2
    client:recvfrom  blocked 5
    server:accept    blocked 3
    server:recvfrom  blocked 4
    server:recvfrom  blocked 6
'''
for build, functions in (('symbols', ('main', 'ask', 'serve')),
                         ('stripped', ('stripped_client', 'stripped_server'))):
    trace = pair(f'C, {build}', built(f'{build}_client'), built(f'{build}_server'),
                 CALL_PACKETS, CALLS)
    if not trace:
        continue
    tap.equal(f'C, {build}: how its lines are read',
              {each['lines'] for each in trace.events['program']} - {'untried'}, {'symbols'})
    wrong = [each for each in trace.statements.values()
             if trace.calls[each['calls'][-1]]['name'] != 'exit_group' and
             (each['file'] or not re.fullmatch(rf"({'|'.join(functions)})\+0x[0-9a-f]+",
                                               each['function'] or ''))]
    tap.equal(f'C, {build}: every statement has function and offset', wrong, [])
    tap.check(f'C, {build}: these calls are counted as without a line',
              trace.events['summary'][0]['calls_without_line'] >= 10,
              trace.events['summary'])

text = Trace(built('symbols_client'), built('symbols_server'), '--text').output
tap.check('the tables name function and offset',
          re.search(r'symbols_client\[\d+\] main\+0x[0-9a-f]+: connect\(\)', text) and
          re.search(r'symbols_client\[\d+\] ask\+0x[0-9a-f]+: recvfrom\(\)', text), text)
tap.done()
