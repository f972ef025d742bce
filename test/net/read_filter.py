#!/usr/bin/python3
"""Display filters beside tshark's: of real traffic, and of segments with odd numbers, every
filter lets the same frames through; what is wrong is refused by both, and shown where.

    lo 127.0.0.1, ::1 (MTU 1500)"""

import os
from concurrent.futures import ThreadPoolExecutor

import netns
import reading
from tap import tap

FILTERS = r'''
tcp
udp
icmp
icmpv6
ip
ipv6
http
dns
data
not tcp
!udp && !tcp
tcp and not http
http or dns
http || dns && ip
(http || dns) && ip
not not http
!(tcp.port == 8080)
! tcp.port == 8080
tcp.port == 8080
tcp.port eq 8080 and ip
tcp.port != 8080
tcp.port ne 8080
tcp.port ~= 8080
tcp.port !== 8080
tcp.port === 8080
tcp.port all_ne 1
tcp.port any_ne 1
tcp.port any_eq 8081
tcp.port all_eq 1
any tcp.port > 50000
all tcp.port > 1024
all tcp.port > 1
any ip.addr != 127.0.0.1
ip.addr != 127.0.0.1
tcp.port == 0x1f90
tcp.port == 017620
tcp.port == 0b1111110010000
tcp.dstport > 8079 && tcp.dstport <= 8081
tcp.srcport ge 8080 and tcp.srcport le 8080
tcp.srcport lt 100
tcp.srcport gt 10000
tcp.srcport < tcp.dstport
tcp.srcport < tcp.dstport < 40000
tcp.dstport == tcp.srcport
tcp.stream eq 0
tcp.stream == 3 && tcp.len > 0
udp.stream eq 1
tcp.flags.syn == 1 && tcp.flags.ack == 0
tcp.flags.syn == True
tcp.flags.reset == TRUE
tcp.flags.fin == Set
tcp.flags.push == 0
tcp.flags.syn
tcp.flags & 2
tcp.flags & 0x12 == 0x12
tcp.flags == 0x018
tcp.flags bitwise_and 4
tcp.flags.str contains "S"
tcp.len > 1000
tcp.len == 0
tcp.seq == 1
tcp.seq > 1 && tcp.ack > 1
tcp.nxtseq == 1
tcp.options
tcp.options.mss_val == 65495
tcp.options.timestamp.tsval
tcp.options.wscale.shift >= 7
tcp.window_size_value > 0
tcp.hdr_len == 32
tcp.payload
tcp.payload contains "GET"
tcp.payload contains 47:45:54
tcp.payload[0:3] == "GET"
tcp.payload[0-3] == 47.45.54.20
tcp.payload[-2:] == 0d:0a
tcp.payload[0] == 47
tcp.payload[0] == 'G'
tcp.payload[0] > 50
tcp.payload[0:2] & 40:40
tcp.payload matches "^get /"
tcp.payload ~ "(?-i)^get /"
tcp.payload matches r"\.1\r\n"
tcp contains "hello"
tcp[0:2] == 1f:90
tcp[13] & 2
len(tcp) > 32
len(tcp) == 32
len(tcp.payload) > 1000
ip contains "GET"
frame contains "Probe"
frame matches "HTTP/1\\.1 [0-9]+"
frame.len > 1000
frame.len > 60 and frame.len < 80
frame.cap_len <= 66
frame.number == 3
frame.number <= 5 || frame.number == 10
frame.number == 0xa
string(frame.number) matches "[13579]$"
frame.protocols contains "http"
frame.protocols == "eth:ethertype:ip:tcp"
frame[12:2] == 86:dd
frame[-1] == 00
frame.time_relative >= 10
frame.time_relative == 4
frame.time_relative > 2.5
frame.time_delta > 0.5
frame.time >= "2023-11-14 22:13:30"
frame.time < "2023-11-14T22:13:25Z"
frame.time == "2023-11-14 23:13:24+01:00"
frame.time_epoch > 1700000010
ip.src == 127.0.0.1
ip.addr == 127.0.0.0/8
ip.addr == 128.0.0.0/1
ip.src == ip.dst
ip.src <= 127.0.0.0/16
ip.src[3] == 01
ip.src & 255.0.0.0 == 127.0.0.0
ip.ttl == 64
ip.ttl < 64
ip.proto == TCP
ip.proto == UDP
ip.proto == 1
ip.flags.df
ip.flags.df == 1
ip.flags.mf == 1
ip.frag_offset > 0
ip.id == 0
ip.len > 500
ip.src#2 == 127.0.0.1
ip.src#1 == 127.0.0.1 && icmp
udp.srcport#2
udp.srcport#[1-2] == 50053
count(ip.addr) == 4
count(udp.port) > 2
string(ip.src) contains "127"
string(tcp.port) == "8080"
ipv6.addr == ::1
ipv6.src == ::/64
ipv6.dst != ::1
ipv6.nxt == 17
ipv6.hlim == 64
ipv6.src[15] == 01
eth.type == 0x0800
eth.type == IPv6
eth.src == 00:00:00:00:00:00
eth.addr[0:3] == 00:00:00
eth.dst != 00:00:00:00:00:00
udp.port == 53
udp.port == 50053 && ipv6
udp.length > 100
udp.payload == "ABCDEFGH"
udp.payload contains 7a:7a
udp.payload == 78:79:7a:00:ff
udp.payload > 41
udp.payload >= 41:42:43:44:45:46:47:48
udp contains "ABC"
udp[8:3] == "ABC"
icmp.type == 3
icmp.type == 8 || icmp.type == 0
icmp.code == 3 && udp
icmpv6.type == 128
icmpv6.type > 100
http.request.method == "GET"
http.request.method == GET
http.request.method matches "g.t"
http.request.uri == "/large"
http.request.uri contains "i"
http.response.code == 404
http.response.code >= 200
http.response.code in {200..299}
http.host contains "127"
http.user_agent == "Probe/1.0"
lower(http.user_agent) contains "probe"
upper(http.user_agent) == "PROBE/1.0"
http.user_agent[0:5] == "Probe"
http.user_agent > "A"
len(http.request.uri) == 6
http && !http.request
tcp.port in {8080}
tcp.port in {1..100}
tcp.port not in {8080}
!tcp.port in {8080}
ip.addr in {127.0.0.0 .. 127.0.0.9}
tcp.analysis.ack_rtt
tcp.analysis.bytes_in_flight > 1000
tcp.time_relative > 1
frame.comment
frame.comment contains "x"
'''.strip().splitlines() + [
    'tcp.port in {8080, 8081}',
    'tcp.port in {1, 50, 8000..8080}',
    'ip.addr in {10.0.0.0/8, 127.0.0.1}',
    'http.request.method in {"GET", "POST"}',
    'frame.number in {2..4, 9, 12 .. 13}',
    'tcp.payload[0,2,4-5] == "GT/ "',
    'tcp.payload[1:2,0] == "ETG"',
    'frame.time_relative in {1, 2.5..4}',
    'eth.dst[0,5] == 00:00',
]

REFUSED = [  # text, the place that is underlined, a part of what is said
    ('tcp.prot == 80', 'tcp.prot', 'tcp.port'),
    ('tcp.port = 80', '=', 'did you mean =='),
    ('tcp.port == 80 AND ip', 'AND', 'did you mean and'),
    ('tcp.port == 65536', '65536', '65535'),
    ('tcp.port == "80"', '"80"', 'quotes'),
    ('tcp.flags.syn == true', 'true', 'True'),
    ('ip.src == localhost', 'localhost', '192.0.2.1'),
    ('ip.src == 10.0.0.0/33', '10.0.0.0/33', '32'),
    ('ip.src == ipv6.src', 'ipv6.src', 'cannot be compared'),
    ('ip.src contains 7f', 'ip.src', 'string(ip.src)'),
    ('tcp.analysis.flags == 1', 'tcp.analysis.flags', 'alone'),
    ('tcp.payload matches "(("', '"(("', 'regular expression'),
    ('tcp.payload contains "x', '"x', 'quote'),
    ('(tcp or udp', '(', 'not closed'),
    ('tcp.port in {80', None, 'too early'),
    ('len(tcp)', 'len(tcp)', 'asks nothing'),
    ('upper(tcp.port) == "A"', 'tcp.port', 'no meaning'),
    ('frame.time > "now"', '"now"', 'date'),
    ('tcp.port[0] == 00', 'tcp.port', 'slice'),
    ('80 == tcp.port', '80', 'left'),
]

# What tshark 4.0 does otherwise, and why.
DIFFERENT = [  # text, whether tshark accepts it
    ('tcp ^^ http', False),                      # Wireshark 4.2 has it
    ('tcp xor http', False),
    ('frame.time_relative > 250ms', False),      # durations have units all over sonde
    ('frame.time > 2023-11-14T22:13:30Z', False),
    ("tcp.port == '\\n'", False),                # documented by wireshark-filter(4)
    ('string(tcp.port) in {"80"}', False),
    ('tcp.srcport + 1 == 81', True),             # no arithmetic
    ('max(tcp.srcport, tcp.dstport) == 80', True),
    ('tcp.port == -1', True),                    # never true: better said
]


# tshark hands no retransmitted bytes to what TCP carries.
RETRANSMITTED = ['data', 'frame.protocols == "eth:ethertype:ip:tcp"']


def compare(title, path, but=()):
    theirs = reading.tshark_passing(path, FILTERS)
    ours = reading.passing_each(path, FILTERS)
    # A start of the program for each would take most of the time of this test.
    some = FILTERS[::10]
    tap.equal(f'{title}: the program and the library agree',
              [reading.passing(path, text) for text in some], [ours[text] for text in some])
    last = reading.passing(path, '')[-1]
    wrong = []
    for text in FILTERS:
        if ours[text][-1:] == [last]:
            ours[text].pop()
        theirs[text] = [number for number in theirs[text] if number != last]
        if ours[text] != theirs[text] and text not in but:
            wrong.append(f'{text}: sonde {ours[text]}, tshark {theirs[text]}')
    tap.check(f'{title}: {len(FILTERS)} filters let the same frames through', not wrong,
              '\n'.join(wrong))
    return theirs


def odd_frames():
    """Numbers that wrap, segments in the wrong order and twice, a gap, options."""
    at = 2 ** 32 - 20
    mss, sack = bytes.fromhex('020405b4'), bytes.fromhex('04020101')
    tcp = reading.tcp
    return [
        tcp(1, 2, 0x02, at, 0, options=mss + sack), tcp(2, 1, 0x12, 77, at + 1, options=mss),
        tcp(1, 2, 0x10, at + 1, 78), tcp(1, 2, 0x18, at + 1, 78, b'The first bytes.'),
        tcp(1, 2, 0x18, at + 27, 78, b'hello'), tcp(1, 2, 0x18, at + 17, 78, b'0123456789'),
        tcp(2, 1, 0x10, 78, at + 32), tcp(1, 2, 0x18, at + 17, 78, b'0123456789'),
        tcp(2, 1, 0x18, 178, at + 32, b'after a gap'), tcp(1, 2, 0x10, at + 32, 189),
        tcp(1, 2, 0x11, at + 32, 189), tcp(2, 1, 0x04, 189, 0),
        tcp(1, 3, 0x02, 5, 0, ports=(40001, 8080)), tcp(3, 1, 0x14, 0, 6, ports=(40001, 8080)),
        bytes.fromhex('ffffffffffff0200000000010806000108000604000102000000000'
                      '1c0000201000000000000c0000209'),
    ]


def check_streams(path):
    """What passes over other conversations loses nothing of the one."""
    rows = [line.split('\t') for line in reading.sonde(
        'read', path, '-e', 'tcp.stream', '-e', 'frame.number').stdout.splitlines()]
    info = dict(line.split(None, 1) for line in reading.sonde('read', path).stdout.splitlines())
    streams = sorted({int(row[0].split(',')[0]) for row in rows if row[0]})
    wrong = []
    for stream in streams:
        done = reading.sonde('read', path, '-Y', f'tcp.stream eq {stream} && frame')
        got = dict(line.split(None, 1) for line in done.stdout.splitlines())
        wanted = {number: info[number] for cell, number in rows
                  if str(stream) in cell.split(',')}
        if got != wanted:
            wrong.append(f'{stream}: {got} {wanted}')
    tap.check(f'{len(streams)} streams, each alone as in the list of all',
              len(streams) > 1 and not wrong, '\n'.join(wrong))


def check_refused():
    for text, place, said in REFUSED:
        done = reading.sonde('read', '/dev/null', '-Y', text)
        lines = done.stderr.splitlines()
        shown = None
        if len(lines) > 2 and '^' in lines[2]:
            begin = lines[2].index('^')
            shown = lines[1][begin:begin + len(lines[2].strip())]
        tap.check(f'refused, and shown where: {text}',
                  done.returncode == 2 and said in done.stderr and not done.stdout
                  and (place is None or shown == place), done.stderr)
    with ThreadPoolExecutor(2) as pool:
        accepted = list(pool.map(reading.tshark_accepts, [text for text, *_ in REFUSED]))
    tap.equal('tshark refuses them, too', [text for (text, *_), is_so in zip(REFUSED, accepted)
                                           if is_so], [])


def check_different():
    with ThreadPoolExecutor(2) as pool:
        accepted = list(pool.map(reading.tshark_accepts, [text for text, _ in DIFFERENT]))
    tap.equal('the differences are those that are listed',
              [(text, is_so) for (text, _), is_so in zip(DIFFERENT, accepted)], DIFFERENT)
    path = os.path.join(netns.scratch(), 'one.pcap')
    reading.write_pcap(path, odd_frames())
    for text, is_theirs in DIFFERENT:
        done = reading.sonde('read', path, '-Y', text)
        tap.equal(f'sonde and {text}', done.returncode, 2 if is_theirs else 0)


def main():
    real = os.path.join(netns.scratch(), 'real.pcapng')
    spaced = os.path.join(netns.scratch(), 'spaced.pcap')
    odd = os.path.join(netns.scratch(), 'odd.pcap')
    reading.capture(real)
    reading.respace(real, spaced)
    reading.write_pcap(odd, odd_frames())
    theirs = compare('real traffic', spaced)
    some = [text for text in FILTERS if theirs[text]]
    tap.check(f'{len(some)} of them let something through', len(some) > 140,
              [text for text in FILTERS if not theirs[text]])
    compare('odd segments', odd, RETRANSMITTED)
    check_streams(spaced)
    check_refused()
    check_different()
    tap.done()


netns.enter()
main()
