"""What the tests of `sonde scan` share: a lab of two network namespaces, and the truth.

        here                                   there
        10.77.0.1/16   near ---- veth ---- far 10.77.1.1/16, all of 10.77.1.0/24
        fd77::1/64                             fd77::2/64
                                               listeners on TCP and UDP, nft

    lab = Lab()             after netns.enter(); the listeners run
        .mode(name)         closed, filtered, loss1, loss5, resets, challenge, rejected
        .there(argv)        runs a command there
        .counters()         what nft there counted since the mode was set: got_syn, got_rst...
        .dropped()          how many packets for there the link has lost, because the processor that
                            takes them in had too many (net.core.netdev_max_backlog)
        .path(delay_ms=..)  adds another path of 10.78.0.0/24, see scan_path.py
    scan(*words)            the program; the lines of its NDJSON
    truth(mode, ports)      the state of each port
    wrong(lines, wanted)    the ports whose state is another, [] where all is right
"""

import json
import os
import subprocess
import sys

import netns

TCP = (7, 13, 19, 22, 25, 53, 80, 143, 443, 587, 993, 3306, 8080, 12345, 20001, 32768, 40000,
       50000, 61001, 65535)
UDP = (7, 13, 17, 19, 123)
HOST = '10.77.1.1'
HOST6 = 'fd77::2'
PROGRAMS = os.path.join(os.path.dirname(os.path.abspath(__file__)), 'programs')

_LIMIT = 'tcp flags & rst == rst limit rate over {}/second burst {} packets drop'
# What happens to packets on their way in, and on their way out.
MODES = {
    'closed': ('', ''),
    'filtered': ('tcp dport @open accept; meta l4proto tcp drop', ''),
    'loss1': ('meta l4proto { tcp, udp } numgen random mod 100 < 1 drop',
              'meta l4proto { tcp, udp, icmp } numgen random mod 100 < 1 drop'),
    'loss5': ('meta l4proto { tcp, udp } numgen random mod 100 < 5 drop',
              'meta l4proto { tcp, udp, icmp } numgen random mod 100 < 5 drop'),
    'resets': ('', _LIMIT.format(500, 50)),
    'rejected': ('tcp dport @open accept; meta l4proto tcp reject with icmpx admin-prohibited', ''),
    'silent': ('drop', ''),
}
REST = {'filtered': 'filtered', 'rejected': 'unreachable', 'silent': 'filtered'}


# A SYN from each port that a scan may use as its own, from a sender that resets nothing.
LEAVE = '''
import socket, struct, sys
raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW)
source, target = (socket.inet_aton(word) for word in ("10.77.0.1", "10.77.1.1"))
for port in range(40000, 43000):
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 40, 0, 0x4000, 64, 6, 0, source, target)
    tcp = struct.pack("!HHIIBBHHH", port, 22, 12345, 0, 0x50, 2, 1024, 0, 0)
    data = source + target + struct.pack("!HH", 6, 20) + tcp
    total = sum(struct.unpack("!16H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    raw.sendto(ip + tcp[:16] + struct.pack("!H", ~total & 0xffff) + tcp[18:], ("10.77.1.1", 0))
'''
QUIET = '''
table ip quiet {
  chain out {
    type filter hook output priority 0
    tcp flags & rst == rst drop
  }
}'''


class Lab:
    def __init__(self, tcp=TCP, udp=UDP):
        self.tcp = tcp
        words = [','.join(map(str, ports)) for ports in (tcp, udp)]
        self.target = netns.background(
            ['unshare', '-n', sys.executable, os.path.join(PROGRAMS, 'scan_target.py'), *words],
            stdout=subprocess.PIPE, text=True)
        assert self.target.stdout.readline() == 'ready\n'
        self.pid = str(self.target.pid)
        self._ip('link add near type veth peer name far netns ' + self.pid)
        self._ip('link set near up')
        self._ip('address add 10.77.0.1/16 dev near')
        self._ip('address add fd77::1/64 dev near nodad')
        for words in ('link set lo up', 'link set far up', 'address add 10.77.1.1/16 dev far',
                      'route add local 10.77.1.0/24 dev lo', 'address add fd77::2/64 dev far nodad'):
            self.there(['ip', *words.split()])
        self.mode('closed')

    @staticmethod
    def _ip(words):
        subprocess.run(['ip', *words.split()], check=True)

    def there(self, argv, **more):
        return subprocess.run(['nsenter', '-t', self.pid, '-n', *argv],
                              **{'check': True, 'text': True, **more})

    def mode(self, name):
        into, out = MODES[name]
        ports = ', '.join(map(str, self.tcp))
        self.there(['nft', '-f', '-'], input=f'''flush ruleset
table inet lab {{
  set open {{ type inet_service; elements = {{ {ports} }}; }}
  counter got_syn {{ }}
  counter got_udp {{ }}
  counter got_rst {{ }}
  counter syn_ack {{ }}
  chain in {{
    type filter hook prerouting priority -400;
    iif lo accept
    tcp flags & (syn | ack | rst | fin) == syn counter name got_syn
    meta l4proto udp counter name got_udp
    {into}
  }}
  chain out {{
    type filter hook postrouting priority 400;
    oif lo accept
    {out}
    tcp flags & rst == rst counter name got_rst
    tcp flags & (syn | ack) == syn | ack counter name syn_ack
  }}
}}''')

    def half_open(self):
        """Connections of ours that port 22 still holds half open, from each port that a scan may
        use as its own, so that it answers a SYN from there with a challenge ACK (RFC 5961)."""
        self.mode('closed')
        # More than one lot of them would fill the queue of the port, which then is silent.
        netns.wait_until('no connection is half open', lambda: not self.there(
            ['ss', '-Htn', 'state', 'syn-recv'], stdout=subprocess.PIPE).stdout.strip())
        self.there(['nft', 'add', 'rule', 'inet', 'lab', 'in', 'tcp', 'dport', '@open', 'tcp', 'flags', '&',
                    '(fin|syn|rst)', '==', 'rst', 'drop'])
        subprocess.run(['nft', '-f', '-'], check=True, text=True, input=QUIET)
        self.there(['sysctl', '-qw', 'net.ipv4.tcp_syncookies=0', 'net.ipv4.tcp_max_syn_backlog=65536',
                    'net.core.somaxconn=65536'], check=False)
        subprocess.run(['sysctl', '-qw', 'net.ipv4.ip_local_port_range=40000 42900'], check=True)
        subprocess.run([sys.executable, '-c', LEAVE], check=True)
        subprocess.run(['nft', 'delete', 'table', 'ip', 'quiet'], check=True)
        self.mode('closed')

    def counters(self):
        done = self.there(['nft', '-j', 'list', 'counters'], stdout=subprocess.PIPE)
        return {item['counter']['name']: item['counter']['packets']
                for item in json.loads(done.stdout)['nftables'] if 'counter' in item}

    @staticmethod
    def dropped():
        with open('/proc/net/dev', encoding='ascii') as file:
            words = next(line.split() for line in file if line.split()[0] == 'near:')
        return int(words[12])

    def path(self, delay_ms=0, jitter_ms=0, loss=0, duplicates=0, wrong=0):
        words = [self.pid, *map(str, (delay_ms, jitter_ms, loss, duplicates, wrong))]
        process = netns.background([sys.executable, os.path.join(PROGRAMS, 'scan_path.py'), *words],
                                   stdout=subprocess.PIPE, text=True)
        assert process.stdout.readline() == 'ready\n', 'no path'
        return process


def scan(*words, **more):
    done = netns.run([netns.SONDE, 'scan', '--json', *map(str, words)], **{'timeout': 300, **more})
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode or not lines or lines[-1]['event'] != 'summary':
        raise RuntimeError(f'scan {words}: {done.returncode} {done.stderr}')
    return lines


def states(lines):
    return {(line['address'], line['port']): line['state']
            for line in lines if line['event'] == 'port'}


def truth(mode, ports, hosts=(HOST,), tcp=TCP):
    return {(host, port): 'open' if port in tcp and mode != 'silent' else REST.get(mode, 'closed')
            for host in hosts for port in ports}


def wrong(lines, wanted):
    got = states(lines)
    return [(key, got.get(key), state) for key, state in wanted.items() if got.get(key) != state] + \
        [(key, state, None) for key, state in got.items() if key not in wanted]
