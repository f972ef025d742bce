"""What the tests of `sonde serve` and `sonde calc` share: the calculation protocol written
once more, and a running server.

    request(id, word, *numbers)     the bytes of a question ('<' or '>' as order=)
    reply(id, result)               and of its answer
    server = Server('calc@:0', ...)     starts it, and waits until it listens
        .ports[0]                   the number of the first SPEC, in their order .ports
        .pid, .fds()                its process; how many descriptors it has open
        .lines                      what it printed so far
        .wait_line(regex)           waits for a line and returns the match
        .stop(signal)               ends it; returns (exit status, lines, stderr)
    tcp(port, host), udp(port, host)    connected sockets with a time limit
    unread(port)                    bytes of datagrams that the sockets of the port hold unread
    read_exactly(sock, n)           n bytes, or fewer at the end
    read_all(sock)                  everything up to the end
"""

import os
import re
import signal
import socket
import struct
import subprocess
import threading

import netns

LIMIT_S = 60


def request(number, word, *numbers, order='<'):
    return (struct.pack(order + 'I', number) + word.encode() + bytes([len(numbers)]) +
            struct.pack(f'{order}{len(numbers)}i', *numbers))


def reply(number, result, order='<'):
    return struct.pack(order + 'Ii', number, result)


class Server:
    def __init__(self, *words, before=(), listening=None):
        self.lines = []
        self.errors = []
        self.process = netns.background([*before, netns.SONDE, 'serve', *words], text=True,
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                                        stderr=subprocess.PIPE)
        self.pid = self.process.pid
        self.threads = [self._collect(self.process.stdout, self.lines),
                        self._collect(self.process.stderr, self.errors)]
        specs = [word for word in words if re.match('[a-z]+[0-9]*($|[@/,])', word)]
        self.listening = listening or 4 * len(specs)
        netns.wait_until('a line for each socket', self._is_listening)
        self.ports = list(dict.fromkeys(port for _, port, _ in self.sockets()))

    @staticmethod
    def _collect(stream, lines):
        def run():
            for line in stream:
                lines.append(line.rstrip('\n'))
        thread = threading.Thread(target=run, daemon=True)
        thread.start()
        return thread

    def _is_listening(self):
        if self.process.poll() is not None:
            raise RuntimeError(f'the server ended: {self.errors}')
        return len(self.sockets()) >= self.listening

    def sockets(self):
        found = [re.fullmatch(r'listening on (.*):(\d+)/(tcp|udp)(?: \([a-z0-9]+\))?', line)
                 for line in list(self.lines)]
        return [(m[1], int(m[2]), m[3]) for m in found if m]

    def find_line(self, regex):
        for line in list(self.lines):
            match = re.search(regex, line)
            if match:
                return match
        return None

    def wait_line(self, regex):
        return netns.wait_until(f'line {regex}', lambda: self.find_line(regex))

    def received(self):
        """Bytes that the log says were received."""
        return sum(int(line.split()[-2]) for line in list(self.lines) if ': received ' in line)

    def fds(self):
        return len(os.listdir(f'/proc/{self.pid}/fd'))

    def _stat(self):
        """Fields of /proc/PID/stat from the state on."""
        with open(f'/proc/{self.pid}/stat', encoding='ascii') as file:
            return file.read().rsplit(')', 1)[1].split()

    def state(self):
        return self._stat()[0]

    def cpu_s(self):
        fields = self._stat()
        return (int(fields[11]) + int(fields[12])) / os.sysconf('SC_CLK_TCK')

    def rss_kib(self):
        with open(f'/proc/{self.pid}/status', encoding='ascii') as file:
            return int(re.search(r'VmRSS:\s+(\d+)', file.read())[1])

    def wait(self):
        status = self.process.wait(LIMIT_S)
        for thread in self.threads:
            thread.join(LIMIT_S)
        return status, self.lines, '\n'.join(self.errors)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.wait()


def _open(kind, port, host, source):
    family = socket.AF_INET6 if ':' in host else socket.AF_INET
    sock = socket.socket(family, kind)
    sock.settimeout(LIMIT_S)
    if source:
        sock.bind(source)
    sock.connect((host, port))
    if kind == socket.SOCK_STREAM:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return sock


def tcp(port, host='127.0.0.1'):
    return _open(socket.SOCK_STREAM, port, host, None)


def udp(port, host='127.0.0.1', source=None):
    return _open(socket.SOCK_DGRAM, port, host, source)


def unread(port):
    total = 0
    for name in ('udp', 'udp6'):
        with open(f'/proc/net/{name}', encoding='ascii') as file:
            for line in list(file)[1:]:
                fields = line.split()
                if int(fields[1].split(':')[1], 16) == port:
                    total += int(fields[4].split(':')[1], 16)
    return total


def read_exactly(sock, n):
    data = b''
    while len(data) < n:
        piece = sock.recv(n - len(data))
        if not piece:
            break
        data += piece
    return data


def read_all(sock):
    data = bytearray()
    while True:
        piece = sock.recv(1 << 20)
        if not piece:
            return bytes(data)
        data += piece
