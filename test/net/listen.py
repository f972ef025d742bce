#!/usr/bin/python3
"""`sonde listen`: one client and many, each use of them, over TCP, UDP, Unix sockets and TLS,
with ncat, socat, OpenBSD's nc, openssl and curl as peers.

SONDE_TALK_MB=200 sends that much instead of 10 MB.
"""

import json
import os
import re
import resource
import signal
import socket
import ssl
import struct
import subprocess
import threading
import time

import netns
from talking import Listen, Peer, blob, connect, echo, pause, until_end
from tap import tap

netns.enter()

SIZE = int(os.environ.get('SONDE_TALK_MB', '10')) * 1000000
BIG = blob(SIZE)
SCRATCH = netns.scratch()


def run(*argv, **more):
    more.setdefault('input', b'')
    return netns.run(list(map(str, argv)), text=False, **more)


def descriptors(listen):
    return len(os.listdir(f'/proc/{listen.process.pid}/fd'))


# --- one client, in a pipe

listen = Listen(stdin=subprocess.PIPE)
client = listen.join()
sent = {}
thread = threading.Thread(target=lambda: sent.update(got=until_end(client)))
thread.start()
listen.process.stdin.write(BIG)
listen.process.stdin.close()
thread.join()
tap.check('its standard input comes bit for bit, and its end', sent['got'] == BIG)
client.sendall(b'after the end')
client.close()
tap.equal('the other half goes on, then both have ended',
          (listen.process.stdout.read(), listen.process.wait(60)), (b'after the end', 0))

listen = Listen()
thread = threading.Thread(target=lambda: sent.update(out=listen.process.stdout.read()))
thread.start()
done = connect('127.0.0.1', listen.port, input=BIG)
thread.join()
tap.check('what a client sends comes out bit for bit',
          sent['out'] == BIG and listen.process.wait(60) == 0, done)

listen = Listen()
client = listen.join()
client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
client.close()
tap.equal('a client that resets: status 1, and it says so',
          (listen.process.wait(60), 'ECONNRESET' in listen.said()), (1, True))

listen = Listen('--idle-timeout', '200ms')
client = listen.join()
tap.equal('--idle-timeout', (listen.process.wait(60), '--idle-timeout' in listen.said()),
          (1, True))
client.close()

listen = Listen('--crlf', stdin=subprocess.PIPE)
client = listen.join()
listen.process.stdin.write(b'one\ntwo\r\n')
listen.process.stdin.close()
tap.equal('--crlf', until_end(client), b'one\r\ntwo\r\n')
client.close()
listen.process.wait(60)

for name, argv in {
        'ncat': ['ncat', '127.0.0.1', '{port}'],
        'OpenBSD nc': ['nc', '-N', '127.0.0.1', '{port}'],
        # By itself it hears us for half of a second after its end.
        'socat': ['socat', '-t', '60', '-', 'TCP:127.0.0.1:{port}'],
        'curl': ['curl', '-sS', 'telnet://127.0.0.1:{port}']}.items():
    listen = Listen(stdin=subprocess.PIPE)
    listen.process.stdin.write(b'from us')
    listen.process.stdin.close()
    done = run(*[word.format(port=listen.port) for word in argv], input=b'from ' +
               name.encode())
    got = listen.process.stdout.read()
    tap.equal(f'{name} as a client', (done.stdout, got, listen.process.wait(60)),
              (b'from us', b'from ' + name.encode(), 0))

# --- a relay

peer = Peer(echo)
listen = Listen('-k', '--to', f'127.0.0.1:{peer.port}')
before = descriptors(listen)
done = connect('127.0.0.1', listen.port, input=BIG)
tap.check('a relay gives back all', done.returncode == 0 and done.stdout == BIG,
          (done.returncode, len(done.stdout), done.stderr))


def ragged(sock):
    """In pieces of all sizes, with pauses; then an end, and what the other side has to say."""
    rest, size = memoryview(BIG[:300000]), 1
    while rest:
        sock.sendall(rest[:size])
        rest, size = rest[size:], size * 7 % 65521 + 1
        if size % 5 == 0:
            pause()
    sock.shutdown(socket.SHUT_WR)


client = listen.join()
thread = threading.Thread(target=ragged, args=(client,))
thread.start()
tap.check('pieces of all sizes, pauses, a half-close', until_end(client) == BIG[:300000])
thread.join()
client.close()
# The kernel moves what is large through a pipe, which stays.
netns.wait_until('its clients are gone', lambda: descriptors(listen) == before + 2)
tap.ok('and every descriptor is given back')


def never_reads(sock):
    stuck.wait(60)


stuck = threading.Event()
sink = Peer(never_reads)
slow = Listen('-k', '--to', f'127.0.0.1:{sink.port}')
stalled = slow.join()
stalled.setblocking(False)
total = 0
quiet_since = time.monotonic()
while time.monotonic() - quiet_since < 0.3:
    try:
        total += stalled.send(b'x' * 65536)
        quiet_since = time.monotonic()
    except BlockingIOError:
        pause()
with open(f'/proc/{slow.process.pid}/status', encoding='ascii') as status:
    resident = int(re.search(r'VmRSS:\s+(\d+)', status.read())[1])
tap.check('a reader that takes nothing stops its sender; memory stays small',
          resident < 400000 if 'asan' in netns.SONDE else resident < 32000,
          (total, resident))
stuck.set()
stalled.close()
slow.end()

listen.end()
server = netns.background([netns.SONDE, 'serve', 'echo@127.0.0.1:50007/tcp'],
                          stdout=subprocess.DEVNULL)
netns.wait_for_port('tcp', 50007)
listen = Listen('-k', '--to', ':50007')
before = descriptors(listen)
many = []
for _ in range(200):
    sock = listen.join()
    sock.sendall(b'hello')
    many.append(sock)
tap.check('200 clients at once', all(sock.recv(5) == b'hello' for sock in many))
for sock in many:
    sock.close()
netns.wait_until('they are gone', lambda: descriptors(listen) == before)
tap.equal('SIGTERM ends it in order', listen.end(), 0)

listen = Listen('-k', '--to', '127.0.0.1:1')
try:
    client = listen.join()
    rest = client.recv(1)
except ConnectionResetError:
    rest = b''
netns.wait_until('it says why', lambda: 'cannot be relayed' in listen.said())
tap.equal('a target that is not there: the client is reset, and it says why', rest, b'')
listen.end()

for to, where in (('127.0.0.1:50099', '50099'), ('[::1]:50099', '*:50099'), ('localhost:50099', '[::1]:50099')):
    for words in ('-k',), ('-u', '-k'), ():
        done = netns.run([netns.SONDE, 'listen', *words, '--to', to, where])
        tap.check(f'{words} a relay from {where} to itself is refused', done.returncode == 2 and done.stderr.startswith(
            'sonde: relay to ') and ': it is this listener itself\nhint: ' in done.stderr, done)

path = os.path.join(SCRATCH, 'target')
unix_peer = Peer(echo, socket.AF_UNIX, path)
listen = Listen('--to', path)
done = connect('127.0.0.1', listen.port, input=b'through')
tap.equal('a Unix socket as the target, one client', (done.stdout, listen.process.wait(60)),
          (b'through', 0))

# --- broker and chat

listen = Listen('--broker')
a, b, c = (listen.join() for _ in range(3))
netns.wait_until('all are there', lambda: listen.said().count('accepted') == 3)
a.sendall(b'to all others')
tap.equal('a broker: the others hear it', (b.recv(100), c.recv(100)),
          (b'to all others',) * 2)
b.sendall(b'and back')
tap.equal('each to each', (a.recv(100), c.recv(100)), (b'and back',) * 2)
c.setblocking(False)
stop = time.monotonic() + 20
while 'does not read' not in listen.said() and time.monotonic() < stop:
    a.sendall(b'x' * 65536)
    b.recv(1 << 20)
tap.check('one that does not read is let go, and it says so',
          'does not read' in listen.said(), listen.said()[-500:])
for sock in a, b, c:
    sock.close()
listen.end()

listen = Listen('--chat')
a = listen.join()
netns.wait_until('it is there', lambda: 'accepted' in listen.said())
b = listen.join()
tap.check('a chat says who comes', re.match(rb'\* 2 \(127.0.0.1:\d+\) came, 2 here\n',
                                            a.recv(100)))
b.sendall(b'half a li')
b.sendall(b'ne\x1b[31m\r\nanother\n')
got = b''
while got.count(b'\n') < 2:
    got += a.recv(100)
tap.equal('whole lines, with a number, escaped', got,
          b'2: half a line\\x1b[31m\n2: another\n')
b.close()
tap.check('and who leaves', re.match(rb'\* 2 \(127.0.0.1:\d+\) left, 1 here\n', a.recv(100)))
a.close()
listen.end()

# --- UDP

listen = Listen('-u', '-k', '--exec', 'cat')
socks = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(3)]
for number, sock in enumerate(socks):
    sock.settimeout(60)
    sock.connect(('127.0.0.1', listen.port))
    sock.send(b'first %d' % number)
tap.equal('UDP: a session for each peer', [sock.recv(100) for sock in socks],
          [b'first 0', b'first 1', b'first 2'])
for sock in socks:
    sock.send(b'second')
tap.equal('and its next datagrams', [sock.recv(100) for sock in socks], [b'second'] * 3)
listen.end()

udp_peer = Peer(lambda sock, data, source: sock.sendto(data.upper(), source),
                kind=socket.SOCK_DGRAM)
listen = Listen('-u', '-k', '--to', f'127.0.0.1:{udp_peer.port}')
for sock in socks:
    sock.connect(('127.0.0.1', listen.port))
    sock.send(b'relayed')
tap.equal('UDP relayed', [sock.recv(100) for sock in socks], [b'RELAYED'] * 3)
listen.end()

listen = Listen('-u', stdin=subprocess.PIPE)
socks[0].connect(('127.0.0.1', listen.port))
socks[0].send(b'first')
socks[0].send(b'second')
got = os.read(listen.process.stdout.fileno(), 100)
while len(got) < 11:
    got += os.read(listen.process.stdout.fileno(), 100)
tap.equal('one UDP peer in a pipe', got, b'firstsecond')
listen.process.stdin.write(b'answer')
listen.process.stdin.flush()
tap.equal('and an answer to it', socks[0].recv(100), b'answer')
listen.process.stdin.close()
listen.end()
for sock in socks:
    sock.close()

# --- Unix sockets

path = os.path.join(SCRATCH, 'listen')
stale = socket.socket(socket.AF_UNIX)
stale.bind(path)
stale.close()
listen = Listen('--unix', where=path)
tap.check('a file that was left is replaced, and said so',
          'was left from a listener that is gone' in listen.said(), listen.said())
done = netns.run([netns.SONDE, 'listen', '--unix', path])
tap.check('one that is in use is not', done.returncode == 4 and 'something is there' in
          done.stderr, done.stderr)
done = run('socat', '-', f'UNIX-CONNECT:{path}', input=b'over unix')
tap.equal('a Unix client', (listen.process.stdout.read(), listen.process.wait(60)),
          (b'over unix', 0))
tap.check('and the file is gone', not os.path.exists(path))

# --- TLS

listen = Listen('--tls')
pin = netns.wait_until('its pin', lambda: re.search(r'pin it: (sha256:[0-9A-F:]+)\n',
                                                    listen.said()))[1]
done = connect('--tls', '--pin', pin, '127.0.0.1', listen.port, input=b'secret')
tap.equal('TLS with a certificate of its own, pinned', (listen.process.stdout.read(),
                                                        listen.process.wait(60)),
          (b'secret', 0))
listen = Listen('-k', '--tls', '--exec', 'cat')
context = ssl.create_default_context()
context.check_hostname = False
context.verify_mode = ssl.CERT_NONE
with context.wrap_socket(listen.join()) as client:
    client.sendall(BIG[:100000])
    got = b''
    while len(got) < 100000:
        got += client.recv(65536)
tap.check('TLS and a command', got == BIG[:100000])
process = netns.background(['openssl', 's_client', '-quiet', '-connect',
                            f'127.0.0.1:{listen.port}'], stdin=subprocess.PIPE,
                           stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
process.stdin.write(b'Hello\n')
process.stdin.flush()
tap.equal('openssl as a client', process.stdout.readline(), b'Hello\n')
process.kill()
process.wait()
client = listen.join()
client.sendall(b'this is no TLS at all\r\n\r\n')
netns.wait_until('it says so', lambda: 'TLS: ' in listen.said())
tap.ok('who speaks no TLS is told off in the log')
client.close()
listen.end()

# --- who may come, how many

listen = Listen('-k', '--exec', 'cat', '--deny', '127.0.0.2', '--allow', '127.0.0.0/8',
                where='*:0')
outcome = []
for address in '127.0.0.1', '127.0.0.2':
    client = socket.socket()
    client.settimeout(60)
    client.bind((address, 0))
    client.connect(('127.0.0.1', listen.port))
    try:
        client.sendall(b'x')
        outcome.append(client.recv(1))
    except ConnectionError:
        outcome.append(b'')
    client.close()
tap.equal('--allow and --deny', outcome, [b'x', b''])
tap.check('said in the log', '--deny has its address' in listen.said(), listen.said())
listen.end()

listen = Listen('-k', '-m', '1', '--exec', 'cat')
a, b = listen.join(), listen.join()
a.sendall(b'a')
tap.equal('--max-clients: the first is served', a.recv(1), b'a')
b.sendall(b'b')
a.close()
tap.equal('the next one when it has left', b.recv(1), b'b')
b.close()
listen.end()


def few_descriptors():
    resource.setrlimit(resource.RLIMIT_NOFILE, (20, 20))


listen = Listen('-k', '--broker', preexec_fn=few_descriptors)
crowd = [listen.join() for _ in range(20)]
netns.wait_until('it says why', lambda: 'ulimit -n' in listen.said())
tap.ok('without descriptors clients wait, and it says so')
with open(f'/proc/{listen.process.pid}/stat', encoding='ascii') as stat:
    used = sum(map(int, stat.read().rsplit(') ', 1)[1].split()[11:13]))
tap.check('and it does not spin', used < 50, f'{used} ticks')
for sock in crowd:
    sock.close()
listen.end()

# --- JSON, statistics, errors

process = netns.background([netns.SONDE, 'listen', '--json', '--stats', '127.0.0.1:0'],
                           stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
start = json.loads(process.stdout.readline())
listening = json.loads(process.stdout.readline())
connect('127.0.0.1', listening['port'], input=b'caf\xe9')
events = [json.loads(line) for line in process.stdout]
data = [event for event in events if event['event'] == 'data']
tap.equal('--json: data with direction, bytes and base64',
          [(event['direction'], event['bytes'], event['base64']) for event in data],
          [('received', 4, 'Y2Fm6Q==')])
tap.equal('and how it went', [event['event'] for event in events
                              if event['event'] not in ('data', 'end')],
          ['accepted', 'closed', 'summary'])
process.wait(60)

taken = socket.create_server(('127.0.0.1', 0))
for words, status, text in (
        (['127.0.0.1:' + str(taken.getsockname()[1])], 4, 'EADDRINUSE'),
        (['192.0.2.1:5000'], 2, 'EADDRNOTAVAIL'),
        (['--to', 'localhost', '5000'], 2, 'localhost'),
        (['--broker', '--exec', 'cat', '5000'], 2, '--exec'),
        (['--allow', '10.0.0.1/8', '5000'], 2, '10.0.0.1/8'),
        (['--cert', 'x', '5000'], 2, '--cert needs --tls'),
        (['--tls', '--cert', 'x', '--tls-name', 'y', '5000'], 2, 'no meaning together'),
        (['--unix', 'x' * 200], 2, 'too long'),
        (['--unix', f'{netns.scratch()}/none/socket'], 4, '(ENOENT)\nhint: the folder for it is not there'),
        (['nosuchport'], 2, 'nosuchport'),
        ([], 2, 'name a port')):
    done = netns.run([netns.SONDE, 'listen', *words])
    tap.check(f'{" ".join(words)[:40] or "nothing"}: status {status}, and why',
              done.returncode == status and text in done.stderr,
              f'{done.returncode}\n{done.stderr}')
taken.close()

listen = Listen(stdin=subprocess.DEVNULL)
listen.process.stdout.close()
done = connect('127.0.0.1', listen.port, input=b'nobody reads this')
tap.equal('a reader that went away ends it quietly', listen.process.wait(60), 0)

tap.done()
