#!/usr/bin/python3
"""`sonde scan --connect`: every state of every port against the truth, on loopback and
behind a firewall; its outputs; its fences; and what it says of what cannot be meant.

    sonde scan ---- lo (127.0.0.0/8, ::1) ---- listeners of this file
                nft: 127.0.0.2 drops 2000-2099, rejects 2100-2104 with ICMP
"""

import json
import os
import pty
import re
import resource
import select
import signal
import socket
import subprocess
import threading
import time
import xml.etree.ElementTree

import netns
from tap import tap

netns.enter()

OPEN = (2001, 2222, 12345, 40000, 50000, 65535)
listeners = []
for family, host in ((socket.AF_INET, '0.0.0.0'), (socket.AF_INET6, '::')):
    for port in OPEN:
        sock = socket.socket(family)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind((host, port))
        sock.listen(64)
        listeners.append(sock)


def serve():
    """A listener that nobody accepts from would fill up, and be silent then."""
    poll = select.poll()
    for sock in listeners:
        poll.register(sock, select.POLLIN)
    by_fd = {sock.fileno(): sock for sock in listeners}
    while True:
        for fd, _ in poll.poll():
            by_fd[fd].accept()[0].close()


threading.Thread(target=serve, daemon=True).start()
subprocess.run(['nft', '-f', '-'], check=True, text=True, input='''
table inet t {
  chain in {
    type filter hook input priority 0;
    ip daddr 127.0.0.2 tcp dport 2000-2099 drop
    ip daddr 127.0.0.2 tcp dport 2100 reject with icmp admin-prohibited
    ip daddr 127.0.0.2 tcp dport 2101 reject with icmp host-unreachable
    ip daddr 127.0.0.2 tcp dport 2102 reject with icmp net-unreachable
    ip daddr 127.0.0.2 tcp dport 2103 reject with icmp port-unreachable
    ip daddr 127.0.0.2 tcp dport 2104 reject with icmp prot-unreachable
    ip6 daddr ::1 tcp dport 2100 reject with icmpv6 admin-prohibited
  }
}''')


def scan(*words, **more):
    return netns.run([netns.SONDE, 'scan', *map(str, words)], **more)


def events(*words, **more):
    done = scan('--json', *words, **more)
    return [json.loads(line) for line in done.stdout.splitlines()]


def states(lines):
    return {(line['address'], line['port']): line['state']
            for line in lines if line['event'] == 'port'}


# --- states

for host in ('127.0.0.1', '::1'):
    lines = events('--connect', '-p', '-', host)
    got = states(lines)
    if host == '::1' and got.get((host, 2100)) == 'unreachable':
        got[host, 2100] = 'closed'  # what nft rejects
    tap.check(f'{host}: all 65535 ports are right',
              got == {(host, port): 'open' if port in OPEN else 'closed'
                      for port in range(1, 65536)},
              [(key, state) for key, state in got.items()
               if (state == 'open') != (key[1] in OPEN)][:20])
    summary = lines[-1]
    tap.check(f'{host}: the summary', summary.items() >= {
        'event': 'summary', 'hosts': 1, 'open': len(OPEN), 'filtered': 0,
        'closed': 65535 - len(OPEN) - (host == '::1'), 'miss_probability': 0, 'complete': True, 'own_drops': 0}.items() and
              summary['probes'] <= 1.02 * 65535, summary)

lines = events('--connect', '-p', '1990-2110', '127.0.0.2')
got = {port: (line['state'], line['reason'], line.get('icmp_type'), line.get('icmp_code'))
       for line in lines if line['event'] == 'port' for port in [line['port']]}
wanted = {port: ('closed', 'reset', None, None) for port in range(1990, 2111)}
wanted.update({port: ('filtered', 'no-response', None, None) for port in range(2000, 2100)})
wanted.update({2100: ('unreachable', 'admin-prohibited', 3, 13),
               2101: ('unreachable', 'host-unreach', 3, 1),
               2102: ('unreachable', 'net-unreach', 3, 0),
               2103: ('unreachable', 'port-unreach', 3, 3),
               2104: ('unreachable', 'proto-unreach', 3, 2)})
tap.equal('a firewall: each state with the packet that says so',
          {port: pair for port, pair in got.items() if pair != wanted[port]}, {})
tap.check('a firewall: a stated risk', 0 < lines[-1]['miss_probability'] <= 0.01, lines[-1])
line = [line for line in events('--connect', '-p', '2100', '::1') if line['event'] == 'port'][0]
tap.check('IPv6: ICMPv6 type 1 code 1', (line['state'], line['reason'], line['icmp_type'],
          line['icmp_code'], line['from']) == ('unreachable', 'admin-prohibited', 1, 1, '::1'), line)
line = [line for line in events('--connect', '-p', '80', '-Pn', '192.0.2.1', '--yes-i-may')
        if line['event'] == 'port'][0]
tap.check('no route: this machine says so', (line['state'], line['reason']) ==
          ('unreachable', 'ENETUNREACH'), line)

few = scan('--connect', '-p', '-', '127.0.0.1', preexec_fn=lambda: resource.setrlimit(
    resource.RLIMIT_NOFILE, (64, 64)))
tap.check('64 descriptors are enough', few.returncode == 0 and '6 open' in few.stdout,
          few.stdout + few.stderr)
few = scan('--connect', '-p', '2000-2110', '127.0.0.2', preexec_fn=lambda: resource.setrlimit(
    resource.RLIMIT_NOFILE, (40, 40)))
tap.check('few descriptors behind a firewall', '100 ports filtered: no-response' in few.stdout,
          few.stdout + few.stderr)
plain = netns.run(netns.unprivileged([netns.SONDE, 'scan', '-p', '2222,2223', '127.0.0.1']))
tap.check('without any capability', plain.returncode == 0 and
          re.search(r'2222/tcp +open.*\n +2223/tcp +closed', plain.stdout), plain.stdout + plain.stderr)
began = time.monotonic()
lines = events('--connect', '-p', '3000-3199', '--max-rate', '400', '127.0.0.1')
took = time.monotonic() - began
tap.check('--max-rate is kept', took >= 0.49 and len(states(lines)) == 200, took)

# --- targets

tap.equal('a name: all its addresses', sorted(states(events('--connect', '-p', 2222, 'localhost'))),
          [('127.0.0.1', 2222), ('::1', 2222)])
tap.equal('a network without some', sorted(states(events(
    '--connect', '-p', '2222', '127.0.1.0/29', '--exclude', '127.0.1.2-5', '--exclude', '127.0.1.7'))),
    [(f'127.0.1.{i}', 2222) for i in (0, 1, 6)])
path = os.path.join(netns.scratch(), 'targets')
with open(path, 'w', encoding='ascii') as file:
    file.write('127.0.1.1 127.0.1.2 # two\n\n# none\n127.0.1.8-9\n')
tap.equal('targets from a file', sorted(states(events('--connect', '-p', '2222', '-i', path))),
          [(f'127.0.1.{i}', 2222) for i in (1, 2, 8, 9)])
for content, place, reason in (('127.0.1.1\n\n::1,', 'line 3: ::1,', 'no IPv6 address'),
                               ('127.0.1.1\0x\n', 'line 1', 'a NUL byte'),
                               ('127.0.1.1\0', 'line 1', 'a NUL byte'),
                               ('1' * 1024, 'line 1', 'more than 1023 characters')):
    with open(path, 'w', encoding='ascii') as file:
        file.write(content)
    done = scan('--connect', '-p', '2222', '-i', path)
    tap.check(f'targets, {place}: {reason}', done.returncode == 2 and f'{path}, {place}' in done.stderr
              and reason in done.stderr, done)
tap.equal('and from standard input', sorted(states(events(
    '--connect', '-p', '2222', '-i', '-', input='127.0.1.1\n127.0.1.3'))),
    [('127.0.1.1', 2222), ('127.0.1.3', 2222)])
tap.equal('--open: lines of open ports alone', states(events('--connect', '--open', '-p', '2220-2230',
          '127.0.0.1')), {('127.0.0.1', 2222): 'open'})
default = states(events('--connect', '127.0.0.1'))
tap.check('the default ports', {('127.0.0.1', 22), ('127.0.0.1', 443), ('127.0.0.1', 12345)} <=
          set(default) and len(default) < 1000, len(default))

# --- outputs

done = scan('--connect', '-p', '2200-2300', '127.0.0.1')
tap.equal('the table', done.stdout.splitlines()[:4],
          ['127.0.0.1 is up (localhost-response)', '  100 ports closed: reset', '  PORT       STATE         SERVICE',
           '  2222/tcp   open          unknown'])
end = re.search(r'\n1 host up of 1, 1 open; (\d+) probes in .*\n'
                'miss probability 0: every port answered\n$', done.stdout)
# Each port once; and a sentinel, one in eight at most, where answers come late.
tap.check('the table: its end', end and 101 <= int(end[1]) <= 101 + 101 // 8, done.stdout)
done = scan('--connect', '-p', '2099-2103,2222', '127.0.0.2', '--reason')
tap.check('--reason', re.search(r'2100/tcp +unreachable +unknown +\S+ \S+ +admin-prohibited \(ICMP '
          r'3/13\)', done.stdout) and '10061' in done.stdout.replace('10060', '10061') and
          '10060' in done.stdout, done.stdout)
tap.check('no line is wider than 80', max(map(len, done.stdout.splitlines())) <= 80, done.stdout)
for target in ('127.0.0.2', '::1'):
    done = scan('--connect', '-p', '2000-2222', '--format', 'xml', target)
    check = subprocess.run(['xmllint', '--noout', '--dtdvalid', '/usr/share/nmap/nmap.dtd', '-'],
                           input=done.stdout, text=True, capture_output=True)
    tap.check(f'XML of {target} is valid', check.returncode == 0 and '"2222"' in done.stdout,
              check.stderr + done.stdout)
def services(*words):
    root = xml.etree.ElementTree.fromstring(scan('--connect', '--format', 'xml', *words, '127.0.0.1').stdout)
    info = root.find('scaninfo').attrib
    return info['services'], int(info['numservices'])


tap.equal('XML: the ports, as numbers', services('-p', 'http,2222,2224,100-', '-p', '1-3'), ('1-3,80,100-65535', 65440))
text, count = services()
tap.check('XML: the default ports', sum(int(last or first) - int(first) + 1 for first, _, last in (
    item.partition('-') for item in text.split(','))) == count, (text, count))
done = scan('--connect', '-p', '2200-2300', '--format', 'grep', '127.0.0.1')
tap.equal('the greppable form', done.stdout.splitlines()[1:3], [
    'Host: 127.0.0.1 ()\tStatus: Up',
    'Host: 127.0.0.1 ()\tPorts: 2222/open/tcp//unknown///\tIgnored State: closed (100)'])
path = os.path.join(netns.scratch(), 'result')
done = scan('--connect', '-p', '2222', '127.0.0.1', '-o', path)
with open(path, encoding='utf-8') as file:
    tap.check('-o', done.stdout == '' and '2222/tcp' in file.read(), done)
done = scan('--connect', '-p', '2222', '127.0.0.1', '-o', '-')
tap.check('-o -', '2222/tcp' in done.stdout and not os.path.exists('-'), done)
full = scan('--connect', '-p', '2222', '127.0.0.1', stdout=open('/dev/full', 'w', encoding='ascii'))
tap.check('a full disk is told', full.returncode == 4 and 'No space left' in full.stderr, full)

# --- fences

for words, status, reason in (
        (['224.0.0.1'], 2, 'multicast'), (['ff02::1'], 2, 'multicast'),
        (['255.255.255.255'], 2, 'broadcast'), (['0.0.0.0'], 2, 'means any'),
        (['192.0.2.1'], 2, 'public address'), (['2001:db8::1'], 2, 'public address'),
        (['10.0.0.1', '--exclude', '10.0.0.0/8'], 2, 'no target is left'),
        ([], 2, 'name a target'), (['-p', '0', '127.0.0.1'], 2, 'ports are 1 to 65535'),
        (['10.0.0.0/8', '-p', '-'], 2, 'more than one scan can keep'),
        (['--syn', '--udp', '127.0.0.1'], 2, 'together'),
        (['--connect', '--syn', '127.0.0.1'], 2, 'together'),
        (['--json', '--format', 'xml', '127.0.0.1'], 2, 'together'),
        (['--format', 'grep', '--reason', '127.0.0.1'], 2, 'has no place for a --reason'),
        (['-P', 'only', '-p', '80', '127.0.0.1'], 2, '--ports has no meaning'),
        (['-P', 'only', '--max-tries', '2', '127.0.0.1'], 2, '--max-tries has no meaning'),
        (['-P', 'only', '--banner', '127.0.0.1'], 2, '--banner has no meaning'),
        (['-P', 'only', '--open', '127.0.0.1'], 2, '--open has no meaning'),
        (['-P', 'only', '--timeout', '1s', '127.0.0.1'], 2, '--timeout has no meaning'),
        (['--max-rate', '0', '127.0.0.1'], 2, '--max-rate'),
        (['-sS', '127.0.0.1'], 2, 'it is called --syn'), (['-T4', '127.0.0.1'], 2, 'leave it out'),
        (['-p', '22', '-iL', 'hosts', '127.0.0.1'], 2, 'it is called --targets FILE'),
        (['-oX', 'file', '127.0.0.1'], 2, 'write --format xml -o FILE'),
        (['-i', '/no/such/file'], 2, 'No such file'), (['-i', '/'], 2, 'Is a directory')):
    done = scan('--connect', *words) if '--syn' not in words and '--connect' not in words \
        else scan(*words)
    tap.check('refused: ' + ' '.join(words), done.returncode == status and reason in done.stderr
              and done.stdout == '', done)
done = netns.run(netns.unprivileged([netns.SONDE, 'scan', '--syn', '127.0.0.1']))
tap.check('--syn without the capability', done.returncode == 3 and 'CAP_NET_RAW' in done.stderr
          and '--connect' in done.stderr, done)


def answer(text):
    """A public address, and this answer on a terminal."""
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(netns.SONDE, [netns.SONDE, 'scan', '--connect', '-p', '80', '192.0.2.1'])
    seen = b''
    os.set_blocking(fd, True)
    while b'[y/N]' not in seen:
        seen += os.read(fd, 1024)
    os.write(fd, text)
    try:
        while True:
            piece = os.read(fd, 1024)
            if not piece:
                break
            seen += piece
    except OSError:
        pass
    os.close(fd)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen


status, seen = answer(b'n\n')
tap.check('a terminal is asked: no', status == 2 and b'--yes-i-may' in seen, seen)
status, seen = answer(b'y\n')
tap.check('a terminal is asked: yes', status == 0 and b'192.0.2.1 is down' in seen, seen)

# --- progress, at a terminal

for words, wanted in (([], rb'\x1b\[K\d+ of 300 ports left, about [0-9.]+ m?s'), (['-q'], None),
                      (['--json'], rb'\x1b\[K\d+ of 300 ports left, about')):
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(netns.SONDE, [netns.SONDE, 'scan', '--connect', '-p', '3000-3299', '--max-rate', '600',
                               *words, '127.0.0.1'])
    seen = b''
    try:
        while piece := os.read(fd, 4096):
            seen += piece
    except OSError:
        pass
    os.close(fd)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    text = re.sub(rb'[^\n]*\r\x1b\[K', b'', seen.replace(b'\r\n', b'\n')).decode()
    tap.check(f'at a terminal {words}: how much is left', status == 0 and (
        re.search(wanted, seen) if wanted else b'left' not in seen), seen[:999])
    tap.check(f'at a terminal {words}: nothing of it stays, nor does it hide a line', 'left' not in text and (
        {json.loads(line)['event'] for line in text.splitlines()} == {'start', 'host', 'port', 'summary'} and
        text.count('"event":"port"') == 300 if '--json' in words else '  300 ports closed: reset\n' in text), text[:999])

# --- stopped

process = netns.background([netns.SONDE, 'scan', '--json', '--connect', '-p', '3000-4999', '--max-rate',
                            '100', '127.0.0.1'], stdout=subprocess.PIPE, text=True)
lines = [process.stdout.readline() for _ in range(10)]
process.send_signal(signal.SIGINT)
lines = [json.loads(line) for line in lines + process.stdout.readlines()]
process.wait(60)
summary = lines[-1]
known = len(states(lines))
tap.check('SIGINT: what is known is told', process.returncode == 0 and summary['complete'] is False
          and summary['closed'] == known and summary['not_known'] == 2000 - known, summary)
# A link on which nobody answers; ^C while hosts are looked for.
for words in ('link add nobody type veth peer name nowhere', 'link set nobody up', 'link set nowhere up',
              'address add 10.99.0.1/20 dev nobody'):
    subprocess.run(['ip', *words.split()], check=True)
for words, wanted in ((['-p', '80'], '1 host up of 4096, 0 open; 0 probes in'), (['--ping', 'only'], '1 host up of 4096\n')):
    pid, fd = pty.fork()
    if pid == 0:
        os.execv(netns.SONDE, [netns.SONDE, 'scan', *words, '10.99.0.0/20'])
    seen = b''
    try:
        while piece := os.read(fd, 4096):
            if b'hosts left' in piece and b'hosts left' not in seen:
                os.write(fd, b'\x03')
            seen += piece
    except OSError:
        pass
    os.close(fd)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    text = seen.replace(b'\r\n', b'\n').decode()
    tap.check(f'^C while hosts are looked for {words}', status == 0 and wanted in text and 'is down' not in text and
              re.search(r'\nstopped early: 4094 hosts( and 1 port)? were not asked often enough to know\n$', text),
              text)
process = netns.background([netns.SONDE, 'scan', '--json', '--connect', '-p', '3000-9999', '--max-rate',
                            '1000', '127.0.0.1'], stdout=subprocess.PIPE)
process.stdout.readline()
process.stdout.close()
tap.check('a reader that goes away ends it', process.wait(60) == 0)

# --- no local port is left: servers have them all

with open('/proc/sys/net/ipv4/ip_local_port_range', 'w', encoding='ascii') as file:
    file.write('30000 30003')
for port in range(30000, 30004):
    listeners.append(socket.create_server(('0.0.0.0', port)))
done = scan('--connect', '-Pn', '-p', '1000-1300', '127.0.0.1')
tap.check('a scan without a local port ends, and says that', done.returncode == 0 and
          '301 ports unreachable: EADDRNOTAVAIL\n' in done.stdout and done.stdout.endswith(
              'miss probability not known: an error of this machine kept 301 ports from being asked\n'), done)
tap.equal('what is short and what helps is said once', done.stderr,
          'sonde: this machine has no local port left for more connects (EADDRNOTAVAIL): a wider '
          'net.ipv4.ip_local_port_range helps, and so may a lower --max-rate\n')
listeners.pop().close()
done = scan('--connect', '-Pn', '-p', '1000-1300', '127.0.0.1')
tap.check('one is enough', '301 ports closed' in done.stdout and not done.stderr, done)
tap.done()
