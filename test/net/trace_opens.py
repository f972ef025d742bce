#!/usr/bin/python3
"""Connections that do not begin with connect, SYN-ACK and ACK alone.

       client thread ---- lo ---- server thread       both in programs/opens.py
"""

import netns

netns.enter()  # with a setting of its own
with open('/proc/sys/net/ipv4/tcp_fastopen', 'w', encoding='ascii') as file:
    file.write('3')  # both sides may

from tap import tap  # noqa: E402
from traced import ISOLATE, Trace, program, rows  # noqa: E402

ISOLATE.clear()


def check(how, packets, statements):
    for _ in range(5):
        trace = Trace(program(f'opens.py {how}'))
        shown = [row.replace('opens.', '') for row in trace.statement_table(
            lambda each: each['can_block'] or each['blocked'])]
        if shown == rows(statements) or trace.is_told():
            break
    tap.equal(f'{how}: runs', (trace.done.returncode, trace.done.stderr), (0, ''))
    tap.equal(f'{how}: which statement sent each packet',
              [row.replace('opens.', '') for row in trace.packet_table()], rows(packets))
    tap.equal(f'{how}: which packet completed each statement', shown, rows(statements))


check('deferred', '''
    1 client S connect
    2 server SA -
    3 client A -
    4 client PA+5 send
    5 client FA close
    6 server FA farewell
''', '''
    accept blocked 4
    connect blocked 2
    receive ready -
    end blocked 5
''')
# The last ACK of the first one counts as the handshake's, which has none.
check('fast', '''
    1 client S send
    2 server SA -
    3 client PA+5 send
    4 client FA close
    5 server FA farewell
    6 client A -
    7 client S+5 send syn=send
    8 server SA -
    9 client A -
    10 client FA close
    11 server FA farewell
''', '''
    accept blocked 3
    send blocked 2
    receive ready -
    end blocked 4
    accept blocked 7
    receive ready -
    end blocked 10
''')
# The kernel still has the cookie.
check('later', '''
    1 client S+5 send syn=send
    2 server SA -
    3 client A -
    4 client FA close
    5 server FA farewell
    6 client S+5 send syn=send
    7 server SA -
    8 client A -
    9 client FA close
    10 server FA farewell
''', '''
    accept blocked 1
    connect ready -
    receive ready -
    end blocked 4
    accept blocked 6
    connect ready -
    receive ready -
    end blocked 9
''')
tap.done()
