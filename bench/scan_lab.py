"""The measurements of bench/scan.sh, inside the lab that it makes.

    here, veth ---- there: 20 TCP and 5 UDP services, nft (test/net/scanning.py)
"""

import os
import resource
import statistics
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'test', 'net'))

import netns  # noqa: E402
import scan_peers as peers  # noqa: E402
import scanning  # noqa: E402
from scanning import HOST, TCP, UDP, scan, truth, wrong  # noqa: E402
from verdict import interval, judge  # noqa: E402

ALL = range(1, 65536)
ROUNDS = int(sys.argv[1]) if len(sys.argv) > 1 else 3
PARTS = sys.argv[2:] or ['tcp', 'sweep', 'right', 'challenge', 'udp', 'pool']
RUNS = int(os.environ.get('RUNS', '20'))
missed = []


def verdict(text, rounds, compute, most):
    """compute() of the rounds, with its interval; without `most` it is only told."""
    found, low, high = interval(rounds, compute)
    words = judge(found, low, high, most) if most is not None else ''
    wanted = f'; wanted at most {most}: {words}' if words else ''
    print(f'{text}: {found:.3f} [{low:.3f}, {high:.3f}]{wanted}', flush=True)
    if 'MISSED' in words:
        missed.append(text)


def count(text, value):
    """Of what must not be."""
    print(f'{text}: {value}; wanted 0: {"MISSED" if value else "met"}', flush=True)
    if value:
        missed.append(text)


def timed(argv, limit=300):
    """Wall seconds, CPU seconds, standard output, exit status."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    began = time.monotonic()
    status = None
    try:
        done = subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, timeout=limit)
        text, status = done.stdout, done.returncode
    except subprocess.TimeoutExpired as late:
        text = (late.stdout or b'').decode()
    took = time.monotonic() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return took, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, text, status


class Comparison:
    """Programs in turn, on one network.  Of each run: seconds, CPU seconds, wrong states, and
    what the other side counted."""

    def __init__(self, lab, mode, wanted, programs):
        self.wanted, self.rounds = wanted, []
        for _ in range(ROUNDS):
            self.rounds.append({})
            for name, argv, count_wrong in programs:
                lab.mode(mode)
                took, cpu, text, status = timed(argv)
                self.rounds[-1][name] = {
                    'seconds': took, 'cpu': cpu, 'wrong': count_wrong(text, status, wanted),
                    **lab.counters()}
        print(f'  {"":34} {"min":>8} {"median":>8} {"max":>8} s')
        for name, _, _ in programs:
            runs = [each[name] for each in self.rounds]
            seconds = [run['seconds'] for run in runs]
            print(f'  {name:34} {min(seconds):8.3f} {statistics.median(seconds):8.3f} '
                  f'{max(seconds):8.3f}   cpu {statistics.median(run["cpu"] for run in runs):6.3f}'
                  f'   wrong {[run["wrong"] for run in runs]}', flush=True)

    def ratio(self, text, name, others, most, what='seconds'):
        """Of the medians; of several others, the least one counts."""
        def compute(rounds):
            mine, *bases = (statistics.median(each[one][what] for each in rounds)
                            for one in (name, *others))
            return mine / min(bases)
        verdict(text, self.rounds, compute, most)

    def seconds(self, text, name, most):
        verdict(text, [each[name]['seconds'] for each in self.rounds], statistics.median, most)

    def probes(self, text, name, most):
        """SYNs that arrived, of the ports and of what was lost: a SYN to which no answer
        left is one that the lab dropped, or whose answer it dropped."""
        def compute(runs):
            return statistics.median(
                run['got_syn'] / (len(self.wanted) + run['got_syn'] - run['got_rst'] - run['syn_ack'])
                for run in runs)
        verdict(text, [each[name] for each in self.rounds], compute, most)

    def wrong(self, name):
        return sum(each[name]['wrong'] for each in self.rounds)


OURS, CONNECT = 'sonde --syn', 'sonde --connect'
NMAP, NMAP_FAST, NMAP_CONNECT = 'nmap -sS -T5', 'nmap -sS -T5 --min-rate 100000', 'nmap -sT -T5'
MASSCAN = 'masscan --rate 1M --wait 1'
FLOORS = ['floor, one thread', 'floor, two threads']
CONNECT_FLOORS = ['connect floor, one thread', 'connect floor, two threads']


def part_tcp(lab):
    syn, connect = (peers.ours(name, how, '-p', '-', HOST)
                    for name, how in ((OURS, '--syn'), (CONNECT, '--connect')))
    nmap = peers.nmap(NMAP, '-Pn', '-sS', '-T5', '-p-', HOST)
    nmap_fast = peers.nmap(NMAP_FAST, '-Pn', '-sS', '-T5', '--min-rate', '100000', '-p-', HOST)
    print('65535 ports, closed')
    one = Comparison(lab, 'closed', truth('closed', ALL), [
        syn, *(peers.syn_floor(name, lab, i + 1) for i, name in enumerate(FLOORS)),
        connect, *(peers.connect_floor(name, i + 1) for i, name in enumerate(CONNECT_FLOORS)),
        nmap, nmap_fast, peers.nmap(NMAP_CONNECT, '-Pn', '-sT', '-T5', '-p-', HOST),
        peers.masscan(MASSCAN, lab, '1-65535', HOST)])
    one.ratio('closed, of nmap -T5', OURS, [NMAP], 0.55)
    one.ratio('closed, of the floor (one thread)', OURS, FLOORS[:1], 1.2)
    one.ratio('closed, of that with two threads', OURS, FLOORS[1:], None)
    one.ratio('closed, of masscan', OURS, [MASSCAN], 0.2)
    one.ratio('closed, CPU of nmap -T5', OURS, [NMAP], 0.7, 'cpu')
    one.probes('closed, SYNs of ports and lost', OURS, 1.02)
    one.ratio('closed, connect, of nmap -sT', CONNECT, [NMAP_CONNECT], 0.55)
    one.ratio('closed, connect, of the floor', CONNECT, CONNECT_FLOORS, None)
    count('closed, wrong states', one.wrong(OURS) + one.wrong(CONNECT))
    print('65535 ports, filtered')
    one = Comparison(lab, 'filtered', truth('filtered', ALL), [syn, connect, nmap_fast, nmap])
    one.ratio('filtered, of nmap -T5', OURS, [NMAP], 0.02)
    one.ratio('filtered, of nmap --min-rate 100000', OURS, [NMAP_FAST], 0.5)
    one.ratio('filtered, CPU of nmap -T5', OURS, [NMAP], 0.7, 'cpu')
    verdict('filtered, SYNs a port', [each[OURS]['got_syn'] / len(ALL) for each in one.rounds],
            statistics.median, 2.05)
    count('filtered, wrong states', one.wrong(OURS) + one.wrong(CONNECT))
    for mode, limit in (('loss1', 0.08), ('loss5', None)):
        print(f'65535 ports, {mode}')
        one = Comparison(lab, mode, truth(mode, ALL), [syn, connect, nmap])
        if limit:
            one.ratio(f'{mode}, of nmap -T5', OURS, [NMAP], limit)
        one.ratio(f'{mode}, CPU of nmap -T5', OURS, [NMAP], 0.7, 'cpu')
        one.probes(f'{mode}, SYNs of ports and lost', OURS, 1.02)
        count(f'{mode}, wrong states', one.wrong(OURS) + one.wrong(CONNECT))


def part_sweep(lab):
    ports = sorted({*TCP[:12], *range(1000, 1088)})
    hosts = [f'10.77.1.{i}' for i in range(256)]
    words = ','.join(map(str, ports))
    for mode in ('closed', 'loss1'):
        print(f'256 hosts by {len(ports)} ports, {mode}')
        one = Comparison(lab, mode, truth(mode, ports, hosts), [
            peers.ours(OURS, '--syn', '-p', words, '10.77.1.0/24'),
            peers.nmap('nmap -sS -T4', '-sS', '-T4', '-p', words, '10.77.1.0/24'),
            peers.masscan(MASSCAN, lab, words, '10.77.1.0/24')])
        one.ratio(f'sweep, {mode}, of nmap -T4', OURS, ['nmap -sS -T4'], 0.5)
        count(f'sweep, {mode}, wrong states', one.wrong(OURS))
        if mode == 'closed':
            one.seconds('sweep, seconds', OURS, 0.3)
    print('256 hosts, port 80')
    Comparison(lab, 'closed', truth('closed', (80,), hosts), [
        peers.ours(OURS, '--syn', '-p', '80', '10.77.1.0/24'), peers.zmap('zmap', lab, 80)])


def repeat(text, lab, mode, words, wanted):
    bad, seconds = 0, []
    for _ in range(RUNS):
        if mode == 'half-open':
            lab.half_open()
        else:
            lab.mode(mode)
        began = time.monotonic()
        lines = scan(*words)
        seconds.append(time.monotonic() - began)
        found = wrong(lines, wanted)
        if found:
            bad += len(found)
            print('    ', found[:5], lines[-1], flush=True)
    count(f'{text}, {RUNS} runs, median {statistics.median(seconds):.2f} s: wrong states', bad)


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


def part_challenge(lab):
    repeat('--syn, half-open leftovers', lab, 'half-open', ('--syn', '-p', '20-25', HOST),
           truth('closed', range(20, 26)))


def udp_truth(ports):
    return {(HOST, port): 'open' if port in UDP else 'closed' for port in ports}


def part_udp(lab):
    ports = range(1, 61)
    lab.mode('closed')
    bad, seconds, services = 0, [], []
    for _ in range(ROUNDS):
        time.sleep(7)  # the bucket of the host is full again
        lines = scan('--udp', '-p', '1-60', HOST)
        services.append(max(line['at_ns'] for line in lines if line.get('state') == 'open') / 1e9)
        seconds.append(lines[-1]['took_ns'] / 1e9)
        bad += len(wrong(lines, udp_truth(ports)))
    count(f'UDP, {ROUNDS} runs, wrong states', bad)
    verdict('UDP, services after seconds', services, max, 0.5)
    # Of 56 closed ports the bucket answers six at once.
    verdict('UDP, one source, of the limit\'s floor', [each / (56 - 6) for each in seconds],
            statistics.median, 1.05)


def part_pool(lab):
    for i in range(64):
        lab._ip(f'address add 10.77.2.{i}/16 dev near')
    ports = range(1, 1001)
    bad, seconds = 0, []
    for _ in range(ROUNDS):
        time.sleep(7)  # the buckets of the host are full again
        lines = scan('--udp', '-p', '1-1000', '--source-pool', '10.77.2.0/26', HOST)
        seconds.append(lines[-1]['took_ns'] / 1e9)
        bad += len(wrong(lines, udp_truth(ports)))
    count(f'UDP from 64 sources, {ROUNDS} runs, wrong states', bad)
    verdict('UDP, 64 sources, of the limit\'s floor', [each / ((995 - 6 * 64) / 64) for each in seconds],
            statistics.median, 1.15)


def main():
    netns.enter()
    lab = scanning.Lab()
    netns.background(['nsenter', '-t', lab.pid, '-n', *peers.trickle()])
    for part in PARTS:
        {'tcp': part_tcp, 'sweep': part_sweep, 'right': part_right, 'challenge': part_challenge,
         'udp': part_udp, 'pool': part_pool}[part](lab)
    print('missed: ' + '; '.join(missed) if missed else 'all met')


main()
