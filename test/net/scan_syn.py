#!/usr/bin/python3
"""`sonde scan --syn`: every state against the truth, over a path that loses, delays,
copies, limits and lies.

    here, veth and TUN ---- there: 20 listeners, nft (test/net/scanning.py)
"""

import json
import re
import resource
import subprocess
import sys

import netns
from scanning import HOST, HOST6, Lab, TCP, scan, states, truth, wrong
from tap import tap

netns.enter()
lab = Lab()
ALL = range(1, 65536)


def check(text, lines, wanted, **fields):
    summary = lines[-1]
    bad = wrong(lines, wanted)
    tap.check(text, not bad and summary['complete'] and summary['miss_probability'] <= 0.011 and
              all(summary[key] == value for key, value in fields.items()), (bad[:20], summary))
    return summary


# --- the modes

before = lab.dropped()
# Of a host that answers pings, a probe may be an echo request.
lab.there(['nft', 'add', 'rule', 'inet', 'lab', 'in', 'icmp', 'type', 'echo-request', 'drop'])
summary = check('all ports, closed', scan('--syn', '-p', '-', HOST), truth('closed', ALL),
                open=20, closed=65515)
tap.check('few probes more than ports', summary['probes'] <= 1.02 * 65535 + summary['repeated'], summary)
counted = lab.counters()
tap.equal('what arrived there is what is said to have left, but for what the link lost',
          counted['got_syn'] + lab.dropped() - before, summary['probes'])
lab.mode('filtered')
summary = check('10000 ports, filtered', scan('--syn', '-p', '1-10000', HOST),
                truth('filtered', range(1, 10001)), filtered=9987)
tap.check('two tries of each are enough', summary['probes'] <= 2.05 * 10000, summary)
for mode in ('loss1', 'loss5'):
    lab.mode(mode)
    check(f'10000 ports, {mode}', scan('--syn', '-p', '1-10000', HOST), truth(mode, range(1, 10001)))
lab.mode('resets')
check('700 ports, 500 RST a second', scan('--syn', '-p', '1-700', HOST), truth('resets', range(1, 701)))
lab.there(['sysctl', '-qw', 'net.ipv4.icmp_ratelimit=0', 'net.ipv4.icmp_msgs_per_sec=1000000',
           'net.ipv4.icmp_msgs_burst=10000'])
lab.mode('rejected')
lines = scan('--syn', '-p', '1-3000', HOST)
check('3000 ports, ICMP admin-prohibited', lines, truth('rejected', range(1, 3001)))
line = [line for line in lines if line['event'] == 'port' and line['port'] == 1][0]
tap.check('with type, code and sender', (line['reason'], line['icmp_type'], line['icmp_code'],
          line['from']) == ('admin-prohibited', 3, 13, HOST), line)
lab.there(['sysctl', '-qw', 'net.ipv4.icmp_ratelimit=20'])
lines = scan('--syn', '-p', '1-3000', HOST)
got = states(lines)
tap.check('limited ICMP errors: filtered or unreachable, and a note',
          all(got[HOST, port] == 'open' if port in TCP else got[HOST, port] in ('filtered', 'unreachable')
              for port in range(1, 3001)) and
          [line for line in lines if line['event'] == 'note' and 'limited' in line['text']], lines[-1])
lab.mode('closed')
check('IPv6, 5000 ports', scan('--syn', '-p', '1-5000', HOST6), truth('closed', range(1, 5001), [HOST6]))
hosts = [f'10.77.1.{i}' for i in range(64)]
ports = sorted({*range(1, 31), *(port for port in TCP if port < 3000)})
check('64 hosts', scan('--syn', '-p', ','.join(map(str, ports)), '10.77.1.0/26'),
      truth('closed', ports, hosts), hosts_up=64)
lines = scan('--syn', '-p', '79-81', '--max-rate', '20', HOST)
check('--max-rate 20', lines, truth('closed', (79, 80, 81)))
lines = scan('--syn', '-p', '1000-1399', '--max-rate', '800', HOST)
check('--max-rate 800', lines, truth('closed', range(1000, 1400)))
tap.check('is kept', lines[-1]['took_ns'] >= 0.48e9, lines[-1])

# --- loopback, where every port of ours is asked, too

lines = scan('--syn', '-p', '30000-60000', '127.0.0.1')
check('loopback', lines, truth('closed', range(30000, 60001), ['127.0.0.1'], tcp=()))
check('loopback, IPv6', scan('--syn', '-p', '1-1000', '::1'), truth('closed', range(1, 1001), ['::1'], tcp=()))

# --- half-open leftovers: an old connection of ours that the host still holds

lab.half_open()
check('half-open leftovers (challenge ACKs)', scan('--syn', '-p', '20-25', HOST), truth('closed', range(20, 26)))

# --- paths of 10.78.0.0/24

if netns.run(['test', '-c', '/dev/net/tun']).returncode:
    tap.skip('slow paths, copies, a wrong sender', 'no /dev/net/tun here')
else:
    for text, how in (('delayed by 150 ms', {'delay_ms': 150}),
                      ('delayed by 0 to 200 ms', {'jitter_ms': 200}),
                      ('copies', {'duplicates': 0.5, 'jitter_ms': 20}),
                      ('a wrong sender, 5 %', {'wrong': 0.05}),
                      ('2 % lost each way, 20 ms', {'loss': 0.02, 'delay_ms': 20})):
        path = lab.path(**how)
        summary = check(f'path: {text}', scan('--syn', '-p', '1-600', '10.78.0.2'),
                        truth('closed', range(1, 601), ['10.78.0.2']))
        if 'wrong' in how:
            tap.check('and answers from another address are counted', summary['foreign'] > 0, summary)
        path.terminate()
        path.wait()

# --- what this machine lacks

few = netns.run([netns.SONDE, 'scan', '--syn', '-p', '80', HOST], preexec_fn=lambda: resource.setrlimit(
    resource.RLIMIT_NOFILE, (50, 50)))
tap.check('no descriptors for the own ports', few.returncode == 4 and 'ulimit' in few.stderr, few)
done = netns.run([netns.SONDE, 'scan', '-p', '1-30', HOST])
tap.check('the default is SYN where it is permitted', re.search(r'^10\.77\.1\.1 is up \(echo-reply, ', done.stdout)
          and '22/tcp     open' in done.stdout, done)
subprocess.run(['nft', '-f', '-'], check=True, text=True, input='''
table ip own {
  chain out {
    type filter hook output priority 0
    tcp dport 81 drop
  }
}''')
line = [line for line in scan('--syn', '-p', '80,81', HOST) if line.get('port') == 81][0]
tap.check('what a filter of this machine drops', (line['state'], line['reason']) == ('unreachable', 'EPERM'),
          line)
done = netns.run([netns.SONDE, 'scan', '-p', '80', '10.77.255.255'])
tap.check('a broadcast address is refused', done.returncode == 2 and 'broadcast' in done.stderr, done)

# --- hosts that are down: all of them at once, because each takes its time

HOSTS = (([], ['--ping', 'only', '10.77.1.250-10.77.2.5']),
         (netns.unprivileged([]), ['--ping', 'only', '10.77.1.7', '10.77.2.7']),
         ([], ['-Pn', '--syn', '-p', '1-3', '10.77.2.8']))
processes = [netns.background([*before, netns.SONDE, 'scan', '--json', *words], stdout=subprocess.PIPE, text=True)
             for before, words in HOSTS]
results = [[json.loads(line) for line in process.communicate(timeout=300)[0].splitlines()]
           for process in processes]
up = [{line['address'] for line in lines if line['event'] == 'host' and line['state'] == 'up'}
      for lines in results]
tap.equal('which hosts are up', up[0], {f'10.77.1.{i}' for i in range(250, 256)})
tap.equal('also without a privilege', up[1], {'10.77.1.7'})
tap.check('a host that is down, -Pn: nothing is open or closed', set(states(results[2]).values()) <=
          {'filtered', 'unreachable'} and len(states(results[2])) == 3, results[2])
tap.done()
