#!/usr/bin/python3
"""The command line itself: help, options, suggestions, exit statuses, where output goes.

No network; programs and their pipes only.
"""

import json
import os
import re
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from netns import ROOT, SONDE  # noqa: E402
from tap import tap  # noqa: E402

ENV = {k: v for k, v in os.environ.items() if k not in ('NO_COLOR', 'LC_CTYPE', 'LANG')}
ENV['LC_ALL'] = 'C.UTF-8'


def sonde(*args, **more):
    env = dict(ENV, **more.pop('env', {}))
    more.setdefault('stdout', subprocess.PIPE)
    more.setdefault('stdin', subprocess.DEVNULL)
    return subprocess.run([SONDE, *args], stderr=subprocess.PIPE, env=env, text=True,
                          timeout=60, **more)


def names_of_commands():
    text = sonde('--help').stdout
    part = text.split('Commands:\n')[1].split('\n\n')[0]
    return [line.split()[0] for line in part.splitlines()]


def options_of(text):
    """Long and short options, as the help lists them."""
    found = set()
    for line in text.splitlines():
        match = re.match(r'  (?:(-\w), |    )(--[a-z0-9-]+)', line)
        if match:
            found |= {name for name in match.groups() if name}
    return found


COMMANDS = names_of_commands()
tap.check('--help lists commands', {'help', 'completion'} <= set(COMMANDS), COMMANDS)

# ---- help

for words in [['--help'], ['help']] + [[c, '--help'] for c in COMMANDS]:
    run = sonde(*words)
    wide = [line for line in run.stdout.splitlines() if len(line) > 80]
    tap.check(f'{" ".join(words)}: status 0, at most 80 columns, nothing on stderr',
              run.returncode == 0 and run.stdout and not wide and not run.stderr,
              (run.returncode, wide, run.stderr))
for command in COMMANDS:
    texts = {sonde(*words).stdout for words in
             (['help', command], [command, '--help'], [command, '-h'], ['--help', command],
              ['-h', command])}
    tap.equal(f'{command}: every way to its help shows the same', len(texts), 1)
tap.equal('--version', sonde('--version').stdout, sonde('help', '--version').stdout)
start = json.loads(sonde('--json', '--version').stdout)
tap.check('--json --version is a start event with a string for the epoch',
          start['event'] == 'start' and start['schema'] == 1 and
          isinstance(start['epoch_ns'], str) and int(start['epoch_ns']) > 2**60, start)

# ---- man pages name every option, and no other


def page(name):
    path = os.path.join(ROOT, 'man', name + '.1')
    if not os.path.exists(path):
        return None
    text = subprocess.run(['mandoc', '-Tascii', path], stdout=subprocess.PIPE, text=True,
                          check=True).stdout
    return re.sub(r'.\x08', '', text)


def options_in_page(text):
    """Those that begin a paragraph of the page: "-o file, --output file"."""
    found = set()
    for line in text.splitlines():
        match = re.match(r' {5}(-[-\w].*)', line)
        if match:
            # The text of the paragraph may stand in the same line.
            found |= set(re.findall(r'(?:^|, )(--?[a-zA-Z0-9][a-z0-9-]*)', match[1]))
    return found


overview = page('sonde')
for command in COMMANDS:
    own = page(f'sonde-{command}')
    tap.check(f'{command}: the overview names it',
              re.search(rf'^ {{5}}{command}\b', overview, re.M))
    wanted = options_of(sonde('help', command).stdout)
    got = options_in_page(own if own else overview)
    tap.equal(f'{command}: help and man page name the same options', sorted(got), sorted(wanted))

# ---- what is not known is answered with what is near

for words, subject, hint in [
        (['hlep'], 'command hlep', 'help'),
        (['complation', 'bash'], 'command complation', 'completion'),
        (['zzzzzz'], 'command zzzzzz', 'sonde --help'),
        (['help', 'completon'], 'command completon', 'completion'),
        (['--colour', 'never', 'help'], '--colour', '--color'),
        (['--color', 'nevr', 'help'], '--color nevr', 'never'),
        (['--color=sometimes', 'help'], '--color=sometimes', 'auto, always, never'),
        (['help', '--quite'], 'help --quite', '--quiet'),
        (['help', '-json'], 'help -json', '--json'),
        (['help', '-x'], 'help -x', 'sonde help help'),
        (['completion', 'fisch'], 'completion fisch', 'fish')]:
    run = sonde(*words)
    lines = run.stderr.splitlines()
    subject = subject.replace('=', ' ') if '=' in subject else subject
    tap.check(f'{" ".join(words)}: status 2, and {hint} is named',
              run.returncode == 2 and run.stdout == '' and len(lines) == 2 and
              lines[0].startswith(f'sonde: {subject}: ') and
              lines[1].startswith('hint: ') and hint in lines[1], (run.returncode, run.stderr))

# ---- what users of tshark, tcpdump and strace type

for words, subject, hint in [
        (['read', '-r', 'x.pcap'], '-r', 'sonde read FILE'),
        (['read', '--read-file=x.pcap'], '--read-file', 'sonde read FILE'),
        (['read', '-n', '-r', 'x.pcap'], '-n', 'leave it out'),
        (['read', '-nr', 'x.pcap'], '-nr', 'sonde read FILE'),
        (['read', '-T', 'fields', '-e', 'ip.src', 'x.pcap'], '-T', '-e FIELD'),
        (['read', 'x.pcap', '-z', 'conv,tcp', '-q'], '-z', '--stats conv'),
        (['read', '-A', 'x.pcap'], '-A', 'sonde follow FILE STREAM'),
        (['read', '-X', 'x.pcap'], '-X', '-x'),
        (['read', '-tttt', 'x.pcap'], '-tttt', '-t ad'),
        (['read', '-G', 'fields'], '-G', 'sonde read --fields'),
        (['read', '-i', 'lo'], '-i', 'sonde capture'),
        (['follow', '-r', 'x.pcap'], '-r', 'sonde follow FILE STREAM'),
        (['follow', '-z', 'follow,tcp,ascii,0'], '-z', 'sonde follow FILE STREAM'),
        (['follow', '-Y', 'tcp.stream==0', 'x.pcap'], '-Y', '--stats streams'),
        (['capture', '-nn', '-i', 'lo'], '-nn', 'leave it out'),
        (['capture', '-r', 'x.pcap'], '-r', 'sonde read FILE'),
        (['capture', '-f', 'tcp'], '-f', 'sonde capture tcp port 80'),
        (['capture', '-Y', 'tcp'], '-Y', 'sonde read -Y FILTER -'),
        (['capture', '-A'], '-A', 'sonde read -x FILE'),
        (['capture', '-G', '10'], '-G', '--rotate-every'),
        (['capture', '-a', 'duration:3'], '-a', '--for'),
        (['capture', '-b', 'filesize:3'], '-b', '--rotate-size'),
        (['explain', '-r', 'x.pcap'], '-r', 'sonde explain FILE'),
        (['explain', '-nr', 'x.pcap'], '-nr', 'sonde explain FILE'),
        (['explain', '-Y', 'tcp', 'x.pcap'], '-Y', '-w PART; then sonde explain PART'),
        (['explain', '-V', 'x.pcap'], '-V', 'sonde read --tree'),
        (['trace', '-f', 'touch', 'x'], '-f', 'always traced'),
        (['trace', '-ff', 'touch', 'x'], '-ff', 'always traced'),
        (['trace', '-e', 'trace=network', 'touch', 'x'], '-e', 'no others'),
        (['trace', '-p', '1'], '-p', 'cannot attach'),
        (['trace', '-k', 'touch', 'x'], '-k', 'leave it out'),
        (['trace', '-s', '99', 'touch', 'x'], '-s', 'sonde follow FILE STREAM'),
        (['trace', '-c', 'touch', 'x'], '-c', '--json'),
        (['trace', '-tt', 'touch', 'x'], '-tt', 'leave it out'),
        (['trace', '-r', 'x.pcap'], '-r', 'sonde explain FILE'),
        (['trace', '-Y', 'tcp', 'touch', 'x'], '-Y', 'sonde read -Y FILTER FILE')]:
    others = 'strace or tshark' if words[0] == 'trace' else 'tshark or tcpdump'
    run = sonde(*words)
    tap.equal(f'{" ".join(words)}: status 2, and nothing is done', (run.returncode, run.stdout),
              (2, ''))
    lines = run.stderr.splitlines()
    tap.check(f'{" ".join(words)}: {hint} is named', len(lines) == 2 and lines[0] ==
              f'sonde: {words[0]} {subject}: is an option of {others}, '
              'not of this program' and lines[1].startswith('hint: ') and hint in lines[1],
              run.stderr)

# Every name, with a letter exchanged for its neighbour: what is added to a table is asked, too.


def mistyped(name):
    at = next(i for i in range(1, len(name)) if name[i - 1] not in ('-', name[i]))
    return name[:at - 1] + name[at] + name[at - 1] + name[at + 1:]


for command in COMMANDS:
    typed = mistyped(command)
    run = sonde(typed)
    tap.check(f'{typed}: {command} is near', run.returncode == 2 and
              f'hint: did you mean {command}?' in run.stderr, run.stderr)
    for name in sorted(o for o in options_of(sonde('help', command).stdout)
                       if o.startswith('--')):
        typed = mistyped(name)
        run = sonde(command, typed)
        tap.check(f'{command} {typed}: {name} is near', run.returncode == 2 and
                  f'hint: did you mean {name}?' in run.stderr, run.stderr)

# ---- what has no meaning is refused

for words in ([], ['-v'], ['-vq', 'help'], ['-q', 'help', '--verbose'], ['help', '--json'],
              ['--json', 'help'], ['help', 'help', 'help'], ['completion'],
              ['completion', 'bash', 'zsh'], ['--json', '--color', 'always', 'completion', 'bash'],
              ['--color', 'never', 'help', '--color', 'never'], ['--color'], ['--help=yes'],
              ['--help', '--json'], ['--help', '--version']):
    run = sonde(*words)
    tap.check(f'refused: sonde {" ".join(words)}',
              run.returncode == 2 and run.stdout == '' and run.stderr.startswith('sonde: '),
              (run.returncode, run.stdout, run.stderr))

# ---- options of every command stand before or after it

wanted = sonde('help').stdout
for words in (['-v', 'help'], ['help', '-v'], ['--color', 'never', 'help'],
              ['help', '--color=never'], ['-vv', 'help', '--color', 'auto'], ['help', '--'],
              ['--', 'help'], ['-q', '--', 'help']):
    run = sonde(*words)
    tap.check(f'sonde {" ".join(words)}', run.returncode == 0 and run.stdout == wanted, run)

# ---- where output cannot go

with open('/dev/full', 'w', encoding='ascii') as full:
    run = sonde('help', stdout=full)
tap.check('a full disk: status 4, and said',
          run.returncode == 4 and
          run.stderr.startswith('sonde: write standard output: No space left on device'), run)
reader, writer = os.pipe()
os.close(reader)
with os.fdopen(writer, 'w') as gone:
    run = sonde('help', stdout=gone)
tap.check('a reader that went away: quiet', run.returncode == 0 and run.stderr == '', run)
run = subprocess.run(['bash', '-c', '"$0" help >&-', SONDE], stderr=subprocess.PIPE, text=True,
                     env=ENV, timeout=60, check=False)
tap.check('a closed standard output: status 4', run.returncode == 4 and 'EBADF' in run.stderr, run)
run = subprocess.run(['bash', '-c', 'set -o pipefail; "$0" completion bash | head -n 1', SONDE],
                     stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=ENV,
                     timeout=60, check=False)
tap.equal('a reader that reads one line', (run.returncode, run.stderr), (0, ''))

# ---- messages show no control characters

run = sonde('a\x1b[31mb\nc')
tap.check('an escape sequence is shown, not sent', '\\x1b[31m' in run.stderr and
          '\x1b' not in run.stderr and run.stderr.count('\n') == 2, run.stderr)

# ---- completions: what the shells make of them is in completion.py

for shell in ('bash', 'zsh', 'fish'):
    run = sonde('completion', shell)
    tap.check(f'completion {shell}: every command is in it',
              run.returncode == 0 and
              all(re.search(rf'\b{c}\b', run.stdout) for c in COMMANDS), run.returncode)
    parsed = subprocess.run([shell, '-n'], input=run.stdout, text=True, stderr=subprocess.PIPE,
                            check=False)
    tap.check(f'completion {shell}: {shell} -n accepts it',
              parsed.returncode == 0 and not parsed.stderr, parsed.stderr)

tap.done()
