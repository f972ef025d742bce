"""The turns of bench/capture.sh: capture_turns.py ROUNDS PACKETS "CPU CPU"; as root, within
a network namespace of its own."""

import os
import signal
import statistics
import subprocess
import sys
import time

SONDE, BLAST = 'build/sonde', 'build/bench/bench_blast'
FOLDER = '/dev/shm'

COMMANDS = {
    'sonde': ([SONDE, 'capture', '-i', 'right', '-w'], 'capturing on'),
    'tcpdump': (['tcpdump', '-n', '-Z', 'root', '-i', 'right', '-w'], 'listening on'),
    'dumpcap': (['dumpcap', '-q', '-i', 'right', '-w'], 'File:'),
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


def verdict(text, ours, limit, more=''):
    print(f'{text}: {ours:.2f}, wanted at most {limit:.2f}: '
          f'{"holds" if ours <= limit else "MISSED"}{more}')


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
        medians = {}
        for name, values in seen.items():
            lost, cpu, rate = (statistics.median(column) for column in zip(*values))
            medians[name] = (lost, cpu)
            print(f'{name:10} {lost:10.0f} {max(value[0] for value in values):10} {cpu:14.0f} '
                  f'{rate:10.0f}')
        peers = [medians[name] for name in ('tcpdump', 'dumpcap')]
        if setting == 'a CPU each':
            verdict('packets lost', max(value[0] for value in seen['sonde']), 0)
            verdict('CPU per packet, by the better peer',
                    medians['sonde'][1] / min(cpu for _, cpu in peers), 0.7)
        else:
            verdict('packets lost', medians['sonde'][0], min(lost for lost, _ in peers))


main()
