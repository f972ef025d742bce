#!/usr/bin/python3
"""Root that serves becomes nobody; an ordinary user stays who it is.

    clients ---- lo, in a namespace that root made ---- sonde serve
"""

import os
import sys

import netns
from serving import Server
from tap import tap

IN_NAMESPACE = ['sh', '-c', 'ip link set lo up; exec "$@"', '-']


def is_root():
    """Of the machine (or of a namespace that has nobody, too)."""
    with open('/proc/self/uid_map', encoding='ascii') as file:
        counts = [int(line.split()[2]) for line in file]
    return os.geteuid() == 0 and sum(counts) > 65534


def identity(server):
    with open(f'/proc/{server.pid}/status', encoding='ascii') as file:
        fields = dict(line.rstrip('\n').split(':\t', 1) for line in file if ':\t' in line)
    return [fields[key].split() for key in ('Uid', 'Gid', 'Groups')], fields


if not is_root():
    print('1..0 # SKIP only root can become another user')
    sys.exit(0)

def settled(server):
    """It says that it listens before it gives up what it does not need, the filter last."""
    try:
        netns.wait_until('a filter', lambda: identity(server)[1]['Seccomp'] == '2')
    except TimeoutError:
        pass  # what is compared next says what there is
    return identity(server)


server = Server('calc@:0', 'echo@:7', before=['unshare', '-n', *IN_NAMESPACE], listening=8)
ids, fields = settled(server)
tap.equal('root has become nobody, without further groups', ids,
          [['65534'] * 4, ['65534'] * 4, []])
tap.equal('with a low port that it had bound before', ('127.0.0.1', 7, 'tcp') in
          server.sockets(), True)
tap.equal('no capability is left', [fields[key].strip('0') for key in
                                    ('CapPrm', 'CapEff', 'CapAmb')], ['', '', ''])
tap.equal('a clean end', server.stop()[0::2], (0, ''))

server = Server('calc@:0', before=['unshare', '-n', *IN_NAMESPACE, 'setpriv', '--reuid', '1234',
                                   '--regid', '1234', '--clear-groups'])
tap.equal('an ordinary user stays who it is', settled(server)[0],
          [['1234'] * 4, ['1234'] * 4, []])
tap.equal('and serves', server.stop()[0::2], (0, ''))
tap.done()
