#!/usr/bin/python3
"""SMTP, IMAP, the calculation protocol and the small services, captured on loopback and read
by sonde and by tshark: the same fields but for differences that are listed, each with its
reason; and no password is shown unless it is asked for."""

import base64
import os
import socket
import subprocess
import threading

import netns
from tap import tap


def encode(text):
    return base64.b64encode(text.encode()) + b'\r\n'


SMTP = [
    ('S', b'220 mail.example.org ESMTP\r\n'), ('C', b'EHLO client.example.org\r\n'),
    ('S', b'250-mail.example.org\r\n250-PIPELINING\r\n250 AUTH LOGIN PLAIN\r\n'),
    ('C', b'AUTH LOGIN\r\n'), ('S', b'334 VXNlcm5hbWU6\r\n'), ('C', encode('alice')),
    ('S', b'334 UGFzc3dvcmQ6\r\n'), ('C', encode('tops3cret')), ('S', b'535 5.7.8 no\r\n'),
    ('C', b'AUTH LOGIN ' + encode('alice')), ('S', b'334 UGFzc3dvcmQ6\r\n'),
    ('C', encode('tops3cret')), ('S', b'535 5.7.8 no\r\n'),
    ('C', b'AUTH PLAIN\r\n'), ('S', b'334 \r\n'), ('C', encode('\0alice\0tops3cret')),
    ('S', b'535 5.7.8 no\r\n'), ('C', b'AUTH PLAIN ' + encode('\0alice\0tops3cret')),
    ('S', b'235 2.7.0 ok\r\n'),
    ('C', b'MAIL FROM:<a@example.org>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n'),
    ('S', b'250 2.1.0 Ok\r\n250 2.1.5 Ok\r\n354 End data with <CR><LF>.<CR><LF>\r\n'),
    ('C', b'From: a@example.org\r\nSubject: hi\r\n\r\nline 1\r\n'),
    ('C', b'line 2\r\n..dot\r\n.\r\n'), ('S', b'250 2.0.0 Ok: queued as 1\r\n'),
    ('C', b'NOOP\r\nRSET\r\n'), ('S', b'250 ok\r\n250 ok\r\n'),
    ('C', b'QUIT\r\n'), ('S', b'221 2.0.0 Bye\r\n')]

IMAP = [
    ('S', b'* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready.\r\n'),
    ('C', b'a1 LOGIN alice "tops3cret"\r\n'), ('S', b'a1 OK Logged in\r\n'),
    ('C', b'a2 SELECT INBOX\r\n'),
    ('S', b'* 3 EXISTS\r\n* 0 RECENT\r\na2 OK [READ-WRITE] Select completed.\r\n'),
    ('C', b'a3 UID FETCH 1 BODY[TEXT]\r\n'),
    ('S', b'* 1 FETCH (BODY[TEXT] {6}\r\nhello!)\r\na3 OK Fetch completed.\r\n'),
    ('C', b'a4 AUTHENTICATE PLAIN\r\n'), ('S', b'+ \r\n'),
    ('C', encode('\0alice\0tops3cret')), ('S', b'a4 NO bad\r\n'),
    ('C', b'a5 LOGOUT\r\n'), ('S', b'* BYE Logging out\r\na5 OK Logout completed.\r\n')]

SMALL = {7: (b'hello', b'hello'), 9: (b'zzz', None), 13: (None, b'Fri Nov 20 14:00:00 2026\r\n'),
         17: (None, b'a quote\r\n'), 19: (None, b'abcdefg\r\n'), 37: (None, b'\xec\x12\x34\x56')}

FIELDS = {
    'smtp': ['smtp.req', 'smtp.rsp', 'smtp.command_line', 'smtp.req.command',
             'smtp.req.parameter', 'smtp.response', 'smtp.response.code',
             'smtp.rsp.parameter', 'smtp.auth.username', 'smtp.auth.password', 'smtp.eom'],
    'imap': ['imap.isrequest', 'imap.line', 'imap.request_tag', 'imap.request',
             'imap.request.command', 'imap.request.folder', 'imap.request.command.uid',
             'imap.request.username', 'imap.request.password', 'imap.response_tag',
             'imap.response', 'imap.response.command', 'imap.response.status',
             'imap.response_to'],
    'echo || daytime || time || chargen': [
        'echo.data', 'echo.request', 'echo.response', 'daytime.string',
        'daytime.response_request', 'time.time', 'time.response'],
}

# What tshark 4.0 has otherwise, and why.
KNOWN = [
    ('imap.response', ')', 'takes ")" behind a literal for a tag'),
    ('imap.response_tag', ')', 'the same'),
    ('imap.request', 'AGFs', 'takes the answer to AUTHENTICATE for a command'),
    ('imap.request_tag', 'AGFs', 'the same'),
    ('imap.request.folder', '1', 'takes the messages of UID FETCH for a folder'),
    ('imap.request.username', '', 'does not decode AUTHENTICATE'),
    ('imap.request.password', '', 'the same'),
]


def receive(peer, n):
    while n:
        n -= len(peer.recv(n))


def talk(port, script):
    def serve():
        peer, _ = server.accept()
        with peer:
            play(peer, 'S')

    # One after the other, so that each message is a segment of its own.
    turn = {'C': threading.Semaphore(0), 'S': threading.Semaphore(0)}

    def play(peer, side):
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for who, data in script:
            if who == side:
                peer.sendall(data)
                turn[side].acquire()
            else:
                receive(peer, len(data))
                turn[who].release()

    with socket.create_server(('127.0.0.1', port)) as server:
        thread = threading.Thread(target=serve)
        thread.start()
        with socket.create_connection(('127.0.0.1', port)) as peer:
            play(peer, 'C')
        thread.join()


def talk_small(port, request, reply):
    talk(port, [(who, data) for who, data in (('C', request), ('S', reply)) if data])
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as server, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
        server.bind(('127.0.0.1', port))
        client.sendto(request or b'', ('127.0.0.1', port))
        _, address = server.recvfrom(99)
        if reply:
            server.sendto(reply, address)
            client.recv(99)


def make_traffic():
    talk(25, SMTP)
    talk(143, IMAP)
    for port, (request, reply) in SMALL.items():
        talk_small(port, request, reply)
    server = netns.background([netns.SONDE, 'serve', '-q', 'calc@:50000',
                               'calc@:50002,dialect=fixed8,order=be'],
                              stdout=subprocess.DEVNULL)
    for port in (50000, 50002):
        netns.wait_for_port('tcp', port)
        netns.wait_for_port('udp', port)
    for argv in (['sum', '1', '2', '3'], ['--udp', 'product', '4', '5'],
                 ['--to', '127.0.0.1:50002', '--dialect', 'fixed8', '--order', 'be', 'min',
                  '7', '-5']):
        netns.run([netns.SONDE, 'calc', *argv])
    server.terminate()
    server.wait(60)


def columns(argv, names):
    options = [word for name in ['frame.number', *names] for word in ('-e', name)]
    done = netns.run([*argv, *options])
    return {line.split('\t')[0]: line.split('\t')[1:] for line in done.stdout.splitlines()}


def is_known(name, theirs, ours):
    return any(name == known and (theirs.startswith(start) if start else not theirs and ours)
               for known, start, _ in KNOWN)


def compare(path):
    for protocol, names in FIELDS.items():
        wanted = columns(['tshark', '-n', '-o', 'smtp.decryption:TRUE', '-r', path, '-Y',
                          protocol, '-T', 'fields', '-E', 'aggregator=|'], names)
        got = columns([netns.SONDE, 'read', '--show-secrets', path, '-Y', protocol], names)
        tap.check(f'{protocol}: the same packets', wanted.keys() == got.keys() and wanted,
                  (wanted.keys() ^ got.keys()))
        wrong = [(number, name, theirs, ours) for number in wanted.keys() & got.keys()
                 for name, theirs, ours in zip(names, wanted[number], got[number])
                 if theirs.replace('|', ',') != ours and not is_known(name, theirs, ours)]
        tap.equal(f'{protocol}: the same fields', wrong, [])


def info(path, display_filter, *options):
    done = netns.run([netns.SONDE, 'read', path, '-Y', display_filter, '--columns', 'info',
                      *options])
    return [line.strip() for line in done.stdout.splitlines()]


def main():
    netns.enter()
    os.environ['WIRESHARK_CONFIG_DIR'] = '/nonexistent'
    path = os.path.join(netns.scratch(), 'applications.pcapng')
    capture = netns.background([netns.SONDE, 'capture', '-i', 'lo', '-w', path],
                               stderr=subprocess.PIPE, text=True)
    said = ''
    while 'capturing on' not in said:
        line = capture.stderr.readline()
        if not line:
            raise RuntimeError('capture did not start: ' + said)
        said += line
    make_traffic()
    capture.terminate()
    capture.wait(60)
    compare(path)
    for view in ([], ['--tree'], ['--json'], ['-e', 'smtp.auth.password', '-e',
                 'imap.request.password', '-e', 'smtp.command_line', '-e', 'imap.line',
                 '-e', 'smtp.req.parameter', '-e', 'imap.request']):
        out = netns.run([netns.SONDE, 'read', path, '-Y', 'smtp || imap', *view]).stdout
        leaks = [secret for secret in ('tops3cret', 'AGFsaWNlAHRvcHMzY3JldA', 'dG9wczNjcmV0')
                 if secret in out]
        tap.check(f'no password is shown: {" ".join(view) or "the list"}',
                  not leaks and '********' in out and 'alice' in out or
                  (not leaks and view == ['--tree']), leaks)
    tap.equal('passwords, where they are asked for',
              [line for line in info(path, 'smtp.auth.password', '--show-secrets')],
              ['C: Pass: tops3cret'] * 2 + ['C: User: alice  Pass: tops3cret',
                                            'C: AUTH PLAIN User: alice  Pass: tops3cret'])
    tap.equal('pipelined commands and replies',
              info(path, 'smtp.req.command == "DATA" || smtp.response.code == 354'),
              ['C: MAIL FROM:<a@example.org> | RCPT TO:<b@example.org> | DATA',
               'S: 250 2.1.0 Ok | 250 2.1.5 Ok | 354 End data with <CR><LF>.<CR><LF>'])
    tap.equal('calc, in two dialects and both orders', info(path, 'calc'),
              ['Request Summe 1, 2, 3 id=0x01000000', 'Reply 6 id=0x01000000',
               'Request Produkt 4, 5 id=0x01000000', 'Reply 20 id=0x01000000',
               'Request Minimum 7, -5 id=0x00000001', 'Reply -5 id=0x00000001'])
    got = columns([netns.SONDE, 'read', path, '-Y', 'calc.dialect == "fixed8"'],
                  ['calc.order', 'calc.number'])
    tap.equal('and its fields', list(got.values()), [['big-endian', '7,-5']])
    tap.equal('discard and qotd', info(path, 'discard || qotd'),
              ['Discard Len=3', 'Discard Len=3', 'QOTD Response', 'QOTD Response'])
    tap.done()


main()
