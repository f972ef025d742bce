#!/usr/bin/python3
"""`sonde connect` at a terminal: a real one (tmux), of which the screen is read."""

import socket

import netns
from screen import Screen, Talker
from talking import Peer, until_end
from tap import tap

netns.enter()
CONNECTED = 'sonde: connected; ^] for commands, ^D ends our half'

peer = Talker()
screen = Screen('127.0.0.1', peer.port)
screen.shows('a prompt', CONNECTED, '>')
peer.say(b'220 hello\r\n')
screen.shows('a line comes above it', '220 hello', '>')
screen.type('helo wrold')
screen.shows('what is typed', '> helo wrold')
tap.equal('is not sent yet', bytes(peer.heard), b'')
peer.say(b'tick\r\n')
screen.shows('what comes meanwhile does not tear the line', '220 hello', 'tick', '> helo wrold')
screen.press('C-w')
screen.type('world')
screen.press('C-a', 'Right', 'Right', 'Right')
peer.say(b'\x1b[2J\x07tock \xff\r\n')
screen.type('l')
screen.shows('a correction, and the peer\'s control characters are shown escaped', 'tick',
             r'\x1b[2J\x07tock \xff', '> hello world')
screen.press('Enter')
peer.hears('the corrected line is sent', b'hello world\n')
screen.press('Up')
screen.shows('the history', '> hello world')
screen.press('C-u')
peer.say('grüße\tß\r\n'.encode()[:3])
peer.say('grüße\tß\r\n'.encode()[3:])
screen.shows('a sequence in two pieces', 'grüße   ß', '>')
long = 'a line that is longer than the screen is wide, and therefore goes on below'
screen.type(long)
screen.shows('a line that wraps', '> ' + long[:58], long[58:])
peer.say(b'in between\r\n')
screen.shows('is not torn, either', 'in between', '> ' + long[:58], long[58:])
screen.press('C-u')
peer.say(b'login: ')
screen.shows('what has no end of line yet stands before what is typed', 'login:')
screen.type('bob')
peer.say(b'really: ')
screen.shows('and grows', 'login: really: bob')
peer.say(b'\r\n')
screen.shows('until the line ends', 'login: really:', '> bob')
screen.press('C-u')

# --- commands

screen.type('kept')
screen.press('C-]')
screen.shows('^] asks for a command', 'login: really:', 'sonde>')
screen.type('local')
screen.press('Enter')
local = '{}:{}'.format(*peer.seen[0])
screen.shows('local, and the line that was begun comes back', 'sonde> local',
             f'local {local}, peer 127.0.0.1:{peer.port}, tcp',
             'address by the kernel, port by the kernel', '12 bytes sent, 71 received', '> kept')
screen.press('C-u')
screen.press('C-]')
screen.type('base64 secret')
screen.press('Enter')
screen.shows('base64 encodes into the line', 'sonde> base64 secret', 'c2VjcmV0', '> c2VjcmV0')
screen.press('Enter')
peer.hears('which Enter sends', b'hello world\nc2VjcmV0\n')
screen.press('C-]')
screen.type('opne')
screen.press('Enter')
screen.shows('a command that is none', 'sonde: opne: no such command here',
             'hint: did you mean open?', '>')
screen.press('C-]')
screen.type('close')
screen.press('Enter')
screen.shows('close', 'closed', 'sonde>')
netns.wait_until('the end', lambda: peer.is_over)
second = Talker()
screen.type('open localhost')
screen.press('Enter')
screen.shows('open without a port', 'sonde: open: HOST PORT, or HOST:PORT, as in: open localhost',
             '       50000', 'sonde>')
screen.type(f'open 127.0.0.1 {second.port}')
screen.press('Enter')
screen.shows('open HOST PORT', '>')
screen.press('C-]')
screen.type('open 127.0.0.1 9')
screen.press('Enter')
screen.shows('open where there is a connection', 'sonde: open: there is a connection already',
             'hint: close ends it', '>')
screen.type('again')
screen.press('Enter')
second.hears('and talk there', b'again\n')
screen.press('C-]')
screen.type('quit')
screen.press('Enter')
screen.ends('quit', 0)

# --- ends

peer = Talker()
screen = Screen('127.0.0.1', peer.port)
screen.shows('another one', CONNECTED, '>')
screen.press('C-d')
netns.wait_until('our end', lambda: peer.is_over)
screen.shows('^D closes our half, and the peer its own',
             'sonde: our half is closed; ^C ends, and so does the peer',
             'sonde: the peer closed the connection')
screen.ends('then it is over', 0)

peer = Talker()
screen = Screen('127.0.0.1', peer.port)
screen.shows('and one', CONNECTED, '>')
screen.type('half a line')
netns.wait_until('a client', lambda: peer.client)
peer.client.sendall(b'bye')
peer.client.shutdown(socket.SHUT_RDWR)
screen.shows('the peer closes: what it said is there', 'bye',
             'sonde: the peer closed the connection')
screen.ends('status 0', 0)

screen = Screen('127.0.0.1', peer.port, '--idle-timeout', '300ms')
screen.shows('--idle-timeout at a terminal', f'sonde: talk to 127.0.0.1:{peer.port}/tcp: nothing '
             'came or went for', '       300 ms (--idle-timeout)')
screen.ends('is no good end', 1)

screen = Screen('127.0.0.1', 9)
screen.ends('refused', 1)
screen = Screen()
screen.shows('without a peer', 'sonde: open HOST PORT connects; help shows more', 'sonde>')
screen.press('C-d')
screen.ends('^D leaves', 0)

# --- UDP: a line, a datagram

heard = []
peer = Peer(lambda sock, data, source: (heard.append(data), sock.sendto(b'no end of line', source)),
            kind=socket.SOCK_DGRAM)
screen = Screen('--udp', '--no-newline', '127.0.0.1', peer.port)
screen.shows('UDP', CONNECTED, '>')
screen.type('one')
screen.press('Enter')
screen.shows('each answer is a line', '> one', 'no end of line', '>')
tap.equal('--no-newline', heard, [b'one'])
screen.press('C-c')
screen.ends('^C leaves', 0)

# --- --ask at a terminal

peer = Peer(lambda sock: [sock.sendall(piece.upper()) for piece in iter(lambda: sock.recv(999), b'')])
screen = Screen('--ask', '127.0.0.1', peer.port)
screen.shows('--ask', '>')
screen.type('abd')
screen.press('BSpace')
screen.type('c')
screen.press('Enter')
screen.shows('a question that was edited, its answer, a prompt', '> abc', 'ABC', '>')
screen.press('Enter')
screen.ends('an empty line ends it', 0)

# --- telnet is found out


def negotiates(sock):
    sock.sendall(b'\xff\xfd\x18\xff\xfb\x01\xff\xfb\x03login: ')
    while len(said) < 9:
        said.extend(sock.recv(100))
    sock.sendall(b'\xff\xfa\x18\x01\xff\xf0')
    while b'\n' not in said:
        said.extend(sock.recv(100))
    until_end(sock)


# It echoes, so the keys are sent one by one, and shown as they come back: here not at all.
said = bytearray()
peer = Peer(negotiates)
screen = Screen('-v', '127.0.0.1', peer.port)
screen.shows('telnet: what was agreed on is told, and the text is whole',
             'sonde: telnet: the peer said DO TERMINAL-TYPE (24), we WILL',
             'sonde: telnet: the peer said WILL ECHO (1), we DO',
             'sonde: telnet: the peer said WILL SUPPRESS-GO-AHEAD (3), we', '       DO',
             'login:')
# What is typed before the peer has asked for the type of the terminal goes before the answer.
netns.wait_until('the type of the terminal', lambda: said.endswith(b'\xff\xf0'))
screen.type('bob')
screen.press('Enter')
netns.wait_until('a line', lambda: b'\n' in said)
tap.equal('answers, the type of the terminal, and a line as telnet wants it', bytes(said),
          b'\xff\xfb\x18\xff\xfd\x01\xff\xfd\x03\xff\xfa\x18\x00DUMB\xff\xf0bob\r\n')

tap.done()
