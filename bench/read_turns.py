"""The turns of bench/read.sh: read_turns.py ROUNDS."""

import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile
import time

SONDE = 'build/sonde'
PACKETS = 880000


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


def verdict(text, ours, limit, at_most=True):
    holds = ours <= limit if at_most else ours >= limit
    print(f'{text}: {ours:.2f}, wanted at {"most" if at_most else "least"} {limit:g}: '
          f'{"holds" if holds else "MISSED"}')


def main():
    rounds = int(sys.argv[1])
    with tempfile.TemporaryDirectory(dir='/dev/shm') as folder:
        path = os.path.join(folder, 'big.pcap')
        subprocess.run(['build/bench/bench_packets', '50000', path], check=True)
        runs = {
            'sonde, tcp.stream eq 0': ([SONDE, 'read', path, '-Y', 'tcp.stream eq 0'], rounds),
            'sonde, the list': ([SONDE, 'read', path], rounds),
            'sonde, follow': ([SONDE, 'follow', path, '0'], rounds),
            'tcpdump, the list': (['tcpdump', '-n', '-r', path], rounds),
            'tshark, tcp.stream eq 0': (['tshark', '-n', '-r', path, '-Y', 'tcp.stream eq 0'],
                                        1),
        }
        seen = {name: [] for name in runs}
        for turn in range(rounds):
            for name, (argv, turns) in runs.items():
                if turn < turns:
                    print(f'round {turn + 1}: {name}', file=sys.stderr)
                    seen[name].append(measure(argv, False)[0])
        memory = {name: measure(runs[name][0], True)[1]
                  for name in runs if name.endswith('eq 0')}
    median = {name: statistics.median(times) for name, times in seen.items()}
    print(f'{"":26} {"seconds":>9} {"packets/s":>11} {"anonymous MB":>13}')
    for name, seconds in median.items():
        megabytes = f'{memory[name]:.1f}' if name in memory else ''
        print(f'{name:26} {seconds:9.3f} {PACKETS / seconds:11.0f} {megabytes:>13}')
    verdict('seconds of the filter', median['sonde, tcp.stream eq 0'], 0.3)
    verdict('its anonymous MB', memory['sonde, tcp.stream eq 0'], 64)
    verdict('packets/s of the list', PACKETS / median['sonde, the list'], 1e6, False)
    verdict('seconds of follow', median['sonde, follow'], 0.3)


main()
