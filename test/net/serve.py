#!/usr/bin/python3
"""`sonde serve calc echo`: every answer, over both transports and both families, however a
stream is cut; what cannot be answered; how it starts and how it ends.

    clients 127.0.0.1, ::1 ---- lo ---- sonde serve
                                192.0.2.1 and 2001:db8::1 are on lo, too: addresses that
                                are not loopback
"""

import json
import os
import re
import signal
import socket
import subprocess
import time

import netns
from serving import Server, read_all, read_exactly, reply, request, tcp, udp
from tap import tap

netns.enter()
for address in ('192.0.2.1/32', '2001:db8::1/128'):
    subprocess.run(['ip', 'address', 'add', address, 'dev', 'lo'], check=True)


def silent(sock, seconds=0.3):
    """Whether nothing comes; only behind another answer, which proves that it was handled."""
    sock.settimeout(seconds)
    try:
        sock.recv(65536)
        return False
    except socket.timeout:
        return True


def ask(sock, number=1):
    sock.sendall(request(number, 'Summe', number, 2))
    return sock.recv(100) == reply(number, number + 2)


server = Server('calc@:0', 'echo@:0')
calc, echo = server.ports

# --- where it listens

tap.equal('one number for both families and both transports, also with port 0',
          sorted(server.sockets()),
          sorted((host, port, proto) for port in (calc, echo)
                 for host in ('127.0.0.1', '[::1]') for proto in ('tcp', 'udp')))
tap.equal('a sum over both transports and both families',
          [ask(connect(calc, host)) for connect in (tcp, udp)
           for host in ('127.0.0.1', '::1')], [True] * 4)
try:
    tcp(calc, '192.0.2.1')
    tap.not_ok('loopback alone, unless more is asked for')
except ConnectionRefusedError:
    tap.ok('loopback alone, unless more is asked for')

# --- streams, cut anywhere

stream = (request(1, 'Summe', 1, 2) + request(2, 'Produkt', 65536, 65536, 0) +
          request(3, 'Maximum', *range(-127, 128)) + request(4, 'Minimum', -5) +
          request(5, 'Summe'))
answers = reply(1, 3) + reply(2, 0) + reply(3, 127) + reply(4, -5) + reply(5, 0)
barrier = tcp(echo)


def pass_barrier():
    """What was sent before is in the server when this returns: one loop, first come first
    served."""
    barrier.sendall(b'.')
    barrier.recv(1)


def answer_of_pieces(pieces):
    with tcp(calc) as sock:
        for piece in pieces:
            sock.sendall(piece)
            pass_barrier()
        got = read_exactly(sock, len(answers))
        sock.shutdown(socket.SHUT_WR)
        return got + read_all(sock)


wrong = [cut for cut in range(1, len(stream))
         if answer_of_pieces([stream[:cut], stream[cut:]]) != answers]
tap.equal(f'five requests, cut at each of their {len(stream) - 1} places', wrong, [])
tap.equal('the same, byte by byte', answer_of_pieces([bytes([b]) for b in stream]), answers)

with tcp(calc) as sock:
    sock.sendall(b''.join(request(i, 'Produkt', i, -1) for i in range(1000)))
    tap.equal('1000 requests at once, answered in order', read_exactly(sock, 8000),
              b''.join(reply(i, -i) for i in range(1000)))

clients = [tcp(calc, ('127.0.0.1', '::1')[i % 2]) for i in range(300)]
good = 0
for turn in range(3):
    for i, sock in enumerate(clients):
        sock.sendall(request(i, 'Summe', i, turn)[:7 + turn])
    for i, sock in reversed(list(enumerate(clients))):
        sock.sendall(request(i, 'Summe', i, turn)[7 + turn:])
    good += sum(read_exactly(sock, 8) == reply(i, i + turn) for i, sock in enumerate(clients))
tap.equal('300 clients at once, their requests cut and mixed', good, 900)
for sock in clients:
    sock.close()

data = os.urandom(4 << 20)
with tcp(echo) as sock:
    pid = os.fork()
    if pid == 0:
        sock.sendall(data)
        sock.shutdown(socket.SHUT_WR)
        os._exit(0)
    tap.check('4 MiB through echo, and the end behind them', read_all(sock) == data)
    os.waitpid(pid, 0)

# --- ends

with tcp(calc) as sock:
    sock.sendall(stream)
    sock.shutdown(socket.SHUT_WR)
    tap.equal('what came before a half-close is answered', read_all(sock), answers)

with tcp(echo) as sock:
    sock.sendall(b'ab')
    sock.send(b'!', socket.MSG_OOB)
    sock.sendall(b'cd')
    tap.equal('an urgent byte keeps its place, and what follows it is answered',
              read_exactly(sock, 5), b'ab!cd')

with tcp(calc) as sock:
    # Far more than can be read in one go: a close with unread input would be a reset.
    sock.sendall(stream + request(7, 'Quotient', 1) + b'x' * 300000)
    try:
        tap.equal('what comes before an unknown operation is answered, then the end',
                  read_all(sock), answers)
    except ConnectionResetError as error:
        tap.not_ok('what comes before an unknown operation is answered, then the end', error)
tap.check('the log names the ID and what was unknown', server.wait_line(
    r'^calc 127\.0\.0\.1:\d+/tcp #\d+: refused: ID 7: unknown operation "Quotien"$'))

with tcp(calc) as sock:
    sock.sendall(request(1, 'Summe', 1) + request(9, 'Produkt', 65536, 65536) +
                 request(2, 'Summe', 2))
    tap.equal('an overflow ends the stream, too', read_all(sock), reply(1, 1))
server.wait_line('ID 9: Produkt of 2 numbers does not fit into 32 bits$')

with tcp(calc) as sock:
    sock.sendall(stream + b'\1\2\3\4Summe')
    sock.shutdown(socket.SHUT_WR)
    tap.equal('a stream that ends within a request', read_all(sock), answers)
tap.check('the log says that it did',
          server.wait_line('refused: the client ended 9 bytes into a request$'))

# --- datagrams

sizes = [0, 1, 512, 1472, 9000, 65506, 65507]
wrong = []
for host in ('127.0.0.1', '::1'):
    with udp(echo, host) as sock:
        for size in sizes:
            sock.send(data[:size])
            if sock.recv(70000) != data[:size]:
                wrong.append((host, size))
tap.equal('echo takes datagrams of 0 to 65507 bytes', wrong, [])

with udp(calc) as sock:
    for i in range(100):
        sock.send(request(i, 'Maximum', i, 7))
    tap.equal('a burst of 100 datagrams',
              sorted(sock.recv(100) for _ in range(100)),
              sorted(reply(i, max(i, 7)) for i in range(100)))

with udp(calc) as sock:
    for bad in (b'', b'abc', request(3, 'Mittel', 1), request(4, 'Summe', 2**31 - 1, 1),
                request(5, 'Minimum'), stream):
        sock.send(bad)
    sock.send(request(6, 'Summe', 6))
    tap.equal('no reply to a datagram that has none, and the next one is answered',
              (sock.recv(100), silent(sock)), (reply(6, 6), True))
server.wait_line(r'/udp: refused: ID 4: Summe of 2 numbers does not fit into 32 bits$')
server.wait_line(r'/udp: refused: a datagram of 3 bytes is no whole request$')

refused = []
for source in (('127.0.0.2', echo), ('127.0.0.2', calc), ('127.0.0.2', 7), ('', 2049)):
    with udp(echo, source=source) as loop, udp(echo) as sock:
        loop.send(b'ping')
        sock.send(b'behind it')
        if sock.recv(100) == b'behind it' and silent(loop, 0.1):
            refused.append(source)
tap.equal('no reply to ports where servers answer: our own, low ones, 2049', len(refused), 4)
tap.check('the log says so, once', server.wait_line('^echo [^ ]*/udp: trouble: not answered: .*loop')
          and sum(': trouble: ' in line for line in server.lines) == 1, server.lines[-5:])

# --- ncat

tap.equal('ncat over TCP', subprocess.run(
    ['ncat', '127.0.0.1', str(calc)], input=stream, stdout=subprocess.PIPE,
    timeout=60).stdout, answers)
# Its standard input stays open: at the end of it, ncat does not wait for an answer.
ncat = netns.background(['ncat', '-u', '::1', str(calc)], stdin=subprocess.PIPE,
                        stdout=subprocess.PIPE)
ncat.stdin.write(stream[:18])
ncat.stdin.flush()
tap.equal('ncat over UDP and IPv6', ncat.stdout.read(8), answers[:8])
ncat.stdin.close()

# --- a second one, and the end

second = netns.run([netns.SONDE, 'serve', f'echo@:{calc}'])
tap.equal('a second server on the port is refused',
          (second.returncode, second.stdout, second.stderr),
          (4, '', f'sonde: listen 127.0.0.1:{calc}/tcp: sonde (process {server.pid}) has '
           'this port (EADDRINUSE)\nhint: end it, or choose another port: echo@:0 takes any '
           'free one\n'))
udp_only = netns.run([netns.SONDE, 'serve', f'echo@[::1]:{calc}/udp'])
tap.check('so it is on UDP and IPv6 alone', udp_only.returncode == 4 and
          f'listen [::1]:{calc}/udp: sonde (process {server.pid})' in udp_only.stderr,
          udp_only.stderr)
server.process.send_signal(signal.SIGSTOP)
netns.wait_until('the server to be stopped', lambda: server.state() == 'T')
stopped = netns.run([netns.SONDE, 'serve', f'echo@:{calc}'])
server.process.send_signal(signal.SIGCONT)
tap.check('one that was stopped with Ctrl-Z is named as such',
          'has this port and is stopped' in stopped.stderr and
          'continue it with fg, or end it' in stopped.stderr, stopped.stderr)

few = netns.run(['bash', '-c', 'ulimit -n 9; exec "$@"', '-', netns.SONDE, 'serve', 'echo@:0', 'discard@:0', 'calc@:0'])
tap.check('no descriptor is left for a place to listen at: the remedy', few.returncode == 4 and
          re.search(r'sonde: listen .*\(EMFILE\)\nhint: .*`ulimit -n` allows more', few.stderr), few)

with socket.create_server(('127.0.0.1', 0)) as listener, socket.socket() as talker:
    talker.bind(('127.0.0.1', 0))
    talker.connect(listener.getsockname())
    taken = netns.run([netns.SONDE, 'serve', f'echo@127.0.0.1:{talker.getsockname()[1]}/tcp'])
    tap.check('a program that has the port for a connection is named, too',
              taken.returncode == 4 and f'(process {os.getpid()}) has this port for a '
              'connection (EADDRINUSE)' in taken.stderr, taken.stderr)

barrier.close()
status, lines, errors = server.stop(signal.SIGTERM)
tap.check('SIGTERM: says what was served, exit status 0',
          (status, errors) == (0, '') and
          re.fullmatch(r'served \d+ clients and \d+ datagrams: \d+ requests answered, '
                       r'\d+ refused, 4 datagrams without an answer', lines[-1]),
          (status, errors, lines[-1]))

server = Server('calc@:0/tcp', listening=2)
with tcp(server.ports[0]) as sock:
    ask(sock)
    status, lines, errors = server.stop(signal.SIGINT)
tap.equal('SIGINT, too, with a client there', (status, errors, lines[-1]),
          (0, '', 'served 1 client and 0 datagrams: 1 request answered, 0 refused'))
steps = [line.split(': ', 1)[-1] for line in lines[2:]]
tap.check('every step of a client is a line, the last one has its totals', steps[:3] ==
          ['accepted', 'received 18 bytes', 'answered 1 request, 8 bytes'] and
          re.fullmatch(r'closed: the server stops \(18 bytes received, 8 sent, '
                       r'1 request answered, [0-9.]+ .?s\)', steps[3]), lines)
tap.equal('the end: a line for each service, and one for all', lines[6:],
          ['calc/tcp: 1 client, 18 bytes received, 8 sent, 1 request answered, 0 refused',
           'served 1 client and 0 datagrams: 1 request answered, 0 refused'])

# --- SPECs

server = Server('calc@:0,order=be')
with tcp(server.ports[0]) as a, udp(server.ports[0]) as b:
    both = []
    for sock in (a, b):
        sock.sendall(request(1, 'Summe', 1, 2, order='>'))
        both.append(sock.recv(100))
tap.equal('order=be', both, [reply(1, 3, order='>')] * 2)
server.stop()

server = Server('echo@*:0')
port = server.ports[0]
tap.equal('*: every interface', sorted(server.sockets()),
          [('0.0.0.0', port, 'tcp'), ('0.0.0.0', port, 'udp'),
           ('[::]', port, 'tcp'), ('[::]', port, 'udp')])
right = []
for host, source in (('127.0.0.9', '127.0.0.1'), ('192.0.2.1', '127.0.0.1'),
                     ('2001:db8::1', '::1'), ('::1', '2001:db8::1')):
    with udp(port, host, source=(source, 0)) as sock:
        sock.send(b'ping')
        right.append(sock.recv(100))
tap.equal('UDP: the answer comes from the address that was asked', right, [b'ping'] * 4)
with udp(port, '192.0.2.1', source=('192.0.2.1', 0)) as sock:
    sock.send(b'x' * 513)
    sock.send(b'x' * 512)
    tap.equal('UDP: no long answer leaves loopback', (len(sock.recv(9999)), silent(sock)),
              (512, True))
with tcp(port, '192.0.2.1') as sock:
    sock.sendall(b'ping')
    tap.equal('TCP has no such limit', sock.recv(100), b'ping')
server.stop()

server = Server('echo@192.0.2.1:0/udp', listening=1)
tap.equal('one address, one transport', [s[::2] for s in server.sockets()], [('192.0.2.1', 'udp')])
server.stop()

server = Server('echo', before=netns.unprivileged([]), listening=4)
tap.equal('low ports that are not permitted: 10000 is added', server.ports, [10007])
server.stop()
server = Server('echo', '--port-base', '3000', listening=4)
tap.equal('--port-base', server.ports, [3007])
server.stop()
denied = netns.run(netns.unprivileged([netns.SONDE, 'serve', 'echo', '--port-base', '0']))
tap.check('not permitted: exit status 3, with capability and remedy',
          denied.returncode == 3 and 'CAP_NET_BIND_SERVICE' in denied.stderr and
          'hint: run as root, or add to the port: --port-base 10000' in denied.stderr,
          (denied.returncode, denied.stderr))

# Of the four numbers that the kernel picks from three are taken, each for one of the sockets.
RANGE = '/proc/sys/net/ipv4/ip_local_port_range'
with open(RANGE, encoding='ascii') as file:
    usual_range = file.read()
with open(RANGE, 'w', encoding='ascii') as file:
    file.write('20000 20003')
taken = []
for kind, host, number in ((socket.SOCK_DGRAM, '127.0.0.1', 20000),
                           (socket.SOCK_DGRAM, '::1', 20001),
                           (socket.SOCK_STREAM, '::1', 20002)):
    sock = socket.socket(socket.AF_INET6 if ':' in host else socket.AF_INET, kind)
    sock.bind((host, number))
    if kind == socket.SOCK_STREAM:
        sock.listen()
    taken.append(sock)
server = Server('calc@:0')
tap.equal('port 0: a number that is taken for one of the four is not used', server.ports, [20003])
full = netns.run([netns.SONDE, 'serve', 'calc@:0'])
tap.check('no number is left: exit status 4', full.returncode == 4 and
          'EADDRINUSE' in full.stderr, (full.returncode, full.stderr))
server.stop()
for sock in taken:
    sock.close()
with open(RANGE, 'w', encoding='ascii') as file:
    file.write(usual_range)

for words, status, text in (
        ([], 2, 'name a service'),
        (['clac'], 2, 'did you mean calc?'),
        (['eco@:0'], 2, 'did you mean echo?'),
        (['lba'], 2, 'did you mean lab?'),
        (['lab@:7'], 2, 'each service has a port of its own'),
        (['lab,once'], 2, 'it has no options'),
        (['echo,onse'], 2, 'did you mean once?'),
        (['echo@:0', 'echo@:4711/tcp', 'calc@:4711/tcp'], 2, 'another service of this very'),
        (['calc@:0', '--prot-base', '1'], 2, 'did you mean --port-base?'),
        (['calc@:0', 'quux'], 2, 'the services are calc, chargen'),
        (['calc,order=me'], 2, 'it does not take order=me'),
        (['calc@:0', '--workers', '0'], 2, '--workers'),
        (['calc@:0', '--keepalive', '3s'], 2, 'at least 4s'),
        (['calc@:0', '--keepalive', '0s'], 2, '4s at least, 12h at most'),
        (['calc@:0', '--keepalive', '13h'], 2, 'at most 12h'),
        (['calc@:0,order=le,order=be'], 2, 'the option order stands there twice'),
        (['echo@:0,once,once'], 2, 'the option once stands there twice'),
        (['qotd@:0,file=/a,file=/b'], 2, 'the option file stands there twice'),
        (['calc@:0', '--drop', '10'], 2, 'not a probability'),
        (['calc@:0', '--drop', '101%'], 2, 'out of range'),
        (['calc@:0/tcp', '--drop', '10%'], 2, 'no service here has UDP'),
        (['calc@:0/tcp', '--delay', '10ms'], 2, 'no service here has UDP'),
        (['echo@:0/udp', '--max-clients', '5'], 2, 'no service here has TCP'),
        (['echo@:0/udp', '--idle-timeout', '5s'], 2, 'no service here has TCP'),
        (['echo@:0/udp', '--backlog', '5'], 2, 'no service here has TCP'),
        (['echo@:0/udp', '--keepalive', '5s'], 2, 'no service here has TCP'),
        (['calc', '--port-base', '10000'], 2, 'under 1024, and no service here has one'),
        (['echo@:0', '--port-base', '10000'], 2, 'as in calc@:60000'),
        (['calc@:0', '--seed', '1'], 2, '--seed has a meaning with --drop only'),
        (['qotd@:0,file=/no/such/file'], 2, '/no/such/file: No such file'),
        (['daytime@:0,format=rfc'], 2, 'ctime|xinetd|windows|iso'),
        (['calc@:0', '--for', '5'], 2, '--for'),
        (['calc@192.0.2.77:0'], 2, 'no interface of this machine has this address'),
        (['calc@no-such-host.invalid:0'], 1, 'no-such-host.invalid'),
        (['calc@:4711', 'echo@:4711'], 2, 'another service of this very server')):
    done = netns.run([netns.SONDE, 'serve', *words])
    tap.check(f'refused: serve {" ".join(words)}',
              done.returncode == status and text in done.stderr and not done.stdout,
              (done.returncode, done.stdout, done.stderr))

everywhere = Server('lab@127.0.0.1:0', listening=22)
tap.equal('lab@HOST: every service there', len(set(everywhere.ports)), 11)
everywhere.stop()
everywhere = Server('lab@[::1]:0/udp', listening=11)
tap.check('lab/udp', all('[::1]' in line and '/udp' in line for line in everywhere.lines),
          everywhere.lines)
everywhere.stop()

# --- NDJSON

started = time.monotonic()
server = netns.background([netns.SONDE, 'serve', '--json', 'calc@127.0.0.1:0'],
                          stdout=subprocess.PIPE, text=True)
head = [json.loads(server.stdout.readline()) for _ in range(3)]
port = head[1]['port']
with tcp(port) as sock:
    ask(sock)
    sock.sendall(request(8, 'Su\xff'))
    read_all(sock)
events = head
while events[-1]['event'] != 'closed':
    events.append(json.loads(server.stdout.readline()))
server.terminate()
events += [json.loads(line) for line in server.stdout]
tap.check('--json: the start', events[0]['event'] == 'start' and events[0]['schema'] == 1 and
          isinstance(events[0]['epoch_ns'], str), events[0])
tap.equal('--json: where it listens', [
    {key: event[key] for key in ('event', 'address', 'port', 'proto', 'service')}
    for event in events[1:3]],
          [{'event': 'listening', 'address': '127.0.0.1', 'port': port, 'proto': proto,
            'service': 'calc'} for proto in ('tcp', 'udp')])
tap.equal('--json: what happens', [event['event'] for event in events[3:]],
          ['accepted', 'received', 'answered', 'received', 'refused', 'closed', 'summary'])
tap.check('--json: who, how much and why',
          events[5].items() >= {'client': 1, 'bytes': 8, 'requests': 1, 'proto': 'tcp'}.items()
          and events[3]['peer']['address'] == '127.0.0.1' and
          events[7]['text'].startswith('ID 8: unknown operation "Su'), events[3:])
took = time.monotonic() - started
times = [event['at_ns'] for event in events[1:]]
tap.check('--json: times after the start, in order',
          times == sorted(times) and 0 <= times[0] and times[-1] <= took * 1e9, (times, took))
tap.equal('--json: SIGTERM ends it, exit status 0', server.wait(60), 0)
ended = netns.run([netns.SONDE, 'serve', '--json', '--for', '50ms', 'calc@127.0.0.1:0'])
tap.check('--for: it ends by itself, exit status 0', ended.returncode == 0 and
          json.loads(ended.stdout.splitlines()[-1])['at_ns'] >= 50e6, ended)

# --- without IPv6

with open('/proc/sys/net/ipv6/conf/all/disable_ipv6', 'w', encoding='ascii') as file:
    file.write('1')
server = Server('calc@:0', listening=2)
tap.equal('a machine without IPv6 is no error', [s[0] for s in server.sockets()],
          ['127.0.0.1', '127.0.0.1'])
tap.equal('and says nothing about it', server.stop()[2], '')
gone = netns.run([netns.SONDE, 'serve', 'calc@[::1]:0'])
tap.check('asked for in so many words, it is one', gone.returncode == 2 and
          'EADDRNOTAVAIL' in gone.stderr, (gone.returncode, gone.stderr))
tap.done()
