#!/usr/bin/python3
"""A program behaves the same under sonde trace as without; and what sonde trace says when
it cannot do all of its job."""

import collections
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time

import netns
from tap import tap

sys.dont_write_bytecode = True

if netns.can_isolate():
    ISOLATE = ['--isolate']
else:
    netns.enter()
    ISOLATE = []

PROGRAMS = os.path.join(netns.ROOT, 'test', 'net', 'programs')
PYTHON = '/usr/bin/python3'
SCRATCH = netns.scratch()
os.environ.update(BARRIER=SCRATCH, PYTHONDONTWRITEBYTECODE='1')
OUTPUT = os.path.join(SCRATCH, 'output')
sys.path.insert(0, PROGRAMS)
from barrier import until_waiting  # noqa: E402 (it wants BARRIER)


def traced(argv, *options, isolate=None):
    return [netns.SONDE, 'trace', *(ISOLATE if isolate is None else isolate), '-o', OUTPUT,
            *options, '--', *argv]


def read(path):
    try:
        with open(path, encoding='utf-8') as file:
            return file.read()
    except FileNotFoundError:
        return ''


def events(text):
    found = collections.defaultdict(list)
    for line in text.splitlines():
        event = json.loads(line)
        found[event['event']].append(event)
    return found


def program(name, *arguments):
    return [PYTHON, os.path.join(PROGRAMS, name), *arguments]


def without_own(text):
    """Without what sonde says."""
    return ''.join(line for line in text.splitlines(keepends=True)
                   if not line.startswith(('sonde: ', 'hint: ')))


def shell_status(done):
    return done.returncode if done.returncode >= 0 else 128 - done.returncode


def same(name, argv, **more):
    """Output, errors and exit status, once without sonde and once with it."""
    plain = netns.run(argv, **more)
    done = netns.run(traced(argv), **more)
    tap.equal(name, (done.stdout, without_own(done.stderr), done.returncode),
              (plain.stdout, plain.stderr, shell_status(plain)))
    return plain


# --- exit status

def check_statuses():
    for status in 0, 1, 3, 255:
        done = same(f'exit status {status}', ['sh', '-c', f'exit {status}'])
        assert done.returncode == status
    for number in ('TERM', 'KILL', 'SEGV', 'ABRT', 'INT', 'HUP', 'USR1', 'PIPE'):
        same(f'ended by SIG{number}', ['sh', '-c', f'ulimit -c 0; kill -{number} $$; sleep 10'])

    plain_file = os.path.join(SCRATCH, 'plain')
    with open(plain_file, 'w', encoding='utf-8') as file:
        file.write('echo from a shell script\n')
    for what, path, status in (
            ('that does not exist', '/nonexistent', 127),
            ('that is in no folder of PATH', 'sonde-no-such-program', 127),
            ('below a file', plain_file + '/program', 126),
            ('that is not executable', plain_file, 126),
            ('that is a folder', SCRATCH, 126)):
        by_env = netns.run(['env', path])
        done = netns.run(traced([path]))
        tap.equal(f'a program {what}: the status of env(1)',
                  (done.returncode, by_env.returncode, done.stdout),
                  (by_env.returncode, by_env.returncode, ''))
        tap.check(f'a program {what}: the message names it',
                  re.search(rf'^sonde: .*{re.escape(path)}', done.stderr, re.MULTILINE) and
                  status in (126, 127), done.stderr)
    os.chmod(plain_file, 0o755)
    by_env = netns.run(['env', plain_file])
    done = netns.run(traced([plain_file]))
    tap.equal('a script without #!', (done.stdout, done.returncode),
              (by_env.stdout, by_env.returncode))


# --- what a program is given, and what it does

def check_environment():
    same('nothing given', program('state.py'))
    same('arguments', program('state.py', 'a b', '', '--json', '-x', 'ä', '*'))
    same('a variable and another folder', program('state.py'), cwd=SCRATCH,
         env={**os.environ, 'SONDE_TEST_VARIABLE': 'value'})
    same('descriptors, mask, limits, priority, ignored signals',
         ['bash', '-c', 'trap "" HUP USR2; umask 027; ulimit -n 77; exec 7</dev/null 9>&1; '
          'exec nice -n 5 "$@"', 'bash', *program('state.py')])
    same('closed standard input', ['bash', '-c', 'exec 0<&-; exec "$@"', 'bash',
                                   *program('state.py')])


def check_streams():
    text = ''.join(f'line {number}\n' for number in range(100000))
    plain = same('a megabyte through standard input', ['sort', '-r'], input=text)
    assert len(plain.stdout) == len(text)
    same('output and errors', ['sh', '-c', 'echo out; echo err >&2; echo more'])
    same('the end of a pipe', ['sh', '-c', 'yes | head -n 3; echo ${PIPESTATUS[0]}'])
    done = netns.run(['bash', '-c', '"$@" | head -n 1; echo ${PIPESTATUS[0]}', 'bash',
                      *traced(['yes'])])
    tap.equal('a reader that goes away', done.stdout, 'y\n141\n')


def check_processes():
    same('signals, stops and timers', program('signals.py'))
    same('forks, execs, threads, vfork and posix_spawn', program('families.py'))
    same('the first thread ends first', program('leader.py'))
    same('many processes in a short time',
         ['bash', '-c', 'for i in {1..300}; do /bin/true & done; wait; '
          'for i in {1..300}; do /bin/true || echo no; done; echo done'])
    same('an orphan that outlives its parent, not the program',
         ['bash', '-c', 'rm -f "$0"; (sh -c "sleep 0.3; echo orphan; : >\\"$0\\"" &); '
          'until [ -e "$0" ]; do sleep 0.05; done; echo main', os.path.join(SCRATCH, 'orphan')])


def check_no_sockets():
    done = netns.run(traced(['true'], '--json'))
    found = events(read(OUTPUT))
    tap.equal('a program without sockets', (done.returncode, found['summary'][0]['packets'],
                                            found['summary'][0]['calls']), (0, 0, 0))


# --- Ctrl-C

def run_in_terminal(argv, names, seconds=30):
    """Runs it in a terminal, types Ctrl-C when all programs of these names sleep in accept;
    its output and status."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(argv[0], argv)
    output = b''
    for name in names:
        until_waiting(name)
    os.write(terminal, b'\x03')
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                part = os.read(terminal, 65536)
            except OSError:  # all that had it open have ended
                break
            if not part:
                break
            output += part
    else:
        os.kill(pid, signal.SIGKILL)
    os.close(terminal)
    return output.decode(errors='replace'), os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def interrupts(name):
    """How often the program was interrupted."""
    return read(os.path.join(SCRATCH, name + '.count'))


def check_interrupt():
    server = ' '.join(program('interrupted.py', 'server', 'handled'))
    main = program('interrupted.py', 'main', 'handled')
    text, status = run_in_terminal(
        [netns.SONDE, 'trace', *ISOLATE, '--with', server, '--', *main], ['server', 'main'])
    tap.equal('Ctrl-C: each program gets it exactly once, and ends as it likes',
              (interrupts('server'), interrupts('main'), status), ('1', '1', 5))
    tap.check('Ctrl-C: what was seen so far is shown', 'server.accept()' in text, text)

    text, status = run_in_terminal(
        [netns.SONDE, 'trace', *ISOLATE, '--', *program('interrupted.py', 'default', 'default')],
        ['default'])
    tap.equal('Ctrl-C: a program that it ends', status, 128 + signal.SIGINT)
    tap.check('Ctrl-C: what was seen is shown then too', 'server.accept()' in text and
              'KeyboardInterrupt' in text, text)

    # Not from a terminal: to sonde alone, as kill(1) does.
    tracer = netns.background(traced(program('interrupted.py', 'alone', 'handled')),
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until_waiting('alone')
    os.kill(tracer.pid, signal.SIGINT)
    tracer.wait(timeout=60)
    tap.equal('SIGINT to sonde alone is passed on', (interrupts('alone'), tracer.returncode),
              ('1', 5))
    tap.check('SIGINT to sonde alone: what was seen is shown',
              'server.accept()' in read(OUTPUT), read(OUTPUT))

    # When sonde is killed, nothing of it is left.
    tracer = netns.background(traced(program('interrupted.py', 'orphan', 'handled')),
                              stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until_waiting('orphan')
    group = subprocess.run(['pgrep', '-g', str(tracer.pid)], stdout=subprocess.PIPE, text=True,
                           check=True).stdout.split()
    os.kill(tracer.pid, signal.SIGKILL)
    tracer.wait()

    def left():
        # A zombie has ended.
        return [pid for pid in group
                if read(f'/proc/{pid}/stat').rpartition(')')[2].split()[:1] not in ([], ['Z'])]

    try:
        netns.wait_until('the programs to end', lambda: not left())
    except TimeoutError:
        pass
    tap.equal('killed sonde leaves no program behind', (len(group) >= 3, left()), (True, []))


# --- what cannot be had

SMALL_PAIR = '''
import socket
server = socket.create_server(('127.0.0.1', 0))
client = socket.create_connection(server.getsockname())
conn, address = server.accept()
client.send(b'hello')
print(conn.recv(10))
'''


def small_pair():
    path = os.path.join(SCRATCH, 'small_pair.py')
    with open(path, 'w', encoding='utf-8') as file:
        file.write(SMALL_PAIR)
    return [PYTHON, path]


def check_unknown_version():
    fake = os.path.join(os.path.dirname(netns.SONDE), 'test', 'unit', 'trace',
                        'fake_python_future')
    done = netns.run(traced([fake], '--json'))
    found = events(read(OUTPUT))
    tap.equal('a Python of unknown version: its calls', (
        done.returncode, [call['name'] for call in found['call'] if call['name'] != 'exit_group'],
        [each['line'] for each in found['statement'] if each['line']]),
        (0, ['socket', 'listen', 'close'], []))
    tap.check('a Python of unknown version is said, with the version',
              any('3.15.0' in note['text'] for note in found['note']), read(OUTPUT))
    done = netns.run(traced([fake], '--text'))
    tap.check('a Python of unknown version is said in text too', '3.15.0' in done.stderr,
              done.stderr)


def check_no_packets():
    # As an ordinary user, and without --isolate.
    argv = netns.unprivileged(traced(small_pair(), '--text', isolate=[]))
    done = netns.run(argv)
    text = read(OUTPUT) + done.stderr
    tap.equal('no permission for packets: the program runs', (done.returncode, done.stdout),
              (0, "b'hello'\n"))
    tap.check('no permission for packets: calls and lines are shown',
              "client.send(b'hello')" in text and 'conn.recv(10)' in text, text)
    tap.check('no permission for packets: how to get them',
              'CAP_NET_RAW' in text and '--isolate' in text, text)
    done = netns.run(netns.unprivileged(traced(small_pair(), '--json', isolate=[])))
    found = events(read(OUTPUT))
    tap.check('no permission for packets: no statement is said to be completed by one',
              not found['packet'] and not found['edge'] and found['call'], read(OUTPUT))


def check_no_namespaces():
    argv = netns.unprivileged([netns.SONDE, 'trace', '--isolate', '-o', OUTPUT, '--',
                               *small_pair()])
    if ISOLATE:
        argv = ['unshare', '-Ur', 'sh', '-c',
                'echo 0 >/proc/sys/user/max_user_namespaces && exec "$@"', 'sh', *argv]
    done = netns.run(argv)
    tap.equal('user namespaces forbidden: nothing runs', (done.returncode, done.stdout), (125, ''))
    if ISOLATE:
        tap.check('user namespaces forbidden: no disk is blamed', re.search(
            r'^sonde: .*user namespace: too many user namespaces, or none allowed',
            done.stderr, re.MULTILINE), done.stderr)
    tap.check('user namespaces forbidden: the remedy is named',
              re.search(r'^sonde: .*namespace', done.stderr, re.MULTILINE) and
              re.search(r'^hint: .*(max_user_namespaces|unprivileged_userns_clone|root)',
                        done.stderr, re.MULTILINE), done.stderr)


def check_disk_full():
    folder = os.path.join(SCRATCH, 'small')
    os.mkdir(folder)
    capture = os.path.join(folder, 'x.pcapng')
    unshare = ['unshare', '-Urm'] if ISOLATE else ['unshare', '-m']
    done = netns.run([*unshare, 'sh', '-c',
                      f'mount -t tmpfs -o size=4k none {folder} && exec "$@"', 'sh',
                      *traced(small_pair(), '-w', capture)])
    tap.equal('a full disk: the program does not notice', done.stdout, "b'hello'\n")
    tap.equal('a full disk: the status', done.returncode, 125)
    tap.check('a full disk is said, with the file', re.search(
        rf'^sonde: .*{re.escape(capture)}.*No space left', done.stderr, re.MULTILINE), done.stderr)
    tap.check('a full disk: the ladder is shown all the same', "client.send(b'hello')" in
              read(OUTPUT), read(OUTPUT))

    with open('/dev/full', 'w', encoding='utf-8') as full:
        done = netns.run([netns.SONDE, 'trace', *ISOLATE, '--', 'sh', '-c', 'echo 1 >&2; exit 3'],
                         stdout=full)
    tap.check('standard output full: said, and 125', done.returncode == 125 and re.search(
        r'^sonde: .*No space left', done.stderr, re.MULTILINE), (done.returncode, done.stderr))


def check_capture_path():
    for what, path in (('a folder that does not exist', SCRATCH + '/none/x.pcapng'),
                       ('a folder', SCRATCH)):
        done = netns.run(traced(small_pair(), '-w', path))
        tap.check(f'-w to {what}: nothing runs, and why',
                  done.returncode == 125 and done.stdout == '' and
                  re.search(rf'^sonde: .*{re.escape(path)}', done.stderr, re.MULTILINE),
                  (done.returncode, done.stdout, done.stderr))


check_statuses()
check_environment()
check_streams()
check_processes()
check_no_sockets()
check_interrupt()
check_unknown_version()
check_no_packets()
check_no_namespaces()
check_disk_full()
check_capture_path()
tap.done()
