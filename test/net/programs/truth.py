"""What a program under test itself knows of its socket calls, for trace_random.py.

    with truth.call('send', end, data=data) as call:
        call.count = end.sock.send(data)        the call stands on the line after `with`

A record holds the thread, the line, the time around the call, the end of the connection,
and what was sent or received.  truth.save() writes those of this process to the folder TRUTH; a
child that was forked begins with none.
"""

import itertools
import json
import os
import random
import socket
import sys
import threading
import time

FOLDER = os.environ['TRUTH']
HEAD = 16  # so much of what was received is kept, to be looked for in the packets

_records = []
_ends = []
_alive = []  # nothing is closed but by a statement
_numbers = itertools.count()


def fill(seed, size):
    """Bytes that no other call of the program sends."""
    return random.Random(seed).randbytes(size)


class End:
    """One end of a connection, or a datagram socket.  What was sent and received is counted
    here, so that a record knows the offset in the stream; None where several threads do
    the same at once."""

    def __init__(self, sock, kind):
        self.sock = sock
        self.kind = kind  # client, server, udp, listener
        self.name = f'{os.getpid()}.{next(_numbers)}'
        self.sent = self.received = 0
        self.is_shared = False  # several threads receive on it at once
        self.keeps_messages = False
        self.aliases = []  # dup()
        self.known = {'end': self.name, 'kind': kind, 'local': None, 'peer': None,
                      'from_ns': time.time_ns(), 'until_ns': None}
        _ends.append(self.known)
        _alive.append(self)

    def look(self, peer=None):
        """Remembers the addresses."""
        self.known['local'] = self.sock.getsockname()[:2]
        self.known['peer'] = (peer or self.sock.getpeername())[:2]
        self.known['until_ns'] = time.time_ns()


class call:
    """One execution of a statement with a socket call."""

    def __init__(self, what, end=None, **more):
        self.record = {'what': what, 'end': end and end.name, **more}
        self.end = end
        self.count = self.got = self.sent = None
        self.data = more.get('data')

    def __enter__(self):
        self.record.update(pid=os.getpid(), tid=threading.get_native_id(),
                           line=sys._getframe(1).f_lineno + 1)
        if self.end is not None:
            self.record['sent'] = self.end.sent
            self.record['received'] = self.end.received
        self.record['from_ns'] = time.time_ns()
        return self

    def __exit__(self, kind, error, _):
        self.record['until_ns'] = time.time_ns()
        self.record['error'] = error.__class__.__name__ if error else None
        if 'data' in self.record:
            self.record['data'] = self.record['data'].hex()
        if self.got is not None:
            # Of several threads on one socket all of it: it alone tells which it was.
            self.record['got'] = self.got[:None if self.end.is_shared else HEAD].hex()
            self.record['count'] = len(self.got)
            self.record['kept'] = self.end.keeps_messages
            self.record['size'] = len(self.got)
            if self.end.received is not None and not self.record.get('peek'):
                self.end.received += len(self.got)
        if self.count is not None:
            self.record['count'] = self.count
            if self.end.sent is not None:
                self.end.sent += self.count
        _records.append(self.record)


def give(way, end):
    """Hands the end to another process, over a Unix socket; its references are counted on."""
    told = [end.name, end.kind, end.sent, end.received, end.mode, end.sock.gettimeout()]
    socket.send_fds(way, [json.dumps(told).encode()], [end.sock.fileno()])


def take(way):
    """The same end in this process; who accepted it knows the addresses."""
    told, descriptors, _, _ = socket.recv_fds(way, 4096, 1)
    name, kind, sent, received, mode, timeout = json.loads(told)
    end = End(socket.socket(fileno=descriptors[0]), kind)
    _ends.remove(end.known)
    end.name, end.sent, end.received, end.mode = name, sent, received, mode
    end.sock.settimeout(timeout)
    return end


def fork():
    """os.fork(); the child has nothing to tell yet."""
    pid = os.fork()
    if not pid:
        _records.clear()
        _ends.clear()
    return pid


def save():
    path = os.path.join(FOLDER, f'{os.getpid()}.json')
    with open(path, 'w', encoding='utf-8') as file:
        json.dump({'calls': _records, 'ends': _ends}, file)
