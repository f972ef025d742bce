#!/usr/bin/python3
"""Where sonde trace -w writes to: links, pipes, descriptors, files of others.

       client.py  ---- lo ----  itself         traced
                    |
       FILE, LINK -> FILE, PIPE -> reader, /dev/stdout -> FILE
"""

import json
import os
import stat
import subprocess

import netns
from tap import tap

CLIENT = '''\
import socket
a = socket.create_server(('127.0.0.1', 5007))
b = socket.create_connection(('127.0.0.1', 5007))
c, address = a.accept()
for i in range(5):
    b.sendall(b'x' * 100)
    c.recv(100)
'''
HANG_S = 40  # a failure of most of these is a run that does not end

if netns.can_isolate():
    ISOLATE = ['--isolate']
else:
    netns.enter()
    ISOLATE = []
# The preferences of whoever runs the test change nothing.
os.environ['WIRESHARK_CONFIG_DIR'] = '/nonexistent'
folder = netns.scratch()


def path(name):
    return os.path.join(folder, name)


with open(path('client.py'), 'w', encoding='utf-8') as file:
    file.write(CLIENT)
PROGRAM = ['/usr/bin/python3', path('client.py')]


def trace(capture, *options, program=PROGRAM, **more):
    try:
        return netns.run([netns.SONDE, 'trace', *ISOLATE, '-w', capture, *options, '--', *program],
                         timeout=HANG_S, **more)
    except subprocess.TimeoutExpired as hang:
        return subprocess.CompletedProcess(hang.cmd, 'hangs', '', '')


def tshark(capture, *names):
    argv = ['tshark', '-r', capture, '-T', 'fields', '-E', 'occurrence=a']
    for name in names:
        argv += ['-e', name]
    done = netns.run(argv)
    return [line.split('\t') for line in done.stdout.splitlines()] if not done.returncode else []


def comments(capture):
    return sum(1 for row in tshark(capture, 'frame.comment') if row[0].startswith('packet '))


def make(name, content='old'):
    with open(path(name), 'w', encoding='utf-8') as made:
        made.write(content)
    return path(name)


def read(name):
    with open(path(name), 'rb') as opened:
        return opened.read()


# A link stays one, and what it points to becomes the capture.
make('target')
os.symlink('target', path('link'))
done = trace(path('link'))
tap.equal('a link: the trace ends well', done.returncode, 0)
tap.check('a link stays a link', os.path.islink(path('link')))
tap.check('the file behind it has packets and comments', comments(path('target')) > 10)

# An open descriptor's name is no place.
os.symlink('/dev/stdout', path('to-stdout'))
with open(path('out'), 'wb') as out:
    inode = os.fstat(out.fileno()).st_ino
    done = trace(path('to-stdout'), '-o', path('ladder'), stdout=out)
tap.equal('the standard output: the trace ends well', done.returncode, 0)
tap.check('the link to it is what it was', os.path.islink(path('to-stdout')) and
          os.readlink(path('to-stdout')) == '/dev/stdout')
tap.equal('the file is not replaced', os.stat(path('out')).st_ino, inode)
tap.check('it is a capture', len(tshark(path('out'), 'frame.number')) > 10)
tap.check('why it has no comments is said', 'the capture has no comments: ' in done.stderr,
          done.stderr)

with open(path('third'), 'wb') as third:
    inode = os.fstat(third.fileno()).st_ino
    done = trace(f'/proc/self/fd/{third.fileno()}', pass_fds=[third.fileno()])
tap.equal('a descriptor: the trace ends well, the file is not replaced',
          (done.returncode, os.stat(path('third')).st_ino), (0, inode))

# The file is another one when the programs have ended.
make('gone')
done = trace(path('gone'), program=['mv', path('gone'), path('moved')])
tap.check('a file that was moved away is not made anew', not os.path.exists(path('gone')) and
          'its name stands for another file' in done.stderr, done.stderr)

# Whose it was, it stays; only root can have a file of another.
owner = (1234, 4321) if os.geteuid() == 0 and ISOLATE else (os.geteuid(), os.getegid())
make('theirs')
os.chown(path('theirs'), *owner)
os.chmod(path('theirs'), 0o640)
trace(path('theirs'))
kept = os.stat(path('theirs'))
tap.equal('owner, group and permissions are kept',
          (kept.st_uid, kept.st_gid, stat.S_IMODE(kept.st_mode)), (*owner, 0o640))
tap.check('and it has comments', comments(path('theirs')) > 10)

# A folder in which nothing can be created.
os.mkdir(path('closed'))
make('closed/file')
os.chmod(path('closed'), 0o555)
own_network = ['unshare', '-rn', 'sh', '-c', 'ip link set lo up && exec "$@"',
               'sh'] if ISOLATE else []
done = netns.run([*own_network, *netns.unprivileged(
    [netns.SONDE, 'trace', '-w', path('closed/file'), '--', *PROGRAM])])
os.chmod(path('closed'), 0o755)
tap.equal('a closed folder is no trouble', (done.returncode, os.listdir(path('closed'))),
          (0, ['file']))
tap.check('the file has the calls, and why it has no comments is said',
          len(tshark(path('closed/file'), 'frame.number')) > 10 and
          'nothing can be created in its folder' in done.stderr, done.stderr)

# A start that fails.
make('old', 'the old capture')
forbidden = ['unshare', '-Ur', 'sh', '-c',
             'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"', 'sh'] if ISOLATE else []
done = netns.run([*forbidden, *netns.unprivileged(
    [netns.SONDE, 'trace', '--isolate', '-w', path('old'), '--', *PROGRAM])])
tap.equal('a start that fails leaves the old capture', (done.returncode, read('old')),
          (125, b'the old capture'))

# Pipes.
os.mkfifo(path('pipe'))
done = trace(path('pipe'), program=['touch', path('was-run')])
tap.equal('a pipe that nobody reads: nothing is run',
          (done.returncode, os.path.exists(path('was-run'))), (125, False))
tap.check('and what helps is said', 'nobody reads from this pipe' in done.stderr and
          'wireshark -k -i' in done.stderr, done.stderr)


def start(*options, program=PROGRAM):
    return netns.background([netns.SONDE, 'trace', *ISOLATE, '-w', path('pipe'), *options, '--',
                             *program], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                            stderr=subprocess.PIPE, text=True)


def end(process):
    """(exit status, standard error)"""
    try:
        _, said = process.communicate(timeout=HANG_S)
    except subprocess.TimeoutExpired:
        return 'hangs', ''
    return process.returncode, said


def follow(reader, process):
    """What comes through the pipe until the process has ended."""
    content = b''

    def comes_to_its_end():
        nonlocal content
        has_ended = process.poll() is not None
        try:
            while piece := os.read(reader, 65536):
                content += piece
        except BlockingIOError:
            return False
        return has_ended

    netns.wait_until('the end of the pipe', comes_to_its_end, HANG_S)
    return content


reader = os.open(path('pipe'), os.O_RDONLY | os.O_NONBLOCK)
process = start('--json', '-o', path('events'))
content = follow(reader, process)
status, said = end(process)
tap.equal('a pipe with a reader: the trace ends well', status, 0)
tap.check('why it has no comments is said', 'it is a pipe' in said and
          'wireshark' not in said, said)
with open(path('piped'), 'wb') as file:
    file.write(content)
events = [json.loads(line) for line in read('events').splitlines()]
numbers = [row[0] for row in tshark(path('piped'), 'frame.number', 'tcp.len') if row[1]]
tap.check('all packets came through it', len(numbers) > 10)
tap.equal('the JSON names their frames', sorted(
    str(event['frame']) for event in events if event['event'] == 'packet'), sorted(numbers))

# It leaves: the program must not mind.
os.mkfifo(path('go'))
waits = f'read go <{path("go")}; exec /usr/bin/python3 {path("client.py")} >{path("ran")}'
process = start(program=['sh', '-c', waits])
with open(path('go'), 'w', encoding='utf-8') as go:
    os.close(reader)
    go.write('go\n')
status, said = end(process)
tap.equal('a reader that leaves: the trace ends', status, 125)
tap.check('and it is said', 'pipe: Broken pipe' in said, said)
tap.check('the program has run', os.path.exists(path('ran')))

# It stays and takes nothing.
MANY = CLIENT.replace('range(5)', 'range(400)') + f"open('{path('ended')}', 'w')\n"
make('many.py', MANY)
reader = os.open(path('pipe'), os.O_RDONLY | os.O_NONBLOCK)
process = start(program=['/usr/bin/python3', path('many.py')])
netns.wait_until('the program to end', lambda: os.path.exists(path('ended')), HANG_S)
tap.check('a reader that takes nothing does not hold the program up', process.poll() is None)
status, said = end(process)
tap.equal('it is given up', status, 125)
tap.check('and it is said', 'its reader takes nothing' in said, said)
os.close(reader)
tap.done()
