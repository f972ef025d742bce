#!/usr/bin/python3
"""Which statement sent each packet, which packet completed each blocking statement: pairs
of programs whose truth is known, every cell of both tables compared, empty cells too.

    client 127.0.0.1:* ---- lo, in a namespace of sonde's own ---- 127.0.0.1:50000 server

traced.py tells how statements and packets are called here; truth.py compares.
"""

from tap import tap
from truth import (FORK_PACKETS, FORK_STATEMENTS, LOOP_PACKETS, LOOP_STATEMENTS,
                   THREAD_PACKETS, THREAD_STATEMENTS, WAIT_PACKETS, WAIT_STATEMENTS, apart_ns,
                   scenario)

for timeout in '', ' 20':
    mark = ', with timeouts' if timeout else ''
    scenario(
        'everybody waits' + mark, WAIT_PACKETS, WAIT_STATEMENTS,
        server='wait_server.py' + timeout, main='wait_client.py' + timeout,
        stdout='EIGHTEEN\n')

    scenario(
        'nobody waits but connect' + mark, WAIT_PACKETS, '''
            client.connect  blocked 2
            client.answer   ready   -
            server.accept   ready   -
            server.request  ready   -
            server.end      ready   -
        ''',
        server='ready_server.py' + timeout, main='ready_client.py' + timeout,
        stdout='EIGHTEEN\n')

    scenario(
        'refused' + mark, '''
            1 client S      refused.connect
            2 server RA     -
        ''', '''
            refused.connect blocked 2
        ''',
        main='refused.py' + timeout, stdout='[Errno 111] Connection refused\n')

    scenario(
        'requests in a loop' + mark, LOOP_PACKETS, LOOP_STATEMENTS,
        server='loop_server.py' + timeout, main='loop_client.py' + timeout)

for how, sender, status in (('now', 'client.exit', 3), ('end', 'client:close', 0),
                            ('killed', 'client:killed', 137)):
    scenario(
        f'a client that does not close ({how})', f'''
            1 client S      client.connect
            2 server SA     -
            3 client A      -
            4 client PA+18  client.send
            5 client FA     {sender}
            6 server FA     server.close
        ''', '''
            client.connect  blocked 2
            server.accept   blocked 3
            server.request  blocked 4
            server.end      blocked 5
        ''',
        server='end_server.py', main=f'exit_client.py {how}', status=status)

scenario(
    'two sends in a packet, shutdown, data with a FIN', '''
        1 client S      client.connect
        2 server SA     -
        3 client A      -
        4 client PA+11  client.head[0:6] client.tail[6:11]
        5 client FA     client.shutdown
        6 server FPA+5  fin=server.close server.reply
    ''', '''
        client.connect  blocked 2
        client.answer   blocked 6
        client.eof      ready   -
        server.accept   blocked 3
        server.first    blocked 4
        server.end      blocked 5
    ''',
    server='half_server.py', main='half_client.py',
    # What is kept back leaves by itself 200 ms later.
    was_slow=lambda trace: max(apart_ns(trace, 'client.head', 'client.tail'),
                               apart_ns(trace, 'server.reply', 'server.close')) > 150e6)


def ended_apart_ns(trace):
    ended = {each['name']: each['ended_ns'] for each in trace.events['program']}
    return ended['late_server.py'] - ended['wait_client.py']


scenario('a server that computes before it closes', WAIT_PACKETS, WAIT_STATEMENTS,
         server='late_server.py', main='wait_client.py', stdout='EIGHTEEN\n',
         # It has a second.
         was_slow=lambda trace: ended_apart_ns(trace) > 900e6)

scenario('a server that forks', FORK_PACKETS, FORK_STATEMENTS,
         server='fork_server.py', main='fork_client.py')

scenario('a server that becomes another program', FORK_PACKETS, FORK_STATEMENTS,
         server='exec_server.py', main='fork_client.py')

scenario(
    'a server that passes the connection on', FORK_PACKETS, '''
        client.connect  blocked 2
        client.answer   blocked 5
        client.eof      blocked 6
        server.take     blocked server.give
        server.accept   blocked 3
        server.request  blocked 4
    ''',
    server='pass_server.py', main='fork_client.py')

scenario(
    'a close with unread input', '''
        1 client S      client.connect
        2 server SA     -
        3 client A      -
        4 client PA+5   client.send
        5 server RA     server.close
    ''', '''
        client.connect  blocked 2
        client.answer   blocked 5
        server.accept   blocked 3
    ''',
    server='reset_server.py', main='reset_client.py', stdout='reset\n')

scenario('a thread for each client', THREAD_PACKETS, THREAD_STATEMENTS,
         server='thread_server.py', main='thread_client.py')

scenario(
    'datagrams', '''
        1 client udp+5      client.send
        2 server udp+5      server.reply
        3 client udp+6      client.nobody
        4 kernel icmp3/3    -
    ''', '''
        client.answer   blocked 2
        client.refused  ready   -
        server.request  blocked 1
    ''',
    server='datagram_server.py', main='datagram_client.py', stdout='refused\n')

tap.done()
