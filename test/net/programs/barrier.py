"""Makes certain what blocks: programs under test wait for each other with this.

Only files are used: nothing here is a socket call, so nothing shows in a trace.  The
folder is in the environment as BARRIER.

    about_to_wait('recv')       I shall now sleep in a call
    about_to_retry('recv')      I have tried, and shall again and again, without sleeping in it
    until_waiting('recv')       comes back when the other one surely sleeps in it, or has tried
    reached('sent')             something has happened
    until_reached('sent')       comes back when it has, and is long past
    until_readable(sock, n)     comes back when n bytes surely lie in the receive buffer
    until_long_past()           what came before is long past
    until_closed(sock)          comes back when the peer's FIN has surely arrived
"""

import fcntl
import os
import socket
import struct
import termios
import threading
import time

FOLDER = os.environ['BARRIER']
STEP_SECONDS = 0.01
CALM_STEPS = 8  # so often a thread has to be seen in the same sleep
# What is not to be blocked must not look as if it had been: the tracer says "not known"
# where arrival and call are closer than its margin.
LONG_PAST_SECONDS = 0.1
GIVE_UP_SECONDS = 30
TCP_CLOSE_WAIT = 8


def _poll(question):
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while not (answer := question()):
        if time.monotonic() > deadline:
            raise TimeoutError('the other program did not come')
        time.sleep(STEP_SECONDS)
    return answer


def _read(path):
    try:
        with open(path, encoding='utf-8') as file:
            return file.read()
    except (FileNotFoundError, ProcessLookupError):
        return ''


def _write(name, text):
    path = os.path.join(FOLDER, name)
    with open(path + '.new', 'w', encoding='utf-8') as file:
        file.write(text)
    os.rename(path + '.new', path)


def about_to_wait(name):
    _write(name, f'{os.getpid()} {threading.get_native_id()}')


def about_to_retry(name):
    _write(name, '-1 -1')


def _sleeps_since(pid, tid):
    """How often the thread has gone to sleep, or None while it does not."""
    lines = _read(f'/proc/{pid}/task/{tid}/status').splitlines()
    fields = dict(line.split(':', 1) for line in lines if ':' in line)
    # "t (tracing stop)" is none: it has not got into the call yet.
    if not fields.get('State', '').strip().startswith('S'):
        return None
    return fields['voluntary_ctxt_switches'].strip()


def until_waiting(name):
    words = _poll(lambda: _read(os.path.join(FOLDER, name)).split())
    if words[0] == '-1':
        until_long_past()
        return
    last, calm = None, 0
    deadline = time.monotonic() + GIVE_UP_SECONDS
    while calm < CALM_STEPS:
        now = _sleeps_since(*words)
        calm = calm + 1 if now is not None and now == last else 0
        last = now
        if time.monotonic() > deadline:
            raise TimeoutError(f'nobody sleeps in {name}')
        time.sleep(STEP_SECONDS)


def reached(name):
    _write(name, '-1 -1')  # C programs read numbers


def until_long_past():
    time.sleep(LONG_PAST_SECONDS)


def until_reached(name):
    _poll(lambda: _read(os.path.join(FOLDER, name)))
    until_long_past()


def until_readable(sock, count):
    def is_there():
        answer = fcntl.ioctl(sock.fileno(), termios.FIONREAD, struct.pack('i', 0))
        return struct.unpack('i', answer)[0] >= count

    _poll(is_there)
    until_long_past()


def until_closed(sock):
    _poll(lambda: sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0]
          == TCP_CLOSE_WAIT)
    until_long_past()
