"""What bench/scan.sh compares with: command lines, and what their output means.

A program is (name, argv, judge); judge(output, exit status, wanted) counts the states that are
wrong, where wanted is {(host, port): state}.  `floor` programs are those of bench/peers: the
least that this machine and its kernel need for the same packets, without a scan around them.
"""

import json
import os
import re
import subprocess
import sys

import netns
from scanning import HOST

FLOORS = os.path.join(netns.ROOT, 'build', 'bench')
MASSCAN = re.compile(r'open tcp (?P<port>\d+) (?P<host>\S+)')
ZMAP = re.compile(r'(?P<host>[\d.]+),(?P<port>\d+)')


def nmap_states(text):
    """(address, port): state, of greppable output; what it ignores is None's state."""
    states, rest = {}, {}
    for line in text.splitlines():
        match = re.match(r'Host: (\S+) .*Ports: ([^\t]*)', line)
        if not match:
            continue
        for item in match[2].split(', '):
            field = item.strip().split('/')
            if len(field) > 1:
                states[match[1], int(field[0])] = field[1]
        ignored = re.search(r'Ignored State: (\S+) \(\d+\)', line)
        rest[match[1]] = ignored[1] if ignored else None
    return states, rest


def _greppable(text, _status, wanted):
    states, rest = nmap_states(text)
    return sum(states.get(key, rest.get(key[0])) != state for key, state in wanted.items())


def _open_alone(pattern):
    """Of a program that tells open ports and no others."""
    def judge(text, _status, wanted):
        got = {(match['host'], int(match['port'])) for match in pattern.finditer(text)}
        return len(got ^ {key for key, state in wanted.items() if state == 'open'})
    return judge


def _all_or_none(_text, status, wanted):
    return len(wanted) if status else 0


def ours(name, *words):
    """As much as nmap is asked to print: what is not open is counted."""
    return name, [netns.SONDE, 'scan', '--format', 'grep', *words], _greppable


def nmap(name, *words):
    return name, ['nmap', '-n', '-oG', '-', *words], _greppable


def _far_mac(lab):
    done = lab.there(['ip', '-j', 'link', 'show', 'far'], stdout=subprocess.PIPE)
    return json.loads(done.stdout)[0]['address']


def masscan(name, lab, ports, target):
    # An address that the kernel does not own, or it would reset what masscan opened.
    return name, ['timeout', '60', 'masscan', '-p', ports, target, '--rate', '1000000', '--wait', '1',
                  '-e', 'near', '--adapter-ip', '10.77.0.77', '--router-mac',
                  _far_mac(lab).replace(':', '-'), '-oL', '-'], _open_alone(MASSCAN)


def zmap(name, lab, port):
    return name, ['zmap', '-p', str(port), '-i', 'near', '-b', '/dev/null', '-G', _far_mac(lab), '-c', '1',
                  '-q', '-O', 'csv', '-f', 'saddr,sport', '--output-filter=success=1 && repeat=0',
                  '10.77.1.0/24'], _open_alone(ZMAP)


def syn_floor(name, lab, threads):
    return name, [os.path.join(FLOORS, 'bench_syn_floor'), 'near', '10.77.0.1', HOST, _far_mac(lab),
                  str(threads)], _all_or_none


def connect_floor(name, threads):
    return name, [os.path.join(FLOORS, 'bench_connect_floor'), HOST, str(threads), '1'], _all_or_none


def trickle():
    """masscan looks at its exit flag only when a packet arrives."""
    code = ('import socket,time\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n'
            'while True:\n'
            ' try: s.sendto(b"x",("10.77.0.1",9))\n'
            ' except OSError: pass\n'
            ' time.sleep(0.1)')
    return [sys.executable, '-c', code]
