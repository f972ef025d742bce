#!/usr/bin/python3
"""`sonde connect --tls`: whom it trusts and what it says of it, exact bytes, ends that are
announced and ends that are cut; against Python's TLS, openssl s_server, ncat and socat."""

import re
import socket
import ssl
import subprocess
import threading

import netns
from talking import Listen, Peer, blob, connect, echo, until_end
from tap import tap

netns.enter()
folder = netns.scratch()


def make(name, *more):
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                    'ec_paramgen_curve:P-256', '-nodes', '-keyout', f'{folder}/{name}.key',
                    '-out', f'{folder}/{name}.pem', '-days', '30', '-subj', f'/CN={name}', *more],
                   check=True, stderr=subprocess.DEVNULL)
    return f'{folder}/{name}.pem', f'{folder}/{name}.key'


CERT, KEY = make('localhost', '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1')
OWN, OWN_KEY = make('client')
PIN = re.search('=(.*)', subprocess.run(['openssl', 'x509', '-in', CERT, '-noout', '-fingerprint',
                                         '-sha256'], check=True, text=True,
                                        stdout=subprocess.PIPE).stdout)[1]
BIG = blob(5000000)
asked = []


def secured(handler, ends=True, where='127.0.0.1', **settings):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERT, KEY)
    context.sni_callback = lambda sock, name, _: asked.append(name)
    for name, value in settings.items():
        if callable(getattr(context, name)):
            getattr(context, name)(value)
        else:
            setattr(context, name, value)

    def handle(plain):
        sock = context.wrap_socket(plain, server_side=True)
        handler(sock)
        if ends:
            sock.unwrap()
        sock.close()
    return Peer(handle, address=(where, 0))


def said(done):
    return done.returncode, done.stderr.decode()


peer = secured(echo)
subject = f'127.0.0.1:{peer.port}/tcp'
hint = ('hint: --ca-file trusts who signed a certificate, --pin one certificate alone; '
        '--insecure -v shows it\n')
name_hint = ('hint: --tls-name says for which name its certificate is, where that is meant; '
             '--insecure -v shows it\n')

done = connect('--tls', 'localhost', peer.port)
tap.equal('nobody trusts a self-signed certificate', said(done),
          (1, f'sonde: secure {subject}: its certificate is not trusted: self-signed '
              f'certificate\n{hint}'))
tap.equal('the name was asked for (SNI)', asked[-1], 'localhost')
done = connect('--tls', '--ca-file', CERT, '-v', 'localhost', peer.port, input=BIG)
tap.check('5 MB there and back, bit for bit, half-closed', (done.returncode, done.stdout) == (0, BIG),
          said(done))
words = done.stderr.decode()
tap.check('-v tells version, cipher and certificate',
          re.search(r'TLSv1\.3, TLS_\w+; certificate of CN=localhost, issued by CN=localhost, until '
                    rf'20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC, sha256:{PIN}; signed by who is trusted, '
                    'and for this name', words), words)
tap.check('and that the ends were announced', words.count('(close_notify)') == 2, words)
done = connect('--tls', '--ca-file', CERT, '127.0.0.1', peer.port, input=b'x')
tap.equal('a certificate for an address', (done.returncode, done.stdout), (0, b'x'))
tap.equal('an address is not asked for', asked[-1], None)
done = connect('--tls', '--ca-file', CERT, '--tls-name', 'other.example', 'localhost', peer.port)
tap.equal('a certificate for another name', said(done),
          (1, f'sonde: secure {subject}: its certificate is not for other.example: hostname '
              f'mismatch\n{name_hint}'))
done = connect('--tls', '--ca-file', CERT, '127.0.0.2', secured(echo, where='127.0.0.2').port)
tap.check('or for another address', done.returncode == 1 and done.stderr.decode().endswith(
    f'its certificate is not for 127.0.0.2: IP address mismatch\n{name_hint}'), said(done))
for pin in PIN, 'sha256:' + PIN.lower(), PIN.replace(':', ''):
    done = connect('--tls', '--pin', pin, 'localhost', peer.port, input=b'x')
    tap.equal(f'--pin {pin[:12]}...', (done.returncode, done.stdout, done.stderr), (0, b'x', b''))
done = connect('--tls', '--pin', 'F' * 64, 'localhost', peer.port, input=b'secret')
tap.equal('another certificate than the pinned one', said(done),
          (1, f'sonde: secure {subject}: not the pinned certificate, but sha256:{PIN}\n{hint}'))
done = connect('--tls', '--pin', 'F' * 63, 'localhost', peer.port)
tap.equal('a pin that is none', done.returncode, 2)
done = connect('--tls', '--insecure', 'localhost', peer.port, input=b'x')
tap.equal('--insecure is said aloud', (done.stdout, *said(done)),
          (b'x', 0, 'sonde: the peer\'s certificate is not checked (--insecure): somebody on the '
                    'way may read and change all\n'))
tap.equal('--pin without --tls', connect('--pin', PIN, 'localhost', peer.port).returncode, 2)
tap.equal('--tls --udp', connect('--tls', '--udp', 'localhost', peer.port).returncode, 2)
for name in 'none.pem', KEY:
    done = connect('--tls', '--ca-file', name, 'localhost', peer.port)
    tap.equal(f'--ca-file {name.split("/")[-1]}', done.returncode, 2)

mutual = secured(echo, load_verify_locations=OWN, verify_mode=ssl.CERT_REQUIRED)
done = connect('--tls', '--ca-file', CERT, '--cert', OWN, '--key', OWN_KEY, 'localhost', mutual.port,
               input=b'me')
tap.equal('--cert and --key', (done.returncode, done.stdout), (0, b'me'))
done = connect('--tls', '--ca-file', CERT, 'localhost', mutual.port, input=b'me')
tap.check('without it the server refuses, and that is said',
          done.returncode == 1 and done.stderr.endswith(
              b'the peer refused: it wants a certificate of ours\nhint: --cert shows it a '
              b'certificate, with --key its key\n'), said(done))
refuser = Peer(lambda sock: (sock.recv(2000), sock.sendall(b'\x15\3\1\0\2\2\x46'), until_end(sock)))
done = connect('--tls', 'localhost', refuser.port)
tap.check('a server of older versions alone: which ones we speak', done.returncode == 1 and
          b'the peer refused: protocol version; we speak TLS 1.2 and 1.3\n' in done.stderr, said(done))
listen = Listen('--tls')
hello = b'\3\1' + bytes(32) + b'\0' + b'\0\2\0\x2f' + b'\1\0'  # TLS 1.0, one cipher
with listen.join() as older:
    older.sendall(b'\x16\3\1' + (len(hello) + 4).to_bytes(2, 'big') +
                  b'\1' + len(hello).to_bytes(3, 'big') + hello)
    listen.process.wait(60)
tap.check('and such a client', 'the peer speaks another version of TLS; we speak TLS 1.2 and 1.3' in
          listen.said(), listen.said())

chosen = secured(lambda sock: sock.sendall(sock.selected_alpn_protocol().encode()),
                 set_alpn_protocols=['h2', 'http/1.1'])
done = connect('--tls', '--pin', PIN, '--alpn', 'http/1.1', 'localhost', chosen.port)
tap.equal('--alpn', (done.returncode, done.stdout), (0, b'http/1.1'))

old = secured(lambda sock: sock.sendall(BIG), maximum_version=ssl.TLSVersion.TLSv1_2)
done = connect('--tls', '--pin', PIN, 'localhost', old.port)
tap.check('TLS 1.2: no half-close, and nothing of the answer is lost',
          done.returncode == 0 and done.stdout == BIG and b'cannot close one half' in done.stderr,
          said(done))

cut = secured(lambda sock: (until_end(sock), sock.sendall(BIG)), ends=False)
done = connect('--tls', '--pin', PIN, 'localhost', cut.port)
tap.check('an end that was not announced is a cut: all that came is there, and it is said',
          done.returncode == 1 and done.stdout == BIG and
          b'the connection was cut: TLS did not announce the end' in done.stderr, said(done))

plain_hint = ('hint: where TLS begins with a command, as STARTTLS, connect without --tls, send it, '
              'and then say `tls` in a --script or after ^]\n')
plain = Peer(lambda sock: sock.sendall(b'220 plain text\r\n'))
done = connect('--tls', 'localhost', plain.port)
tap.equal('a peer that speaks no TLS', said(done),
          (1, f'sonde: secure 127.0.0.1:{plain.port}/tcp: what it says is no TLS\n{plain_hint}'))
done = connect('--tls', 'localhost', Peer(echo).port)
tap.check('nor one that repeats what we say', done.returncode == 1 and done.stderr.decode(
    ).endswith(f'what it says is no handshake of TLS\n{plain_hint}'), said(done))
over = threading.Event()
silent = Peer(lambda sock: over.wait(60))
done = connect('--tls', '--timeout', '150ms', 'localhost', silent.port)
tap.equal('--timeout holds for the handshake, too', said(done),
          (1, f'sonde: secure 127.0.0.1:{silent.port}/tcp: the handshake of TLS took too long '
              '(ETIMEDOUT)\n'))
over.set()

# --- STARTTLS


def start_tls(sock):
    sock.sendall(b'220 ready\r\n')
    if sock.recv(100) == b'STARTTLS\r\n':
        sock.sendall(b'220 go ahead\r\n')
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(CERT, KEY)
        with context.wrap_socket(sock, server_side=True) as inside:
            inside.sendall(b'250 secret ' + inside.recv(100))
            inside.unwrap()


later = Peer(start_tls)
with open(f'{folder}/starttls', 'w', encoding='ascii') as file:
    file.write('expect "220 "\nline "STARTTLS"\nexpect /^220 go/\ntls\nline "hello"\n'
               'expect "250 secret hello"\n')
done = connect('--script', f'{folder}/starttls', '--crlf', '--ca-file', CERT, 'localhost', later.port)
tap.equal('STARTTLS, by a script', said(done), (0, ''))
tap.equal('its step', [line.split(' (')[0] for line in done.stdout.decode().splitlines()
                       if line.startswith('= 4')], ['= 4: tls'])
done = connect('--script', f'{folder}/starttls', '--crlf', 'localhost', later.port)
tap.check('whom nobody trusts', done.returncode == 1 and b'is not trusted' in done.stderr, said(done))

# --- other peers

for port, name, argv in [
        (5001, 'openssl s_server', ['openssl', 's_server', '-quiet', '-accept', '127.0.0.1:5001',
                                    '-cert', CERT, '-key', KEY, '-naccept', '1', '-rev']),
        (5002, 'ncat', ['ncat', '-l', '--ssl', '--ssl-cert', CERT, '--ssl-key', KEY, '127.0.0.1',
                        '5002']),
        (5003, 'socat', ['socat', '-t', '60', f'OPENSSL-LISTEN:5003,bind=127.0.0.1,cert={CERT},'
                         f'key={KEY},verify=0', 'SYSTEM:cat'])]:
    process = netns.background(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                               stderr=subprocess.DEVNULL)
    netns.wait_for_port('tcp', port)
    if name == 'ncat':
        process.stdin.write(b'olleh\n')
        process.stdin.close()
    done = connect('--tls', '--ca-file', CERT, 'localhost', port, input=b'hello\n')
    wanted = b'hello\n' if name == 'socat' else b'olleh\n'
    tap.check(f'{name} as the peer', done.stdout == wanted, (done.stdout, said(done)))

tap.done()
