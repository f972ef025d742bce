#!/usr/bin/python3
"""`sonde scan --banner` and `--say`: what open ports say, and what that proves.

    sonde scan ---- lo (127.0.0.1) ---- sonde serve, small servers of this file
"""

import json
import socket
import threading

import netns
from scanning import scan
from serving import Server
from tap import tap

netns.enter()
server = Server('echo@127.0.0.1:2101', 'upper@127.0.0.1:2102', 'daytime@127.0.0.1:2103',
                'calc@127.0.0.1:2104', 'tell@127.0.0.1:2105', listening=10)
GREETINGS = {2201: b'SSH-2.0-test\r\n', 2202: b'220 mx.example.org ESMTP\r\n', 2203: b'\x1b[31mred\0\xff\n',
             2206: b'C:\\new\\run\r\ntwo\r\n\r\n'}


def serve(port):
    sock = socket.socket()
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(('127.0.0.1', port))
    sock.listen()

    def run():
        while True:
            connection = sock.accept()[0]
            try:
                if port in GREETINGS:
                    connection.sendall(GREETINGS[port])
                elif port == 2204 and connection.recv(100).startswith(b'GET / HTTP/1.'):
                    connection.sendall(b'HTTP/1.0 200 OK\r\n\r\nhello')
                elif port == 2205:
                    connection.sendall(b'x' * 100000)
            except OSError:
                pass
            connection.close()
    threading.Thread(target=run, daemon=True).start()


for number in (*GREETINGS, 2204, 2205):
    serve(number)

ASKED = {2101, 2102, 2104, 2105, 2204}
for _ in range(5):  # who greets late, as all do on a busy machine, is asked, too
    lines = scan('-p', '2100-2210', '--banner', '127.0.0.1')
    said = {line['port']: line for line in lines if line['event'] == 'said'}
    asked = {port for port, line in said.items() if line['asked']}
    if asked == ASKED:
        break
tap.equal('services by their words', {port: line['service'] for port, line in said.items()},
          {2101: 'echo', 2102: None, 2103: None, 2104: 'calc', 2105: None, 2201: 'ssh', 2202: 'smtp',
           2203: None, 2204: 'http', 2205: None, 2206: None})
tap.equal('who had to be asked', asked, ASKED)
tap.check('their words', said[2204]['text'].endswith('hello') and said[2203]['base64'] == 'G1szMW1yZWQA/wo='
          and said[2201]['text'] == 'SSH-2.0-test\r\n' and len(said[2205]['text']) == 4096, said)
done = netns.run([netns.SONDE, 'scan', '-p', '2203', '--banner', '127.0.0.1'])
tap.check('what is not text is escaped', '\\x1b[31mred\\0\\xff' in done.stdout and '\x1b' not in done.stdout,
          done.stdout)
done = netns.run([netns.SONDE, 'scan', '-p', '2206', '--banner', '127.0.0.1'])
tap.equal('lines are those that were said', [line.split(None, 1)[1] for line in done.stdout.splitlines()
                                             if line.lstrip()[:1] in '│|' and line.strip()],
          ['C:\\\\new\\\\run', 'two'])
netns.run(['ip', 'address', 'add', 'fe80::1/64', 'dev', 'lo', 'scope', 'link'])
netns.run(['ip', 'link', 'add', 'wire', 'type', 'veth', 'peer', 'name', 'other'])
for name in 'wire', 'other':
    netns.run(['ip', 'link', 'set', name, 'up'])
netns.run(['ip', 'address', 'add', 'fe80::2/64', 'dev', 'wire', 'scope', 'link', 'nodad'])
two = 'fe80::2%wire', 'fe80::1%lo'
done = netns.run([netns.SONDE, 'scan', '--connect', '-Pn', '-p', '1-20', '-v', *two])
tap.check('hosts of two links: both are told, whichever is smaller', done.returncode == 0 and
          [line.split()[1] for line in done.stdout.splitlines() if '/tcp' in line] == ['closed'] * 40
          and 'fe80::1%' in done.stdout and 'fe80::2%' in done.stdout, done)
for words, answer in ((['--say', 'hello'], 'HELLO\n'), (['--say', 'a\\x62\\n'], 'AB\n')):
    for more in ([], ['--udp']):
        lines = scan('-p', '2102', *words, *more, '127.0.0.1')
        tap.equal(f'--say {words[1]} {more}', [line['text'] for line in lines if line['event'] == 'said'],
                  [answer])
lines = scan('-p', '2101-2105', '--udp', '--banner', '127.0.0.1')
tap.equal('datagrams', {line['port']: line['service'] for line in lines if line['event'] == 'said'},
          {2101: 'echo', 2102: None, 2103: None, 2105: None})
for words, reason in ((['--say', 'a\\q'], 'the escapes are'), (['--say', 'x', '--banner'], 'together')):
    done = netns.run([netns.SONDE, 'scan', *words, '127.0.0.1'])
    tap.check('refused: ' + ' '.join(words), done.returncode == 2 and reason in done.stderr, done)

# --- the UDP pinger

lossy = Server('echo@127.0.0.1:2110/udp', '--drop', '40%', '--seed', '3', listening=1)


def ping(*words, timeout='5s'):
    done = netns.run([netns.SONDE, 'scan', '--udp-ping', '--json', '--interval', '20ms', '--timeout', timeout,
                      *words])
    return done.returncode, [json.loads(line) for line in done.stdout.splitlines()[1:]]


done = netns.run([netns.SONDE, 'scan', '--udp-ping', '-p', '7', '192.0.2.7'])
tap.check('what cannot leave is no loss', done.returncode == 1 and not done.stdout and
          'ENETUNREACH' in done.stderr and 'no route' in done.stderr, done)

status, lines = ping('-p', '2110', '-c', '20', '127.0.0.1', timeout='500ms')
trips = {line['sequence']: line['rtt_us'] for line in lines if line['event'] == 'pong'}
answered = sum(trip is not None for trip in trips.values())
summary = lines[-1]
tap.check('--udp-ping: each datagram once, and how many were lost', status == 0 and
          sorted(trips) == list(range(1, 21)) and 0 < answered < 20 and summary['sent'] == 20 and
          summary['received'] == answered and abs(summary['loss'] - (1 - answered / 20)) < 1e-6 and
          summary['least_ns'] <= summary['mean_ns'] <= summary['most_ns'], lines)
status, lines = ping('-p', '2105', '-c', '2', 'localhost')
tap.check('answers with words around them count', status == 0 and lines[-1]['received'] == 2, lines)
status, lines = ping('-p', '2111', '-c', '2', '127.0.0.1')
tap.check('a refusal', status == 1 and lines[0]['reason'] == 'port-unreach' and lines[-1]['refused'] == 2, lines)
for words, reason in ((['--udp-ping', '--syn', 'localhost'], 'together'), (['-c', '3', 'localhost'], '--udp-ping'),
                      (['--udp-ping', 'a', 'b'], 'one target'),
                      (['--udp-ping', '-p', '0', 'localhost'], 'port 0: no server can be reached there\nhint: '),
                      (['--udp-ping', '--interval', '0s', 'localhost'], 'has to be more')):
    done = netns.run([netns.SONDE, 'scan', *words])
    tap.check('refused: ' + ' '.join(words), done.returncode == 2 and reason in done.stderr, done)
done = netns.run([netns.SONDE, 'scan', '--connect', '-p', '2111', '127.0.0.1'])
tap.check('one probe is no "1 probes"', done.returncode == 0 and ' open; 1 probe in ' in done.stdout, done)
tap.done()
