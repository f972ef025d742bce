"""The turns of bench/capture.sh: capture_turns.py ROUNDS PACKETS "CPU CPU"; as root, within
a network namespace of its own."""

import os
import random
import signal
import statistics
import subprocess
import sys
import time

SONDE, BLAST = 'build/sonde', 'build/bench/bench_blast'
FOLDER = '/dev/shm'
SAMPLES = 2000

# A ring of 32 MiB each: that is ours without an option, theirs would be 2 MiB.
COMMANDS = {
    'sonde': ([SONDE, 'capture', '-i', 'right', '-w'], 'capturing on'),
    'tcpdump': (['tcpdump', '-n', '-B', '32768', '-Z', 'root', '-i', 'right', '-w'],
                'listening on'),
    'dumpcap': (['dumpcap', '-q', '-B', '32', '-i', 'right', '-w'], 'File:'),
}


def count_packets(path):
    out = subprocess.run(['capinfos', '-Mcr', path], stdout=subprocess.PIPE, text=True,
                         stderr=subprocess.DEVNULL).stdout
    for line in out.splitlines():
        if 'Number of packets' in line and '=' not in line:
            return int(line.split(':')[1])
    return 0


def measure(name, packets, cpus):
    """(lost, CPU nanoseconds per packet, packets sent per second)"""
    argv, ready = COMMANDS[name]
    path = f'{FOLDER}/sonde-bench-{os.getpid()}'
    process = subprocess.Popen(['taskset', '-c', str(cpus[0]), *argv, path],
                               stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    try:
        said = ''
        while ready not in said:
            line = process.stderr.readline()
            if not line:
                sys.exit(f'{name} did not start: {said}')
            said += line
        out = subprocess.run(['taskset', '-c', str(cpus[1]), BLAST, 'left', str(packets), '100'],
                             stdout=subprocess.PIPE, text=True, check=True).stdout.split()
        time.sleep(1.2)  # tcpdump's and dumpcap's blocks may be a second old
        process.send_signal(signal.SIGINT)
        process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = status
        found = count_packets(path)
    finally:
        if process.returncode is None:
            process.kill()
        if os.path.exists(path):
            os.unlink(path)
    cpu_ns = (usage.ru_utime + usage.ru_stime) * 1e9 / max(found, 1)
    return int(out[0]) - found, cpu_ns, int(out[0]) / float(out[1])


def verdict(text, bounds, limit):
    found, low, high = bounds
    words = 'holds' if found <= limit else 'MISSED'
    if low <= limit < high:
        words += ', not surely'
    print(f'{text}: {found:.3g} [{low:.3g}, {high:.3g}], wanted at most {limit:g}: {words}')


def cpu_ratio(rounds):
    cpu = {name: statistics.median(each[name][1] for each in rounds) for name in COMMANDS}
    return cpu['sonde'] / min(cpu['tcpdump'], cpu['dumpcap'])


def lost_more(rounds):
    lost = {name: statistics.median(each[name][0] for each in rounds) for name in COMMANDS}
    return lost['sonde'] - min(lost['tcpdump'], lost['dumpcap'])


def bootstrap(rounds, compute):
    """What compute() makes of the rounds, and the interval of 95 in 100 samples of them,
    always the same ones; rounds are drawn whole, as their programs met the same machine."""
    rng = random.Random(1)
    samples = sorted(compute(rng.choices(rounds, k=len(rounds))) for _ in range(SAMPLES))
    return compute(rounds), samples[SAMPLES // 40], samples[-SAMPLES // 40 - 1]


def main():
    rounds, packets = int(sys.argv[1]), int(sys.argv[2])
    cpus = [int(cpu) for cpu in sys.argv[3].split()]
    for argv in (['link', 'add', 'left', 'type', 'veth', 'peer', 'name', 'right'],
                 # No packets but ours.
                 ['link', 'set', 'left', 'addrgenmode', 'none'],
                 ['link', 'set', 'right', 'addrgenmode', 'none'],
                 ['address', 'add', '192.0.2.1/24', 'dev', 'left'],
                 ['link', 'set', 'left', 'up'], ['link', 'set', 'right', 'up'],
                 ['neighbour', 'add', '192.0.2.2', 'dev', 'left', 'lladdr',
                  '02:00:00:00:00:02']):
        subprocess.run(['ip', *argv], check=True)
    settings = {'a CPU each': (cpus[0], cpus[-1]), 'one CPU for both': (cpus[0], cpus[0])}
    for setting, pair in settings.items():
        seen = {name: [] for name in COMMANDS}
        for turn in range(rounds):
            print(f'{setting}: round {turn + 1} of {rounds}', file=sys.stderr)
            for name in COMMANDS:
                seen[name].append(measure(name, packets, pair))
        print(f'\n{setting}, {packets} packets a round, median of {rounds} rounds')
        print(f'{"":10} {"lost":>10} {"most lost":>10} {"CPU ns/packet":>14} {"sent/s":>10}')
        for name, values in seen.items():
            lost, cpu, rate = (statistics.median(column) for column in zip(*values))
            print(f'{name:10} {lost:10.0f} {max(value[0] for value in values):10} {cpu:14.0f} '
                  f'{rate:10.0f}')
        turns = [dict(zip(seen, values)) for values in zip(*seen.values())]
        if setting == 'a CPU each':
            most = max(each['sonde'][0] for each in turns)
            verdict('packets lost, in the worst round', (most, most, most), 0)
            verdict('CPU per packet, by that of the better peer',
                    bootstrap(turns, cpu_ratio), 0.7)
        else:
            verdict('packets lost, more than the better peer',
                    bootstrap(turns, lost_more), 0)


main()
