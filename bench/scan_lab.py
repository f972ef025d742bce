"""The measurements of bench/scan.sh, inside the lab that it makes.

    here, veth ---- there: 20 TCP and 5 UDP services, nft (test/net/scanning.py)
"""

import json
import os
import re
import resource
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'test', 'net'))

import netns  # noqa: E402
import scanning  # noqa: E402
from scanning import HOST, TCP, UDP, scan, truth, wrong  # noqa: E402

ALL = range(1, 65536)
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 3
PARTS = sys.argv[2:] or ['tcp', 'sweep', 'right', 'udp', 'pool']
RUNS = int(os.environ.get('RUNS', '20'))
missed = []


def verdict(text, value, most):
    met = value <= most
    print(f'{text}: {value:.3f}; wanted at most {most}: {"met" if met else "MISSED"}', flush=True)
    if not met:
        missed.append(text)


def timed(argv, limit=300):
    """Wall seconds, CPU seconds, standard output."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=limit)
        text = done.stdout
    except subprocess.TimeoutExpired as late:
        text = (late.stdout or b'').decode()
    took = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, text


def parse_ports(text):
    ports = set()
    for part in text.split(','):
        if part:
            first, _, last = part.partition('-')
            ports.update(range(int(first), int(last or first) + 1))
    return ports


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


def nmap_wrong(text, wanted):
    states, rest = nmap_states(text)
    return sum(states.get(key, rest.get(key[0])) != state for key, state in wanted.items())


def open_wrong(text, wanted, pattern):
    """Of a program that tells open ports alone."""
    got = {(match['host'], int(match['port'])) for match in pattern.finditer(text)}
    want = {key for key, state in wanted.items() if state == 'open'}
    return len(got ^ want)


MASSCAN = re.compile(r'open tcp (?P<port>\d+) (?P<host>\S+)')
ZMAP = re.compile(r'(?P<host>[\d.]+),(?P<port>\d+)')


def ours(*words):
    """As much as nmap is asked to print: what is not open is counted."""
    return [netns.SONDE, 'scan', '--format', 'grep', *words]


def row(name, values):
    seconds = [value[0] for value in values]
    print(f'  {name:34} {min(seconds):8.3f} {statistics.median(seconds):8.3f} {max(seconds):8.3f} s'
          f'   cpu {statistics.median(value[1] for value in values):6.3f}'
          f'   wrong {[value[2] for value in values]}', flush=True)
    return statistics.median(seconds)


class Comparison:
    """Programs in turn, on one network."""

    def __init__(self, lab, mode, wanted):
        self.lab, self.mode, self.wanted = lab, mode, wanted
        self.values = {}

    def run(self, programs):
        for _ in range(ROUNDS):
            for name, argv, judge in programs:
                self.lab.mode(self.mode)
                took, cpu, text = timed(argv)
                if judge == 'nmap':
                    bad = nmap_wrong(text, self.wanted)
                else:
                    bad = open_wrong(text, self.wanted, judge)
                self.values.setdefault(name, []).append((took, cpu, bad))
        self.medians = {name: row(name, values) for name, values in self.values.items()}
        return self

    def cpu(self, name):
        return statistics.median(value[1] for value in self.values[name])

    def wrong(self, name):
        return sum(value[2] for value in self.values[name])


def far_mac(lab):
    done = lab.there(['ip', '-j', 'link', 'show', 'far'], stdout=subprocess.PIPE)
    return json.loads(done.stdout)[0]['address']


def masscan(lab, ports, target):
    mac = far_mac(lab)
    return ['timeout', '60', 'masscan', '-p', ports, target, '--rate', '1000000', '--wait', '1', '-e', 'near',
            '--adapter-ip', '10.77.0.77', '--router-mac', mac.replace(':', '-'), '-oL', '-']


def zmap(lab, port):
    return ['zmap', '-p', str(port), '-i', 'near', '-b', '/dev/null', '-G', far_mac(lab), '-c', '1', '-q', '-O', 'csv',
            '-f', 'saddr,sport', '--output-filter=success=1 && repeat=0', '10.77.1.0/24']


def trickle(lab):
    """masscan looks at its exit flag only when a packet arrives."""
    code = ('import socket,time\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\n'
            'while True:\n'
            ' try: s.sendto(b"x",("10.77.0.1",9))\n'
            ' except OSError: pass\n'
            ' time.sleep(0.1)')
    return netns.background(['nsenter', '-t', lab.pid, '-n', sys.executable, '-c', code])


def part_tcp(lab):
    nmap = ['nmap', '-n', '-Pn', '-p-', '-oG', '-', HOST]
    print('65535 ports, closed: min, median, max')
    one = Comparison(lab, 'closed', truth('closed', ALL)).run([
        ('sonde --syn', ours('--syn', '-p', '-', HOST), 'nmap'),
        ('sonde --connect', ours('--connect', '-p', '-', HOST), 'nmap'),
        ('nmap -sS -T5', nmap[:1] + ['-sS', '-T5'] + nmap[1:], 'nmap'),
        ('nmap -sS -T5 --min-rate 100000', nmap[:1] + ['-sS', '-T5', '--min-rate', '100000'] + nmap[1:],
         'nmap'),
        ('nmap -sT -T5', nmap[:1] + ['-sT', '-T5'] + nmap[1:], 'nmap'),
        ('masscan --rate 1M --wait 1', masscan(lab, '1-65535', HOST), MASSCAN)])
    verdict('closed, of nmap -T5', one.medians['sonde --syn'] / one.medians['nmap -sS -T5'], 0.55)
    verdict('closed, of masscan',
            one.medians['sonde --syn'] / one.medians['masscan --rate 1M --wait 1'], 0.2)
    verdict('closed, connect, of nmap -sT', one.medians['sonde --connect'] / one.medians['nmap -sT -T5'], 0.55)
    verdict('closed, CPU of nmap -T5', one.cpu('sonde --syn') / one.cpu('nmap -sS -T5'), 0.7)
    verdict('closed, probes a port', scan('--syn', '-p', '-', HOST)[-1]['probes'] / 65535, 1.02)
    print('65535 ports, filtered')
    one = Comparison(lab, 'filtered', truth('filtered', ALL)).run([
        ('sonde --syn', ours('--syn', '-p', '-', HOST), 'nmap'),
        ('sonde --connect', ours('--connect', '-p', '-', HOST), 'nmap'),
        ('nmap -sS -T5 --min-rate 100000', nmap[:1] + ['-sS', '-T5', '--min-rate', '100000'] + nmap[1:],
         'nmap'),
        ('nmap -sS -T5', nmap[:1] + ['-sS', '-T5'] + nmap[1:], 'nmap')])
    verdict('filtered, of nmap -T5', one.medians['sonde --syn'] / one.medians['nmap -sS -T5'], 0.02)
    verdict('filtered, of nmap --min-rate 100000',
            one.medians['sonde --syn'] / one.medians['nmap -sS -T5 --min-rate 100000'], 0.5)
    verdict('filtered, probes a port', scan('--syn', '-p', '-', HOST)[-1]['probes'] / 65535, 2.05)
    for mode, limit in (('loss1', 0.08), ('loss5', None)):
        print(f'65535 ports, {mode}')
        one = Comparison(lab, mode, truth(mode, ALL)).run([
            ('sonde --syn', ours('--syn', '-p', '-', HOST), 'nmap'),
            ('sonde --connect', ours('--connect', '-p', '-', HOST), 'nmap'),
            ('nmap -sS -T5', nmap[:1] + ['-sS', '-T5'] + nmap[1:], 'nmap')])
        if limit:
            verdict(f'{mode}, of nmap -T5', one.medians['sonde --syn'] / one.medians['nmap -sS -T5'], limit)
        verdict(f'{mode}, wrong states', one.wrong('sonde --syn') + one.wrong('sonde --connect'), 0)


def part_sweep(lab):
    ports = sorted({*TCP[:12], *range(1000, 1088)})
    hosts = [f'10.77.1.{i}' for i in range(256)]
    words = ','.join(map(str, ports))
    for mode in ('closed', 'loss1'):
        print(f'256 hosts by {len(ports)} ports, {mode}')
        one = Comparison(lab, mode, truth(mode, ports, hosts)).run([
            ('sonde --syn', ours('--syn', '-p', words, '10.77.1.0/24'), 'nmap'),
            ('nmap -sS -T4', ['nmap', '-n', '-sS', '-T4', '-p', words, '-oG', '-', '10.77.1.0/24'], 'nmap'),
            ('masscan --rate 1M --wait 1', masscan(lab, words, '10.77.1.0/24'), MASSCAN)])
        verdict(f'sweep, {mode}, of nmap -T4', one.medians['sonde --syn'] / one.medians['nmap -sS -T4'], 0.5)
        verdict(f'sweep, {mode}, wrong states', one.wrong('sonde --syn'), 0)
        if mode == 'closed':
            verdict('sweep, seconds', one.medians['sonde --syn'], 0.3)
    print('256 hosts, port 80')
    Comparison(lab, 'closed', truth('closed', (80,), hosts)).run([
        ('sonde --syn', ours('--syn', '-p', '80', '10.77.1.0/24'), 'nmap'),
        ('zmap', zmap(lab, 80), ZMAP)])


def repeat(text, lab, mode, words, wanted, count=RUNS, allowed=None):
    bad, seconds = 0, []
    for _ in range(count):
        lab.mode(mode)
        began = time.monotonic()
        lines = scan(*words)
        seconds.append(time.monotonic() - began)
        found = wrong(lines, wanted)
        if allowed:
            found = [entry for entry in found if entry[1] not in allowed]
        if found:
            bad += len(found)
            print('    ', found[:5], lines[-1], flush=True)
    verdict(f'{text}, {count} runs, median {statistics.median(seconds):.2f} s: wrong states', bad, 0)


def part_right(lab):
    for how in ('--syn', '--connect'):
        for mode in ('closed', 'filtered', 'loss1', 'loss5'):
            repeat(f'{how} {mode}', lab, mode, (how, '-p', '-', HOST), truth(mode, ALL))
    some = range(1, 2001)
    repeat('--syn, 500 RST a second', lab, 'resets', ('--syn', '-p', '1-2000', HOST), truth('resets', some))
    lab.there(['sysctl', '-qw', 'net.ipv4.icmp_ratelimit=0', 'net.ipv4.icmp_msgs_per_sec=1000000',
               'net.ipv4.icmp_msgs_burst=100000'])
    for how in ('--syn', '--connect'):
        repeat(f'{how}, ICMP admin-prohibited', lab, 'rejected', (how, '-p', '1-5000', HOST),
               truth('rejected', range(1, 5001)))
    lab.there(['sysctl', '-qw', 'net.ipv4.icmp_ratelimit=1000'])
    for rate in (100, 3000, 1000000):
        ports = range(1, min(65536, rate // 2 + 51))
        repeat(f'--syn --max-rate {rate}, loss1', lab, 'loss1',
               ('--syn', '--max-rate', rate, '-p', f'1-{ports[-1]}', HOST), truth('loss1', ports))
    for text, how in (('delayed by 150 ms', {'delay_ms': 150}), ('delayed by 0 to 200 ms', {'jitter_ms': 200}),
                      ('copies', {'duplicates': 0.5, 'jitter_ms': 20}), ('a wrong sender', {'wrong': 0.05}),
                      ('2 % loss, 20 ms', {'loss': 0.02, 'delay_ms': 20})):
        path = lab.path(**how)
        for method in ('--syn', '--connect'):
            repeat(f'{method}, {text}', lab, 'closed', (method, '-p', '1-1000', '10.78.0.2'),
                   truth('closed', range(1, 1001), ['10.78.0.2']))
        path.terminate()
        path.wait()


def udp_truth(ports):
    return {(HOST, port): 'open' if port in UDP else 'closed' for port in ports}


def part_udp(lab):
    ports = range(1, 61)
    lab.mode('closed')
    seconds = []
    for _ in range(ROUNDS):
        lines = scan('--udp', '-p', '1-60', HOST)
        services = max(line['at_ns'] for line in lines if line.get('state') == 'open') / 1e9
        seconds.append(lines[-1]['took_ns'] / 1e9)
        verdict('UDP, wrong states', len(wrong(lines, udp_truth(ports))), 0)
        verdict('UDP, services after seconds', services, 0.5)
    verdict('UDP, one source, of the limit\'s floor', statistics.median(seconds) / (56 - 6), 1.05)


def part_pool(lab):
    for i in range(64):
        lab._ip(f'address add 10.77.2.{i}/16 dev near')
    ports = range(1, 1001)
    seconds = []
    for _ in range(ROUNDS):
        time.sleep(7)  # the buckets of the host are full again
        lines = scan('--udp', '-p', '1-1000', '--source-pool', '10.77.2.0/26', HOST)
        seconds.append(lines[-1]['took_ns'] / 1e9)
        verdict('UDP from 64 sources, wrong states', len(wrong(lines, udp_truth(ports))), 0)
    verdict('UDP, 64 sources, of the limit\'s floor', statistics.median(seconds) / ((995 - 6 * 64) / 64), 1.15)


def main():
    netns.enter()
    lab = scanning.Lab()
    trickle(lab)
    for part in PARTS:
        {'tcp': part_tcp, 'sweep': part_sweep, 'right': part_right, 'udp': part_udp, 'pool': part_pool}[part](lab)
    print('missed: ' + '; '.join(missed) if missed else 'all met')


main()
