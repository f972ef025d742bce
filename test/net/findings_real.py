#!/usr/bin/python3
"""Well-behaved programs get no finding: real clients and servers, and sonde's own.

    client ---- lo, in a namespace of sonde's own ---- server, by --with

Each pair does what it is there for (its output says so), and the trace finds nothing.  What
it finds nevertheless is a false alarm, and to be mended in the detector.

LeakSanitizer: off
"""

import concurrent.futures
import getpass
import json
import os
import re
import shutil
import subprocess
import sys

import netns
from tap import tap

folder = netns.scratch()
os.chmod(folder, 0o711)  # rsync's server becomes nobody, and opens by the whole path
sonde = netns.SONDE
only = sys.argv[1:]
ME = getpass.getuser()


def at(name):
    return os.path.join(folder, name)


def prepare(*words):
    subprocess.run(words, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                   cwd=folder, timeout=60)


os.mkdir(at('files'))
with open(at('files/page.html'), 'w', encoding='ascii') as page:
    page.write('<p>hello</p>\n' * 20000)
prepare('openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes',
        '-subj', '/CN=localhost', '-keyout', at('key.pem'), '-out', at('cert.pem'))
prepare('dropbearkey', '-t', 'ed25519', '-f', at('host.key'))
prepare('git', 'init', '-q', '-b', 'main', at('repository'))
prepare('git', '-C', at('repository'), '-c', 'user.name=x', '-c', 'user.email=x@example.org',
        'commit', '-q', '--allow-empty', '-m', 'empty')
with open(at('rsyncd.conf'), 'w', encoding='ascii') as conf:
    conf.write(f'use chroot = no\n[files]\npath = {at("files")}\n')

HTTP = f'/usr/bin/python3 -m http.server -b 127.0.0.1 -d {at("files")} 8080'
# name: servers, client, a word of what comes out of it
PAIRS = {
    'curl, http.server': ([HTTP], 'curl -s http://127.0.0.1:8080/page.html', 'hello'),
    'curl twice on one connection': (
        [HTTP], 'curl -s http://127.0.0.1:8080/ http://127.0.0.1:8080/page.html', 'hello'),
    'curl, a page that is not there': (
        [HTTP], 'curl -s http://127.0.0.1:8080/none', '404'),
    'wget, http.server': ([HTTP], 'wget -q -O - http://127.0.0.1:8080/page.html', 'hello'),
    'ssh-keyscan, dropbear': (
        [f'dropbear -F -E -p 127.0.0.1:2222 -r {at("host.key")} -P {at("dropbear.pid")}'],
        'ssh-keyscan -t ed25519 -p 2222 127.0.0.1', 'ssh-ed25519'),
    # Debian's redis-server is another name of this file.
    'redis-cli, redis-server': (
        [f'bash -c "exec -a redis-server redis-check-rdb --port 6379 --bind 127.0.0.1 '
         f'--save \'\' --dir {folder}"'],
        'sh -c "redis-cli set a hello; redis-cli get a; redis-cli incr n"', 'hello'),
    'ncat, ncat': (['sh -c "echo hello | ncat -l --send-only 127.0.0.1 5000"'],
                   'ncat --recv-only 127.0.0.1 5000', 'hello'),
    'socat, socat': (['socat TCP-LISTEN:5000,bind=127.0.0.1,reuseaddr,fork EXEC:cat'],
                     'sh -c "echo hello | socat -t 20 - TCP:127.0.0.1:5000"', 'hello'),
    'nc -N, nc -l': (['nc -l 127.0.0.1 5000'], 'sh -c "echo hello | nc -N 127.0.0.1 5000"', ''),
    'dig, dnsmasq': (
        [f'dnsmasq -k -p 5353 --listen-address=127.0.0.1 --bind-interfaces --no-resolv --no-hosts '
         f'--address=/example.org/192.0.2.7 --conf-file=/dev/null --user={ME} --pid-file'],
        'dig @127.0.0.1 -p 5353 +short example.org', '192.0.2.7'),
    'openssl s_client, s_server': (
        [f'openssl s_server -accept 127.0.0.1:4433 -cert {at("cert.pem")} -key {at("key.pem")} -www'],
        'sh -c "printf \'GET / HTTP/1.0\\r\\n\\r\\n\' | openssl s_client -connect 127.0.0.1:4433 '
        '-quiet -no_ign_eof -ign_eof 2>/dev/null"', 'HTTP/1.0 200'),
    'curl, s_server over TLS': (
        [f'openssl s_server -accept 127.0.0.1:4433 -cert {at("cert.pem")} -key {at("key.pem")} -www'],
        'curl -sk https://127.0.0.1:4433/', 's_server'),
    'rsync, rsync --daemon': (
        [f'rsync --daemon --no-detach --address=127.0.0.1 --port=8730 --config={at("rsyncd.conf")}'],
        f'sh -c "rsync -r rsync://127.0.0.1:8730/files/ {at("copy")}; ls {at("copy")}"', 'page.html'),
    'git clone, git daemon': (
        [f'git -c safe.directory=* daemon --export-all --listen=127.0.0.1 --port=9418 '
         f'--base-path={folder}'],
        f'sh -c "git clone -q git://127.0.0.1/repository {at("clone")} && '
        f'git -C {at("clone")} log --oneline"', 'empty'),
    'sonde connect, sonde serve': (
        [f'{sonde} serve echo@127.0.0.1:5007 upper@127.0.0.1:5008'],
        f'sh -c "echo hello | {sonde} connect 127.0.0.1 5007; '
        f'echo hello | {sonde} connect -q --udp --idle-timeout 1s 127.0.0.1 5008"', 'HELLO'),
    'sonde calc, sonde serve': (
        [f'{sonde} serve calc@127.0.0.1:50000'],
        f'sh -c "{sonde} calc max 1 256; {sonde} calc --order le sum 1 2; '
        f'{sonde} calc --udp product 300 400"', '120000'),
    'sonde connect, sonde listen': (
        [f'{sonde} listen 127.0.0.1:5000'],
        f'sh -c "echo hello | {sonde} connect 127.0.0.1 5000"', ''),
    'sonde scan, sonde serve': (
        [f'{sonde} serve echo@127.0.0.1:5007'],
        f'{sonde} scan --connect -p 5000-5010 127.0.0.1', 'open'),
}


# On a busy machine a server may take longer to listen than the 2 s after which the client begins.
PATIENT = '''\
for port; do
	tries=0
	until grep -q ":$port 0*:0000 0A " /proc/net/tcp && { ! [ "$UDP" ] || grep -q ":$port 0*:0000 07 " /proc/net/udp; }; do
		tries=$((tries + 1))
		[ $tries -lt 1000 ] || exit 1
		sleep 0.02
	done
done
'''


def patient(servers, client):
    """The client, when its servers listen."""
    ports = re.findall(r'[ :=](\d{4,5})\b', ' '.join(servers))
    udp = 'yes' if '--udp' in client or client.startswith('dig') else ''
    return ['sh', '-c', f'UDP={udp}; {PATIENT} exec {client}', 'client',
            *(f'{int(port):04X}' for port in ports)]


def works(name, done, events):
    return PAIRS[name][2] in done.stdout and any(event['event'] == 'packet' for event in events)


def found(events):
    return {event['name'] for event in events if event['event'] == 'finding'}


def trace(name):
    """Until it works, and TCP did not send again, as a machine that stands still for 0.2 s makes
    it."""
    servers, client, _ = PAIRS[name]
    out = at(f'{list(PAIRS).index(name)}.json')
    argv = [sonde, 'trace', '--isolate', '--json', '-o', out]
    for server in servers:
        argv += ['--with', server]
    for _ in range(5):
        if name.startswith(('git', 'rsync')):
            shutil.rmtree(at('clone' if name.startswith('git') else 'copy'), ignore_errors=True)
        done = netns.run([*argv, '--', *patient(servers, client)], cwd=folder,
                         env={**os.environ, 'HOME': folder})
        with open(out, encoding='utf-8') as file:
            events = [json.loads(line) for line in file]
        if works(name, done, events) and found(events) != {'retransmission'}:
            break
    return done, events


with concurrent.futures.ThreadPoolExecutor(6) as pool:
    runs = {name: pool.submit(trace, name) for name in PAIRS if not only or name in only}
for name, run in runs.items():
    done, events = run.result()
    tap.check(f'{name}: it works', works(name, done, events),
              f'{done.returncode}\n{done.stdout[-300:]}\n{done.stderr[-900:]}')
    tap.check(f'{name}: nothing is found', not found(events), '\n'.join(
        json.dumps(event) for event in events if event['event'] == 'finding'))
tap.done()
