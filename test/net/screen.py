"""`sonde connect`, or another command, at a real terminal (tmux), of which the screen is read.

    screen = Screen(*words, command='connect')  runs it in one of its own; .type(), .press(), .shows(), .ends()
    peer = Talker()             a peer that says what it is told to, and keeps what it hears

All terminals end with the test.
"""

import atexit
import os

import netns
from talking import Peer
from tap import tap

COLUMNS, ROWS = 60, 20


def tmux(*words):
    return netns.run(['tmux', '-S', f'{netns.scratch()}/tmux', '-f', '/dev/null', *words])


class Screen:
    """`sonde connect WORDS` (or another command) in a terminal of its own."""
    count = 0

    def __init__(self, *words, command='connect'):
        if Screen.count == 0:
            netns.scratch()  # which is removed after that
            atexit.register(tmux, 'kill-server')
        Screen.count += 1
        self.name = f's{Screen.count}'
        self.status = f'{netns.scratch()}/{self.name}'
        words = ' '.join(["'" + str(word) + "'" for word in (command, *words)])
        tmux('new-session', '-d', '-s', self.name, '-x', str(COLUMNS), '-y', str(ROWS),
             f'TERM=screen "{netns.SONDE}" {words}; echo $? >{self.status}; exec sleep 100')

    def lines(self):
        shown = tmux('capture-pane', '-p', '-t', self.name).stdout
        return [line.rstrip() for line in shown.splitlines() if line.strip()]

    def type(self, text):
        tmux('send-keys', '-t', self.name, '-l', text)

    def press(self, *keys):
        tmux('send-keys', '-t', self.name, *keys)

    def shows(self, text, *wanted):
        """The last lines of the screen become these."""
        try:
            netns.wait_until(text, lambda: self.lines()[-len(wanted):] == list(wanted))
            tap.ok(text)
        except TimeoutError:
            tap.equal(text, self.lines(), wanted)

    def ends(self, text, status):
        def ended():
            return os.path.exists(self.status) and open(self.status, encoding='ascii').read()
        try:
            tap.equal(text, netns.wait_until('its end', ended).strip(), str(status))
        except TimeoutError:
            tap.not_ok(text, self.lines())


class Talker(Peer):
    """A peer that says what it is told to, and keeps what it hears."""

    def __init__(self, **more):
        self.heard = bytearray()
        self.client = None
        self.is_over = False
        super().__init__(self.handle, **more)

    def handle(self, sock):
        self.client = sock
        self.heard.clear()
        while piece := sock.recv(65536):
            self.heard += piece
        self.is_over = True
        self.client = None

    def say(self, data):
        netns.wait_until('a client', lambda: self.client)
        self.client.sendall(data)

    def hears(self, text, wanted):
        try:
            netns.wait_until(text, lambda: bytes(self.heard) == wanted)
            tap.ok(text)
        except TimeoutError:
            tap.equal(text, bytes(self.heard), wanted)
