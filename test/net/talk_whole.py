#!/usr/bin/python3
"""Bytes through every mode of `sonde connect` and `sonde listen`, both ways at once, in pieces of
random sizes with pauses, arrive bit for bit: against each other, ncat, socat, OpenBSD's nc and
openssl, in both roles.

    talk_whole.py [MB [SEED]]    so much each way, 1; ./dev soak has 200
"""

import os
import random
import socket
import subprocess
import sys
import threading
import time

import netns
from talking import LIMIT_S, Listen, blob, pause
from tap import tap

netns.enter()
words = sys.argv[1:] + ['1', '1'][len(sys.argv) - 1:]
SIZE = int(words[0]) * 1000000
SEED = int(words[1])
SECONDS = LIMIT_S + SIZE // 2000000
BLOCK = blob(1000003, SEED)
FOLDER = netns.scratch()
SONDE = netns.SONDE
PIPES = {'stdin': subprocess.PIPE, 'stdout': subprocess.PIPE}
print(f'# {SIZE} bytes each way, seed {SEED}')

subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
                '-nodes', '-keyout', f'{FOLDER}/key', '-out', f'{FOLDER}/cert', '-days', '30',
                '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'],
               check=True, stderr=subprocess.DEVNULL)
with open(f'{FOLDER}/both', 'wb') as file:
    for name in 'key', 'cert':
        with open(f'{FOLDER}/{name}', 'rb') as part:
            file.write(part.read())


def stream(way, at, n):
    """Bytes [at, at + n) of the stream of that way."""
    period = len(BLOCK) - way  # two ways, two streams
    from_ = at % period
    piece = BLOCK[from_:from_ + min(n, period - from_)]
    return piece if len(piece) == n else piece + stream(way, at + len(piece), n - len(piece))


class Ends:
    """Both ends of a way through: one writes, the other reads, in threads."""

    def __init__(self):
        self.troubles = []
        self.threads = []

    def run(self, function, *arguments):
        def guarded():
            try:
                function(*arguments)
            except (OSError, AssertionError, ValueError) as error:
                self.troubles.append(f'{function.__name__}: {error!r}')
        thread = threading.Thread(target=guarded, daemon=True)
        self.threads.append(thread)
        thread.start()
        return thread

    def join(self):
        until = time.monotonic() + SECONDS
        for thread in self.threads:
            thread.join(max(0, until - time.monotonic()))
            if thread.is_alive():
                self.troubles.append('it hangs')
        return self.troubles


def write_ragged(file, way, at, n):
    rng = random.Random(f'{SEED} {way} {at}')
    end = at + n
    while at < end:
        size = min(end - at, int(2 ** rng.uniform(0, 17)))
        piece = memoryview(stream(way, at, size))
        while piece:
            piece = piece[os.write(file.fileno(), piece):]
        at += size
        if rng.random() < 0.02:
            pause()


def read_exactly(file, way, at, n):
    end = at + n
    while at < end:
        got = os.read(file.fileno(), min(1 << 18, end - at))
        assert got, f'the end came {end - at} bytes too early'
        assert got == stream(way, at, len(got)), f'other bytes between {at} and {at + len(got)}'
        at += len(got)


def read_end(file):
    assert os.read(file.fileno(), 1) == b'', 'more came than was sent'


def through(name, server, client, has_halves=True, is_one_way=False):
    """SIZE bytes each way.  Then the client's end; with has_halves the server goes on."""
    ends = Ends()
    ends.run(write_ragged, client.stdin, 0, 0, SIZE)
    ends.run(read_exactly, server.stdout, 0, 0, SIZE)
    if not is_one_way:
        ends.run(write_ragged, server.stdin, 1, 0, SIZE)
        ends.run(read_exactly, client.stdout, 1, 0, SIZE)
    troubles = ends.join()
    if not troubles:
        ends = Ends()
        client.stdin.close()
        if has_halves:
            ends.run(read_end, server.stdout)
            ends.join()
            ends.run(write_ragged, server.stdin, 1, SIZE, 100000)
            ends.run(read_exactly, client.stdout, 1, SIZE, 100000)
            ends.join()
        server.stdin.close()
        ends.run(read_end, client.stdout)
        troubles = ends.join()
    tap.equal(name, troubles, [])
    for process in client, server:
        for file in process.stdin, process.stdout:
            if file and not file.closed:
                file.close()
        if troubles:
            process.kill()
        process.wait(60)


def echoed(name, process, finish=None):
    """A client whose bytes all come back."""
    ends = Ends()
    ends.run(write_ragged, process.stdin, 0, 0, SIZE)
    ends.run(read_exactly, process.stdout, 0, 0, SIZE)
    troubles = ends.join()
    if not troubles:
        process.stdin.close()
        ends.run(read_end, process.stdout)
        troubles = ends.join()
    tap.equal(name, (troubles, None if troubles else process.wait(60)), ([], 0))
    if finish:
        finish()


def start(*argv):
    return netns.background([str(word) for word in argv], **PIPES, stderr=subprocess.DEVNULL)


def serve(port, *argv):
    process = start(*argv)
    netns.wait_for_port('tcp', port)
    return process


def listen(*argv, **more):
    return Listen(*argv, stdin=subprocess.PIPE, **more)


# --- plain TCP, pipes on both sides

for name, argv in {
        'sonde connect': [SONDE, 'connect', '127.0.0.1'],
        'ncat': ['ncat', '127.0.0.1'],
        'OpenBSD nc': ['nc.openbsd', '-N', '127.0.0.1'],
        'socat': ['socat', '-t', SECONDS, '-', 'TCP:127.0.0.1']}.items():
    ours = listen()
    if name == 'socat':
        argv[-1] += f':{ours.port}'
    else:
        argv = [*argv, ours.port]
    through(f'sonde listen, {name}', ours.process, start(*argv))

# These end with our half.
for name, port, argv in [
        ('ncat', 5001, ['ncat', '-l', '127.0.0.1', 5001]),
        ('OpenBSD nc', 5002, ['nc.openbsd', '-l', '-N', '127.0.0.1', 5002]),
        ('socat', 5003, ['socat', '-t', SECONDS, 'TCP-LISTEN:5003,bind=127.0.0.1', '-'])]:
    server = serve(port, *argv)
    through(f'{name} listens, sonde connect', server, start(SONDE, 'connect', '127.0.0.1', port),
            has_halves=False)

# --- TLS

ours = listen('--tls', '--cert', f'{FOLDER}/both')
through('TLS: sonde listen, sonde connect', ours.process,
        start(SONDE, 'connect', '--tls', '--ca-file', f'{FOLDER}/cert', 'localhost', ours.port))
ours = listen('--tls', '--cert', f'{FOLDER}/both')
# As a client it waits for its socket while it has decrypted bytes: not towards it.
through('TLS: sonde listen, ncat', ours.process, start('ncat', '--ssl', '127.0.0.1', ours.port),
        has_halves=False, is_one_way=True)
ours = listen('--tls', '--cert', f'{FOLDER}/both')
through('TLS: sonde listen, socat', ours.process,
        start('socat', '-t', SECONDS, '-', f'OPENSSL:127.0.0.1:{ours.port},verify=0'),
        has_halves=False)
ours = listen('--tls', '--cert', f'{FOLDER}/both')
through('TLS: sonde listen, openssl s_client', ours.process,
        start('openssl', 's_client', '-quiet', '-connect', f'127.0.0.1:{ours.port}'),
        has_halves=False)
for name, port, argv in [
        ('openssl s_server', 5011, ['openssl', 's_server', '-quiet', '-naccept', 1, '-accept',
                                    '127.0.0.1:5011', '-cert', f'{FOLDER}/both']),
        ('ncat', 5012, ['ncat', '-l', '--ssl', '--ssl-cert', f'{FOLDER}/cert', '--ssl-key',
                        f'{FOLDER}/key', '127.0.0.1', 5012]),
        ('socat', 5013, ['socat', '-t', SECONDS, 'OPENSSL-LISTEN:5013,bind=127.0.0.1,'
                         f'cert={FOLDER}/both,verify=0', '-'])]:
    server = serve(port, *argv)
    through(f'TLS: {name} listens, sonde connect', server,
            start(SONDE, 'connect', '--tls', '--ca-file', f'{FOLDER}/cert', 'localhost', port),
            has_halves=False)

# --- Unix streams

path = f'{FOLDER}/one'
ours = listen('--unix', where=path)
through('Unix: sonde listen, sonde connect', ours.process, start(SONDE, 'connect', '--unix', path))
ours = listen('--unix', where='@sonde-whole')
through('Unix, abstract: sonde listen, socat', ours.process,
        start('socat', '-t', SECONDS, '-', 'ABSTRACT-CONNECT:sonde-whole'))
server = start('socat', '-t', SECONDS, f'UNIX-LISTEN:{FOLDER}/two', '-')
netns.wait_until('socat', lambda: f'{FOLDER}/two' in netns.run(['ss', '-Hxl']).stdout)
through('Unix: socat listens, sonde connect', server,
        start(SONDE, 'connect', '--unix', f'{FOLDER}/two'), has_halves=False)

# --- commands

ours = Listen('-k', '--exec', 'cat')
echoed('--exec of a listener', start(SONDE, 'connect', '127.0.0.1', ours.port))
echoed('--exec of a listener, ncat', start('ncat', '127.0.0.1', ours.port), ours.end)
ours = Listen('--tls', '--cert', f'{FOLDER}/both', '--exec', 'cat')
echoed('--exec and TLS', start(SONDE, 'connect', '--tls', '--ca-file', f'{FOLDER}/cert',
                               'localhost', ours.port))
ours = listen()
process = start(SONDE, 'connect', '--exec', 'cat', '127.0.0.1', ours.port)
echoed('--exec of a client', ours.process)

# --- relays


def relayed(name, *how, client=None, where='127.0.0.1:0', to=None, target_words=(),
            has_halves=True):
    target = listen(*target_words, where=to or '127.0.0.1:0')
    relay = Listen(*how, '--to', to or f'127.0.0.1:{target.port}', where=where)
    argv = client or [SONDE, 'connect', '127.0.0.1', '{port}']
    through(name, target.process,
            start(*[str(word).format(port=relay.port) for word in argv]), has_halves)
    relay.end()


relayed('--to', '-k')
relayed('--to, ncat', '-k', client=['ncat', '127.0.0.1', '{port}'])
relayed('--to, one client', client=['socat', '-t', SECONDS, '-', 'TCP:127.0.0.1:{port}'])
relayed('TLS before --to', '-k', '--tls', '--cert', f'{FOLDER}/both',
        client=[SONDE, 'connect', '--tls', '--ca-file', f'{FOLDER}/cert', 'localhost', '{port}'])
relayed('--to a Unix socket', '-k', to=f'{FOLDER}/three', target_words=['--unix'])
relayed('a Unix socket --to TCP', '-k', '--unix', where=f'{FOLDER}/four',
        client=[SONDE, 'connect', '--unix', f'{FOLDER}/four'])

# --- files instead of pipes

with open(f'{FOLDER}/in', 'wb') as file:
    for at in range(0, SIZE, 100000):
        file.write(stream(0, at, min(100000, SIZE - at)))
with open(f'{FOLDER}/out', 'wb') as out, open(f'{FOLDER}/in', 'rb') as file:
    ours = Listen(stdout=out)
    done = subprocess.run([SONDE, 'connect', '127.0.0.1', str(ours.port)], stdin=file, check=False,
                          timeout=SECONDS)
    status = ours.process.wait(60)
same = subprocess.run(['cmp', f'{FOLDER}/in', f'{FOLDER}/out'], check=False).returncode
tap.equal('from a file into a file', (done.returncode, status, same), (0, 0, 0))

# --- a broker: whoever lets a mebibyte wait is let go, so that the sender minds the listener

ours = Listen('--broker')
sender, hearer = ours.join(), ours.join()
netns.wait_until('both are there', lambda: ours.said().count('accepted') == 2)
heard = 0


def send_minded():
    rng = random.Random(SEED)
    at = 0
    while at < SIZE:
        size = min(SIZE - at, int(2 ** rng.uniform(0, 17)))
        while at + size - heard > 500000:
            pause()
        sender.sendall(stream(0, at, size))
        at += size


def hear():
    global heard
    while heard < SIZE:
        got = hearer.recv(1 << 18)
        assert got and got == stream(0, heard, len(got)), f'other bytes at {heard}'
        heard += len(got)


ends = Ends()
ends.run(send_minded)
ends.run(hear)
tap.equal('--broker', ends.join(), [])
sender.close()
hearer.close()
ours.end()

# --- UDP, a datagram at a time: each is answered before the next

ours = Listen('-u', '-k', '--exec', 'cat')
relay = Listen('-u', '-k', '--to', f'127.0.0.1:{ours.port}')
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    sock.settimeout(60)
    sock.connect(('127.0.0.1', relay.port))
    rng = random.Random(SEED)
    at = wrong = 0
    while at < SIZE // 10:
        size = int(2 ** rng.uniform(0, 15.9))
        sock.send(stream(0, at, size))
        back = sock.recv(65536)
        wrong += back != stream(0, at, size)
        at += size
tap.equal('UDP through a relay to a command', wrong, 0)
relay.end()
ours.end()

tap.done()
