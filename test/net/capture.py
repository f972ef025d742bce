#!/usr/bin/python3
"""sonde capture, beside dumpcap on the same packets; its files read by tcpdump and tshark.

    lo: TCP, UDP and ping of this test        left 192.0.2.1 ---- veth ---- right
    left.10 192.0.2.129: VLAN 10 on it        tun0: raw IP (where there is /dev/net/tun)
"""

import contextlib
import fcntl
import json
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import threading
import time

import capturing
import netns
from capture_files import frame
from tap import tap

TUNSETIFF, IFF_TUN, IFF_NO_PI = 0x400454ca, 0x0001, 0x1000


# --- traffic

def echo_once(server):
    client, _ = server.accept()
    with client:
        while data := client.recv(65536):
            client.sendall(data)


def make_traffic():
    with socket.create_server(('127.0.0.1', 0)) as server:
        thread = threading.Thread(target=echo_once, args=(server,))
        thread.start()
        with socket.create_connection(server.getsockname()) as client:
            for n in (1, 100, 5000, 60000):
                client.sendall(b'x' * n)
                while n:
                    n -= len(client.recv(n))
        thread.join()
    send_udp(20)
    netns.run(['ping', '-c', '3', '-i', '0.01', '127.0.0.1'])


def send_udp(count, port=9000, size=100):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender, \
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as receiver:
        receiver.bind(('127.0.0.1', port))
        for i in range(count):
            sender.sendto(struct.pack('!I', i) + bytes(size - 4), ('127.0.0.1', port))


# --- capturing

class Run:
    """sonde capture until it is told to end."""

    def __init__(self, *options, prefix=(), **more):
        self.process = netns.background(
            [*prefix, netns.SONDE, 'capture', *options], stdin=subprocess.DEVNULL,
            **{'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'text': True, **more})
        self.said = ''
        while 'capturing on' not in self.said:
            line = self.process.stderr.readline()
            if not line:
                raise RuntimeError('capture did not start: ' + self.said)
            self.said += line

    def end(self, number=signal.SIGINT):
        self.process.send_signal(number)
        return self.wait()

    def wait(self):
        self.out, err = self.process.communicate(timeout=60)
        self.said += err
        return self.process.returncode


def frames(path):
    """[(epoch in ns, bytes)], by editcap's reading of the file."""
    plain = path + '.pcap'
    subprocess.run(['editcap', '-F', 'nsecpcap', path, plain], check=True,
                   stderr=subprocess.DEVNULL)
    data = pathlib.Path(plain).read_bytes()
    at, found = 24, []
    while at < len(data):
        second, part, n, _ = struct.unpack_from('<IIII', data, at)
        found.append((second * 10**9 + part, data[at + 16:at + 16 + n]))
        at += 16 + n
    os.unlink(plain)
    return found


def rows(path, *options):
    """What tshark lists, and whether anything disturbed it or tcpdump."""
    shark = netns.run(['tshark', '-n', *options, '-r', path])
    # As root it would become a user of its own, which a user namespace may not have.
    prefix = ['unshare', '-U', '--map-user=1', '--map-group=1'] if netns.can_isolate() else []
    dump = netns.run([*prefix, 'tcpdump', '-n', '-r', path])
    complaints = [line for line in (shark.stderr + dump.stderr).splitlines()
                  if 'reading from file' not in line and 'Running as user' not in line]
    if shark.returncode or dump.returncode:
        complaints.append(f'exit status {shark.returncode}, {dump.returncode}')
    return shark.stdout.splitlines(), complaints


def scratch(name):
    return os.path.join(netns.scratch(), name)


# --- tests

def test_beside_dumpcap():
    mine, other = scratch('mine.pcapng'), scratch('other.pcapng')
    peer = netns.background(['dumpcap', '-q', '-i', 'lo', '-w', other],
                            stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    for line in peer.stderr:
        if line.startswith('File:'):
            break
    capture = Run('-i', 'lo', '-w', mine)
    make_traffic()
    status = capture.end()
    got = frames(mine)

    def has_written():
        with contextlib.suppress(subprocess.CalledProcessError):  # in the middle of a packet
            return len(frames(other)) >= len(got)

    netns.wait_until('dumpcap to have written', has_written)
    peer.send_signal(signal.SIGINT)
    peer.wait(60)
    wanted = frames(other)
    tap.equal('as many packets as dumpcap', (status, len(got)), (0, len(wanted)))
    apart = max(abs(a - b) for (a, _), (b, _) in zip(wanted, got))
    tap.check('the same bytes in the same order',
              [data for _, data in wanted] == [data for _, data in got] and len(got) > 40,
              [(i, len(a), len(b)) for i, ((_, a), (_, b)) in enumerate(zip(wanted, got))
               if a != b])
    tap.check('and times to a millisecond', apart < 10**6, apart)
    tap.check('the end says how many, and that none was dropped',
              f'{len(got)} packets captured, 0 dropped' in capture.said, capture.said)
    _, complaints = rows(mine)
    tap.equal('tshark and tcpdump read the file without complaint', complaints, [])
    info = netns.run(['capinfos', mine]).stdout
    tap.check('the file has the interface, its unit and its counts',
              'Name = lo' in info and 'nanoseconds' in info and
              'Number of stat entries = 1' in info, info)


def test_filters():
    path = scratch('filter.pcapng')
    capture = Run('-i', 'lo', '-w', path, 'udp', 'port', '9000', 'and', 'greater', '100')
    send_udp(5)
    send_udp(5, port=9001)
    send_udp(5, size=20)
    capture.end()
    tap.equal('a filter in several words', len(frames(path)), 5)
    tap.check('stands in the file', 'udp port 9000 and greater 100' in
              netns.run(['capinfos', path]).stdout)
    done = netns.run([netns.SONDE, 'capture', '-i', 'lo', 'tcp prt 80'])
    tap.check("a wrong filter: libpcap's words, a hint, status 2",
              done.returncode == 2 and 'syntax error' in done.stderr and
              'hint: ' in done.stderr, done.stderr)
    done = netns.run([netns.SONDE, 'capture', 'tcp.port == 80'])
    tap.check('a display filter is told of', done.returncode == 2 and
              'sonde read -Y' in done.stderr, done.stderr)


def test_links():
    for argv in (['link', 'add', 'left', 'type', 'veth', 'peer', 'name', 'right'],
                 ['link', 'set', 'left', 'up'], ['link', 'set', 'right', 'up']):
        subprocess.run(['ip', *argv], check=True)
    paths, captures = {}, {}
    for text in ('vlan 10 and udp port 50000', 'udp port 50000', 'vlan 11'):
        paths[text] = scratch(f'vlan{len(paths)}.pcapng')
        captures[text] = Run('-i', 'right', '-w', paths[text], text)
    both = scratch('both.pcapng')
    captures['both'] = Run('-i', 'left', '-i', 'right', '-w', both, 'udp port 50000')
    plain = frame(1)
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind(('left', 0))
        sender.send(plain[:12] + struct.pack('!HH', 0x8100, 10) + plain[12:])
        sender.send(plain)
    for capture in captures.values():
        capture.end()
    found = {text: [data[12:14] for _, data in frames(path)] for text, path in paths.items()}
    tap.equal('vlan: the tagged packet, with its tag', found['vlan 10 and udp port 50000'],
              [b'\x81\0'])
    tap.check('another tag is none', not found['vlan 11'], found)
    tap.check('without vlan: the plain one', b'\x08\0' in found['udp port 50000'], found)
    listed, complaints = rows(both, '-T', 'fields', '-e', 'frame.interface_name', '-e',
                              'udp.length')
    # Going out, the tag is still in the bytes, where only `vlan` looks.
    tap.equal('two interfaces, by time', (listed, complaints),
              (['right\t12', 'left\t12', 'right\t12'], []))


def test_order_at_the_end():
    """Each interface has a ring, whose last packets are handed over some milliseconds later."""
    for argv in (['link', 'add', 'west', 'type', 'veth', 'peer', 'name', 'east'],
                 ['link', 'set', 'west', 'up'], ['link', 'set', 'east', 'up']):
        subprocess.run(['ip', *argv], check=True)
    path, late, counts = scratch('end.pcapng'), [], []
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW) as sender:
        sender.bind(('west', 0))
        for turn in range(12):
            capture = Run('-i', 'west', '-i', 'lo', '-w', path, 'udp port 50000 or udp port 9004')
            for _ in range(5):
                sender.send(frame(1))
                send_udp(1, port=9004)
                # The rings are not in step.
                time.sleep(turn / 4000)
            capture.end()
            times = [at for at, _ in frames(path)]
            counts.append(len(times))
            late += [turn for one, other in zip(times, times[1:]) if other < one]
    tap.equal('at the end, too, packets of two interfaces are in order', (counts, late), ([10] * 12, []))


def open_tun():
    try:
        tun = os.open('/dev/net/tun', os.O_RDWR)
    except OSError:
        return None
    fcntl.ioctl(tun, TUNSETIFF, struct.pack('16sH14x', b'tun0', IFF_TUN | IFF_NO_PI))
    subprocess.run('ip address add 198.51.100.1/24 dev tun0 && ip link set tun0 up',
                   shell=True, check=True)
    return tun


def test_any():
    tun = open_tun()
    path = scratch('any.pcapng')
    capture = Run('-w', path, 'udp port 9002')
    send_udp(3, port=9002)
    subprocess.run('ip link add later type veth peer name other && ip link set other up && ip address add 203.0.113.1/24 dev later && '
                   'ip link set later up && ip neighbour add 203.0.113.2 dev later lladdr '
                   '02:00:00:00:00:03', shell=True, check=True)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b'late', ('203.0.113.2', 9002))
        sender.sendto(b'late', ('203.0.113.2', 9003))
        if tun is not None:
            sender.sendto(b'raw', ('198.51.100.2', 9002))
            sender.sendto(b'raw', ('198.51.100.2', 9003))
    capture.end()
    done = netns.run(['tshark', '-n', '-r', path, '-T', 'fields', '-e', 'frame.interface_name',
                      '-e', 'udp.dstport'])
    tap.equal('any: all interfaces, one that came later, too, and those without Ethernet',
              done.stdout.splitlines(), ['lo\t9002'] * 3 + ['later\t9002', 'other\t9002'] +
              (['tun0\t9002'] if tun is not None else []))
    if tun is None:
        tap.skip('a filter on raw IP', 'no /dev/net/tun')
        return
    capture = Run('-i', 'tun0', '-w', path, 'udp[8:2] = 0x7965')
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.sendto(b'no', ('198.51.100.2', 9002))
        sender.sendto(b'yes', ('198.51.100.2', 9002))
    capture.end()
    tap.equal('a filter on raw IP', [data[28:] for _, data in frames(path)], [b'yes'])


def test_limits():
    path = scratch('limits.pcapng')
    capture = Run('-i', 'lo', '-c', '7', '-s', '60', '-w', path, 'udp')
    send_udp(20)
    tap.equal('-c ends it', capture.wait(), 0)
    tap.equal('after so many, each cut by -s', [len(data) for _, data in frames(path)],
              [60] * 7)
    before = time.monotonic()
    done = netns.run([netns.SONDE, 'capture', '-i', 'lo', '--for', '200ms', '-w', path])
    tap.check('--for ends it', done.returncode == 0 and
              0.2 <= time.monotonic() - before < 60, done.stderr)
    tap.equal('a file without packets can be read', rows(path), ([], []))


def test_list():
    capture = Run('-i', 'lo', '-v', '-w', scratch('list.pcapng'))
    make_traffic()
    capture.end()
    listed, _ = rows(scratch('list.pcapng'))
    tap.check('-v lists what is written', len(listed) > 20)
    tap.equal('as tshark lists the file', capture.out.splitlines(),
              [line.rstrip() for line in listed])


def test_pipe():
    reader, writer = os.pipe()
    process = Run('-i', 'lo', '-w', '-', 'udp', stdout=writer).process
    os.close(writer)
    prefix = ['unshare', '-U', '--map-user=1', '--map-group=1'] if netns.can_isolate() else []
    tail = netns.background([*prefix, 'tcpdump', '-n', '-l', '-r', '-'], stdin=reader,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    os.close(reader)
    send_udp(1)
    tap.check('a reader of a pipe sees the packet while it is captured',
              'UDP, length 100' in tail.stdout.readline())
    tail.kill()
    tail.wait()

    def sends_until_end():
        send_udp(1)
        return process.poll() is not None

    netns.wait_until('the capture to end', sends_until_end)
    tap.equal('and when it goes away, that is the end', process.returncode, 0)


def test_rotation():
    path = scratch('rotated.pcapng')
    capture = Run('-i', 'lo', '-w', path, '--rotate-size', '4k', 'udp')
    send_udp(200)
    tap.equal('rotation by size', capture.end(), 0)
    names = sorted(name for name in os.listdir(netns.scratch())
                   if re.fullmatch(r'rotated_\d{5}_\d{14}\.pcapng', name))
    numbers, wrong = [], []
    for name in names:
        numbers += [struct.unpack('!I', data[42:46])[0] for _, data in frames(scratch(name))]
    for name in names[:2] + names[-1:]:
        wrong += rows(scratch(name))[1]
    tap.check('all packets, in files that can each be read',
              numbers == list(range(200)) and not wrong and len(names) > 5,
              (names, numbers, wrong))
    tap.check('of the size asked for',
              all(4096 <= os.path.getsize(scratch(name)) < 4096 + 600 for name in names[:-1]))
    path = scratch('kept.pcapng')
    capture = Run('-i', 'lo', '-w', path, '--rotate-every', '50ms', '--rotate-keep', '2', 'udp')

    def numbers_kept():
        send_udp(1)
        return [int(name.split('_')[1]) for name in os.listdir(netns.scratch())
                if name.startswith('kept_')]

    netns.wait_until('six files', lambda: max(numbers_kept(), default=0) > 5)
    capture.end()
    kept = numbers_kept()
    tap.check('rotation by time, the newest two kept', len(kept) == 2 and min(kept) > 4 and
              max(kept) - min(kept) == 1, kept)
    done = netns.run([netns.SONDE, 'capture', '-i', 'lo', '-w', scratch('no/where/x'),
                      '--rotate-size', '1M'])
    tap.check('a folder that is not there: an error at the start', done.returncode == 4 and
              'No such file' in done.stderr, done.stderr)


def status_of(pid):
    return dict(line.split(':\t', 1) for line in
                pathlib.Path(f'/proc/{pid}/status').read_text().splitlines()
                if ':\t' in line)


def test_keeper():
    """The process that opens the files of a rotation."""
    capture = Run('-i', 'lo', '-w', scratch('keeper.pcapng'), '--rotate-size', '1M')
    task = pathlib.Path(f'/proc/{capture.process.pid}/task/{capture.process.pid}')
    keeper = int((task / 'children').read_text().split()[0])
    status = status_of(keeper)
    tap.equal('who opens the files has no other right', (
        int(status['CapPrm'], 16) & ~0b1010, status['NoNewPrivs'], status['Seccomp']), (0, '1', '2'))
    folder = f'/proc/{keeper}/fd'
    # It has the first file until it has passed it on.
    netns.wait_until('one descriptor', lambda: len([fd for fd in os.listdir(folder) if int(fd) > 2]) == 1)
    opened = [os.readlink(f'{folder}/{fd}') for fd in os.listdir(folder) if int(fd) > 2]
    tap.check('and no packet: a socket to the capture alone', len(opened) == 1 and
              '[packet]' not in pathlib.Path(f'/proc/{keeper}/maps').read_text() and
              all(f'socket:[{line.split()[8]}]' not in opened
                  for line in pathlib.Path('/proc/net/packet').read_text().splitlines()[1:]), opened)
    capture.end()


def test_rights():
    capture = Run('-i', 'lo', '-w', scratch('rights.pcapng'))
    status = status_of(capture.process.pid)
    tap.equal('no capability, no new privileges, a filter of system calls',
              (int(status['CapEff'], 16), int(status['CapPrm'], 16), status['NoNewPrivs'],
               status['Seccomp']), (0, 0, '1', '2'))
    capture.end()
    done = netns.run(netns.unprivileged([netns.SONDE, 'capture', '-i', 'lo']))
    tap.check('without the capability: status 3, its name, a remedy', done.returncode == 3 and
              'CAP_NET_RAW' in done.stderr and 'sudo' in done.stderr and
              'setcap' in done.stderr, done.stderr)
    capture = Run('-i', 'lo', '-w', scratch('one.pcapng'), 'udp', prefix=[
        'setpriv', '--inh-caps=-all,+net_raw', '--ambient-caps=-all,+net_raw',
        '--bounding-set=-all,+net_raw', '--securebits=+noroot', '--'])
    send_udp(2)
    capture.end()
    tap.equal('CAP_NET_RAW alone is enough', len(frames(scratch('one.pcapng'))), 2)
    if not netns.can_isolate():
        tap.skip('--isolate', 'no user namespaces here')
        return
    # Not as root, not even of this namespace.
    done = netns.run(['unshare', '-U', '--map-user=1', '--map-group=1', *netns.unprivileged([
        netns.SONDE, 'capture', '--isolate', '-w', scratch('isolated.pcapng'), '--with',
        'ping -c 2 -i 0.01 127.0.0.1'])])
    tap.check('--isolate needs none', done.returncode == 0 and
              len(frames(scratch('isolated.pcapng'))) == 4, done.stderr)
    tap.check("the programs' output is theirs", '2 received' in done.stdout, done.stdout)


def test_interfaces():
    done = netns.run(netns.unprivileged([netns.SONDE, '--json', 'capture', '-D']))
    found = {event['name']: event for event in map(json.loads, done.stdout.splitlines())
             if event['event'] == 'interface'}
    tap.check('-D lists the interfaces, without privilege',
              found['lo']['up'] and found['lo']['loopback'] and
              '127.0.0.1' in found['lo']['addresses'] and 'left' in found, done.stdout)
    done = netns.run([netns.SONDE, 'capture', '-i', 'rigth'])
    tap.check('an unknown one: the nearest', done.returncode == 2 and
              'did you mean right?' in done.stderr, done.stderr)
    subprocess.run(['ip', 'link', 'set', 'later', 'down'], check=True)
    done = netns.run([netns.SONDE, 'capture', '-i', 'later'])
    tap.check('one that is down: status 1, and what to do', done.returncode == 1 and
              'ip link set later up' in done.stderr, done.stderr)
    capture = Run('-i', 'left', '-w', scratch('down.pcapng'))
    subprocess.run(['ip', 'link', 'set', 'left', 'down'], check=True)
    tap.check('one that goes down ends the capture, and it is said', capture.wait() == 1 and
              'went down' in capture.said, capture.said)


def test_killed():
    path = scratch('killed.pcapng')
    capture = Run('-i', 'lo', '-w', path, '--rotate-size', '1M')
    name = [name for name in os.listdir(netns.scratch()) if name.startswith('killed_')][0]
    send_udp(2000)
    netns.wait_until('packets in the file', lambda: os.path.getsize(scratch(name)) > 100000)
    capture.process.kill()
    capture.process.wait(60)
    listed, complaints = rows(scratch(name))
    complaints = [line for line in complaints if 'cut short' not in line and
                  'truncated' not in line and 'exit status 2, 1' not in line and
                  'exit status 0, 1' not in line and 'exit status 2, 0' not in line]
    tap.check('kill -9: every whole packet can be read', len(listed) > 500 and not complaints,
              (len(listed), complaints))
    group = capture.process.pid

    def is_alone():
        """Whoever takes in orphans may leave them unread for a while, dead."""
        for pid in filter(str.isdigit, os.listdir('/proc')):
            try:
                with open(f'/proc/{pid}/stat', encoding='ascii', errors='replace') as stat:
                    state, _, member = stat.read().rsplit(') ', 1)[1].split()[:3]
            except OSError:
                continue
            if int(member) == group and state != 'Z':
                return False
        return True

    netns.wait_until('no process to be left', is_alone)
    tap.ok('and no process is left behind')


def test_full_disk():
    folder = scratch('full')
    os.mkdir(folder)
    capture = Run('-i', 'lo', '-w', folder + '/full.pcapng', prefix=[
        'unshare', '-m', 'sh', '-c', f'mount -t tmpfs -o size=300k none {folder} && '
        '{ "$0" "$@"; status=$?; cp ' + folder + '/* ' + folder + '.copy; exit $status; }'])

    def sends_until_end():
        send_udp(200, size=1000)
        return capture.process.poll() is not None

    netns.wait_until('the disk to be full', sends_until_end)
    status = capture.wait()
    listed, complaints = rows(folder + '.copy')
    tap.check('a full disk: status 4, said with its name', status == 4 and
              'No space left' in capture.said and 'full.pcapng' in capture.said, capture.said)
    tap.check('the file is whole up to its last block', len(listed) > 150 and not complaints,
              (len(listed), complaints))


def test_drops():
    path = scratch('drops.pcapng')
    capture = Run('-i', 'lo', '-w', path, '--ring', '256k', 'udp')
    capture.process.send_signal(signal.SIGSTOP)
    send_udp(3000, size=500)
    capture.process.send_signal(signal.SIGCONT)
    capture.end()
    kept = len(frames(path))
    said = re.search(r'(\d+) packets captured, (\d+) dropped', capture.said)
    dropped = int(said.group(2))
    tap.check('what had no room in the ring is counted and said',
              dropped > 0 and kept + dropped == 3000 and int(said.group(1)) == kept and
              f'{dropped} packets were dropped by the kernel' in capture.said,
              (kept, capture.said))
    reader = netns.run([capturing.program('frames_tsv'), path])
    tap.check('and stands in the file', f'dropped: {dropped}' in reader.stderr, reader.stderr)


def test_usage():
    for options, reason in ((['-w', '-', '--json'], 'both write'),
                            (['--rotate-size', '1M'], 'needs a file'),
                            (['--rotate-keep', '1', '-w', 'x'], '--rotate-size'),
                            (['-i', 'any', '-i', 'lo'], 'any is all'),
                            (['-i', 'lo', '-i', 'lo'], 'twice'),
                            (['--ring', '1k'], '256k to 4G'), (['--ring', '0'], '256k to 4G'),
                            (['--rotate-size', '0', '-w', 'x'], '1 bytes at least'),
                            (['--rotate-every', '0s', '-w', 'x'], 'more than 0'),
                            (['--for', '0s'], 'more than 0'),
                            (['-s', '262145'], '--snaplen 262145: out of range\n'
                             'hint: 0 to 256k bytes, with k, M or G for more; 0 takes all\n'),
                            (['-s', ''], "--snaplen '': not a size")):
        done = netns.run([netns.SONDE, 'capture', *options])
        tap.check(' '.join(options), done.returncode == 2 and reason in done.stderr,
                  done.stderr)
    done = netns.run([netns.SONDE, 'capture', '--json', '-i', 'lo', '--for', '50ms'])
    events = [json.loads(line) for line in done.stdout.splitlines()]
    tap.equal('--json: start, capturing, summary', [event['event'] for event in events
                                                    if event['event'] != 'packet'],
              ['start', 'capturing', 'summary'])


def main():
    netns.enter()
    os.environ['WIRESHARK_CONFIG_DIR'] = '/nonexistent'
    test_beside_dumpcap()
    test_filters()
    test_links()
    test_order_at_the_end()
    test_any()
    test_limits()
    test_list()
    test_pipe()
    test_rotation()
    test_keeper()
    test_rights()
    test_interfaces()
    test_killed()
    test_full_disk()
    test_drops()
    test_usage()
    tap.done()


main()
