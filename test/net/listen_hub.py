#!/usr/bin/python3
"""`sonde listen` with many clients: letters on a terminal, the last line of a chat, what is kept
for clients that do not read, a target with several addresses, TLS sessions taken up again."""

import os
import pty
import re
import socket
import ssl
import subprocess
import tty

import netns
from talking import Listen, Peer, echo
from tap import tap

netns.enter()
FOLDER = netns.scratch()
for name in 'rmem', 'wmem':
    with open(f'/proc/sys/net/ipv4/tcp_{name}', 'w', encoding='ascii') as file:
        file.write('4096 16384 65536')

# --- at a terminal

leader, follower = pty.openpty()
tty.setraw(follower)
listen = Listen('-k', stdout=follower)
os.close(follower)
a, b = listen.join(), listen.join()
text = 'grüße €\r\n'.encode()
shown = b''


def screen(wanted):
    global shown
    while len(shown) < len(wanted):
        shown += os.read(leader, 100)
    return shown


a.sendall(text[:3])
netns.wait_until('its beginning', lambda: screen(b'gr') == b'gr')
b.sendall(b'z\xe9')
screen(b'grz')
a.sendall(text[3:])
wanted = 'grzüße €\n'.encode()
tap.equal('letters in pieces, between those of another client', screen(wanted), wanted)
b.close()
tap.equal('what is none is shown when its client ends', screen(wanted + b'\\xe9'), wanted + b'\\xe9')
a.close()
listen.end()
os.close(leader)

# --- a chat

listen = Listen('--chat')
a = listen.join()
netns.wait_until('it is there', lambda: 'accepted' in listen.said())
b = listen.join()
heard = a.makefile('rb')
heard.readline()
b.sendall(b'first\nlast words')
b.close()
tap.equal('a line without an end is said when its client leaves',
          [heard.readline() for _ in range(2)], [b'2: first\n', b'2: last words\n'])
tap.check('before it has left', b'left' in heard.readline())
a.close()
listen.end()

# --- what is kept for all who do not read

for use in '--broker', '--chat':
    listen = Listen(use, stdout=subprocess.DEVNULL)
    crowd = [listen.join() for _ in range(90)]
    netns.wait_until('all are there', lambda: listen.said().count('accepted') == 90)
    line = b'x' * 4000 + b'\n'
    crowd[0].settimeout(30)
    for _ in range(240):  # 960 kB for each of 89: fewer than one alone may be owed
        crowd[0].sendall(line)
    netns.wait_until('it says so', lambda: 'wait for all clients' in listen.said(), 60)
    with open(f'/proc/{listen.process.pid}/status', encoding='ascii') as status:
        peak = int(re.search(r'VmHWM:\s+(\d+)', status.read())[1])
    tap.check(f'{use}: those that are owed the most are let go; memory is bounded',
              'asan' in netns.SONDE or peak < 140000, peak)
    tap.check('and nobody for its own part alone', 'wait for it already' not in listen.said())
    for sock in crowd:
        sock.close()
    tap.equal('it goes on', listen.end(), 0)

# --- a target with two addresses, of which the first is silent

full = socket.create_server(('127.0.0.2', 0), backlog=0)
port = full.getsockname()[1]
waiting = []
for _ in range(4):
    sock = socket.socket()
    sock.setblocking(False)
    sock.connect_ex(full.getsockname())
    waiting.append(sock)
peer = Peer(echo, address=('127.0.0.3', port))
with open(f'{FOLDER}/hosts', 'w', encoding='ascii') as file:
    file.write('127.0.0.2 both\n127.0.0.3 both\n')
log = open(f'{FOLDER}/relay', 'wb')
relay = netns.background(
    ['unshare', '-m', 'sh', '-c', f'mount --bind {FOLDER}/hosts /etc/hosts && exec "{netns.SONDE}" '
     f'listen -v -k --to both:{port} 127.0.0.1:50001'], stderr=log, stdin=subprocess.DEVNULL)
netns.wait_for_port('tcp', 50001)
client = socket.create_connection(('127.0.0.1', 50001))
client.settimeout(30)
client.sendall(b'hello')
tap.equal('a target whose first address is silent: the second one gets its share of the time',
          client.recv(5), b'hello')
client.close()
relay.terminate()
relay.wait(10)

# --- TLS sessions

netns.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256',
           '-nodes', '-keyout', f'{FOLDER}/key', '-out', f'{FOLDER}/cert', '-subj', '/CN=localhost',
           '-days', '2'], check=True)
listen = Listen('-k', '--tls', '--ca-file', f'{FOLDER}/cert', '--exec', 'cat')
for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.load_cert_chain(f'{FOLDER}/cert', f'{FOLDER}/key')
    context.maximum_version = version
    session, outcome = None, []
    for _ in range(2):
        with context.wrap_socket(listen.join(), session=session) as client:
            client.sendall(b'hello')
            try:
                outcome.append((client.recv(5), client.session_reused))
            except OSError as error:
                outcome.append(str(error))
            session = client.session
    tap.equal(f'{version.name}, with a certificate: a session is taken up again', outcome,
              [(b'hello', False), (b'hello', True)])
listen.end()

tap.done()
