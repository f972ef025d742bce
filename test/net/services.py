#!/usr/bin/python3
"""The small services of `sonde serve` beside openbsd-inetd's, and with the clients that labs
have: one message without an end, one read.

    clients ---- lo ---- sonde serve lab      ports of its own
                    ---- inetd (openbsd-inetd) ports under 1024; it answers no datagram
                         from 127/8, so that lo has 192.0.2.1, too
"""

import datetime
import os
import random
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time

import netns
from serving import Server, read_all, read_exactly, tcp, udp
from tap import tap

netns.enter()
subprocess.run(['ip', 'address', 'add', '192.0.2.1/32', 'dev', 'lo'], check=True)

LINE = bytes(range(32, 127))


def chargen(n):
    """RFC 864 as it is customary, written once more."""
    text = b''
    line = 0
    while len(text) < n:
        text += (LINE + LINE)[line % 95:line % 95 + 72] + b'\r\n'
        line += 1
    return text[:n]


def ask_tcp(port, *messages, end=True):
    """What comes back until the server closes."""
    with tcp(port) as sock:
        for message in messages:
            sock.sendall(message)
        if end:
            sock.shutdown(socket.SHUT_WR)
        return read_all(sock)


def ask_udp(port, message):
    with udp(port, '192.0.2.1' if port < 1024 else '127.0.0.1') as sock:
        sock.send(message)
        return sock.recv(65536)


def since_1900(reply):
    return struct.unpack('>I', reply)[0] - 2208988800


# --- openbsd-inetd, started by hand

INETD = shutil.which('inetd') or '/usr/sbin/inetd'
config = os.path.join(netns.scratch(), 'inetd.conf')
with open(config, 'w', encoding='ascii') as file:
    for name in ('echo', 'discard', 'daytime', 'chargen', 'time'):
        file.write(f'{name} stream tcp nowait root internal\n'
                   f'{name} dgram udp wait root internal\n')
inetd = netns.background([INETD, '-i', config])
for name in (7, 9, 13, 19, 37):
    netns.wait_for_port('tcp', name)
    netns.wait_for_port('udp', name)

server = Server('lab', '--port-base', '10000', listening=44)
theirs, ours = (lambda port: port), (lambda port: port + 10000)
tap.equal('serve lab: every service, TCP and UDP, on its port', sorted(server.ports),
          [10007, 10009, 10013, 10017, 10019, 10037, 12000, 12001, 12002, 12345, 50000])
tap.check('and each line says which one', server.find_line(
    r'^listening on \[::1\]:12345/udp \(tell\)$'))

text = bytes(range(256)) * 64
tap.equal('echo, TCP: as inetd', [ask_tcp(port(7), text[:9000], text[9000:])
                                  for port in (theirs, ours)], [text] * 2)
tap.equal('echo, UDP: as inetd', [ask_udp(port(7), text[:4000]) for port in (theirs, ours)],
          [text[:4000]] * 2)
tap.equal('discard, TCP: as inetd', [ask_tcp(port(9), text) for port in (theirs, ours)], [b''] * 2)
# inetd asks time(2), which is of the clock that goes on with each tick, and may lag behind
# the other by more than its resolution where ticks are late; behind itself it never is.
COARSE = 5  # CLOCK_REALTIME_COARSE
before = int(time.clock_gettime(COARSE))
seconds = [since_1900(ask(port(37))) for port in (theirs, ours)
           for ask in (ask_tcp, lambda port: ask_udp(port, b''), lambda port: ask_udp(port, b'x'))]
tap.check('time, TCP and UDP: as inetd', all(before <= at <= time.time() for at in seconds),
          seconds)


def daytime(line):
    return datetime.datetime.strptime(line.decode(), '%a %b %d %H:%M:%S %Y\r\n').replace(
        tzinfo=datetime.timezone.utc).timestamp()


lines = [ask(port(13)) for port in (theirs, ours)
         for ask in (ask_tcp, lambda port: ask_udp(port, b''))]
tap.check('daytime, TCP and UDP: as inetd', all(
    before <= daytime(line) <= time.time() and len(line) == 26 for line in lines), lines)
flows = []
for port in (theirs, ours):
    with tcp(port(19)) as sock:
        flows.append(read_exactly(sock, 100000))
tap.equal('chargen, TCP: as inetd, byte for byte', flows, [chargen(100000)] * 2)
pattern = chargen(2 * 95 * 74)
tap.check('chargen, UDP: a piece of the same pattern',
          all(ask_udp(port(19), b'') in pattern for port in (theirs, ours) for _ in range(20)))
lengths = {len(ask_udp(ours(19), b'')) for _ in range(600)}
tap.check('chargen, UDP: 0 to 512 characters by chance',
          len(lengths) > 200 and min(lengths) < 20 and 490 < max(lengths) <= 512, sorted(lengths))
with udp(ours(9)) as sock:
    for size in (0, 1, 65507):
        sock.send(bytes(size))
    sock.settimeout(0.2)
    try:
        answer = sock.recv(100)
    except socket.timeout:
        answer = None
tap.equal('discard, UDP: silence', answer, None)
inetd.terminate()

# --- Unicode


def cut(data, chance):
    """Sends data in pieces, each in a packet of its own."""
    with tcp(12000) as sock:
        got = b''
        at = 0
        while at < len(data):
            n = chance.choice((1, 1, 2, 3, 5, 1000))
            sock.sendall(data[at:at + n])
            at += n
        sock.shutdown(socket.SHUT_WR)
        return got + read_all(sock)


chance = random.Random(4)
letters = ''.join(chr(code) for code in range(0x20, 0x110000)
                  if not 0xd800 <= code < 0xe000 and chr(code).upper() != chr(code))
samples = 'straße ﬁn ǆ ŉ ΐ Ὗ ᾳ ﬓ αβς 漢字 ' * 3
tap.equal('upper, TCP: every letter of Unicode, as Python has it',
          [(a, b) for a, b in zip(' '.join(letters).upper().split(' '), ask_tcp(
              12000, ' '.join(letters).encode()).decode().split(' ')) if a != b], [])
tap.equal('upper, TCP: cut anywhere', [cut(samples.encode(), chance) for _ in range(10)],
          [samples.upper().encode()] * 10)
with tcp(12000) as sock:
    sock.sendall(b'stra\xc3')
    first = read_exactly(sock, 4)
    sock.sendall(b'\x9fe')
    tap.equal('upper, TCP: a letter in two packets', first + read_exactly(sock, 3), b'STRASSE')
tap.equal('upper, TCP: bytes that are no text', ask_tcp(12000, b'a\xff\xc3(\xf0\x9f'),
          b'A\xff\xc3(\xf0\x9f')
tap.equal('upper, UDP: ASCII alone', ask_udp(12000, 'straße é'.encode()), 'STRAßE é'.encode())

# --- one message, one read

with tcp(12000) as sock:
    sock.sendall(b'hello')
    tap.equal('upper answers without a newline', sock.recv(100), b'HELLO')
with tcp(12001) as sock:
    sock.sendall(b'Uryyb!')
    tap.equal('rot13', sock.recv(100), b'Hello!')
with tcp(12002) as sock:
    answers = []
    for message in (b'abc', b'x', b'12345'):
        sock.sendall(message)
        answers.append(sock.recv(100))
    tap.equal('reverse: each read by itself', answers, [b'cba', b'x', b'54321'])
tap.equal('reverse, rot13, tell over UDP, with empty datagrams',
          [[ask_udp(port, message) for message in (b'abc', b'')]
           for port in (12002, 12001, 12345)],
          [[b'cba', b''], [b'nop', b''], [b'You told me: abc', b'You told me: ']])
done = subprocess.run(['ncat', '127.0.0.1', '12345'], input=b'hello', capture_output=True,
                      timeout=60, check=False)
tap.equal('tell, asked by ncat', done.stdout, b'You told me: hello')
tap.equal('empty messages are no messages', [ask_tcp(port) for port in (12000, 12001, 12002, 12345)],
          [b''] * 4)

# --- qotd: what was sent is taken before the close

# So many that, of a dozen, none stays unseen.
quotes = {ask_tcp(10017) for _ in range(150)} | {ask_udp(10017, b'') for _ in range(150)}
tap.check('qotd: several quotes, each shorter than 512', len(quotes) > 5 and
          all(0 < len(quote) < 512 and quote.endswith(b'\r\n') for quote in quotes), quotes)
whole = 0
for i in range(50):
    with tcp(10017) as sock:
        try:
            sock.sendall(b'?' * (1 + 2000 * i))
            whole += read_all(sock) in quotes
        except OSError as error:
            tap.not_ok(f'qotd with {1 + 2000 * i} bytes of input', repr(error))
tap.equal('qotd: input that nobody asked for destroys no quote', whole, 50)

# --- chargen and a client that reads slowly, or talks

rss = server.rss_kib()
slow = tcp(10019)
cpu = server.cpu_s()
time.sleep(0.5)
tap.check('chargen, not read from: no time, no memory', server.cpu_s() - cpu < 0.2 and
          server.rss_kib() - rss < 4096, (server.cpu_s() - cpu, server.rss_kib() - rss))
slow.sendall(bytes(20 << 20))
tap.ok('chargen: 20 MiB of input are thrown away while its output waits')
rest = read_exactly(slow, 3 << 20)
tap.equal('and not a byte of the output was lost', rest == chargen(3 << 20), True)
slow.shutdown(socket.SHUT_WR)
tap.equal('after a half-close it goes on', len(read_exactly(slow, 8 << 20)), 8 << 20)
slow.close()
tap.check('until the client is gone; the log has the totals', server.wait_line(
    r'^chargen .*: closed: .*\(20971520 bytes received, [0-9]{8,} sent'))

# --- counters

server.process.send_signal(signal.SIGUSR1)
served = server.wait_line(r'^served (\d+) clients and (\d+) datagrams: (\d+) requests answered')
tap.check('SIGUSR1: counters of each service', server.find_line(
    r'^qotd/tcp: 200 clients, \d+ bytes received, \d+ sent, 200 requests answered, 0 refused$'),
          [line for line in server.lines if re.match('[a-z0-9]+/(tcp|udp): ', line)])
tap.equal('and it serves on', ask_udp(12001, b'a'), b'n')
status, lines, errors = server.stop()
tap.check('the end: all of them once more', (status, errors) == (0, '') and
          lines[-1].startswith(f'served {served[1]} clients and {int(served[2]) + 1} datagrams: '
                               f'{int(served[3]) + 1} requests'), lines[-3:])

# --- options

own = os.path.join(netns.scratch(), 'quotes, own')
with open(own, 'w', encoding='utf-8') as file:
    file.write('first\n%\nsecond\nof two lines\n')
server = Server('tell@:0,prefix=a,, b: ', f'qotd@:0,file={own.replace(",", ",,")}',
                'daytime@:0,format=xinetd', 'daytime@:0,format=windows', 'daytime@:0,format=iso',
                'upper@:0,once', 'calc@:0,once')
tell, qotd, xinetd, windows, iso, once, calc_once = server.ports
os.remove(own)
tap.equal('tell,prefix= with a comma', ask_udp(tell, b'x'), b'a, b: x')
tap.equal('qotd,file= is read before the first client', {ask_tcp(qotd) for _ in range(40)},
          {b'first\r\n', b'second\r\nof two lines\r\n'})
forms = ((xinetd, '%d %b %Y %H:%M:%S UTC\r\n', lambda line: line == line.upper()),
         (windows, '%I:%M:%S %p %m/%d/%Y\n', lambda line: line[0] != '0'),
         (iso, '%Y-%m-%dT%H:%M:%S+00:00\r\n', lambda line: True))
for port, form, check in forms:
    before = int(time.time())
    line = ask_tcp(port).decode()
    at = datetime.datetime.strptime(line, form).replace(tzinfo=datetime.timezone.utc).timestamp()
    tap.check(f'daytime: {form!r}', before <= at <= time.time() and check(line),
              (before, line))
with tcp(once) as sock:
    sock.sendall(b'hello')
    tap.equal('once: an answer, and the end', read_all(sock), b'HELLO')
with tcp(once) as sock:
    tap.equal('once: half of a letter is no request yet', [
        sock.sendall(b'\xc3'), time.sleep(0.1), sock.sendall(b'\x9f'), read_all(sock)][3], b'SS')
with udp(once) as sock:
    answers = []
    for message in (b'a', b'b'):
        sock.send(message)
        answers.append(sock.recv(10))
    tap.equal('once: UDP is served on', answers, [b'A', b'B'])
tap.check('and the log says why', server.wait_line(r'closed: one answer was asked for \(once\)'))
server.stop()

# --- a bad network


def ping(*words, count=60):
    """The numbers of the pings that were answered, and how long they took; of the others the
    log says that they were dropped."""
    server = Server('echo@:0/udp', *words, listening=2)
    with udp(server.ports[0]) as sock:
        answered, times = [], []
        for i in range(count):
            asked = time.monotonic()
            sock.send(b'%d' % i)
            netns.wait_until(f'ping {i} to be answered or dropped', lambda: select.select(
                [sock], [], [], 0.005)[0] or len(answered) + sum(
                    ': dropped ' in line for line in list(server.lines)) > i)
            if not select.select([sock], [], [], 0)[0]:
                continue
            assert sock.recv(100) == b'%d' % i
            answered.append(i)
            times.append(time.monotonic() - asked)
    return answered, times, server.stop()


a, _, (_, lines, _) = ping('--drop', '50%', '--seed', '5')
b, _, _ = ping('--drop', '50%', '--seed', '5')
tap.check('--drop 50%: about half is lost, the same ones with the same seed',
          a == b and 15 <= len(a) <= 45, (a, b))
tap.check('and the log has each of them', sum(
    ': dropped ' in line and '(--drop)' in line for line in lines) == 60 - len(a) and
          lines[-1].endswith(f', {60 - len(a)} lost on purpose'), lines[-3:])
_, times, _ = ping('--delay', '50ms', count=10)
tap.check('--delay 50ms: every answer is that late', len(times) == 10 and 0.05 <= min(times),
          times)
none, _, _ = ping('--drop', '100%', count=3)
tap.equal('--drop 100%: nothing comes through', none, [])
server = Server('echo@:0/udp', '--delay', '60s', listening=2)
with udp(server.ports[0]) as sock:
    sock.send(b'late')
    server.wait_line('received 4 bytes')
    server.stop()
    tap.equal('the end: answers under way are sent', sock.recv(100), b'late')
tap.done()
