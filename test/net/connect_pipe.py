#!/usr/bin/python3
"""`sonde connect` in a pipe: exact bytes both ways over TCP, UDP and Unix sockets, ends
passed on, and an exit status that tells how it ended.

SONDE_TALK_MB=200 sends that much instead of 20 MB.
"""

import contextlib
import json
import os
import pty
import select
import socket
import struct
import subprocess
import tempfile
import threading

import netns
from talking import Peer, blob, connect, echo, pause, until_end
from tap import tap

netns.enter()

SIZE = int(os.environ.get('SONDE_TALK_MB', '20')) * 1000000
BIG = blob(SIZE)


def reset(sock):
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack('ii', 1, 0))
    sock.close()


def said(done):
    return done.returncode, done.stderr.decode()


# --- bytes

peer = Peer(echo)
done = connect('127.0.0.1', peer.port, input=BIG)
tap.check(f'{SIZE // 1000000} MB through TCP come back bit for bit',
          done.returncode == 0 and done.stdout == BIG, said(done))
done = connect(f'127.0.0.1:{peer.port}', input=bytes(range(256)))
tap.equal('HOST:PORT, every byte as it is', (done.returncode, done.stdout, done.stderr),
          (0, bytes(range(256)), b''))
done = connect(f':{peer.port}', input=b'x')
tap.equal(':PORT is this machine', (done.returncode, done.stdout), (0, b'x'))


def ragged(sock):
    """Small pieces with pauses, while the rest still comes in."""
    data = until_end(sock)
    rest = memoryview(data)
    size = 1
    while rest:
        sock.sendall(rest[:size])
        rest = rest[size:]
        size = size * 7 % 65521 + 1
        if size % 5 == 0:
            pause()


peer = Peer(ragged)
piece = BIG[:3000000]
done = connect('127.0.0.1', peer.port, input=piece)
tap.check('an answer that begins after our end, in uneven pieces, arrives whole',
          done.returncode == 0 and done.stdout == piece, said(done))


def talks_first(sock):
    sock.sendall(piece)
    sock.shutdown(socket.SHUT_WR)
    heard.append(until_end(sock))


heard = []
peer = Peer(talks_first)
process = netns.background([netns.SONDE, 'connect', '127.0.0.1', str(peer.port)],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                           stderr=subprocess.PIPE)
got = process.stdout.read()  # ends, although our half is still open
process.stdin.write(piece)
process.stdin.close()
tap.equal('the peer\'s end closes standard output at once', got == piece, True)
tap.equal('after it all that is sent still arrives',
          (process.wait(60), netns.wait_until('the end', lambda: heard)[0] == piece), (0, True))

peer = Peer(lambda sock: (sock.sendall(b'a\r\n'), heard.append(until_end(sock))))
heard.clear()
done = connect('--crlf', '127.0.0.1', peer.port, input=b'one\ntwo\r\n\nthree')
netns.wait_until('the end', lambda: heard)
tap.equal('--crlf ends lines with CR LF, once', heard[0], b'one\r\ntwo\r\n\r\nthree')

# --- other transports


def answer(sock, data, source):
    sock.sendto(data[::-1], source)


def ask(question, *words):
    """Standard input keeps messages whole (through a pipe they may come in pieces, each a
    datagram) and ends after the answer: no answer can be late."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with ours, its, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        process = netns.background([netns.SONDE, 'connect', *words], stdin=its, stdout=out,
                                   stderr=err)
        ours.send(question)
        netns.wait_until('an answer', lambda: os.fstat(out.fileno()).st_size)
        ours.shutdown(socket.SHUT_WR)
        process.wait(60)
        out.seek(0)
        err.seek(0)
        return process.returncode, out.read(), err.read()


peer = Peer(answer, kind=socket.SOCK_DGRAM)
tap.equal('UDP: a datagram goes, a datagram comes; silence ends it',
          ask(b'hello', '--udp', '--idle-timeout', '2s', '127.0.0.1', str(peer.port)),
          (0, b'olleh', b''))
largest = blob(65507)
status, output, errors = ask(largest, '-u', '127.0.0.1', str(peer.port))
tap.check('UDP: the largest datagram; a second without answers is the end',
          (status, output, errors) == (0, largest[::-1], b''), (status, len(output), errors))
done = connect('-u', '127.0.0.1', 9, input=b'x')
tap.equal('UDP: a closed port is said', said(done),
          (1, 'sonde: receive from 127.0.0.1:9/udp: nothing receives there (ECONNREFUSED)\n'
              'hint: the peer\'s machine answered that the port is closed\n'))

folder = netns.scratch()
path = f'{folder}/x.sock'
Peer(echo, socket.AF_UNIX, path)
done = connect('--unix', path, input=piece)
tap.check('a Unix stream', done.returncode == 0 and done.stdout == piece, said(done))
Peer(echo, socket.AF_UNIX, '\0sonde-test')
done = connect('-U', '@sonde-test', input=piece)
tap.check('an abstract Unix stream', done.returncode == 0 and done.stdout == piece, said(done))
datagram_path = f'{folder}/d.sock'
peer = Peer(answer, socket.AF_UNIX, datagram_path, socket.SOCK_DGRAM)
done = connect('--unix', '--udp', '--bind', f'{folder}/me.sock', datagram_path, input=b'abc')
tap.equal('Unix datagrams, from a path that is removed in the end',
          (done.returncode, done.stdout, peer.seen, os.path.exists(f'{folder}/me.sock')),
          (0, b'cba', [f'{folder}/me.sock'], False))
done = connect('--unix', datagram_path)
tap.equal('the wrong kind of Unix socket', said(done),
          (2, f'sonde: connect {datagram_path} (unix): Protocol wrong type for socket '
              '(EPROTOTYPE)\nhint: it is a datagram socket: add --udp\n'))
done = connect('--unix', f'{folder}/none')
tap.equal('no such Unix socket', done.returncode, 1)
tap.check('and why', b'the server makes it when it starts' in done.stderr, done.stderr)

# --- addresses

peer = Peer(echo)
done = connect('--bind', '127.0.0.2:50001', '-v', '127.0.0.1', peer.port)
tap.equal('--bind HOST:PORT', (done.returncode, peer.seen), (0, [('127.0.0.2', 50001)]))
words = done.stderr.decode()
tap.check('-v: who gave the local address, before and after',
          'local address before the connect: 127.0.0.2:50001, as --bind wants it' in words and
          '--bind chose address and port' in words, words)
done = connect('--bind', '127.0.0.3', '-v', 'localhost', peer.port)
words = done.stderr.decode()
with open('/proc/sys/net/ipv4/ip_local_port_range', encoding='ascii') as file:
    ports = ' to '.join(file.read().split())
tap.check('--bind HOST: the kernel gives the port',
          done.returncode == 0 and f'the kernel the port, from {ports}' in words, words)
done = connect('--bind', '192.0.2.7:0', '127.0.0.1', peer.port)
tap.equal('--bind of an address that is not ours', said(done),
          (2, 'sonde: bind 192.0.2.7:0/tcp: it is no address of this machine (EADDRNOTAVAIL)\n'
              'hint: this machine has 127.0.0.1 (lo)\n'))
done = connect('--bind', '127.0.0.1', '::1', peer.port)
tap.equal('--bind of the other family', said(done),
          (2, 'sonde: connect ::1: it has no IPv4 address, as --bind 127.0.0.1\n'
              'hint: its address is IPv6\n'))


def ipv6_alone():
    """A peer, and its port of IPv4, where nobody listens."""
    while True:
        peer, held = Peer(echo, socket.AF_INET6, ('::1', 0)), socket.socket()
        with contextlib.suppress(OSError):
            held.bind(('127.0.0.1', peer.port))
            return peer, held


six, held = ipv6_alone()
done = connect('-v', 'localhost', six.port, input=b'x')
words = done.stderr.decode()
tap.check('every address of a name is tried',
          done.stdout == b'x' and f'127.0.0.1:{six.port}/tcp: Connection refused '
          '(ECONNREFUSED); trying the next address' in words, words)
done = connect('-4', 'localhost', six.port)
tap.equal('-4 tries only IPv4', said(done),
          (1, f'sonde: connect 127.0.0.1:{six.port}/tcp: Connection refused (ECONNREFUSED)\n'
              f'hint: nothing listens there; `sonde listen {six.port}` would\n'))

# --- how it ends

subprocess.run(['ip', 'addr', 'add', '192.0.2.1/24', 'dev', 'lo'], check=True)
subprocess.run(['nft', '-f', '-'], check=True, text=True, input='''
    table inet t {
        chain c {
            type filter hook input priority 0;
            ip daddr 192.0.2.1 tcp dport 5000 drop
        }
    }
''')
done = connect('--timeout', '200ms', '192.0.2.1', 5000)
tap.equal('a connect that takes too long', said(done),
          (1, 'sonde: connect 192.0.2.1:5000/tcp: no connection within 200 ms (ETIMEDOUT)\n'
              'hint: no such machine is up, or a firewall drops what is sent there\n'))


def resets(sock):
    sock.recv(1)
    sock.sendall(b'first')
    ready.append(1)
    while not go:
        pause()
    reset(sock)


ready, go = [], []
peer = Peer(resets)
process = netns.background([netns.SONDE, 'connect', '127.0.0.1', str(peer.port)],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
process.stdin.write(b'x')
process.stdin.flush()
first = os.read(process.stdout.fileno(), 100)
go.append(1)
rest, errors = process.communicate(timeout=60)
tap.equal('a peer that resets: what came before is there, and it is said',
          (first, rest, process.returncode, errors.decode()),
          (b'first', b'', 1, f'sonde: receive from 127.0.0.1:{peer.port}/tcp: the peer reset the '
           'connection (ECONNRESET)\nhint: its program ended or closed without reading all that '
           'was sent to it\n'))

takes_five = Peer(lambda sock: (sock.recv(5), reset(sock)))
with open('/dev/zero', 'rb') as zero:
    done = connect('127.0.0.1', takes_five.port, stdin=zero)
tap.check('a peer that takes nothing any more while we send: one line, one hint',
          done.returncode == 1 and done.stderr.count(b'\n') == 2 and
          (b'(ECONNRESET)' in done.stderr or b'(EPIPE)' in done.stderr), said(done))

silent = Peer(lambda sock: over.wait(60))
over = threading.Event()
done = connect('--idle-timeout', '150ms', '127.0.0.1', silent.port)
tap.equal('--idle-timeout: a peer that says nothing', said(done),
          (1, f'sonde: talk to 127.0.0.1:{silent.port}/tcp: nothing came or went for 150 ms '
              '(--idle-timeout)\n'))
over.set()
over = threading.Event()
with open('/dev/zero', 'rb') as zero:
    done = connect('--idle-timeout', '150ms', '127.0.0.1', silent.port, stdin=zero)
tap.equal('a peer that never reads: sending stops, and nothing grows', done.returncode, 1)
over.set()

many = Peer(lambda sock: sock.sendall(BIG))
with open('/dev/full', 'wb') as full:
    done = connect('127.0.0.1', many.port, stdout=full)
tap.equal('a full disk', said(done),
          (4, 'sonde: write standard output: No space left on device (ENOSPC)\n'
              'hint: what was received is not complete\n'))
done = netns.run(['bash', '-c', f'"$SONDE" connect 127.0.0.1 {many.port} </dev/null | head -c 5 '
                  '| wc -c; echo ${PIPESTATUS[0]}'])
tap.equal('a reader that has seen enough ends it quietly', (done.stdout, done.stderr), ('5\n0\n', ''))
done = netns.run(['bash', '-c', f'ulimit -n 4; exec "$SONDE" connect 127.0.0.1 {many.port}'])
tap.equal('no descriptor is left', (done.returncode, 'EMFILE' in done.stderr), (4, True))

# --- a terminal as standard output alone


def in_pieces(sock):
    for piece in b'\x1b[2J\xc3', b'\xbc\r', b'\nx\ty\r', b'z\xe2\x82':
        sock.sendall(piece)
        pause()


ours, theirs = pty.openpty()
done = connect('127.0.0.1', Peer(in_pieces).port, stdout=theirs)
shown = b''
while not shown.endswith(b'\\x82') and select.select([ours], [], [], 10)[0]:
    shown += os.read(ours, 999)
tap.equal('control characters are escaped there, whatever the pieces', (done.returncode, shown),
          (0, b'\\x1b[2J\xc3\xbc\r\nx\ty\\rz\\xe2\\x82'))

# --- records

peer = Peer(echo)
done = connect('--json', '--stats', '127.0.0.1', peer.port, input=b'\x00\xff')
events = [json.loads(line) for line in done.stdout.splitlines()]
data = [(e['direction'], e['bytes'], e['base64']) for e in events if e['event'] == 'data']
tap.equal('--json: bytes with their direction', data, [('sent', 2, 'AP8='), ('received', 2, 'AP8=')])
tap.equal('--json: what happened', [e['event'] for e in events if e['event'] != 'data'],
          ['start', 'bound', 'connecting', 'connected', 'end', 'end', 'closed', 'summary'])
tap.equal('--json: the peer', events[3]['peer'], {'address': '127.0.0.1', 'port': peer.port})
done = connect('--stats', '127.0.0.1', peer.port, input=b'abc')
tap.check('--stats', done.stderr.startswith(b'sonde: 3 bytes sent, 3 received in '), done.stderr)

# --- other peers

def against(name, argv, port, answered, request):
    """These end when our half does, whatever they still have to say: it stays open."""
    process = netns.background(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    netns.wait_for_port('tcp', port)
    ours = netns.background([netns.SONDE, 'connect', '127.0.0.1', str(port)],
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    ours.stdin.write(request)
    ours.stdin.flush()
    process.stdin.write(answered)
    process.stdin.flush()
    got = ours.stdout.read(len(answered)), process.stdout.read(len(request))
    ours.stdin.close()
    process.stdin.close()
    tap.equal(f'{name} as the peer: what it said, and what it heard',
              (ours.wait(60), got == (answered, request)), (0, True))


against('ncat', ['ncat', '-l', '127.0.0.1', '5001'], 5001, blob(100000), blob(60000, 8))
against('OpenBSD nc', ['nc.openbsd', '-l', '-N', '127.0.0.1', '5003'], 5003, blob(100000),
        blob(60000, 8))
# By itself it gives a cat that is behind half of a second after our end.
process = netns.background(['socat', '-t', '60', 'TCP-LISTEN:5002,bind=127.0.0.1', 'EXEC:cat'])
netns.wait_for_port('tcp', 5002)
done = connect('127.0.0.1', 5002, input=piece)
tap.check('socat with cat as the peer', (done.returncode, done.stdout) == (0, piece),
          (said(done), len(done.stdout)))

tap.done()
