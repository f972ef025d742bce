#!/usr/bin/python3
"""Every view of `sonde read`, and `sonde follow`, beside tshark's of the same file.

    lo 127.0.0.1, ::1 (MTU 1500)"""

import json
import os
import random
import re
import signal
import subprocess

import capturing
import netns
import reading
from reading import sonde, tshark, tcp
from tap import tap


def scratch(name):
    return os.path.join(netns.scratch(), name)


def events(*argv):
    done = sonde(*argv, '--json')
    if done.returncode:
        raise RuntimeError(done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


# ---- lists

def check_list(path):
    def rows(text, start):
        return [line.split(None, start)[:start] + line.split(None, start)[-1].split(' → ')[:1]
                for line in text.splitlines()]
    theirs = tshark(path).splitlines()
    ours = sonde('read', path).stdout.splitlines()
    tap.equal('as many rows', len(ours), len(theirs))
    # What the last column says is a matter of dissectors, and tested with them.
    wrong = [f'{our!r} {their!r}' for our, their in zip(ours, theirs)
             if rows(our, 4)[0][:5] != rows(their, 4)[0][:5]]
    tap.check('number, time and addresses, in tshark\'s columns', not wrong, '\n'.join(wrong[:9]))
    same = sum(our == their for our, their in zip(ours, theirs))
    tap.check(f'{same} of {len(ours)} rows are the same to the character',
              same > len(ours) * 0.9,
              '\n'.join(f'{our}\n{their}' for our, their in zip(ours, theirs)
                        if our != their)[:3000])
    for form in ('r', 'd', 'dd', 'e', 'a', 'ad', 'u', 'ud'):
        def times(text):
            return [re.match(r'\s*\d+ +(.*?) +(\S+) → ', line)[1]
                    for line in text.splitlines() if ' → ' in line]
        argv = ('-t', form, '-Y', 'tcp.stream eq 2')
        tap.equal(f'-t {form}', times(sonde('read', path, *argv).stdout)[:50],
                  times(tshark(path, *argv))[:50])
    few = '-Y', 'tcp.flags.syn == 1 || icmp || udp.length == 16'
    tap.equal('-x as tshark\'s', sonde('read', path, '-x', *few).stdout,
              tshark(path, '-x', *few))


def check_fields(path):
    names = ['frame.number', 'frame.time', 'frame.time_epoch', 'frame.time_relative', 'frame.len',
             'eth.src', 'eth.type', 'ip.src', 'ip.addr', 'ip.proto', 'ipv6.dst', 'tcp.port',
             'tcp.flags', 'tcp.flags.syn', 'tcp.seq', 'tcp.payload', 'udp.length', 'udp.payload',
             'http.request.method', 'http.response.code', 'http.host', 'icmp.type']
    argv = [word for name in names for word in ('-e', name)]
    ours = sonde('read', path, *argv).stdout.splitlines()
    theirs = tshark(path, '-T', 'fields', *argv).splitlines()
    wrong = [f'{number + 1} {name}: sonde {our!r}, tshark {their!r}'
             for number, (left, right) in enumerate(zip(ours, theirs))
             for name, our, their in zip(names, left.split('\t'), right.split('\t'))
             if our != their]
    tap.check(f'{len(names)} fields of {len(ours)} packets, as -T fields has them',
              len(ours) == len(theirs) and not wrong, '\n'.join(wrong[:20]))
    told = events('read', path, *argv)
    packets = [event for event in told if event['event'] == 'packet']
    tap.equal('JSON has the fields, with numbers as such',
              [packet['fields'].get('tcp.port', []) for packet in packets],
              [[int(port) for port in row.split('\t')[11].split(',') if port] for row in theirs])
    tap.equal('a summary ends it', told[-1],
              {'event': 'summary', 'frames': len(theirs), 'passed': len(theirs)})
    tree = events('read', path, '-V', '-c', '4')
    tap.check('the tree as JSON', any(field['name'] == 'ip.src' and field['value'] == '127.0.0.1'
                                      and field['depth'] == 1 and field['length'] == 4
                                      for field in tree[1]['tree']), tree[1])
    columns = sonde('read', path, '--columns', 'number,tcp.stream,info', '-c', '1').stdout
    tap.check('--columns', columns.startswith('    1 0 '), columns)
    listed = sonde('read', '--fields').stdout.splitlines()
    known = {line.split('\t')[2] for line in subprocess.run(
        ['tshark', '-G', 'fields'], stdout=subprocess.PIPE, text=True,
        stderr=subprocess.DEVNULL).stdout.splitlines() if line.startswith(('F\t', 'P\t'))}
    own = [line.split()[0] for line in listed if line.split()[0] not in known
           and '.sonde.' not in line and line.split()[0].split('.')[0] not in OWN_PROTOCOLS]
    tap.equal(f'{len(listed)} fields are listed, under names that tshark knows', own, [])
    tap.check('--fields tcp.opt', all(
        line.startswith('tcp.opt') for line in sonde('read', '--fields',
                                                     'tcp.opt').stdout.splitlines()))


# What Wireshark has no dissector of.
OWN_PROTOCOLS = {'calc', 'null', 'daytime', 'discard', 'qotd', 'chargen', '_ws', 'service'}


# ---- numbers

def glue(end):
    return f'{end["address"]}:{end["port"]}' if 'port' in end else end['address']


def check_statistics(path):
    told = events('read', path, '--stats', 'conv', '--stats', 'endpoints', '--stats', 'hierarchy',
                  '--stats', 'streams')
    for layer in ('ip', 'ipv6', 'tcp', 'udp', 'eth'):
        ours = sorted(sorted([(glue(event['a']), event['from_a']['frames']),
                              (glue(event['b']), event['from_b']['frames'])])
                      for event in told if event['event'] == 'conversation'
                      and event['layer'] == layer)
        theirs = []
        for line in tshark(path, '-q', '-z', 'conv,' + layer).splitlines():
            match = re.match(r'(\S+)\s+<-> (\S+)\s+(\d+) [\d,]+ \S+\s+(\d+) ', line)
            if match:
                theirs.append(sorted([(match[1], int(match[4])), (match[2], int(match[3]))]))
        if layer == 'ipv6':  # where tshark counts the last of a datagram's fragments alone
            (end, got), (other, sent) = theirs[0]
            more = reading.passing(path, 'ipv6.fraghdr.more == 1')
            theirs[0] = [(end, got), (other, sent + len(more))]
        tap.equal(f'conversations: {layer}', ours, sorted(theirs))
    for layer in ('tcp', 'udp', 'ip'):
        ours = sorted((event['end']['address'], event['end'].get('port', 0),
                       event['sent']['frames'], event['sent']['bytes'],
                       event['received']['frames'], event['received']['bytes'])
                      for event in told if event['event'] == 'endpoint'
                      and event['layer'] == layer)
        theirs = []
        for line in tshark(path, '-q', '-z', 'endpoints,' + layer).splitlines():
            words = line.split()
            if len(words) > 6 and words[1].isdigit():
                port = int(words.pop(1)) if layer != 'ip' else 0
                theirs.append((words[0], port, *map(int, words[3:7])))
        tap.equal(f'endpoints: {layer}', ours, sorted(theirs))
    ours = [(event['depth'], event['name'], event['frames'], event['bytes'])
            for event in told if event['event'] == 'protocol']
    theirs = [(len(match[1]) // 2, match[2], int(match[3]), int(match[4]))
              for match in re.finditer(r'^( *)(\S+) +frames:(\d+) bytes:(\d+)$',
                                       tshark(path, '-q', '-z', 'io,phs'), re.M)]
    # tshark goes on into what HTTP carries, and lists what was put together.
    lines = ('data-text-lines', 'xml', 'tcp.segments')

    def plain(rows):
        return sorted(row for row in rows if row[1] not in lines)
    tap.equal('hierarchy', plain(ours), plain(theirs))
    rtts = tshark(path, '-Y', 'tcp.analysis.ack_rtt && tcp.stream eq 0', '-T', 'fields', '-e',
                  'tcp.analysis.ack_rtt').split()
    stream = next(event for event in told if event['event'] == 'stream'
                  and event['proto'] == 'tcp' and event['stream'] == 0)
    halves = [stream['from_a'], stream['from_b']]
    tap.equal('round trips are as many, and the longest is the same',
              (sum(half['rtt_count'] for half in halves),
               max(half['rtt_most_ns'] for half in halves)),
              (len(rtts), max(round(float(rtt) * 1e9) for rtt in rtts)))
    text = sonde('read', path, '--stats', 'hierarchy', '--stats', 'streams').stdout
    tap.check('the same as text', 'tcp.stream eq 0: 127.0.0.1:' in text and 'ipv6' in text, text)


# ---- files

def check_signal(data, rows):
    """A pipe that stays silent: what is there has been shown when the end is asked for."""
    with netns.background([netns.SONDE, 'read', '-'], stdin=subprocess.PIPE,
                          stdout=subprocess.PIPE) as process:
        process.stdin.write(data)
        process.stdin.flush()
        shown = b''.join(process.stdout.readline() for _ in rows.splitlines())
        waits_in_read(process.pid)
        process.send_signal(signal.SIGINT)
        status = process.wait(60)
    tap.equal('SIGINT while a pipe is silent', (status, shown.decode()), (0, rows))


def waits_in_read(pid):
    """It has nothing else left to sleep for."""
    def waits():
        with open(f'/proc/{pid}/stat', encoding='ascii') as file:
            return file.read().rsplit(')', 1)[1].split()[0] == 'S'
    netns.wait_until('it waits for the pipe', waits)


def check_files(path):
    data = open(path, 'rb').read()
    rows = sonde('read', path).stdout
    with open(path, 'rb') as file:
        piped = netns.run([netns.SONDE, 'read', '-'], stdin=file)
    tap.equal('from standard input', piped.stdout, rows)
    with subprocess.Popen(['cat', path], stdout=subprocess.PIPE) as cat:
        piped = netns.run([netns.SONDE, 'read', '-'], stdin=cat.stdout)
    tap.equal('from a pipe', piped.stdout, rows)
    check_signal(data, rows)
    cut = scratch('cut.pcapng')
    with open(cut, 'wb') as file:
        file.write(data[:-7])
    done = sonde('read', cut)
    tap.check('a cut file is read up to the last whole packet, which is said',
              done.returncode == 0 and rows.startswith(done.stdout) and done.stdout
              and 'ends within a packet, at byte' in done.stderr, done.stderr)
    some = scratch('some.pcapng')
    done = sonde('read', path, '-Y', 'tcp.port == 8080', '-w', some)
    tap.equal('-w writes what passes, as it was',
              (done.returncode, tshark(some, '-T', 'fields', '-e', 'frame.time_epoch', '-e',
                                       'frame.len', '-e', 'tcp.payload')),
              (0, tshark(path, '-Y', 'tcp.port == 8080', '-T', 'fields', '-e', 'frame.time_epoch',
                         '-e', 'frame.len', '-e', 'tcp.payload')))
    done = netns.run(['sh', '-c', f'{netns.SONDE} read {path} -c 5 -w - | {netns.SONDE} read -'])
    tap.equal('-w - into a pipe, -c 5', done.stdout, ''.join(rows.splitlines(True)[:5]))
    done = sonde('read', path, '-w', path)
    tap.check('not into the file itself', done.returncode == 2 and open(path, 'rb').read() == data,
              done.stderr)
    done = sonde('read', scratch('none.pcap'))
    tap.check('no file', done.returncode == 2 and 'none.pcap' in done.stderr, done.stderr)
    done = sonde('read', netns.scratch())
    tap.check('a directory', done.returncode == 2 and 'Is a directory' in done.stderr, done.stderr)
    for argv in (['read'], ['read', path, path], ['read', path, '-V', '--stats', 'conv'],
                 ['read', path, '-e', 'tcp.prot'], ['read', path, '--columns', 'numbr'],
                 ['read', path, '-d', 'tcp.port==1'], ['read', path, '-t', 'x'],
                 ['read', '--fields', 'nothing'], ['read', path, '-x', '-e', 'ip.src'],
                 ['read', path, '--stats', 'conv', '--show-secrets'],
                 ['read', path, '-w', scratch('not.pcapng'), '--show-secrets'],
                 ['read', path, '-t', 'a', '-e', 'ip.src'], ['read', path, '-t', 'a', '-V'],
                 ['read', path, '-t', 'a', '-x'], ['read', path, '-t', 'a', '--json'],
                 ['read', path, '-t', 'a', '--columns', 'number,info'],
                 ['follow', path], ['follow', path, 'x'], ['follow', path, '999'],
                 ['follow', path, '0', '--as', 'hex', '--json']):
        done = sonde(*argv)
        tap.check(f'a usage error: {" ".join(argv[:1] + argv[2:])}',
                  done.returncode == 2 and done.stderr.startswith('sonde: ') and not done.stdout,
                  done.stderr)
    with subprocess.Popen([netns.SONDE, 'read', path], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE) as process:
        process.stdout.close()
        said = process.stderr.read()
        tap.equal('a reader that goes away', (process.wait(), said), (0, b''))
    colored = sonde('read', path, '--color', 'always', '-Y', 'tcp.flags.reset == 1').stdout
    tap.check('colours where they are wanted', '\x1b[' in colored and '\x1b[' not in rows, colored)


def check_calls():
    path = scratch('calls.pcapng')
    netns.run([capturing.program('pcapng_example'), path], check=True)
    rows = sonde('read', path).stdout
    calls = [line for line in rows.splitlines() if ' call  ' in line]
    tap.check('calls are rows', calls, rows)
    kept = scratch('kept.pcapng')
    sonde('read', path, '-w', kept)
    tap.equal('-w keeps calls and comments', sonde('read', kept, '-V').stdout,
              sonde('read', path, '-V').stdout)
    told = events('read', path)
    tap.check('a call as JSON', any(event['event'] == 'journal' and 'MESSAGE' in event['journal']
                                    for event in told), told)
    comments = tshark(path, '-Y', 'frame.comment', '-T', 'fields', '-e', 'frame.number').split()
    tap.equal('comments are found', [str(n) for n in reading.passing(path, 'frame.comment')],
              comments)


# ---- follow

def turns(pieces):
    """What was said until the other end spoke, as bytes."""
    joined = []
    for is_b, data in pieces:
        if joined and joined[-1][0] == is_b:
            joined[-1] = (is_b, joined[-1][1] + data)
        else:
            joined.append((is_b, data))
    return joined


def their_turns(path, proto, stream):
    """(tshark's hex form leaves parts of long segments out.)"""
    rows = tshark(path, '-q', '-z', f'follow,{proto},raw,{stream}').splitlines()
    return turns((row.startswith('\t'), bytes.fromhex(row.strip())) for row in rows
                 if re.fullmatch(r'\t?([0-9a-f]{2})+', row))


def our_turns(path, proto, stream):
    done = sonde('follow', path, str(stream), '--as', 'hex', *(['--udp'] * (proto == 'udp')))
    return turns((row.startswith('\t'), bytes.fromhex(row.strip()[10:58])) for row
                 in done.stdout.splitlines() if re.match(r'\t?[0-9A-F]{8}  ', row))


def check_rows(path):
    """The rows of the hex form, where tshark's are whole."""
    def rows(text):
        return [row.rstrip() for row in text.splitlines() if re.match(r'\t?[0-9a-fA-F]{8}  ', row)]
    tap.equal('hex rows are those of tshark', rows(sonde('follow', path, '0', '--as',
                                                         'hex').stdout),
              rows(tshark(path, '-q', '-z', 'follow,tcp,hex,0')))


def check_follow(path):
    told = events('read', path, '--stats', 'streams')
    streams = [(event['proto'], event['stream']) for event in told if event['event'] == 'stream']
    wrong = [stream for stream in streams
             if our_turns(path, *stream) != their_turns(path, *stream)]
    tap.check(f'{len(streams)} streams are followed as tshark does',
              len(streams) > 8 and not wrong,
              [(our_turns(path, *stream), their_turns(path, *stream)) for stream in wrong[:1]])
    check_rows(path)
    text = sonde('follow', path, '0').stdout
    tap.check('as text, with the filter first', text.startswith('tcp.stream eq 0\na: 127.0.0.1:')
              and '> GET / HTTP/1.1\n' in text and '< hello\n' in text, text)
    raw = netns.run([netns.SONDE, 'follow', path, '0', '--as', 'raw', '--from', 'b'], text=False)
    tap.check('as raw, one end', raw.stdout.startswith(b'HTTP/1.1 200 OK\r\n')
              and raw.stdout.endswith(b'\r\n\r\nhello\n'), raw.stdout)
    data = [event for event in events('follow', path, '0') if event['event'] == 'data']
    tap.equal('as JSON', ''.join(event['text'] for event in data if event['from'] == 'b').encode(),
              raw.stdout)
    colored = sonde('follow', path, '0', '--color', 'always').stdout
    tap.check('in two colours', '\x1b[36m>' in colored and '\x1b[33m<' in colored, colored)


def random_stream(seed):
    """Bytes both ways from a random number on, cut at random, repeated, overlapping, in the
    wrong order; returns the frames and what was said."""
    chance = random.Random(seed)
    said, frames = [], []
    starts = [chance.choice([chance.getrandbits(32), 2 ** 32 - chance.randrange(1, 2000)])
              for _ in range(2)]
    frames += [tcp(1, 2, 0x02, starts[0], 0), tcp(2, 1, 0x12, starts[1], starts[0] + 1),
               tcp(1, 2, 0x10, starts[0] + 1, starts[1] + 1)]
    segments = [[], []]
    for side in (0, 1):
        said.append(bytes(chance.getrandbits(8) for _ in range(chance.randrange(1, 4000))))
        at = 0
        while at < len(said[side]):
            n = chance.randrange(1, 700)
            back = min(at, chance.choice([0, 0, 0, chance.randrange(0, 300)]))
            segments[side].append((at - back, said[side][at - back:at + n]))
            at += n
        for i in range(len(segments[side]) - 1):
            if chance.random() < 0.25:
                segments[side][i], segments[side][i + 1] = (segments[side][i + 1],
                                                            segments[side][i])
            if chance.random() < 0.15:
                segments[side].insert(i, chance.choice(segments[side][:i + 1]))
    while segments[0] or segments[1]:
        side = chance.choice([s for s in (0, 1) if segments[s]])
        at, data = segments[side].pop(0)
        # Nothing is acknowledged before all is there: no gap is ever given up.
        frames.append(tcp(side + 1, 2 - side, 0x18, starts[side] + 1 + at, starts[1 - side] + 1,
                          data))
    return frames, said


def check_order():
    wrong = []
    path = scratch('random.pcap')
    for seed in range(40):
        frames, said = random_stream(seed)
        reading.write_pcap(path, frames)
        got = [netns.run([netns.SONDE, 'follow', path, '0', '--as', 'raw', '-q', '--from', end],
                         text=False).stdout for end in 'ab']
        if got != said:
            wrong.append(seed)
    tap.equal('40 streams out of order, overlapping and wrapping say what was said', wrong, [])
    reading.write_pcap(path, [
        tcp(1, 2, 0x02, 10, 0), tcp(2, 1, 0x12, 50, 11), tcp(1, 2, 0x18, 11, 51, b'one'),
        tcp(1, 2, 0x18, 24, 51, b'three'), tcp(2, 1, 0x10, 51, 29), tcp(1, 2, 0x18, 40, 51, b'z')])
    text = sonde('follow', path, '0').stdout
    tap.check('gaps are marked: one that was acknowledged, one at the end',
              text.endswith('> one\n> [10 bytes missing in the capture]\n> three\n'
                            '> [11 bytes missing in the capture]\n> z\n'), text)
    raw = sonde('follow', path, '0', '--as', 'raw')
    tap.check('raw: said on standard error', raw.stdout == 'onethreez'
              and '10 bytes of a are missing' in raw.stderr, raw.stderr)
    reading.write_pcap(path, [tcp(1, 2, 0x18, 11, 51, b'\x1b[31mred\xff\n')])
    tap.check('control characters are escaped', '> \\x1b[31mred\\xff\n'
              in sonde('follow', path, '0').stdout, sonde('follow', path, '0').stdout)


def main():
    real = scratch('real.pcapng')
    reading.capture(real)
    check_list(real)
    check_fields(real)
    check_statistics(real)
    check_files(real)
    check_calls()
    check_follow(real)
    check_order()
    tap.done()


netns.enter()
main()
