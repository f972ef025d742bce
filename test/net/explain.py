#!/usr/bin/python3
"""sonde explain: a run from its file is the run; other captures in words.

       client.py  ---- lo ----  server.py      traced in a namespace of their own
                    |
              run.pcapng  -->  sonde explain   the same text, JSON, Markdown, picture
"""

import html
import json
import os
import re
import ssl
import struct
import xml.etree.ElementTree

import netns
from explaining import ACK, FIN, PSH, RST, SYN, at, client, explain, ip, pcap, read, run_of, segment, write
from tap import tap

# ---- the run again, cell by cell

done = run_of('json', '--json', '--svg', at('live.svg'))
tap.equal('a run is recorded', done.returncode, 0)
again = explain('--json', '--svg', at('again.svg'), at('json.pcapng'))
tap.equal('JSON: explain says what trace said', again.stdout.splitlines(),
          read('json.out').splitlines())
tap.equal('the picture is the same', read('again.svg'), read('live.svg'))

done = run_of('text')
again = explain(at('text.pcapng'))
tap.equal('text: explain says what trace said', again.stdout.splitlines(),
          read('text.out').splitlines())
full = explain('--full', at('text.pcapng'))
tap.check('--full shows more', len(full.stdout) > len(again.stdout))

done = run_of('markdown', '--markdown')
again = explain('--markdown', at('markdown.pcapng'))
tap.equal('Markdown: explain says what trace said', again.stdout.splitlines(),
          read('markdown.out').splitlines())

# ---- the renderings of one file agree

events = [json.loads(line) for line in explain('--json', at('json.pcapng')).stdout.splitlines()]
statements = {e['statement']: e for e in events if e['event'] == 'statement'}
packets = [e for e in events if e['event'] == 'packet']
sent = {e['packet']: statements[e['statement']] for e in events
        if e['event'] == 'edge' and e['kind'] == 'sent' and 'statement' in e}
text = explain(at('json.pcapng')).stdout
markdown = explain('--markdown', at('json.pcapng')).stdout


def plain(cell):
    return html.unescape(re.sub(r'\\([^A-Za-z0-9\s])', r'\1', cell)).strip()


def agrees(whole, shown):
    """A terminal cuts what is too long for its column."""
    parts = [' '.join(part.split()) for part in shown.split('…')]
    pattern = '.*'.join(re.escape(part.strip()) for part in parts)
    return re.fullmatch(pattern, ' '.join(' '.join(whole).split())) is not None


def markdown_table(title):
    lines = markdown.split(f'## {title}\n\n')[1].split('\n\n')[0].splitlines()[2:]
    return [[plain(cell) for cell in re.split(r'(?<!\\)\|', line)[1:-1]] for line in lines]


def text_table(title):
    return text.split(f'{title}\n')[1].split('\n\n')[0].splitlines()[1:]


rows = markdown_table('Which statement sent each packet')
lines = text_table('Which statement sent each packet')
tap.equal('both tables have a row for each packet', (len(rows), len(lines)),
          (len(packets), len(packets)))
for row, line, packet in zip(rows, lines, packets):
    words = ' '.join(row)
    tap.check(f'packet {packet["packet"]}: text and Markdown agree', agrees(row, line), (row, line))
    statement = sent.get(packet['packet'])
    if statement:
        tap.check(f'packet {packet["packet"]}: JSON agrees',
                  f'{os.path.basename(statement["file"])}:{statement["line"]} ' in words and
                  statement['text'].split('#')[0].strip() in words, (words, statement))
    else:
        tap.check(f'packet {packet["packet"]}: by no statement', '–' in words, words)
rows = markdown_table('Which packet completed each blocking statement')
lines = text_table('Which packet completed each blocking statement')
tap.equal('completed: as many rows', len(rows), len(lines))
for row, line in zip(rows, lines):
    tap.check(f'completed: text and Markdown agree about {row[0][:30]}', agrees(row, line), (row, line))
for finding in (e for e in events if e['event'] == 'finding'):
    tap.check(f'finding {finding["name"]}: everywhere',
              finding['name'] in text and finding['name'] in plain(markdown))

for packet in packets[:6]:
    number = packet['packet']
    done = netns.run([netns.SONDE, 'read', '-e', 'frame.number', '-Y', f'frame.comment contains "packet {number}:"',
                      at('json.pcapng')])
    tap.equal(f'packet {number} of the ladder is found in the file', done.stdout.split(), [str(packet['frame'])])

seen = [plain(line[2:]) for line in markdown.split('## What was seen\n\n')[1].splitlines()]
counted = ' '.join(text.split())
tap.check('what was seen, and at what cost, is in every report', len(seen) >= 3 and
          any(line.startswith('tracing held the programs for ') for line in seen) and
          all(' '.join(line.split()) in counted for line in seen), (seen, text[-400:]))

tree = xml.etree.ElementTree.fromstring(read('live.svg'))
tags = {element.tag.split('}')[1] for element in tree.iter()}
tap.check('the picture has shapes and text alone',
          tags <= {'svg', 'style', 'rect', 'path', 'circle', 'text'}, tags)
drawn = [element.text for element in tree.iter() if element.tag.endswith('}text')]
tap.check('the picture shows hostile source text as text',
          any('<script>alert' in label for label in drawn if label), drawn)
tap.check('and every packet that carries data',
          all(any(label.startswith(f'{packet["packet"]} ') for label in drawn if label)
              for packet in packets if packet['len']), drawn)
tap.check('and what was seen, and at what cost', all(line in drawn for line in seen), (seen, drawn[-5:]))
tap.check('Markdown lets no markup through',
          '<script' not in re.sub(r'(?s)~~~~~~~~text.*?~~~~~~~~', '', markdown))

one = explain('--stream', '0', at('json.pcapng'))
tap.check('--stream shows one ladder', one.stdout.startswith('stream 0') and
          'stream 1' not in one.stdout, one.stdout[:80])
wrong = explain('--stream', '99', at('json.pcapng'))
tap.check('a stream that is not there is an error', wrong.returncode == 2 and
          'hint: 0 to' in wrong.stderr, wrong.stderr)

# ---- one stream as JSON: the lines of the whole that speak of it

whole = explain('--json', at('json.pcapng')).stdout.splitlines()
streams = [e for e in map(json.loads, whole) if e['event'] == 'stream']
for stream in streams:
    number = stream['stream']
    done = explain('--stream', str(number), '--json', at('json.pcapng'))
    lines = done.stdout.splitlines()
    rest = iter(whole)
    tap.check(f'stream {number} as JSON: lines of the whole, in its order',
              done.returncode == 0 and all(line in rest for line in lines), done.stderr)
    own = [json.loads(line) for line in lines]
    tap.equal(f'stream {number}: no other stream', [e for e in own if e['event'] == 'stream'], [stream])
    tap.equal(f'stream {number}: its packets', [e['packet'] for e in own if e['event'] == 'packet'],
              [e['packet'] for e in packets if e.get('stream') == number])
    tap.check(f'stream {number}: its findings alone',
              [e for e in own if e['event'] == 'finding'] ==
              [e for e in events if e['event'] == 'finding' and e.get('stream') == number])
    told = {kind: {e[kind] for e in own if e['event'] == kind} for kind in ('program', 'socket', 'statement', 'call')}
    tap.check(f'stream {number}: all that edges and calls speak of is there',
              all(e.get('statement', 0) in told['statement'] | {0} and e.get('call', 0) in told['call'] | {0} and
                  e.get('program', 0) in told['program'] | {0} and e.get('socket', 0) in told['socket'] | {0}
                  for e in own if e['event'] in ('edge', 'call', 'statement', 'socket')), own)
    shown = explain('--stream', str(number), '--full', at('json.pcapng')).stdout
    names = {f'{os.path.basename(e["file"])}:{e["line"]}' for e in own if e['event'] == 'statement' and e['line']}
    tap.check(f'stream {number}: statements that the text shows', names and all(
        re.search(rf'(?<![0-9]){name.split(":")[1]} ', shown) for name in names), (names, shown))
tap.check('each of them is less than the whole', len(streams) > 1 and any(
    len(explain('--stream', str(e['stream']), '--json', at('json.pcapng')).stdout.splitlines()) < len(whole) / 2
    for e in streams))

# ---- a capture without calls


def udp(source, target, payload):
    return ip(source[0], target[0], 17,
              struct.pack('!HHHH', source[1], target[1], 8 + len(payload), 0) + payload)


C, S, D, E = ('192.0.2.1', 40000), ('192.0.2.2', 80), ('192.0.2.2', 81), ('192.0.2.3', 82)
path = write('plain.pcap', pcap(
    (0, segment(C, S, SYN, 100, 0)),
    (5, segment(S, C, SYN | ACK, 500, 101)),
    (6, segment(C, S, ACK, 101, 501)),
    (7, segment(C, S, PSH | ACK, 101, 501, b'GET /<script>\x1b[31m HTTP/1.1\r\n\r\n')),
    (407, segment(C, S, PSH | ACK, 101, 501, b'GET /<script>\x1b[31m HTTP/1.1\r\n\r\n')),
    (408, segment(S, C, PSH | ACK, 501, 133, b'HTTP/1.1 204 No Content\r\n\r\n')),
    (409, segment(S, C, FIN | ACK, 528, 133)),
    (410, segment(C, S, ACK, 133, 529)),
    (500, segment(C, D, SYN, 100, 0)),
    (501, segment(D, C, RST | ACK, 0, 101)),
    (600, segment(C, E, SYN, 100, 0)),
    (1600, segment(C, E, SYN, 100, 0)),
    (3600, segment(C, E, SYN, 100, 0))))


def explanations(capture):
    return {e['stream']: e['text'] for e in map(json.loads, explain('--json', capture).stdout.splitlines())
            if e['event'] == 'explanation'}


words = explanations(path)
tap.equal('every stream is explained', sorted(words), [0, 1, 2])
for part in ('192.0.2.1:40000 connected to 192.0.2.2:80: SYN (packet 1), SYN-ACK (2) 5.00 ms later, '
             'ACK (3) after 1.00 ms more.', 'They spoke HTTP.',
             'beginning with "GET /<script>\\x1b[31m HTTP/1.1".',
             'The server sent 27 bytes in 1 packet, beginning with "HTTP/1.1 204 No Content".',
             'The client sent 1 packet again.', 'The server closed first (FIN: packet 7)',
             'half closed'):
    tap.check(f'an exchange: {part[:40]}', part in words[0], words[0])
tap.check('a refusal', 'refused (RST: packet 10)' in words[1], words[1])
tap.check('silence', '3 SYNs, from packet 11 on. Nobody ever answered.' in words[2], words[2])
done = explain(path)
tap.check('the text has it, too, and a ladder', 'closed first' in done.stdout and
          'stream 0  TCP, 8 packets' in done.stdout, done.stdout)
tap.check('control characters of packets are escaped', '\x1b' not in done.stdout)
names = {e['name'] for e in map(json.loads, explain('--json', path).stdout.splitlines())
         if e['event'] == 'finding'}
tap.check('findings that need no calls', {'connection-refused', 'connection-filtered',
                                          'retransmission'} <= names, names)

# ---- what a capture does not say is not known


def block(kind, body):
    body += bytes(-len(body) % 4)
    return struct.pack('<II', kind, 12 + len(body)) + body + struct.pack('<I', 12 + len(body))


def pcapng(statistics, *frames):
    data = block(0x0a0d0d0a, struct.pack('<IHHq', 0x1a2b3c4d, 1, 0, -1)) + block(1, struct.pack('<HHI', 101, 0, 0))
    for at_ms, frame in frames:
        data += block(6, struct.pack('<IIIII', 0, 0, at_ms * 1000, len(frame), len(frame)) + frame)
    return data + statistics


def counted_in(capture):
    """The last paragraph of the text, and the summary of the JSON."""
    return (explain(capture).stdout.rstrip().split('\n\n')[-1].splitlines(),
            [e for e in map(json.loads, explain('--json', capture).stdout.splitlines())
             if e['event'] == 'summary'][0]['packets_dropped'])


frames = [(0, segment(C, S, SYN, 100, 0)), (5, segment(S, C, SYN | ACK, 500, 101))]
tap.equal('pcap says nothing of drops, and nobody made calls', counted_in(path),
          (['13 packets: 9 by programs, 4 by the kernel alone; drops not recorded'], None))
tap.equal('nor does pcapng without statistics', counted_in(write('bare.pcapng', pcapng(b'', *frames))),
          (['2 packets: 1 by programs, 1 by the kernel alone; drops not recorded'], None))
for drops in (0, 7):
    statistics = block(5, struct.pack('<IIIHHQI', 0, 0, 0, 5, 8, drops, 0))
    tap.equal(f'statistics say it: {drops}', counted_in(write('counted.pcapng', pcapng(statistics, *frames))),
              ([f'2 packets: 1 by programs, 1 by the kernel alone; {drops} dropped'], drops))
tap.equal('a run has said it', counted_in(at('json.pcapng'))[1], 0)

# ---- other things that captures have, word for word

QUESTION = (bytes.fromhex('123401000001000000000000') + b'\x07example\x03org\x00' +
            bytes.fromhex('00010001'))
ask = udp(('192.0.2.1', 40001), ('192.0.2.2', 53), QUESTION)
refused = ip('192.0.2.2', '192.0.2.1', 1, bytes((3, 3, 0, 0, 0, 0, 0, 0)) + ask[:28])
M, W = ('192.0.2.1', 40002), ('192.0.2.2', 143)
words = explanations(write('other.pcap', pcap(
    (0, ask), (1, refused),
    # the middle of a connection: no SYN, and no end
    (10, segment(M, W, PSH | ACK, 100, 500, b'a1 LOGIN alice wonderland\r\n')),
    (11, segment(W, M, PSH | ACK, 500, 127, b'a1 OK done\r\n')),
    (12, segment(M, W, ACK, 127, 512)),
    # the same two ports twice
    (100, segment(C, S, SYN, 100, 0)), (101, segment(S, C, SYN | ACK, 500, 101)),
    (102, segment(C, S, ACK, 101, 501)), (103, segment(C, S, RST | ACK, 101, 501)),
    (200, segment(C, S, SYN, 9100, 0)), (201, segment(S, C, SYN | ACK, 9500, 9101)),
    (202, segment(C, S, ACK, 9101, 9501)),
    (203, segment(C, S, FIN | ACK, 9101, 9501)),
    (204, segment(S, C, FIN | ACK, 9501, 9102)), (205, segment(C, S, ACK, 9102, 9502)))))
tap.equal('a question in vain, in words', words.get(0),
          '192.0.2.1:40001 sent datagrams to 192.0.2.2:53. 192.0.2.2 answered with an ICMP error: '
          'nobody has that port (packet 2). They spoke DNS. The client sent 29 bytes in 1 packet, '
          'first: "Standard query 0x1234 A example.org". The server said nothing.')
tap.equal('half a connection, and no password, in words', words.get(1),
          '192.0.2.1:40002 and 192.0.2.2:143 were connected already when the capture began (which '
          'of them had connected cannot be told). They spoke IMAP. The client sent 27 bytes in 1 '
          'packet, first: "Request: a1 LOGIN alice ********". The server sent 12 bytes in 1 packet, '
          'first: "Response: a1 OK done". Nobody closed it while the capture ran.')
tap.equal('a reset, in words', words.get(2),
          '192.0.2.1:40000 connected to 192.0.2.2:80: SYN (packet 6), SYN-ACK (7) 1.00 ms later, '
          'ACK (8) after 1.00 ms more. The client said nothing. The server said nothing. The client '
          'reset the connection (RST: packet 9).')
tap.equal('ports used again, in words', words.get(3),
          '192.0.2.1:40000 connected to 192.0.2.2:80: SYN (packet 10), SYN-ACK (11) 1.00 ms later, '
          'ACK (12) after 1.00 ms more. Stream 2 had the same two ports before. The client said '
          'nothing. The server said nothing. The client closed first (FIN: packet 13), the server '
          'after it (14).')

# ---- mail that goes over to TLS, and TLS from the first byte on, word for word


def handshake():
    """What the two sides of a real handshake and a word after it sent, in turns."""
    folder_of = at('tls')
    os.mkdir(folder_of)
    key, certificate = (os.path.join(folder_of, it) for it in ('key.pem', 'certificate.pem'))
    netns.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes',
               '-keyout', key, '-out', certificate, '-subj', '/CN=example.org', '-days', '2'], check=True)
    context = ssl.create_default_context(cafile=certificate)
    context.check_hostname = False
    ready = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    ready.load_cert_chain(certificate, key)
    ways = [ssl.MemoryBIO() for _ in range(2)]
    sides = [context.wrap_bio(ways[0], ways[1]), ready.wrap_bio(ways[1], ways[0], server_side=True)]
    said = []
    for turn in range(6):
        try:
            if turn < 4:
                sides[turn % 2].do_handshake()
            else:
                sides[turn % 2].write(b'a word')
        except ssl.SSLWantReadError:
            pass
        # What this side wrote is what the other one will read.
        sent = ways[1 - turn % 2].read()
        ways[1 - turn % 2].write(sent)
        if sent:
            said.append((turn % 2, sent))
    return said


def conversation(client, server, said):
    """A connection, opened and closed by the client, with these words in turns."""
    seq, frames = [101, 501], [(0, segment(client, server, SYN, 100, 0)),
                               (1, segment(server, client, SYN | ACK, 500, 101)),
                               (2, segment(client, server, ACK, 101, 501))]
    ends = [client, server]
    for side, text in said:
        frames.append((10 * len(frames), segment(ends[side], ends[1 - side], PSH | ACK, seq[side], seq[1 - side], text)))
        seq[side] += len(text)
    for side in (0, 1):
        frames.append((10 * len(frames), segment(ends[side], ends[1 - side], FIN | ACK, seq[side], seq[1 - side] + side)))
    return pcap(*frames)


def sizes(said):
    return [(sum(len(text) for at, text in said if at == side), sum(at == side for at, _ in said)) for side in (0, 1)]


secret = handshake()
plain = [(1, b'220 mail.example.org ESMTP\r\n'), (0, b'EHLO client.example.org\r\n'),
         (1, b'250-mail.example.org\r\n250 STARTTLS\r\n'), (0, b'STARTTLS\r\n'), (1, b'220 2.0.0 Ready\r\n')]
BEGINNING = ('192.0.2.1:40000 connected to {}: SYN (packet 1), SYN-ACK (2) 1.00 ms later, ACK (3) after 1.00 ms more. '
             'They spoke {}. ')
(sent, pieces), (got, others) = sizes(plain + secret)
words = explanations(write('mail.pcap', conversation(('192.0.2.1', 40000), ('192.0.2.2', 25), plain + secret)))
last = 3 + len(plain) + len(secret)
tap.equal('mail that goes over to TLS, in words', words.get(0), BEGINNING.format(
    '192.0.2.2:25', 'SMTP, and from packet 9 on TLSv1.3: nobody in between can read what they said then') +
    f'The client sent {sent} bytes in {pieces} packets, beginning with "EHLO client.example.org". '
    f'The server sent {got} bytes in {others} packets, beginning with "220 mail.example.org ESMTP". '
    f'The client closed first (FIN: packet {last + 1}), the server after it ({last + 2}).')
(sent, pieces), (got, others) = sizes(secret)
words = explanations(write('secret.pcap', conversation(('192.0.2.1', 40000), ('192.0.2.2', 4433), secret)))
last = 3 + len(secret)
tap.equal('TLS, in words', words.get(0), BEGINNING.format(
    '192.0.2.2:4433', 'TLSv1.3: nobody in between can read what they said') +
    f'The client sent {sent} bytes in {pieces} packets, first: "Client Hello". '
    f'The server sent {got} bytes in {others} packets, first: "Server Hello, Change Cipher Spec, Application Data, Applicat...". '
    f'The client closed first (FIN: packet {last + 1}), the server after it ({last + 2}).')
text = explain(at('mail.pcap')).stdout
tap.check('no line ends within a name, or is longer than a terminal', 'client.example.org"' in text and
          all(len(line) <= 80 for line in text.splitlines()), text)
tap.check('of packets alone nothing is said of calls', ' by programs, ' in text and 'in a call' not in text and
          'without a line' not in text, text)

# ---- passwords in findings, masked unless asked for

found = [e for e in map(json.loads, explain('--json', at('other.pcap')).stdout.splitlines())
         if e['event'] == 'finding' and e['name'] == 'credentials-in-clear']
tap.check('a password is masked', len(found) == 1 and 'wonderland' not in found[0]['why'] and
          'alice' in found[0]['why'], found)
shown = explain('--show-secrets', at('other.pcap')).stdout
tap.check('--show-secrets shows it', '"wonderland"' in ' '.join(shown.split()), shown[-900:])
tap.check('in sentences, too', 'a1 LOGIN alice wonderland' in ' '.join(shown.split()), shown[:900])

# ---- files that are not whole, or none

whole = open(at('json.pcapng'), 'rb').read()
for cut in (len(whole) // 3, len(whole) // 2, len(whole) - 5):
    done = explain(write('cut.pcapng', whole[:cut]))
    tap.check(f'cut at {cut}: what is there is shown',
              done.returncode == 0 and 'ends within' in done.stderr, done.stderr)
done = netns.run([netns.SONDE, 'explain', '--json', '-'],
                 stdin=open(at('json.pcapng'), 'rb'))
tap.equal('from standard input: the same', done.stdout.splitlines(), read('json.out').splitlines())
netns.run(['editcap', at('json.pcapng'), at('edited.pcapng')])
tap.equal('after editcap: the same', explain('--json', at('edited.pcapng')).stdout.splitlines(),
          read('json.out').splitlines())
for what, old, new in (
        ('numbers that refer to each other', b'"parent":0', b'"parent":1'),
        ('huge numbers', b'"socket":1', b'"socket":99999999999999999999'),
        ('broken JSON', b'{"call":', b'{"call":]'),
        ('negative ones', b'"fd":', b'"fd":-'),
        ('control characters', b'client.py', b'cl\x1b]0;\x07')):
    done = explain(write('hostile.pcapng', whole.replace(old, new)))
    tap.check(f'{what} in a file: shown as far as it goes',
              done.returncode in (0, 4) and '\x1b' not in done.stdout + done.stderr and
              'anitizer' not in done.stderr, done.stderr)
damaged = whole.replace(b'"program":', b'"progrm" :')
done = explain(write('damaged.pcapng', damaged))
tap.check('damaged rows are counted', done.returncode == 0 and 'could not be used' in done.stderr,
          done.stderr)
done = explain(client)
tap.check('no capture file: one error', done.returncode == 4 and
          done.stderr.startswith('sonde: '), done.stderr)
done = explain(at('missing'))
tap.check('no such file: one error', done.returncode == 2 and
          done.stderr.startswith('sonde: '), done.stderr)
tap.equal('the file is missing: usage', explain().returncode, 2)
tap.done()
