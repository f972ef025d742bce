#!/usr/bin/python3
"""A crowd of clients that say nothing, others that send and read a byte at a time, and some
that work meanwhile: all of them are served, and an idle one takes at most 512 bytes of the
server's memory.  (How long the others wait is measured by `./dev bench serve`.)

    crowd.py [IDLE [SLOW [TICK]]]   without them 900, 90 and 0.03 s between two bytes of a
                                    client; `./dev soak` takes 9000, 900 and 1 s

    clients ---- lo ---- sonde serve -q
"""

import json
import os
import re
import resource
import select
import subprocess
import sys
import time

import netns
from serving import Server, read_exactly, reply, request, tcp
from tap import tap

netns.enter()
IDLE = int(sys.argv[1]) if len(sys.argv) > 1 else 900
SLOW = int(sys.argv[2]) if len(sys.argv) > 2 else 90
TICK_S = float(sys.argv[3]) if len(sys.argv) > 3 else 0.03
WORKING = 50
WARM = 50  # clients whose memory is not counted: the server's own first pages come with them
LIMIT_BYTES = 512
IS_SANITIZED = 'ASAN_OPTIONS' in os.environ

limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
tap.check('as many descriptors as the crowd needs (ulimit -Hn)',
          limit >= IDLE + SLOW + WARM + WORKING + 100, limit)
resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
server = Server('calc@:0/tcp', '-q', '--backlog', '4096', listening=2)
port = server.ports[0]


def private_bytes():
    with open(f'/proc/{server.pid}/smaps_rollup', encoding='ascii') as file:
        return 1024 * int(re.search(r'Private_Dirty:\s+(\d+)', file.read())[1])


def ask(sock, number):
    sock.sendall(request(number, 'Summe', number, 2))
    return read_exactly(sock, 8) == reply(number, number + 2)


warm = [tcp(port) for _ in range(WARM)]
good = all(ask(sock, i) for i, sock in enumerate(warm))
before, base = private_bytes(), server.fds()
idle = [tcp(port) for _ in range(IDLE)]
netns.wait_until('all to be in', lambda: server.fds() == base + IDLE)
each = (private_bytes() - before) / IDLE
print(f'# {IDLE} idle connections: {each:.0f} bytes of user memory each')
tap.check(f'an idle connection has at most {LIMIT_BYTES} bytes of user memory',
          good and (each <= LIMIT_BYTES or IS_SANITIZED), each)

slow = [tcp(port) for _ in range(SLOW)]
questions = [request(i, 'Summe', i, 2) for i in range(SLOW)]
answers = [b''] * SLOW
work = netns.background([netns.SONDE, 'calc', '--bench', '--json', '--to', f'127.0.0.1:{port}',
                         '--connections', str(WORKING), '--rate', '2000', '--for',
                         f'{TICK_S * 27:.2f}s'], text=True, stdout=subprocess.PIPE)
started = time.monotonic()
for tick in range(18 + 8 + 1):
    for i, sock in enumerate(slow):
        if tick < 18:
            sock.send(questions[i][tick:tick + 1])
        elif tick >= 18 + i % 2 and len(answers[i]) < 8:
            answers[i] += sock.recv(1)
    left_s = started + (tick + 1) * TICK_S - time.monotonic()
    if left_s > 0:
        select.select([], [], [], left_s)
tap.equal(f'{SLOW} clients that send and read a byte a tick: all are answered',
          [i for i in range(SLOW) if answers[i] != reply(i, i + 2)], [])
line = json.loads(work.communicate(timeout=60)[0].splitlines()[-1])
print(f'# others meanwhile: p50 {line["p50_ns"] / 1e6:.2f} ms, p99 {line["p99_ns"] / 1e6:.2f} ms')
tap.check(f'{WORKING} that work meanwhile: every request is answered',
          work.returncode == 0 and line['unanswered'] == 0 and line['answered'] > 0, line)
tap.equal('the idle ones are still there, and are answered when they ask',
          [i for i, sock in enumerate(idle) if not ask(sock, i)], [])
for sock in warm + idle + slow:
    sock.close()
netns.wait_until('all descriptors to be free again', lambda: server.fds() == base - WARM)
status, lines, errors = server.stop()
tap.check('and all of them are counted', (status, errors) == (0, '') and lines[-1].startswith(
    f'served {WARM + IDLE + SLOW + WORKING} clients and 0 datagrams'), (status, lines, errors))
tap.done()
