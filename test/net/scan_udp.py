#!/usr/bin/python3
"""`sonde scan --udp`: open, closed, silent and unreachable ports, behind a limit of ICMP
errors, with loss, and on this machine, where the asking socket has a port of its own.

    here ---- veth ---- there: 5 services, nft (test/net/scanning.py)
"""

import socket
import subprocess

import netns
from scanning import HOST, HOST6, Lab, UDP, scan, wrong
from tap import tap

netns.enter()
lab = Lab()


def truth(ports, host=HOST, services=UDP, silent=(), rejected=()):
    return {(host, port): 'open' if port in services else 'open|filtered' if port in silent else
            'unreachable' if port in rejected else 'closed' for port in ports}


def check(text, lines, wanted, **fields):
    bad = wrong(lines, wanted)
    summary = lines[-1]
    tap.check(text, not bad and summary['complete'] and all(summary[key] == value
              for key, value in fields.items()), (bad[:20], summary))
    return summary


def limit(milliseconds):
    lab.there(['sysctl', '-qw', f'net.ipv4.icmp_ratelimit={milliseconds}'])


limit(0)
check('no limit', scan('--udp', '-p', '1-1000', HOST), truth(range(1, 1001)), open=5, closed=995)
limit(20)
lines = scan('--udp', '-p', '1-90', HOST)
summary = check('50 errors a second', lines, truth(range(1, 91)), open=4)
tap.check('takes as long as they do', summary['took_ns'] > 1.4e9, summary)
opened = [line for line in lines if line.get('state') == 'open']
tap.check('services are known at once', max(line['at_ns'] for line in opened) < summary['took_ns'] / 2 and
          all(line['reason'] == 'udp-response' for line in opened), opened)
tap.check('closed: by which message', [line for line in lines if line.get('port') == 1][0].items() >= {
    'reason': 'port-unreach', 'icmp_type': 3, 'icmp_code': 3, 'from': HOST}.items())
for i in range(8):
    lab._ip(f'address add 10.77.2.{i}/16 dev near')
summary = check('from 8 addresses', scan('--udp', '-p', '1-200', '--source-pool', '10.77.2.0-7', HOST),
                truth(range(1, 201)))
# One address gets 6 errors at once, then 50 a second.
tap.check('is quicker than one could be', summary['took_ns'] < (195 - 6) / 50 * 1e9, summary)
limit(5)
lab.there(['nft', 'add', 'rule', 'inet', 'lab', 'in', 'udp', 'dport', '40-79', 'drop'])
lab.there(['nft', 'add', 'rule', 'inet', 'lab', 'in', 'udp', 'dport', '90-94', 'reject', 'with', 'icmpx',
           'admin-prohibited'])
summary = check('silent and rejected ports', scan('--udp', '-p', '1-120', HOST),
                truth(range(1, 121), silent=range(40, 80), rejected=range(90, 95)))
tap.check('with a stated risk', summary['miss_probability'] is not None and
          0 <= summary['miss_probability'] < 0.05, summary)
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
    silent.bind(('127.0.0.1', 7))
    lines = scan('--udp', '-p', '7,1000', '127.0.0.1')
# One answer says little of the loss, but the silent port was asked often.
tap.check('few ports, one of them silent: the risk is that of all its tries',
          lines[-1]['open|filtered'] == 1 and lines[-1]['miss_probability'] < 0.01, lines)
lab.mode('loss5')
check('5 % lost each way', scan('--udp', '-p', '1-150', HOST), truth(range(1, 151)))
lab.mode('closed')
lab.there(['sysctl', '-qw', 'net.ipv6.icmp.ratelimit=0'])
check('IPv6', scan('--udp', '-p', '1-300', HOST6), truth(range(1, 301), HOST6))
lab.mode('silent')
summary = check('a host that drops all', scan('--udp', '-Pn', '-p', '1-100', HOST),
                truth(range(1, 101), services=(), silent=range(1, 101)))
tap.equal('whose risk is not known', summary['miss_probability'], None)
lab.mode('closed')

subprocess.run(['sysctl', '-qw', 'net.ipv4.ip_local_port_range=40000 40999'], check=True)
check('this machine, with the own port', scan('--udp', '-p', '40000-40999', '127.0.0.1'),
      truth(range(40000, 41000), '127.0.0.1', ()))
subprocess.run(['sysctl', '-qw', 'net.ipv4.ip_local_port_range=40000 40001'], check=True)
for _ in range(5):
    lines = scan('--udp', '-p', '40000,40001', '127.0.0.1')
    if lines[-1]['closed'] != 2:
        break
check('of two numbers, each is asked from the other', lines, truth((40000, 40001), '127.0.0.1', ()))
subprocess.run(['sysctl', '-qw', 'net.ipv4.ip_local_port_range=40000 40999'], check=True)
plain = netns.run(netns.unprivileged([netns.SONDE, 'scan', '--udp', '-p', '7,8', HOST]))
tap.check('without any capability', plain.returncode == 0 and '7/udp      open          echo' in
          plain.stdout and '8/udp      closed' in plain.stdout, plain)
for words, status, reason in ((['--max-tries', '2'], 2, 'TCP only'), (['--blind-rate', '2'], 2, 'TCP only'),
                              (['--source-pool', '192.0.2.1'], 2, 'send from 192.0.2.1')):
    done = netns.run([netns.SONDE, 'scan', '--udp', '-p', '7', *words, HOST])
    tap.check('refused: ' + words[0], reason in done.stderr and done.returncode == status, done)
summary = scan('--udp', '-p', '1000-1049', '--max-rate', '100', '127.0.0.1')[-1]
tap.check('--max-rate is kept', summary['took_ns'] > 0.48e9 and summary['closed'] == 50, summary)
tap.done()
