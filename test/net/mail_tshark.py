#!/usr/bin/python3
"""SMTP and IMAP as Postfix and Dovecot speak them with real clients, dissected by sonde and
by tshark: every field that both know, frame by frame.

    curl, swaks, Python's smtplib and imaplib ---- lo ---- Postfix 25, 587
                                                      ---- Dovecot 143

What may differ stands below, with the reason; nothing else may."""

import base64
import imaplib
import os
import smtplib
import ssl
import subprocess

import capturing
import dissecting
import mail_servers
import netns
from mail_servers import ADDRESS, PASSWORD, USER
from tap import tap

# tshark goes on into a mail, which it puts together; to sonde it is bytes (smtp.message).
def is_mail(difference):
    return 'smtp.message' in difference.fields[difference.frame]


# A chunk that comes in one segment with its BDAT is a mail to tshark, which leaves the
# command out, and what follows, too.
def is_chunk(difference):
    commands = difference.fields[difference.frame].get('smtp.req.command', [])
    return commands[-1:] in (['BDAT'], ['NONSENSE'])


# tshark looks for commands of four letters alone.
def is_starttls(difference):
    return difference.fields[difference.frame].get('smtp.req.command') == ['STARTTLS'] and \
        difference.theirs in (['STAR'], ['TLS'])


# tshark puts a response together with the literals in it, goes on into the mail that they
# are, and takes what follows, as `)`, for tagged lines; a literal of the client it takes for
# commands.  sonde has lines, and literals as bytes, frame by frame.
def is_literal(difference):
    fields = difference.fields[difference.frame]
    return 'imap.sonde.literal' in fields or any(
        line.endswith('}\\x0d\\x0a') for line in fields.get('imap.line', []))


# tshark decodes no answer to AUTHENTICATE, and takes it for a command.
def is_answer(difference):
    fields = difference.fields[difference.frame]
    return 'imap.line' in fields and 'imap.request' not in fields and \
        (difference.theirs == [] or 'AGFs' in difference.theirs[0] or
         difference.theirs[0] in ANSWERS)


def is_login(difference):
    return difference.theirs == []


# The hidden field: to tshark UID is the command; imap.request.command is the same.
def is_uid(difference):
    return difference.theirs == ['UID']


# tshark enters TLS also for a segment in which no record ends.
def is_middle_of_record(difference):
    return difference.name != 'info' and 'tls' in str(difference.theirs) or \
        difference.theirs in (True, '[TCP segment of a reassembled PDU]')


ANSWERS = [base64.b64encode(text.encode()).decode()
           for text in (USER, PASSWORD, f'\0{USER}\0{PASSWORD}')]


def any_of(*reasons):
    return lambda difference: any(reason(difference) for reason in reasons)


EXPLAINED = {
    **dissecting.AGAIN,
    'frame.interface_id': 'pcap has no interfaces: to sonde all frames are of the first',
    'frame.time': 'tshark writes a calendar date; frame.time_epoch is compared',
    'tls.handshake.extension.data': 'tshark writes <MISSING> where it is empty',
    'tls.handshake.sig_hash_alg': 'sonde does not read a server key exchange',
    'protocol': any_of(is_mail, is_literal, is_chunk),
    'info': any_of(is_mail, is_literal, is_chunk, is_middle_of_record),
    'frame.protocols': any_of(is_mail, is_literal, is_middle_of_record, is_chunk),
    'tls': is_middle_of_record,
    'smtp.message': is_mail,  # and never tshark's
    **{'smtp.' + name: any_of(is_chunk, is_starttls) for name in (
        'command_line', 'req', 'req.command', 'req.parameter')},
    **{'imap.' + name: any_of(is_literal, is_answer) for name in (
        'line', 'request', 'request_tag', 'tag', 'response', 'response_tag',
        'response.status', 'request.command')},
    'imap.command': any_of(is_literal, is_answer, is_uid),
    'imap.request.username': is_login,
    'imap.request.password': is_login,
    **{'tcp.' + name: is_literal for name in (
        'segment', 'segment.count', 'segments', 'reassembled.data', 'reassembled.length')},
    'tcp.segment_data': any_of(is_literal, dissecting.was_before),
    'imap.request.folder': lambda difference: difference.theirs[0] in ('SUBJECT', 'ALL'),
}

MAIL = f'''From: {ADDRESS}\r
To: {ADDRESS}\r
Subject: dots\r
\r
.one dot\r
..two dots\r
.\r
the end\r
'''


def insecure():
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def send_by_python():
    with smtplib.SMTP('127.0.0.1', 25, timeout=60) as client:
        client.ehlo('client.example.org')
        client.user, client.password = USER, 'wrong'
        for mechanism, answer in (('LOGIN', client.auth_login), ('PLAIN', client.auth_plain)):
            try:
                client.auth(mechanism, answer)
            except smtplib.SMTPAuthenticationError:
                pass
        client.password = PASSWORD
        client.auth('LOGIN', client.auth_login, initial_response_ok=False)
        client.noop()
        client.verify('nobody')
        client.sendmail(ADDRESS, [ADDRESS], MAIL)
        try:
            client.sendmail(ADDRESS, ['nobody@example.org'], MAIL)
        except smtplib.SMTPRecipientsRefused:
            pass
        client.sendmail(ADDRESS, [ADDRESS], MAIL + 'a line of some length\r\n' * 3000)
        client.docmd('MAIL', f'FROM:<{ADDRESS}>')
        client.docmd('RCPT', f'TO:<{ADDRESS}>')
        client.send(b'BDAT 20\r\nSubject: chunks\r\n\r\nx')
        client.getreply()
        client.docmd('BDAT 0 LAST')
        client.docmd('NONSENSE')
    with smtplib.SMTP('127.0.0.1', 587, timeout=60) as client:
        client.helo('client.example.org')
        client.user, client.password = USER, PASSWORD
        client.ehlo()
        client.auth('PLAIN', client.auth_plain)
    with smtplib.SMTP('127.0.0.1', 587, timeout=60) as client:
        client.starttls(context=insecure())
        client.login(USER, PASSWORD)
        client.sendmail(ADDRESS, [ADDRESS], MAIL)


def succeeds(*command):
    done = netns.run([*command])
    tap.equal(f'{command[0]} {command[-1][:60]!r}', (done.returncode, done.stderr[-600:] if
                                             done.returncode else ''), (0, ''))


def send_by_others():
    mail = os.path.join(netns.scratch(), 'mail.eml')
    with open(mail, 'w', encoding='ascii', newline='') as file:
        file.write(MAIL)
    for options in (['--login-options', 'AUTH=PLAIN'], ['--login-options', 'AUTH=LOGIN'],
                    ['-k', '--ssl-reqd']):
        succeeds('curl', '-sS', 'smtp://127.0.0.1:587', '-u', f'{USER}:{PASSWORD}',
                 '--mail-from', ADDRESS, '--mail-rcpt', ADDRESS, '-T', mail, *options)
    for options in (['--pipeline'], ['--auth', 'LOGIN'], ['--auth', 'PLAIN', '--pipeline']):
        succeeds('swaks', '--server', '127.0.0.1', '--helo', 'client.example.org', '--from',
                 ADDRESS, '--to', ADDRESS, '--auth-user', USER, '--auth-password', PASSWORD,
                 '--silent', '3', *options)


def idle(client):
    tag = client._new_tag()
    client.send(tag + b' IDLE\r\n')
    client.readline()
    client.send(b'DONE\r\n')
    while not client.readline().startswith(tag):
        pass


def fetch_by_python():
    client = imaplib.IMAP4('127.0.0.1', 143, timeout=60)
    try:
        client.login(USER, 'wrong')
    except imaplib.IMAP4.error:
        pass
    client.login(USER, PASSWORD)
    client.capability()
    client.noop()
    client.list()
    client.select()
    client.fetch('1:*', '(FLAGS RFC822.SIZE)')
    client.fetch('1', '(BODY[HEADER] BODY[TEXT])')
    client.fetch('1:3', '(UID RFC822)')
    client.uid('FETCH', '1', '(BODY.PEEK[HEADER.FIELDS (SUBJECT FROM)])')
    client.search(None, 'SUBJECT', '"dots"')
    idle(client)
    client.append('INBOX', r'(\Seen)', None, MAIL.encode())
    client.create('Sent')
    client.copy('1', 'Sent')
    client.store('1', '+FLAGS', r'(\Deleted)')
    client.expunge()
    client.status('INBOX', '(MESSAGES UNSEEN)')
    client.close()
    client.logout()
    client = imaplib.IMAP4('127.0.0.1', 143, timeout=60)
    client.authenticate('PLAIN', lambda _: f'\0{USER}\0{PASSWORD}'.encode())
    client.logout()
    client = imaplib.IMAP4('127.0.0.1', 143, timeout=60)
    client.starttls(insecure())
    client.login(USER, PASSWORD)
    client.select()
    client.logout()


def fetch_by_curl():
    url = 'imap://127.0.0.1'
    for words in ([url + '/'], ['--login-options', 'AUTH=PLAIN', url + '/INBOX;MAILINDEX=1'],
                  ['--login-options', 'AUTH=LOGIN', url + '/INBOX?ALL'],
                  ['-k', '--ssl-reqd', url + '/INBOX;UID=2'],
                  ['-X', 'EXAMINE INBOX', url + '/']):
        succeeds('curl', '-sS', '-u', f'{USER}:{PASSWORD}', *words)


def check_secrets(name, path):
    protocol = name.lower()
    for view in ([], ['--tree'], ['--json'], ['--json', '--tree'], [
            word for field in ('smtp.auth.password', 'smtp.command_line', 'imap.line',
                               'imap.request', 'imap.request.password')
            for word in ('-e', field)]):
        argv = [netns.SONDE, 'read', path, '-Y', protocol, *view]
        out, shown = netns.run(argv).stdout, netns.run([*argv, '--show-secrets']).stdout
        secrets = [PASSWORD, *ANSWERS[1:]]
        tap.check(f'{name}: passwords are masked unless they are asked for: {" ".join(view)[:40]}',
                  len(out) > 1000 and not [secret for secret in secrets if secret in out] and
                  PASSWORD in shown, out[:2000])


def delivered():
    folder = os.path.join(netns.scratch(), 'mail', USER, 'new')
    return len(os.listdir(folder)) if os.path.isdir(folder) else 0


def main():
    mail_servers.enter()
    mail_servers.start()
    subprocess.run(['ip', 'link', 'set', 'lo', 'mtu', '1500'], check=True)
    for name, makes in (('SMTP', (send_by_python, send_by_others)),
                        ('IMAP', (fetch_by_python, fetch_by_curl))):
        path = os.path.join(netns.scratch(), name + '.pcapng')
        with capturing.Capture(path) as capture:
            for make in makes:
                make()
        tap.equal(f'{name}: no packet was lost', capture.dropped, 0)
        differences = dissecting.compare(path, EXPLAINED, ['-o', 'smtp.decryption:TRUE'])
        tap.equal(f'{name}: as tshark tells it', differences[:60], [])
        check_secrets(name, path)
        if name == 'SMTP':
            netns.wait_until('mail to be delivered', lambda: delivered() >= 8, 60)
    tap.done()


main()
