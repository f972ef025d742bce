#!/usr/bin/python3
"""Which hosts of the own link are up, as the kernel's table of neighbours says, and how
often the table is read for that.

    sonde scan 10.99.0.1/20 ---- nobody ---- nowhere, which does not answer
"""
# LeakSanitizer: off where strace traces.

import os
import re
import subprocess

import netns
from tap import tap

netns.enter()


def ip(words, **more):
    subprocess.run(['ip', *words.split()], check=True, **more)


def neighbour(number):
    return f'neigh replace 10.99.{number // 256}.{number % 256} lladdr 02:00:00:00:{number // 256:02x}:' \
           f'{number % 256:02x} dev nobody nud permanent'


for words in ('link add nobody type veth peer name nowhere', 'link set nobody up', 'link set nowhere up',
              'address add 10.99.0.1/20 dev nobody'):
    ip(words)
subprocess.run(['ip', '-batch', '-'], check=True, text=True,
               input=''.join(neighbour(1024 + i) + '\n' for i in range(400)))
ip(neighbour(10))
calls = f'{netns.scratch()}/calls'
leaks_off = {**os.environ, 'ASAN_OPTIONS': os.environ.get('ASAN_OPTIONS', '') + ':detect_leaks=0'}


def asked():
    if not os.path.exists(calls):
        return []
    with open(calls, encoding='utf-8') as file:
        return re.findall('RTM_GETNEIGH', file.read())


def scan():
    """What it says of hosts, one of which comes while it looks; how often it read the table."""
    if os.path.exists(calls):
        os.remove(calls)
    process = netns.background(
        ['strace', '-f', '-qq', '-e', 'trace=sendto', '-e', 'signal=none', '-o', calls,
         netns.SONDE, 'scan', '-Ponly', '10.99.0.8-15'], stdout=subprocess.PIPE, text=True,
        env=leaks_off)
    netns.wait_until('the table is read', asked)
    ip(neighbour(12))
    out = process.communicate(timeout=100)[0]
    ip('neigh del 10.99.0.12 dev nobody')
    return re.findall(r'(\S+) is up \((.*?)\)', out), len(asked())


# It looks for 1.5 s: where this machine was too busy to let somebody come in that time, again.
for _ in range(8):
    up, count = scan()
    if len(up) > 1 or not 1 <= count <= 8:
        break
tap.equal('those that are known are up, and who comes meanwhile', up,
          [('10.99.0.10', 'arp-response'), ('10.99.0.12', 'arp-response')])
tap.check('the table is read a few times, not each millisecond', 1 <= count <= 8, count)
tap.done()
