#!/usr/bin/python3
"""`sonde scan` with targets whose names cannot be looked up: each is said, the others are scanned, every
output tells how many were not, and the exit status is 1. "a..b" is a name that no resolver asks for, so that
it is unknown everywhere at once; "nohost.invalid" has no name server here."""

import json
import os
import subprocess
import xml.etree.ElementTree

import netns
from tap import tap

netns.enter()


def scan(*words, **more):
    return netns.run([netns.SONDE, 'scan', '--connect', '-p', '2222', *words], **more)


UNKNOWN = 'sonde: look up {}: no host has this name\n'
HINT = 'hint: check the spelling, or give the address as a number\n'
path = os.path.join(netns.scratch(), 'hosts')
with open(path, 'w', encoding='ascii') as file:
    file.write('127.0.0.3 # one\n\na..b 127.0.0.4 c..d\n')

done = scan('a..b', '127.0.0.1', '127.0.0.2', 'c..d/24')
tap.check('the others are scanned', done.returncode == 1 and done.stdout.startswith('127.0.0.1 is up') and
          '\n127.0.0.2 is up' in done.stdout and '\n2 hosts up of 2, 0 open; ' in done.stdout and
          done.stdout.endswith('\n2 targets not scanned: no address for their names\n'), done)
tap.equal('each is said, what helps once', done.stderr, UNKNOWN.format('a..b') + HINT + UNKNOWN.format('c..d'))
done = scan('-q', '127.0.0.1', 'nohost.invalid')
tap.check('one is said with -q, too', done.returncode == 1 and 'look up nohost.invalid: no ' in done.stderr and
          '\nhint: ' in done.stderr and done.stdout.endswith('\n1 target not scanned: no address for its name\n'), done)

done = scan('-i', path)
tap.check('from a file: the others', done.returncode == 1 and '2 hosts up of 2' in done.stdout and
          done.stdout.endswith('\n2 targets not scanned: no address for their names\n'), done)
tap.equal('from a file: the line', done.stderr, UNKNOWN.format(f'{path}, line 3: a..b') + HINT +
          UNKNOWN.format(f'{path}, line 3: c..d'))

done = scan('--json', 'a..b', '127.0.0.1')
lines = [json.loads(line) for line in done.stdout.splitlines()]
tap.equal('NDJSON: which', lines[1:2], [{'event': 'not_scanned', 'target': 'a..b', 'reason': 'no host has this name'}])
tap.check('NDJSON: how many', done.returncode == 1 and lines[-1]['event'] == 'summary' and
          lines[-1]['targets_not_scanned'] == 1 and lines[-1]['closed'] == 1 and
          UNKNOWN.format('a..b') + HINT == done.stderr, done)
done = scan('--json', '127.0.0.1')
tap.check('NDJSON: none', done.returncode == 0 and '"targets_not_scanned":0,' in done.stdout and
          'not_scanned"' not in done.stdout.replace('targets_not_scanned"', ''), done)
done = scan('--format', 'xml', 'a..<b', '127.0.0.1')
check = subprocess.run(['xmllint', '--noout', '--dtdvalid', '/usr/share/nmap/nmap.dtd', '-'],
                       input=done.stdout, text=True, capture_output=True)
root = xml.etree.ElementTree.fromstring(done.stdout)
tap.check('XML: valid, and nmap\'s element for it', check.returncode == 0 and done.returncode == 1 and
          root.find('target').attrib == {'specification': 'a..<b', 'status': 'skipped', 'reason': 'invalid'} and
          root.find('runstats/finished').attrib['summary'].endswith('; 1 target not scanned'), (done, check.stderr))
done = scan('--format', 'grep', 'a..b', '127.0.0.1')
tap.check('the greppable form', done.returncode == 1 and
          done.stdout.endswith('\n# 1 target not scanned: no address for its name\n'), done)

for words in (['a..b'], ['a..b', 'c..d'], ['--json', 'a..b'], ['-i', '-']):
    done = scan(*words, input='a..b\n')
    tap.check(f'none is known {words}: nothing is scanned', done.returncode == 1 and done.stdout == '' and
              done.stderr.count('no host has this name') == max(1, len([word for word in words if '..' in word])), done)
done = scan('a..b', '127.0.0.1', '192.0.2.7.')
tap.check('what cannot be meant stays an error of usage', done.returncode == 2 and done.stdout == '' and
          '192.0.2.7.' in done.stderr, done)
done = scan('http://a..b/', '127.0.0.1')
tap.check('a URL is told from a name', done.returncode == 2 and 'it is a URL, and no host' in done.stderr, done)
done = scan('fe80::1%nosuchthing', '127.0.0.1')
tap.check('an interface that is not there is told from a name', done.returncode == 2 and
          'no interface of this machine is called nosuchthing' in done.stderr, done)
done = scan('-i', '-', input='# none\n')
tap.check('a file without targets', done.returncode == 2 and 'no target was named' in done.stderr, done)
for word, method in (('--exclude', '--connect'), ('--source-pool', '--udp')):
    done = netns.run([netns.SONDE, 'scan', method, '-p', '2222', word, 'a..b', '127.0.0.1'])
    tap.check(f'{word} of an unknown name: nothing is scanned', done.returncode == 1 and done.stdout == '', done)
tap.done()
