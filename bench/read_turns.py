"""The turns of bench/read.sh: read_turns.py ROUNDS."""

import os
import pathlib
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time

SONDE = 'build/sonde'
PACKETS = 880000
SAMPLES = 2000
FILTER, LIST = 'sonde, tcp.stream eq 0', 'sonde, the list'
FOLLOW, TCPDUMP = 'sonde, follow', 'tcpdump, the list'


def anonymous_kb(pid):
    try:
        status = pathlib.Path(f'/proc/{pid}/status').read_text()
    except OSError:
        return 0
    found = re.search(r'RssAnon:\s+(\d+)', status)
    return int(found.group(1)) if found else 0


def measure(argv, watches):
    """Seconds, and the most anonymous memory in MB that was seen."""
    most = 0
    began = time.monotonic()
    process = subprocess.Popen(argv, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    while watches and process.poll() is None:
        most = max(most, anonymous_kb(process.pid))
        time.sleep(0.01)
    status = process.wait()
    seconds = time.monotonic() - began
    if status:
        sys.exit(f'{" ".join(argv)}: exit status {status}')
    return seconds, most / 1024


def bootstrap(rounds, compute):
    """What compute() makes of the rounds, and the interval of 95 in 100 samples of them,
    always the same ones; rounds are drawn whole, as their programs met the same machine."""
    rng = random.Random(1)
    samples = sorted(compute(rng.choices(rounds, k=len(rounds))) for _ in range(SAMPLES))
    return compute(rounds), samples[SAMPLES // 40], samples[-SAMPLES // 40 - 1]


def verdict(text, bounds, limit, at_most=True):
    found, low, high = bounds
    holds = found <= limit if at_most else found >= limit
    words = 'holds' if holds else 'MISSED'
    if low <= limit < high:
        words += ', not surely'
    print(f'{text}: {found:.3g} [{low:.3g}, {high:.3g}], wanted at '
          f'{"most" if at_most else "least"} {limit:g}: {words}')


def median_of(name):
    return lambda rounds: statistics.median(each[name] for each in rounds)


def main():
    rounds = int(sys.argv[1])
    with tempfile.TemporaryDirectory(dir='/dev/shm') as folder:
        path = os.path.join(folder, 'big.pcap')
        subprocess.run(['build/bench/bench_packets', '50000', path], check=True)
        runs = {
            FILTER: [SONDE, 'read', path, '-Y', 'tcp.stream eq 0'],
            LIST: [SONDE, 'read', path],
            FOLLOW: [SONDE, 'follow', path, '0'],
            TCPDUMP: ['tcpdump', '-n', '-r', path],
        }
        tshark = ['tshark', '-n', '-r', path, '-Y', 'tcp.stream eq 0']
        seen = []
        for turn in range(rounds):
            print(f'round {turn + 1} of {rounds}', file=sys.stderr)
            seen.append({name: measure(argv, False)[0] for name, argv in runs.items()})
        # It takes so long that it has one round only.
        tshark_seconds, tshark_memory = measure(tshark, True)
        memory = {name: measure(argv, True)[1] for name, argv in runs.items()}
    print(f'{"":26} {"seconds":>9} {"packets/s":>11} {"anonymous MB":>13}')
    for name in runs:
        seconds = median_of(name)(seen)
        print(f'{name:26} {seconds:9.3f} {PACKETS / seconds:11.0f} {memory[name]:13.1f}')
    print(f'{"tshark, tcp.stream eq 0":26} {tshark_seconds:9.3f} '
          f'{PACKETS / tshark_seconds:11.0f} {tshark_memory:13.1f}')
    verdict('seconds of the filter', bootstrap(seen, median_of(FILTER)), 0.3)
    verdict('its anonymous MB', (memory[FILTER],) * 3, 64)
    verdict('packets/s of the list',
            bootstrap(seen, lambda each: PACKETS / median_of(LIST)(each)), 1e6, False)
    verdict('seconds of follow', bootstrap(seen, median_of(FOLLOW)), 0.3)
    ratio = bootstrap(seen, lambda each: median_of(LIST)(each) / median_of(TCPDUMP)(each))
    print('seconds of the list, by those of tcpdump: '
          f'{ratio[0]:.3g} [{ratio[1]:.3g}, {ratio[2]:.3g}]')


main()
