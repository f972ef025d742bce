#!/usr/bin/python3
"""`sonde connect` by a script, by questions, with a program, and with telnet servers."""

import json
import os
import signal
import socket
import subprocess

import threading

import netns
from talking import Peer, blob, connect, echo, until_end
from tap import tap

netns.enter()
folder = netns.scratch()


def said(done):
    return done.returncode, done.stderr.decode()


# --- scripts


def smtp(sock):
    sock.sendall(b'220 lab.example ready\r\n')
    for line in sock.makefile('rb'):
        if line.startswith(b'QUIT'):
            sock.sendall(b'221 bye\r\n')
            return
        sock.sendall(b'250-' + line + b'250 ok\r\n')


def script(text, *words):
    path = f'{folder}/script'
    with open(path, 'w', encoding='utf-8') as file:
        file.write(text)
    return connect('--script', path, *words)


def without_times(done):
    return [line.rsplit(' (', 1)[0] if line[0] in '=!' else line
            for line in done.stdout.decode().splitlines()]


peer = Peer(smtp)
done = script(r'''# a dialogue
timeout 20s
expect /^220 (\S+) ready\r$/
line "EHLO example.org"      # an end of line is added
expect "250 ok\r\n" within 20s
send "QUIT\r\n"
expect "221"
expect end
''', '--crlf', '127.0.0.1', peer.port)
tap.equal('a dialogue, and its transcript', (said(done), without_times(done)),
          ((0, ''), ['< 220 lab.example ready', r'= 3: expect /^220 (\S+) ready\r$/',
                     '> EHLO example.org', '= 4: line "EHLO example.org"',
                     '< 250-EHLO example.org', '< 250 ok', r'= 5: expect "250 ok\r\n" within 20s', '> QUIT',
                     r'= 6: send "QUIT\r\n"', '< 221 bye', '= 7: expect "221"', '= 8: expect end']))
done = script('expect "220"\nexpect "530" within 100ms\n', '127.0.0.1', peer.port)
tap.equal('what does not come', said(done),
          (1, f'sonde: script {folder}/script:2: expect "530" did not come within 100 ms\n'
              'hint: what came instead: " lab.example ready\\r\\n"\n'))
done = script('expect "220"\nline "QUIT"\nexpect "999"\n', '127.0.0.1', peer.port)
tap.check('a peer that closes before', done.returncode == 1 and
          b'expect "999" did not come: the peer closed' in done.stderr, said(done))
done = script('expect "220 lab"\nsend "QUIT\\r\\n"\nexpect end\n', '--json', '127.0.0.1', peer.port)
events = [json.loads(line) for line in done.stdout.splitlines()]
tap.equal('--json has the steps',
          [(e['line'], e['ok'], e['text']) for e in events if e['event'] == 'step'],
          [(1, True, 'expect "220 lab"'), (2, True, 'send "QUIT\\r\\n"'), (3, True, 'expect end')])
web = Peer(lambda sock: (until_end(sock), sock.sendall(b'HTTP/1.0 200 OK\r\n\r\n' + blob(3000000))))
done = script(r'''send "GET / HTTP/1.0\r\n\r\n"
end
expect /^HTTP\/1\.\d 200 /
wait 1ms
expect end
close
''', '--stats', '-q', '127.0.0.1', web.port)
tap.check('a half-close, and more than is kept',
          done.returncode == 0 and b'3000019 received' in done.stderr, said(done))
for text, line, reason in [
        ('sned "x"\n', 1, 'sned is no step'), ('\n\nsend x\n', 3, 'a text in "..." is missing'),
        ('send "x\n', 1, 'the " at its end is missing'), ('send "\\q"\n', 1, 'there is no \\q'),
        ('expect /a(/\n', 1, 'the expression is wrong at character 2: missing closing parenthesis'),
        ('expect "x" within 5\n', 1, '5 is no duration'), ('close\nend\n', 2, 'nothing may follow close'),
        ('expect ""\n', 1, 'an empty text is always there'), ('# nothing\n', 1, 'there is no step in it'),
        ('send "\\x0"\n', 1, 'two hexadecimal digits follow \\x'), ('end end\n', 1, 'something follows')]:
    done = script(text, '127.0.0.1', peer.port)
    tap.check(f'line {line}: {reason}', done.returncode == 2 and done.stderr.decode().startswith(
        f'sonde: read script {folder}/script:{line}: {reason}'), said(done))
done = connect('--script', f'{folder}/none', '127.0.0.1', peer.port)
tap.equal('no such script', done.returncode, 2)
done = connect('--udp', '--timeout', '1s', '127.0.0.1', peer.port)
tap.check('--timeout of a connect that UDP has not', done.returncode == 2 and
          b'--idle-timeout is for silence' in done.stderr, said(done))

# --- questions

upper = Peer(lambda sock: [sock.sendall(piece.upper()) for piece in
                           iter(lambda: sock.recv(999), b'')])
done = connect('--ask', '127.0.0.1', upper.port, input=b'one\ntwo\n\nthree\n')
tap.equal('--ask ends at an empty line', (done.returncode, done.stdout), (0, b'ONE\nTWO\n'))
done = connect('--ask', '127.0.0.1', upper.port, input=b'one\nquit\nthree\n')
tap.equal('and at quit', (done.returncode, done.stdout), (0, b'ONE\n'))
done = connect('--ask', '127.0.0.1', upper.port, input=b'a\0b\r\n\0\nquit\0\n')
tap.equal('a NUL byte is sent, too', (done.returncode, done.stdout), (0, b'A\0B\n\0\nQUIT\0\n'))
udp = Peer(lambda sock, data, source: data != b'lost\n' and sock.sendto(b'told: ' + data, source),
           kind=socket.SOCK_DGRAM)
done = connect('--ask', '--udp', '--idle-timeout', '2s', '127.0.0.1', udp.port,
               input=b'a\nlost\nb\n')
tap.equal('over UDP; no answer is said, and asking goes on', (done.stdout, *said(done)),
          (b'told: a\ntold: b\n', 1, f'sonde: ask 127.0.0.1:{udp.port}: no answer within 2.00 s\n'))
late = Peer(lambda sock: (sock.recv(100), threading.Event().wait(0.2), sock.sendall(b'late\n')))
done = connect('--ask', '--idle-timeout', '0s', '127.0.0.1', late.port, input=b'a\n')
tap.equal('--idle-timeout 0s waits for as long as it takes', (done.returncode, done.stdout),
          (0, b'late\n'))
once = Peer(lambda sock: sock.recv(100))
done = connect('--ask', '127.0.0.1', once.port, input=b'a\nb\n')
tap.equal('a peer that closes before the answer', said(done),
          (1, 'sonde: the peer closed the connection before an answer\n'))

# --- a program

peer = Peer(lambda sock: (sock.sendall(b'for you\n'), heard.append(until_end(sock))))
heard = []
done = connect('--exec', 'read x; echo "got $x from $SONDE_PEER_ADDRESS $SONDE_PEER_PORT '
               '$SONDE_PROTO"', '127.0.0.1', peer.port)
netns.wait_until('all of it', lambda: heard)
tap.equal('--exec: its input and output are the peer, who is in its environment',
          (said(done), heard), ((0, ''), [f'got for you from 127.0.0.1 {peer.port} tcp\n'.encode()]))
# A peer that hears its end late tells nobody: others use the list then.
peer = Peer(lambda sock: (sock.sendall(b'for you\n'), until_end(sock)))
done = connect('--exec', 'exit 3', '127.0.0.1', peer.port)
tap.equal('a program that fails', said(done), (4, 'sonde: run exit 3: it ended with status 3\n'))
echoed = []
done = connect('--exec', 'cat', '127.0.0.1', Peer(lambda sock: (
    sock.sendall(blob(300000)), sock.shutdown(socket.SHUT_WR), echoed.append(until_end(sock)))).port)
netns.wait_until('the echo', lambda: echoed)
tap.equal('a program that echoes', (done.returncode, echoed == [blob(300000)]), (0, True))

# --- telnet in a pipe


def telnet(sock):
    sock.sendall(b'\xff\xfb\x00\xff\xfd\x1f')  # WILL BINARY, DO NAWS: one to take, one to refuse
    told = b''
    while len(told) < 6 and (piece := sock.recv(6 - len(told))):
        told += piece
    answered.set()
    sock.sendall(b'a\xff\xffb\xff\xf9c')
    heard.append(told + until_end(sock))


answered = threading.Event()
peer = Peer(telnet)
heard.clear()
# Its half must be open until the options are answered.
process = netns.background([netns.SONDE, 'connect', '--telnet', '127.0.0.1', str(peer.port)],
                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
answered.wait(60)
got = process.communicate(timeout=60)[0]
netns.wait_until('all of it', lambda: heard)
tap.equal('--telnet: data without commands, options answered', (process.returncode, got, heard),
          (0, b'a\xffbc', [b'\xff\xfd\x00\xff\xfc\x1f']))
heard.clear()
hears = Peer(lambda sock: heard.append(until_end(sock)))
connect('-t', '127.0.0.1', hears.port, input=b'x\xff\ry\nz\r\n')
netns.wait_until('all of it', lambda: heard)
tap.equal('IAC is doubled, lines end as telnet wants it', heard, [b'x\xff\xff\r\0y\r\nz\r\n'])

# A chunk that is sent in part, and then, at the same moment, room for more and a negotiation.


def read_late(sock):
    gate.wait(60)
    piece = sock.recv(1 << 18)
    heard.append(piece)
    sock.sendall(b'\xff\xfd\xc8')  # DO 200
    told.set()
    while piece := sock.recv(1 << 18):
        heard.append(piece)


gate, told = threading.Event(), threading.Event()
heard.clear()
with open(f'{folder}/iac', 'wb') as file:
    file.write(b'\xff' * 6000000)
peer = Peer(read_late)
with open(f'{folder}/iac', 'rb') as file:
    process = netns.background([netns.SONDE, 'connect', '--telnet', '127.0.0.1', str(peer.port)],
                               stdin=file, stdout=subprocess.PIPE)


def stands_still(question, least):
    seen = []

    def ask():
        seen.append(question())
        return seen[-1] > least and len(seen) > 20 and len(set(seen[-20:])) == 1
    return ask


def has_read():
    with open(f'/proc/{process.pid}/io', encoding='ascii') as io:
        return int(io.readline().split()[1])


netns.wait_until('the peer takes no more', stands_still(has_read, 100000))
process.send_signal(signal.SIGSTOP)
gate.set()
told.wait(60)
netns.wait_until('all of it was read', stands_still(lambda: len(b''.join(heard)), 1))
process.send_signal(signal.SIGCONT)
netns.wait_until('the end', lambda: process.poll() is not None)
whole = b''.join(heard)
tap.equal('an answer of telnet stands between two chunks',
          (whole.count(b'\xff\xfc\xc8'), whole.find(b'\xfc') % 131072, len(whole)),
          (1, 1, 12000003))
flood = Peer(lambda sock: [sock.sendall(b'\xff\xfd\xc8' * 20000) for _ in iter(int, 1)])
open_end = os.pipe()
done = connect('--telnet', '127.0.0.1', flood.port, stdin=open_end[0])
tap.equal('a peer that negotiates without end, and reads nothing', said(done),
          (1, f'sonde: receive from 127.0.0.1:{flood.port}/tcp: it negotiates without end, and reads '
              'no answers\n'))

telnetd = '/usr/sbin/telnetd'
login = f'{folder}/login'
with open(login, 'w', encoding='ascii') as file:
    # It stays: with its end telnetd forgets what it has not sent yet.
    file.write('#!/bin/sh\nread -r name\necho "hello $name on $TERM"\nread -r end\n')
os.chmod(login, 0o755)


def serve_telnet(sock):
    os.set_blocking(sock.fileno(), True)
    subprocess.run([telnetd, '-E', login], stdin=sock, stdout=sock, stderr=subprocess.DEVNULL)


peer = Peer(serve_telnet)
done = script('send "bob\\n"\nexpect /(?i)hello bob on dumb/ within 60s\n', '--telnet', '127.0.0.1',
              peer.port)
tap.equal('a real telnet server', (done.returncode, done.stderr), (0, b''))
if done.returncode:
    tap.check('its transcript', False, done.stdout.decode())

for words in (['--ask', '--script', 'x'], ['--exec', 'x', '--script', 'x'], ['--telnet', '--udp'],
              ['--telnet', '--crlf'], ['--no-newline']):
    tap.equal(' '.join(words) + ' has no meaning', connect(*words, '127.0.0.1', 9).returncode, 2)

tap.done()
