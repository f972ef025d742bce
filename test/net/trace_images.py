#!/usr/bin/python3
"""What a program turns out to be: one that loads an interpreter late, and one whose
set-user-ID bit has no effect while it is traced."""

import glob
import json
import os
import shutil

import capturing
import netns
from tap import tap

if netns.can_isolate():
    ISOLATE = ['--isolate']
else:
    netns.enter()
    ISOLATE = []

SCRATCH = netns.scratch()
OUTPUT = os.path.join(SCRATCH, 'output')
SCRIPT = """import socket
a, b = socket.socketpair()
a.sendall(b'from the script')
"""


def run(argv, user=()):
    sonde = netns.SONDE
    if user:
        # One that everybody can reach.
        sonde = os.path.join(SCRATCH, 'sonde')
        shutil.copy(netns.SONDE, sonde)
        os.chmod(SCRATCH, 0o755)
    done = netns.run([*user, sonde, 'trace', *ISOLATE, '--json', '--', *argv], cwd='/')
    events = [json.loads(line) for line in done.stdout.splitlines()]
    return done, events


def check_late_interpreter():
    libraries = glob.glob('/usr/lib/*/libpython3.*.so.1.0')
    if not libraries:
        tap.skip('an interpreter that is loaded late', 'no libpython3: apt-get install libpython3.11')
        return
    script = os.path.join(SCRATCH, 'script.py')
    with open(script, 'w', encoding='utf-8') as file:
        file.write(SCRIPT)
    done, events = run([capturing.program('embeds_python'), libraries[0], script])
    statements = [each for each in events if each['event'] == 'statement']
    tap.equal('an interpreter loaded after the first call: its statements have lines', (
        done.returncode, {each['line'] for each in statements if each['file'] == script}),
        (0, {2, 3}))
    [native] = [each for each in statements if each['text'] and 'native' in each['text']]
    tap.equal('and the native ones keep theirs', os.path.basename(native['file'] or ''),
              'embeds_python.c')
    [program] = [each for each in events if each['event'] == 'program' and
                 each['name'] == 'embeds_python']
    tap.check('the interpreter is named', program.get('interpreter', '').startswith('Python 3.'),
              program)


def check_setuid():
    program = '/usr/bin/su'
    if not os.path.exists(program) or not os.stat(program).st_mode & 0o4000:
        tap.skip('a set-user-ID program', f'{program} is none here')
        return
    somebody = ['setpriv', '--reuid=12345', '--regid=12345', '--clear-groups', '--']
    done, events = run([program, '--version'], somebody if os.geteuid() == 0 else ())
    notes = [each['text'] for each in events if each['event'] == 'note']
    tap.check('a set-user-ID program, of an ordinary user: said', any(
        'su is setuid or setgid' in note for note in notes), (done.returncode, done.stderr, notes))
    if os.geteuid() == 0:
        done, events = run([program, '--version'])
        notes = [each['text'] for each in events if each['event'] == 'note']
        tap.equal('of its owner: nothing is lost, and nothing said', notes, [])


check_late_interpreter()
check_setuid()
tap.done()
