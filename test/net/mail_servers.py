"""Postfix and Dovecot with all their files in the test's scratch folder, on the real ports
of SMTP (25), submission (587) and IMAP (143) of its namespace.

    mail_servers.enter()    instead of netns.enter(): these servers change to users of their own
    mail_servers.start()    runs both; what Postfix delivers is what Dovecot has
    mail_servers.USER, .PASSWORD, .ADDRESS, .CERTIFICATE
"""

import atexit
import os
import shutil
import subprocess
import sys

import netns

USER, PASSWORD = 'alice', 'tops3cret'
ADDRESS = USER + '@example.org'

MAIN = '''
compatibility_level = 3.6
maillog_file = {folder}/postfix.log
maillog_file_prefixes = {folder}
queue_directory = {folder}/queue
data_directory = {folder}/data
mail_owner = postfix
setgid_group = postdrop
inet_interfaces = 127.0.0.1
inet_protocols = ipv4
myhostname = mail.example.org
mydestination =
mynetworks = 127.0.0.0/8
smtp_dns_support_level = disabled
alias_maps =
alias_database =
local_recipient_maps =
virtual_mailbox_domains = example.org
virtual_mailbox_base = {folder}/mail
virtual_mailbox_maps = inline:{{ {address}={user}/ }}
virtual_uid_maps = static:65534
virtual_gid_maps = static:65534
virtual_minimum_uid = 1
default_transport = error:no mail leaves this machine
relay_transport = error:no mail leaves this machine
smtpd_tls_cert_file = {folder}/certificate.pem
smtpd_tls_key_file = {folder}/key.pem
smtpd_tls_security_level = may
smtpd_sasl_auth_enable = yes
smtpd_sasl_type = dovecot
smtpd_sasl_path = {folder}/dovecot/sasl
smtpd_recipient_restrictions = permit_sasl_authenticated, permit_mynetworks, reject
smtpd_error_sleep_time = 0
'''

MASTER = '''
127.0.0.1:25  inet n - n - - smtpd
127.0.0.1:587 inet n - n - - smtpd
pickup  unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr    unix n - n 300 1 qmgr
tlsmgr  unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce  unix - - n - 0 bounce
defer   unix - - n - 0 bounce
trace   unix - - n - 0 bounce
error   unix - - n - - error
virtual unix - n n - - virtual
anvil   unix - - n - 1 anvil
postlog unix-dgram n - n - 1 postlogd
'''

DOVECOT = '''
base_dir = {folder}/dovecot
state_dir = {folder}/state
log_path = {folder}/dovecot.log
protocols = imap
listen = 127.0.0.1
auth_mechanisms = plain login
auth_failure_delay = 0
disable_plaintext_auth = no
ssl = yes
ssl_cert = <{folder}/certificate.pem
ssl_key = <{folder}/key.pem
mail_location = maildir:{folder}/mail/%n
first_valid_uid = 1
passdb {{
  driver = static
  args = password={password}
}}
userdb {{
  driver = static
  args = uid=65534 gid=65534 home={folder}/mail/%n
}}
service imap-login {{
  inet_listener imaps {{
    port = 0
  }}
}}
service auth {{
  unix_listener sasl {{
    mode = 0666
  }}
}}
'''


def enter():
    netns.enter(['-n'] if os.geteuid() == 0 else ['-rn', '--map-auto'],
                'the mail servers need users of their own: run as root, or with a range in '
                '/etc/subuid')
    for program in ('dovecot', 'postfix'):
        if not shutil.which(program):
            print(f'1..0 # SKIP {program} is not installed (tools/need.sh lists it)')
            sys.exit(0)


def _write(name, text):
    path = os.path.join(netns.scratch(), name)
    with open(path, 'w', encoding='ascii') as file:
        file.write(text.format(folder=netns.scratch(), user=USER, address=ADDRESS,
                               password=PASSWORD))
    return path


def _run(*argv):
    """Its processes leave our group: they end with a process namespace of theirs."""
    process = netns.background(['unshare', '--pid', '--fork', '--kill-child', '--', *argv],
                               stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                               stderr=subprocess.DEVNULL)
    atexit.register(process.kill)


def start():
    folder = netns.scratch()
    os.chmod(folder, 0o755)
    for name in ('postfix', 'queue', 'data', 'mail', 'dovecot', 'state'):
        os.mkdir(os.path.join(folder, name))
    shutil.chown(os.path.join(folder, 'data'), 'postfix')
    shutil.chown(os.path.join(folder, 'mail'), 65534, 65534)
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt',
                    'ec_paramgen_curve:P-256', '-nodes', '-days', '2', '-subj',
                    '/CN=mail.example.org', '-keyout', folder + '/key.pem', '-out',
                    folder + '/certificate.pem'], check=True, stderr=subprocess.DEVNULL)
    _write('postfix/main.cf', MAIN)
    _write('postfix/master.cf', MASTER)
    config = _write('dovecot.conf', DOVECOT)
    _run('dovecot', '-F', '-c', config)
    _run('postfix', '-c', folder + '/postfix', 'start-fg')
    for port in (25, 143, 587):
        netns.wait_for_port('tcp', port, 60)


def logs():
    """What the servers said, for a report."""
    said = []
    for name in ('postfix.log', 'dovecot.log'):
        try:
            with open(os.path.join(netns.scratch(), name), encoding='utf-8') as file:
                said += file.readlines()[-20:]
        except OSError as error:
            said.append(str(error))
    return ''.join(said)
