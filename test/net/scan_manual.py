#!/usr/bin/python3
"""Each example of sonde-scan(1) does what its sentence says.  The commands are those of the
page, word for word; but where they name an address that stands for the reader's own, they
get the word --yes-i-may.  LeakSanitizer: off, because --explain traces sonde itself.

    here: 192.0.2.64/26, 2001:db8::1 ---- veth ---- there: the rest of 192.0.2.0/23,
                                                    2001:db8::7; services, all addresses
"""

import concurrent.futures
import os
import re
import signal
import subprocess
import xml.etree.ElementTree

import netns
from scanning import Lab, TCP
from serving import Server
from tap import tap

netns.enter()
lab = Lab()
for i in range(64, 128):
    lab._ip(f'address add 192.0.2.{i}/23 dev near')
lab._ip('address add 2001:db8::1/64 dev near nodad')
lab.there(['ip', 'address', 'add', '2001:db8::7/64', 'dev', 'far', 'nodad'])
for words in ('192.0.2.0/26', '192.0.2.248/29', '192.0.3.0/29'):
    lab.there(['ip', 'route', 'add', 'local', words, 'dev', 'lo'])
lab.there(['ip', 'address', 'add', '192.0.2.7/32', 'dev', 'far'])
# Its datagrams come from the address that was asked.
lab.there(['ip', 'route', 'add', '192.0.2.64/26', 'dev', 'far', 'src', '192.0.2.7'])
lab.there(['sysctl', '-qw', 'net.ipv4.icmp_ratelimit=20', 'net.ipv4.icmp_msgs_per_sec=100000',
           'net.ipv4.icmp_msgs_burst=10000', 'net.ipv4.icmp_echo_ignore_all=1'])
there = Server('daytime@*:10013', 'echo@*:10007', before=('nsenter', '-t', lab.pid, '-n'), listening=4)
lossy = Server('upper@:12000', '--drop', '10%', listening=4)
here = Server('tell@:12345', listening=4)

folder = netns.scratch()
for name, text in (('hosts.txt', '192.0.2.7 192.0.2.8 # two\n'),
                   ('hosts', '127.0.0.1 localhost\n192.0.2.9 host.example.org\n')):
    with open(os.path.join(folder, name), 'w', encoding='ascii') as file:
        file.write(text)
NEIGHBOURS = {*range(64), *range(248, 256)}  # of 192.0.2.0/24, those that are there


def examples():
    """(sentence, command) of the page."""
    with open(os.path.join(netns.ROOT, 'man', 'sonde-scan.1'), encoding='utf-8') as page:
        text = page.read().partition('.Sh EXAMPLES\n')[2].partition('.Sh SEE ALSO')[0]
    sentence, command, is_new = [], '', True
    for line in text.replace('\\e', '\\').splitlines():
        if line.startswith(('.Dl $ ', '$ ')):
            command = line.partition('$ ')[2]
        elif command.endswith('|'):
            command += line
        elif line.startswith('.Pp'):
            is_new = True
            continue
        elif line.startswith('.') and not line.startswith('.Ql '):
            continue
        else:
            sentence = [*([] if is_new else sentence), line.replace('.Ql ', '')]
            is_new = False
            continue
        if not command.endswith('|'):
            yield ' '.join(sentence), command


def states(done, host='192.0.2.7'):
    """{port: state} in the table of that host."""
    table, at = {}, None
    for line in done.stdout.splitlines():
        if not line.startswith(' '):
            at = line.split()[0] if line else None
        match = re.match(r'  (\d+)/\w+ +(\S+)', line)
        if match and at == host:
            table[int(match[1])] = match[2]
    return table


def hosts(done):
    return set(re.findall(r'^(\S+) is up', done.stdout, re.MULTILINE))


def opened(done, *ports):
    got = states(done)
    return [port for port in got if got[port] == 'open'] == list(ports)


def counted(done, ports, state='closed'):
    return f'  {ports} ports {state}: ' in done.stdout


def is_certain(done):
    return 'miss probability 0: every port answered' in done.stdout


def grepped(done):
    return {line.split()[1] for line in done.stdout.splitlines() if '22/open' in line}


def parsed(name):
    return xml.etree.ElementTree.parse(os.path.join(folder, name)).getroot()


ADDRESSES = {f'192.0.2.{i}' for i in NEIGHBOURS}
OWN = {f'192.0.2.{i}' for i in range(64, 128)}
# What each of them has to show; the key is the example's first words, or more where those
# are two examples'.
WANTED = {
    'sonde scan localhost': lambda done: '\n  12345/tcp  open' in done.stdout and '\n  12000/tcp  open' in done.stdout,
    'sonde scan -p - --reason': lambda done: opened(done, *sorted({*TCP, 10007, 10013})) and
    re.search(r'\n  22/tcp +open +ssh +\S+ \S+ +syn-ack\n', done.stdout) and '65513 ports closed: reset' in done.stdout,
    'sonde scan -p 22,80,8000-8100,smtp': lambda done: opened(done, 22, 25, 80, 8080) and counted(done, 100) and
    '25/tcp     open          smtp' in done.stdout,
    'sonde scan --open -p 22,80,443 ': lambda done: hosts(done) == ADDRESSES and
    'closed' not in done.stdout and opened(done, 22, 80, 443),
    'sonde scan --open -p 22 --exclude': lambda done: hosts(done) == ADDRESSES - {'192.0.2.1', '192.0.2.254'},
    'sonde scan -p 443 192.0.2.250-': lambda done: '12 hosts up of 12, 12 open' in done.stdout,
    'sonde scan -p 443 -i hosts.txt': lambda done: hosts(done) == {'192.0.2.7', '192.0.2.8'} and opened(done, 443),
    'printf': lambda done: hosts(done) == {'192.0.2.7', '192.0.2.8'} and opened(done, 443),
    'sonde scan --banner': lambda done: re.search(r'10013/tcp +open +\w+\n    \S [A-Z].*20\d\d', done.stdout) and
    re.search(r'10007/tcp +open +echo', done.stdout),
    'sonde scan -p 12000-12345': lambda done: re.search(r'12000/tcp .*\n    \S HELLO\n', done.stdout) and
    re.search(r'12345/tcp .*\n    \S .*hello', done.stdout),
    'sonde scan -p 1-1000 2001': lambda done: states(done, '2001:db8::7')[993] == 'open' and counted(done, 989),
    'sonde scan --connect': lambda done: {22, 25, 443} <= set(states(done)) and is_certain(done),
    'unshare': lambda done: '127.0.0.1 is up' in done.stdout and is_certain(done),
    'sonde scan --udp -p 7,13,53,123': lambda done: states(done) == {7: 'open', 13: 'open', 53: 'closed', 123: 'open'},
    'sonde scan --udp -p 1-1000': lambda done: opened(done, 7, 13, 17, 19, 123) and counted(done, 995) and
    is_certain(done),
    'sonde scan -p 1-1000 --max-rate': lambda done: 'stopped early' in done.stdout and
    0 < int(re.search(r'(\d+) probes in', done.stdout)[1]) < 500,
    'sonde scan -Pn': lambda done: hosts(done) == {'192.0.2.7'} and opened(done, 22, 443),
    'sonde scan --ping only': lambda done: hosts(done) == ADDRESSES | OWN and '/tcp' not in done.stdout,
    'sonde scan --max-tries 1': lambda done: opened(done, *sorted({*TCP, 10007, 10013})),
    'sonde scan --explain': lambda done: '12345/tcp is open.' in done.stdout and '12345/udp is open.' in done.stdout,
    'sonde scan --udp-ping': lambda done: re.search(r'\n20 sent, (1\d|20) answered, \d+ % lost\nround trip: least ', done.stdout),
    'sonde scan --yes-i-may': lambda done: hosts(done) == {'192.0.2.9'} and '443/tcp    open' in done.stdout,
    'sonde scan --json --open': lambda done: {line.split()[0] for line in done.stdout.splitlines()} == ADDRESSES and
    '192.0.2.7 22' in done.stdout.splitlines(),
    'sonde scan --json -p -': lambda done: done.stdout == '0\n',
    'sonde scan -p - --format xml': lambda done: len(parsed('scan.xml').findall('host/ports/port')) == len(TCP) + 2,
    'sonde scan --format grep': lambda done: grepped(done) == ADDRESSES,
}
PLAIN = ('sonde scan --connect', 'sonde scan --udp')  # what needs no privilege, the page says


def run(command, key):
    words = command
    if '--yes-i-may' not in words and re.search(r'\b192\.0\.|2001:db8|hosts\.txt', words):
        words = words.replace('sonde scan', 'sonde scan --yes-i-may')
    argv = ['sh', '-c', words if '|' in words else f'exec {words}']
    if 'host.example.org' in words:
        argv = ['unshare', '-m', 'sh', '-c', f'mount --bind {folder}/hosts /etc/hosts && {words}']
    elif key.startswith(PLAIN):
        argv = netns.unprivileged(argv)
    process = subprocess.Popen(argv, cwd=folder, text=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, start_new_session=True, env=environment)
    try:
        # It would take 20 s; what it has done within some is as good.
        out, err = process.communicate(timeout=5 if '--max-rate' in words else 100)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGINT)
        out, err = process.communicate(timeout=60)
    return subprocess.CompletedProcess(words, process.returncode, out, err)


environment = {**os.environ, 'PATH': os.path.dirname(netns.SONDE) + ':' + os.environ['PATH']}
found = {}
for sentence, command in examples():
    keys = [key for key in WANTED if command.startswith(key)]
    if tap.equal(f'the test knows: {command}', len(keys), 1):
        found[keys[0]] = (sentence, command)
tap.equal('the page has all that the test knows', sorted(found), sorted(WANTED))
tap.check('twenty examples and more', len(found) >= 20, found)
with concurrent.futures.ThreadPoolExecutor(4) as pool:
    results = {key: pool.submit(run, found[key][1], key) for key in found}
for key, result in results.items():
    sentence, command = found[key]
    done = result.result()
    if key == 'unshare' and not netns.can_isolate():
        tap.skip(command, 'no user namespace can be made here')
        continue
    tap.check(f'{sentence} {command}', done.returncode == 0 and WANTED[key](done),
              f'{done.args}: {done.returncode}\n{done.stdout[:3000]}\n{done.stderr[:1000]}')
tap.done()
