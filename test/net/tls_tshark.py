#!/usr/bin/python3
"""TLS handshakes that are spread over records, dissected by sonde and by tshark: every
field that both know, frame by frame.

    openssl s_client, a client that splits its hello ---- lo ---- openssl s_server

Records of 512 bytes; a chain of certificates that is longer than the longest record; a
hello in records of one byte each, and in two where its name is cut; a second hello, as the
server wants another group.

What may differ stands below, with the reason; nothing else may."""

import json
import os
import re
import socket
import ssl
import subprocess

import capturing
import dissecting
import netns
from tap import tap


# tshark writes nothing of a record that is a message's middle.
def is_middle(difference):
    return difference.ours.endswith(' Fragment]') and difference.theirs == ''


def is_empty(difference):
    return difference.theirs == ['<MISSING>']


def is_certificate_request(difference):
    return '13' in difference.fields[difference.frame].get('tls.handshake.type', [])


EXPLAINED = {
    **dissecting.AGAIN,
    'info': is_middle,
    'tls.handshake.extension.data': is_empty,
    'tls.handshake.sig_hash_alg_len': is_certificate_request,
    'tls.handshake.sig_hash_algs': is_certificate_request,
    'frame.time': 'tshark writes a calendar date; frame.time_epoch is compared',
    'frame.interface_id': 'pcap has no interfaces: to sonde all frames are of the first',
    'frame.protocols': 'tshark goes on into certificates',
    'tls.handshake.sig_hash_alg': 'sonde does not read a server key exchange',
}
NAME = 'host.example.org'


def openssl(*argv):
    done = netns.run(['openssl', *argv], cwd=netns.scratch())
    tap.equal(f'openssl {argv[0]}', done.returncode, 0)


def make_certificate(name, names):
    """Self-signed, of so many names."""
    openssl('req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-keyout', f'{name}.key', '-out',
            f'{name}.pem', '-days', '2', '-subj', f'/CN={NAME}', '-addext', 'subjectAltName=' +
            ','.join(f'DNS:host-number-{i}.example.org' for i in range(names)))


class Server:
    def __init__(self, port, *options):
        self.process = netns.background(
            ['openssl', 's_server', '-accept', str(port), '-key', 'long.key', '-cert',
             'long.pem', '-quiet', *options], cwd=netns.scratch(), stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        netns.wait_for_port('tcp', port)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)


def ask(port, *options):
    """One that says what it has to, and ends."""
    subprocess.run(['openssl', 's_client', '-connect', f'127.0.0.1:{port}', '-servername',
                    NAME, *options], cwd=netns.scratch(), input=b'', timeout=60,
                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)


def ask_split(port, cut):
    """A client whose hello comes in the records that cut() makes of it, each a segment."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(['h2', 'http/1.1'])
    inward, outward = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = context.wrap_bio(inward, outward, server_hostname=NAME)
    with socket.create_connection(('127.0.0.1', port)) as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        pieces = None
        while True:
            try:
                client.do_handshake()
                is_done = True
            except ssl.SSLWantReadError:
                is_done = False
            sent = outward.read()
            if pieces is None:
                hello = sent[5:]
                for segment in cut(hello):
                    peer.sendall(b''.join(b'\x16\x03\x01' + len(piece).to_bytes(2, 'big') + piece
                                          for piece in segment))
                pieces = True
            else:
                peer.sendall(sent)
            if is_done:
                return client.version()
            inward.write(peer.recv(65536))


def by_bytes(hello):
    """Records of one byte: the first ten in a segment each, then all others in one."""
    return [[hello[i:i + 1]] for i in range(10)] + [[hello[i:i + 1]
                                                      for i in range(10, len(hello))]]


def within_name(hello):
    at = hello.index(NAME.encode()) + 4
    return [[hello[:at]], [hello[at:]]]


def make_traffic():
    with Server(4401, '-max_send_frag', '512', '-tls1_2', '-Verify', '1'):
        ask(4401, '-max_send_frag', '512', '-cert', 'long.pem', '-key', 'long.key', '-alpn',
            ','.join(f'protocol-number-{i}' for i in range(60)))
    with Server(4402, '-cert_chain', 'chain.pem', '-tls1_2'):
        ask(4402)
    with Server(4403):
        for cut in (by_bytes, within_name):
            tap.equal(f'hello split {cut.__name__}', ask_split(4403, cut), 'TLSv1.3')
    with Server(4404, '-groups', 'P-384'):
        ask(4404, '-groups', 'X25519:P-384')


def main():
    netns.enter()
    subprocess.run(['ip', 'link', 'set', 'lo', 'mtu', '1500'], check=True)
    make_certificate('long', 300)
    with open(os.path.join(netns.scratch(), 'chain.pem'), 'w', encoding='ascii') as chain, \
            open(os.path.join(netns.scratch(), 'long.pem'), encoding='ascii') as one:
        chain.write(one.read() * 2)
    path = os.path.join(netns.scratch(), 'tls.pcapng')
    with capturing.Capture(path) as capture:
        make_traffic()
    tap.equal('no packet was lost', capture.dropped, 0)
    rules = [f'tcp.port=={port},tls' for port in (4401, 4402, 4403, 4404)]
    decode = [word for rule in rules for word in ('-d', rule)]
    tap.equal('as tshark tells it',
              dissecting.compare(path, EXPLAINED, decode, rules), [])
    # The same where one packet is asked for, and of a name, spread or not.
    done = netns.run([netns.SONDE, 'read', path, *decode, '-e', 'tls.handshake.fragment.count',
                      '-Y', f'tls.handshake.extensions_server_name == "{NAME}"'])
    counts = [int(line or 0) for line in done.stdout.splitlines()]
    tap.check('six hellos, of which three were spread',
              len(counts) == 6 and sum(count > 0 for count in counts) == 3 and
              max(counts) > 200, counts)
    # Records in one segment stand side by side: no TLS is carried by TLS, as tshark has it
    # where it put one together.
    done = netns.run([netns.SONDE, 'read', path, *decode, '--json', '--stats', 'hierarchy'])
    events = [json.loads(line) for line in done.stdout.splitlines()]
    tap.equal('one layer of TLS, and in how many frames',
              [event['frames'] for event in events if event.get('name') == 'tls'],
              [int(found) for found in re.findall(r' tls +frames:(\d+)', netns.run(
                  ['tshark', '-n', '-r', path, *decode, '-q', '-z', 'io,phs']).stdout)][:1])
    tap.done()


main()
