#!/usr/bin/python3
"""Files that sonde writes, as other programs read them: tshark shows the packets with their
comments and the calls as rows of their own, tcpdump and capinfos are content, editcap keeps
every block."""

import os
import subprocess

import capturing
import netns
from tap import tap

DATAGRAM = bytes.fromhex(
    '000000000000000000000000080045000020000040004011'
    '3ccb7f0000017f000001c350c351000cfe1f') + b'ping'


def run(*argv):
    """Standard output.  A program that complains has failed, whatever its exit status."""
    done = netns.run(argv)
    complaints = [line for line in done.stderr.splitlines()
                  if 'Running as user' not in line and 'reading from file' not in line]
    if done.returncode or complaints:
        tap.not_ok(' '.join(argv), done.stderr)
    return done.stdout


def rows(path, *fields):
    options = []
    for field in fields:
        options += ['-e', field]
    out = run('tshark', '-n', '-T', 'fields', '-E', 'occurrence=a', '-E', 'aggregator=|',
              '-E', 'separator=/t', *options, '-r', path)
    return [tuple(line.split('\t')) for line in out.splitlines()]


def main():
    path = os.path.join(netns.scratch(), 'example.pcapng')
    subprocess.run([capturing.program('pcapng_example'), path], check=True)

    tap.equal('packets and calls are rows, in the order of the file',
              rows(path, 'frame.number', 'systemd_journal.pid', 'udp.dstport',
                   'frame.time_epoch'),
              [('1', '4711', '', '1795165735.000001000'),
               ('2', '', '50001', '1795165735.001234567'),
               ('3', '4711', '', '1795165735.000002000'),
               ('4', '', '50001', '1795165737.000000001')])
    tap.equal('every comment of a packet; what is too long is cut',
              rows(path, 'frame.comment'),
              [('',), ('packet 1: sent by client.py:7 sock.send(b)|'
                       'ends server.py:5 recv(1024) \u00e4',),
               ('',), ('x' * 65535,)])
    tap.equal('direction, interface and lengths',
              rows(path, 'frame.packet_flags_direction', 'frame.interface_name',
                   'frame.cap_len', 'frame.len')[1::2],
              [('0x00000002', 'lo', '46', '46'), ('0x00000001', 'veth0', '45', '46')])
    tap.equal('the fields of a call',
              rows(path, 'systemd_journal.message', 'systemd_journal.priority',
                   'systemd_journal.syslog_id', 'systemd_journal.pid',
                   'systemd_journal.code_file', 'systemd_journal.code_line',
                   'systemd_journal.code_func')[0::2],
              [('client.py:7 sock.send(b)', '6', 'client.py', '4711', 'client.py', '7', 'main'),
               ('two\\nlines', '6', 'client.py', '4711', 'client.py', '8', 'main')])
    tap.equal('calls can be filtered by them',
              run('tshark', '-n', '-Y', 'systemd_journal.code_line == 8', '-T', 'fields',
                  '-e', 'frame.number', '-r', path), '3\n')
    tap.equal('the whole call stands in a field of its own',
              rows(path, 'systemd_journal.field.name', 'systemd_journal.field.value')[0::2],
              [('SONDE_CALL', '{"name":"send","result":4}'),
               ('SONDE_CALL', '{"name":"close","result":0}')])

    # tcpdump gives all of the bytes: -xx from the link header on.
    hexdump = run('tcpdump', '-n', '-xx', '-r', path)
    words = ''.join(word for line in hexdump.splitlines() if line.startswith('\t0x')
                    for word in line.split(':', 1)[1].split())
    tap.equal('tcpdump reads the packets and passes over the calls', words,
              (DATAGRAM + DATAGRAM[:-1]).hex())

    about = dict((line.split(':', 1)[0].strip(), line.split(':', 1)[1].strip())
                 for line in run('capinfos', '-M', path).splitlines() if ':' in line)
    tap.equal('what the file says of itself',
              [about.get(name) for name in ('File timestamp precision', 'Capture application',
                                            'Capture comment', 'Number of interfaces in file')],
              ['nanoseconds (9)', 'sonde 0.1.0', 'about the file', '2'])

    copy = os.path.join(netns.scratch(), 'copy.pcapng')
    subprocess.run(['editcap', path, copy], check=True)
    everything = ('frame.number', 'udp.dstport', 'frame.time_epoch', 'frame.comment',
                  'systemd_journal.message', 'systemd_journal.field.value')
    tap.equal('editcap keeps everything', rows(copy, *everything), rows(path, *everything))
    tap.done()


main()
