#!/usr/bin/python3
"""`sonde connect` at a terminal with telnet servers: a real one, whose shell has the keys and the
screen; passwords that are not shown; the window's size; ^] in every mode."""

import contextlib
import os
import subprocess

import netns
from screen import COLUMNS, ROWS, Screen, Talker, tmux
from talking import Peer
from tap import tap

netns.enter()
FOLDER = netns.scratch()
LOGIN = f'{FOLDER}/login'
with open(LOGIN, 'w', encoding='ascii') as file:
    # What login(1) does, without its accounts.
    file.write("""#!/bin/bash
read -r -p 'name: ' name
read -r -s -p 'password: ' word
echo
echo "hello $name ($word) on $TERM, $(stty size)"
PS1='$ ' exec bash --norc --noprofile -i
""")
os.chmod(LOGIN, 0o755)


def serve_telnet(sock):
    os.set_blocking(sock.fileno(), True)
    subprocess.run(['/usr/sbin/telnetd', '-E', LOGIN], stdin=sock, stdout=sock,
                   stderr=subprocess.DEVNULL, check=False)


def shows(screen, what, text):
    try:
        netns.wait_until(what, lambda: any(text in line for line in screen.lines()))
        tap.ok(what)
    except TimeoutError:
        tap.equal(what, screen.lines(), text)


def log_in(screen):
    shows(screen, 'it asks for a name', 'name:')
    screen.type('bop')
    screen.press('BSpace')
    screen.type('b')
    screen.press('Enter')
    shows(screen, 'which its terminal edits and echoes', 'name: bob')
    shows(screen, 'and for a password', 'password:')
    screen.type('secret')
    screen.press('Enter')


peer = Peer(serve_telnet)
screen = Screen('--telnet', '127.0.0.1', peer.port)
log_in(screen)
shows(screen, 'with the type of our terminal and its size',
      f'hello bob (secret) on screen, {ROWS} {COLUMNS}')
tap.check('the password was not shown before', not any('password: s' in line
                                                       for line in screen.lines()))
screen.type('printf "\\033[2J\\033[5;9Hhere\\n"')
screen.press('Enter')
netns.wait_until('the screen is cleared', lambda: (screen.lines() or [''])[0].startswith('        here'))
tap.ok('--telnet: the screen is the server\'s')
# Said by the command itself, which has the terminal by then: before, a ^C would meet the shell
# alone.  What is typed is shown, too, and must not look like it.
screen.type(r'''sh -c 'printf "run%s\n" ning; exec sleep 100' ''')
screen.press('Enter')
shows(screen, 'a command that runs', 'running')
screen.press('C-c')
shows(screen, '^C is for the server, and does not end us', '^C')
tmux('resize-window', '-t', screen.name, '-x', '50', '-y', '15')


def is_told():
    """tmux gives a program the new size when it likes."""
    screen.type('stty size')
    screen.press('Enter')
    with contextlib.suppress(TimeoutError):
        return netns.wait_until('a size', lambda: '15 50' in screen.lines(), 2)


netns.wait_until('another size of the window', is_told)
tap.ok('another size of the window is told')
screen.press('C-]')
shows(screen, '^] asks for a command', 'sonde>')
screen.type('local')
screen.press('Enter')
shows(screen, 'which is answered', f'peer 127.0.0.1:{peer.port}, tcp')
screen.type('echo back')
screen.press('Enter')
netns.wait_until('an answer', lambda: 'back' in screen.lines())
tap.ok('and the keys are the server\'s again')
screen.type('exit')
screen.press('Enter')
shows(screen, 'the server ends it', 'the peer closed the connection')
screen.ends('in order', 0)
tap.equal('and the terminal is as it was', 'icanon' in netns.run(
    ['stty', '-a', '-F', tmux('display', '-p', '-t', screen.name, '#{pane_tty}').stdout.strip()]
).stdout.replace('-icanon', ''), True)

screen = Screen('127.0.0.1', peer.port)
log_in(screen)
shows(screen, 'a server that was not expected: a dumb terminal', 'hello bob (secret) on dumb')
screen.type(r'printf "\\033[2Jx\\n"')
screen.press('Enter')
shows(screen, 'what would take the screen is shown escaped', r'\x1b[2Jx')
screen.press('C-]', *'quit', 'Enter')
screen.ends('what is typed behind ^] at once is not lost', 0)

# --- a server of lines that hides a password by saying that it echoes

peer = Talker()
screen = Screen('127.0.0.1', peer.port)
peer.say(b'\xff\xfb\x01Password: ')
shows(screen, 'a prompt', 'Password:')
netns.wait_until('the answer', lambda: bytes(peer.heard) == b'\xff\xfd\x01')
screen.type('sekret')
screen.press('BSpace', 'BSpace', 'BSpace')
screen.type('ret')
screen.press('Enter')
peer.hears('a line that was edited unseen', b'\xff\xfd\x01sekret\r\n')
peer.say(b'\xff\xfc\x01welcome\r\n')
shows(screen, 'then lines are shown again', 'welcome')
screen.shows('with a prompt', 'Password:', 'welcome', '>')
screen.type('visible')
screen.shows('and edited', '> visible')
tap.check('the password never was', not any('sek' in line for line in screen.lines()))
screen.press('C-u')
screen.press('Up')
screen.shows('nor is it in the history', '>')
screen.press('C-]')
screen.type('quit')
screen.press('Enter')
screen.ends('quit', 0)

# --- found out anew in every connection

peer = Talker()
screen = Screen('127.0.0.1', peer.port)
for number in 'first', 'second':
    peer.say(b'\xff\xfd\x18' + number.encode() + b' hello\r\n')
    peer.hears(f'the {number} connection speaks telnet', b'\xff\xfb\x18')
    screen.shows('and shows none of it', f'{number} hello', '>')
    if number == 'first':
        screen.press('C-]', *'close', 'Enter')
        shows(screen, 'it is closed', 'closed')
        netns.wait_until('its end', lambda: peer.client is None)
        screen.type(f'open 127.0.0.1 {peer.port}')
        screen.press('Enter')

tap.done()
