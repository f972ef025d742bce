#!/usr/bin/python3
"""What bash, zsh and fish offer on a line that begins with sonde.

bash and zsh run interactively on a terminal of their own, with the script where it would be
installed.  A key inserts all that is offered into the line; the line is then sent, and a
function in sonde's place tells the words that it got.  fish is asked with `complete -C`.
No network.
"""

import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import sys
import termios
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from netns import SONDE, run, scratch  # noqa: E402
from tap import tap  # noqa: E402

HOME = scratch()
DONE, WORD = '\x1d', '\x1f'  # between what the function prints; no line has them
FUNCTION = r"sonde() { printf '\036'; [ $# = 0 ] || printf '%s\037' sonde "'"$@"' + \
    r"; printf '\035\n'; }"
ENV = {'HOME': HOME, 'ZDOTDIR': HOME, 'PATH': os.environ['PATH'], 'LC_ALL': 'C.UTF-8',
       'TERM': 'dumb', 'XDG_CONFIG_HOME': f'{HOME}/config', 'XDG_DATA_HOME': f'{HOME}/data',
       'XDG_DATA_DIRS': f'{HOME}/share:/usr/local/share:/usr/share'}


def script(shell, folder, name):
    path = os.path.join(HOME, folder)
    os.makedirs(path, exist_ok=True)
    path = os.path.join(path, name)
    with open(path, 'w', encoding='ascii') as file:
        file.write(run([SONDE, 'completion', shell]).stdout)
    return path


class Terminal:
    """An interactive shell; insert_key makes it insert all completions."""

    def __init__(self, argv, start, insert_key):
        self.insert_key = insert_key
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            os.chdir(f'{HOME}/here')
            os.execvpe(argv[0], argv, ENV)
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack('4H', 50, 4000, 0, 0))
        for line in [*start, FUNCTION]:
            os.write(self.fd, line.encode() + b'\r')
        os.write(self.fd, b'sonde ready\r')
        self.answer()

    def answer(self):
        """The words that the function got; None where the shell was silent."""
        text, deadline = '', time.monotonic() + 60
        while DONE not in text:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([self.fd], [], [], left)[0]:
                tap.not_ok('the shell answers', repr(text))
                return None
            try:
                text += os.read(self.fd, 65536).decode(errors='replace')
            except OSError:  # it has ended
                tap.not_ok('the shell lives', repr(text))
                return None
        return [word for word in text.split('\x1e')[-1].split(DONE)[0].split(WORD) if word]

    def offers(self, line):
        """What is inserted for the last word of the line (or stays, where nothing is)."""
        os.write(self.fd, line.encode() + self.insert_key + b'\r')
        words = self.answer()
        typed = len(line.split(' ')) - 1
        return words if words is None else sorted(words[typed:])

    def end(self):
        os.kill(self.pid, signal.SIGKILL)
        os.waitpid(self.pid, 0)
        os.close(self.fd)


class Bash(Terminal):
    def __init__(self, with_package):
        start = ['bind "set enable-bracketed-paste off"', r'''bind '"\C-t": insert-completions' ''']
        if with_package:
            # Found by its name alone, when it is first asked for.
            script('bash', 'share/bash-completion/completions', 'sonde')
            start.append('. /usr/share/bash-completion/bash_completion')
        else:
            start.append(f'source <({SONDE} completion bash)')
        super().__init__(['bash', '--noprofile', '--norc', '-i'], start, b'\x14')


class Zsh(Terminal):
    def __init__(self):
        script('zsh', 'functions', '_sonde')
        super().__init__(['zsh', '-f', '-i'], [
            'unsetopt prompt_cr prompt_sp', 'fpath=(~/functions $fpath)',
            'autoload -U compinit; compinit -u -D',
            # As zshcompsys(1) shows it, under _all_matches.
            'zle -C all-matches complete-word _generic; bindkey "^T" all-matches',
            'zstyle ":completion:all-matches:*" insert true',
            'zstyle ":completion:all-matches::::" completer _all_matches _complete'], b'\x14')


class Fish:
    def __init__(self):
        script('fish', 'share/fish/vendor_completions.d', 'sonde.fish')

    def offers(self, line):
        done = subprocess.run(['fish', '-c', 'complete -C $argv[1]', '--', line], env=ENV,
                              cwd=f'{HOME}/here', stdin=subprocess.DEVNULL, text=True, timeout=60,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
        if done.stderr:
            return done.stderr
        offered = sorted(row.split('\t')[0] for row in done.stdout.splitlines())
        return offered or [line.split(' ')[-1]][:bool(line.split(' ')[-1])]

    def end(self):
        pass


def options_of(*words):
    """Long and short options, as the help lists them."""
    found = set()
    for line in run([SONDE, 'help', *words]).stdout.splitlines():
        match = re.match(r'  (?:(-\w), |    )(--[a-z0-9-]+)', line)
        found |= {name for name in (match.groups() if match else ()) if name}
    return found


COMMANDS = sorted(re.findall(r'^  (\w+) ', run([SONDE, '--help']).stdout.split('\n\n')[2], re.M))
SERVICES = sorted(re.findall(r'^ *(\w+), port \d+:', run([SONDE, 'help', 'serve']).stdout, re.M))
tap.check('there are commands and services to complete',
          len(COMMANDS) >= 5 and 'trace' in COMMANDS and 'calc' in SERVICES, (COMMANDS, SERVICES))

os.makedirs(f'{HOME}/here/folder')
for name in ('ladder.txt', 'folder/one.pcap'):
    with open(f'{HOME}/here/{name}', 'w', encoding='ascii'):
        pass
os.makedirs(f'{HOME}/bin')
for name in ('frobnicate', 'frobnosticate'):
    with open(f'{HOME}/bin/{name}', 'w', encoding='ascii') as file:
        file.write('#!/bin/sh\n')
        os.fchmod(file.fileno(), 0o755)
os.symlink(SONDE, f'{HOME}/bin/sonde')  # fish completes only what can be run
ENV['PATH'] = f'{HOME}/bin:' + ENV['PATH']

OPERATIONS = ['max', 'min', 'product', 'sum']
OFFERS = [
    ('every command', 'sonde ', COMMANDS),
    ('a command that has begun', 'sonde ser', ['serve']),
    ('a command after an option and its value', 'sonde --color never comp', ['completion']),
    ('a command after a flag', 'sonde -v comp', ['completion']),
    ('the values of an option', 'sonde --color ', ['always', 'auto', 'never']),
    ('a value that has begun', 'sonde --color n', ['never']),
    ('the values of a command\'s option', 'sonde calc --order ', ['auto', 'be', 'le']),
    ('the value of a global option after the command', 'sonde calc --color a',
     ['always', 'auto']),
    ('no value of another command\'s option', 'sonde serve --order ', SERVICES + ['lab']),
    ('nothing for a number', 'sonde calc --id ', []),
    ('an option', 'sonde calc --ord', ['--order']),
    ('a global option after the command', 'sonde calc --ver', ['--verbose', '--version']),
    ('no option of another command', 'sonde serve --isol', ['--isol']),
    ('operations', 'sonde calc ', OPERATIONS),
    ('an operation after an option and its value', 'sonde calc --order be p', ['product']),
    ('no second operation', 'sonde calc sum p', ['p']),
    ('services', 'sonde serve ', SERVICES + ['lab']),
    ('more services', 'sonde serve calc ech', ['echo']),
    ('commands to help with', 'sonde help tr', ['trace']),
    ('what help is about is no command of the line', 'sonde help calc s', ['s']),
    ('shells', 'sonde completion ', ['bash', 'fish', 'zsh']),
    ('files for -o', 'sonde trace -o lad', ['ladder.txt']),
    ('files for --write', 'sonde trace --write folder/o', ['folder/one.pcap']),
    ('programs to trace', 'sonde trace frob', ['frobnicate', 'frobnosticate']),
    ('programs to trace after options', 'sonde trace --isolate -o x frobn',
     ['frobnicate', 'frobnosticate']),
    ('a program after --', 'sonde trace -- frobni', ['frobnicate']),
    ('the files of a program that is traced', 'sonde trace frobnicate lad', ['ladder.txt']),
    ('no option of trace for its program', 'sonde trace frobnicate --isol', ['--isol']),
]
VALUES_BEHIND_EQUALS = [
    ('the values behind =', 'sonde --color=', ['--color=always', '--color=auto', '--color=never']),
    ('a value that has begun behind =', 'sonde calc --order=b', ['--order=be']),
    ('a command after an option with =', 'sonde --color=never comp', ['completion']),
]


def check(name, shell):
    for what, line, wanted in OFFERS + VALUES_BEHIND_EQUALS:
        offered = shell.offers(line)
        wanted = sorted(wanted)
        if '=' in line.split(' ')[-1] and isinstance(shell, Bash):
            # bash inserts them as words of their own; the first one stays behind the =.
            head, _, tail = line.split(' ')[-1].partition('=')
            offered = offered and sorted(
                word if '=' in word else f'{head}={word}' for word in offered)
        tap.equal(f'{name}: {what}', offered, wanted)
    if name.startswith('bash'):
        for words in ([], *([command] for command in COMMANDS)):
            tap.equal(f'{name}: every option of sonde {" ".join(words)}',
                      shell.offers(' '.join(['sonde', *words, '-'])), sorted(options_of(*words)))
        return
    # zsh and fish offer a letter only where no long name serves as well.
    for words in ([], *([command] for command in COMMANDS)):
        tap.equal(f'{name}: every long option of sonde {" ".join(words)}',
                  shell.offers(' '.join(['sonde', *words, '--'])),
                  sorted(o for o in options_of(*words) if o.startswith('--')))


for name, start in (('bash', lambda: Bash(True)), ('bash without bash-completion',
                    lambda: Bash(False)), ('zsh', Zsh), ('fish', Fish)):
    shell = start()
    check(name, shell)
    shell.end()
tap.done()
