"""What the Python tests of this folder share: a network namespace of their own, the
program's path, waiting without sleeping, and an end that leaves nothing behind.

    #!/usr/bin/python3
    import netns
    from tap import tap

    netns.enter()                          first call: runs the test again from its start inside
                                           a network namespace of its own, as root of it, lo up
                                           (options of unshare, and why a skip, may be given);
                                           once inside, nothing
    server = netns.background([netns.SONDE, 'serve', 'calc'])
    netns.wait_for_port('tcp', 50000)
    done = netns.run([netns.SONDE, 'calc', 'sum', '1', '2'])
    tap.equal('a sum comes back', (done.returncode, done.stdout), (0, '3\\n'))
    tap.done()

    become_root()           enter() for an ordinary user: root stays where it is
    SONDE, ROOT             the program (build/sonde where the caller set none), the checkout
    can_isolate()           whether a user namespace can be made here (not in a chroot)
    unprivileged(argv)      the command line that runs argv without any capability
    run(argv, **more)       subprocess.run with text output captured and a time limit of 300 s
    background(argv, **more)  subprocess.Popen in a process group of its own, which is ended
                            with the test
    end_group(process)      ends a process that leads a group, and what it has left there
    wait_until(what, question, seconds=60)  polls question() until it is true; returns what it
                            returned; raises TimeoutError with `what`
    wait_for_port(proto, port)  until something is bound to it
    scratch()               a folder of this test, removed at its end
"""

import atexit
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SONDE = os.path.abspath(os.environ.get('SONDE') or os.path.join(ROOT, 'build', 'sonde'))
os.environ['PATH'] += ':/usr/sbin:/sbin'
os.environ.update(SONDE=SONDE, LC_ALL='C.UTF-8', TZ='UTC')

_MARK = 'SONDE_TEST_NETNS'
_inside = False
_scratch = None


def _works(argv):
    return subprocess.run(argv, stderr=subprocess.DEVNULL).returncode == 0


def can_isolate():
    return _works(['unshare', '-Urn', 'true'])


def enter(options=None, reason=None):
    global _inside
    if _inside:
        return
    # exec keeps the pid, so that only this very process takes itself for the inner one.
    if os.environ.pop(_MARK, None) == str(os.getpid()):
        _inside = True
        subprocess.run(['ip', 'link', 'set', 'lo', 'up'], check=True)
        # No port that a test names is another one's by chance.
        with open('/proc/sys/net/ipv4/ip_local_port_range', 'w', encoding='ascii') as file:
            file.write('32768 49999')
        return
    # Root in a chroot has no user namespaces.
    for ways in [options] if options else [['-rn'], ['-n']]:
        if _works(['unshare', *ways, 'true']):
            break
    else:
        print('1..0 # SKIP', reason or 'no network namespace: run as root, or allow user '
              'namespaces (sysctl kernel.unprivileged_userns_clone=1)')
        sys.exit(0)
    os.environ[_MARK] = str(os.getpid())
    sys.stdout.flush()
    os.execvp('unshare', ['unshare', *ways, '--', sys.executable, *sys.argv])


def become_root():
    if os.geteuid() != 0:
        enter()


def unprivileged(argv):
    return ['setpriv', '--inh-caps=-all', '--ambient-caps=-all', '--bounding-set=-all',
            '--', *argv]


def run(argv, **more):
    more = {'stdout': subprocess.PIPE, 'stderr': subprocess.PIPE, 'text': True,
            'stdin': subprocess.DEVNULL, 'timeout': 300, **_environment(argv), **more}
    if 'input' in more:
        del more['stdin']
    return subprocess.run(argv, **more)


def end_group(process):
    """Ends a process that leads a group, and what it has left there."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        # While the group has anybody, no process gets its number.  So one that has it now,
        # after ours was waited for, is somebody else's.
        if process.returncode is not None and os.path.exists(f'/proc/{process.pid}'):
            return
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            break
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            continue
    process.wait()


def _environment(argv):
    """In the sandbox of `sonde serve` and `capture` LeakSanitizer cannot work, and a sanitizer
    can open no file for its report."""
    words = ' '.join(argv).split()
    if 'ASAN_OPTIONS' not in os.environ or not {'serve', 'capture'} & set(words):
        return {}
    return {'env': {**os.environ, 'ASAN_OPTIONS': os.environ['ASAN_OPTIONS'] +
                    ':detect_leaks=0:log_path=stderr'}}


def background(argv, **more):
    process = subprocess.Popen(argv, **{'start_new_session': True, **_environment(argv), **more})
    atexit.register(end_group, process)
    return process


def wait_until(what, question, seconds=60):
    deadline = time.monotonic() + seconds
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            raise TimeoutError(f'waited {seconds} s in vain for: {what}')
        time.sleep(0.02)


def wait_for_port(proto, port, seconds=60):
    flags = {'tcp': '-Hntl', 'udp': '-Hnua'}[proto]
    wait_until(f'{proto} port {port}', lambda: subprocess.run(
        ['ss', flags, f'sport = :{port}'], stdout=subprocess.PIPE, check=True).stdout, seconds)


def scratch():
    global _scratch
    if _scratch is None:
        _scratch = tempfile.mkdtemp()
        atexit.register(shutil.rmtree, _scratch, ignore_errors=True)
    return _scratch


# A test that is told to end still runs what atexit holds.
signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
