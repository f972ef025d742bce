"""What the tests of `sonde connect` share: peers of every temper, and the program against
them.

    peer = Peer(handler)            accepts one connection after the other on 127.0.0.1 and gives
                                    each to handler(sock); .port, .seen.  A client may go away
                                    in the middle; any other failure of a handler is the test's
    connect(*words, input=b'')      runs `sonde connect`; bytes in, bytes out
    Listen(*words)                  `sonde listen -v`, in the background; .port, .said()
    blob(n)                         n random bytes, the same ones each time
    echo(sock)                      a handler: sends back all, then closes its half
    until_end(sock)                 all bytes up to the peer's end
    pause()                         a moment in which another process can get ahead; never what
                                    a test waits for
"""

import os
import random
import re
import signal
import socket
import subprocess
import threading
import time
import traceback

import netns
from tap import tap

LIMIT_S = 60


def blob(n, seed=7):
    return random.Random(seed).randbytes(n)


def until_end(sock):
    data = bytearray()
    while piece := sock.recv(1 << 18):
        data += piece
    return bytes(data)


def echo(sock):
    while piece := sock.recv(1 << 18):
        sock.sendall(piece)


def pause():
    time.sleep(0.002)


class Peer:
    def __init__(self, handler, family=socket.AF_INET, address=('127.0.0.1', 0),
                 kind=socket.SOCK_STREAM):
        self.seen = []  # addresses of who came
        self.sock = socket.socket(family, kind)
        if family != socket.AF_UNIX:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(address)
        name = self.sock.getsockname()
        self.port = name[1] if family != socket.AF_UNIX else None
        if kind == socket.SOCK_STREAM:
            self.sock.listen()
        self.handler = handler
        self.kind = kind
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        while True:
            if self.kind == socket.SOCK_DGRAM:
                data, source = self.sock.recvfrom(65536)
                self.seen.append(source)
                self._handle(self.sock, data, source)
                continue
            sock, source = self.sock.accept()
            self.seen.append(source)
            sock.settimeout(LIMIT_S)
            with sock:
                self._handle(sock)

    def _handle(self, *args):
        try:
            self.handler(*args)
        except OSError:
            pass
        except Exception:
            tap.not_ok('a peer of the test', traceback.format_exc())


def connect(*words, **more):
    if 'stdin' not in more:
        more.setdefault('input', b'')
    return netns.run([netns.SONDE, 'connect', *map(str, words)], text=False, **more)


class Listen:
    """The program, told to pick a port; .port, and what it said on standard error."""

    count = 0

    def __init__(self, *words, stdin=subprocess.DEVNULL, where='127.0.0.1:0',
                 stdout=subprocess.PIPE, **more):
        Listen.count += 1
        self.log = os.path.join(netns.scratch(), f'listen{Listen.count}')
        self.process = netns.background(
            [netns.SONDE, 'listen', '-v', *map(str, words), where], stdin=stdin,
            stdout=stdout, stderr=open(self.log, 'wb'), **more)
        self.port = None
        netns.wait_until('it listens', self.listens)
        found = re.search(r'listening on .*:(\d+)/', self.said())
        self.port = int(found[1]) if found else None

    def said(self):
        with open(self.log, encoding='utf-8') as file:
            return file.read()

    def listens(self):
        return 'listening on' in self.said() or self.process.poll() is not None

    def end(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(60)

    def join(self, port=None, family=socket.AF_INET):
        sock = socket.socket(family, socket.SOCK_STREAM)
        sock.settimeout(60)
        sock.connect(('127.0.0.1', port or self.port))
        return sock
