#!/usr/bin/python3
"""The page as a file: what it holds, where it goes, what is refused.  No browser here.

    sonde trace --html ─┐
    sonde explain --html ├─>  one HTML file: head, capture, tail
    sonde explain --page ┘
"""

import base64
import hashlib
import os
import re
import subprocess

import netns
from paging import (HOSTILE, at, capture_in, exchange, explain, folder, login, read, read_bytes, run_of, write)
from tap import tap

done = run_of('run')
page = read('run.html')
capture, name, stream = capture_in(page)
tap.equal('a run gives a page, too', done.returncode, 0)
tap.check('the page holds the very bytes of the file', capture == read_bytes('run.pcapng'))
tap.equal('and its name; it begins with the first stream', (name, stream), ('run.pcapng', 0))
tap.equal('a file out of the page explains the run', explain(write('again.pcapng', capture)).stdout,
          read('run.out'))

# ---- without -w the capture is in the page alone

place = at('temporary')
os.mkdir(place)
done = netns.run([netns.SONDE, 'trace', '--isolate', '--html', at('alone.html'), '--', '/bin/true'],
                 env={**os.environ, 'TMPDIR': place})
tap.equal('without -w: a page', (done.returncode, capture_in(read('alone.html'))[1]), (0, 'run.pcapng'))
tap.equal('and nothing is left behind', os.listdir(place), [])
done = netns.run([netns.SONDE, 'trace', '--html', at('none.html'), '--', '/bin/true'],
                 env={**os.environ, 'TMPDIR': at('nowhere')})
tap.check('no folder for it: said, and nothing runs', done.returncode == 125 and
          'make a folder in' in done.stderr, done.stderr)

# ---- passwords: masked or not, the page has them

secret = write('login.pcap', login())
for options, marked in (([], False), (['--show-secrets'], True)):
    done = explain('--html', at('login.html'), '-o', os.devnull, *options, secret)
    tap.check(f'{options}: it is said that the page holds them', done.returncode == 0 and
              done.stderr == f'sonde: note: {at("login.html")} holds the capture, with the passwords in it\n',
              done.stderr)
    tap.equal(f'{options}: the page knows', ' data-secrets="shown">' in read('login.html'), marked)
done = explain('--page', '--show-secrets', at('no.html'))
tap.check('a page without a capture has none to show', done.returncode == 2 and '--show-secrets' in done.stderr, done.stderr)

# ---- of a file, of a pipe

plain = write('plain.pcap', exchange())
for what, argv, more in (('a file', [plain], {}),
                         ('standard input', ['-'], {'stdin': open(plain, 'rb')})):
    done = explain('--html', at('explained.html'), '--stream', '1', '-o', os.devnull, *argv,
                   env={**os.environ, 'TMPDIR': place}, **more)
    held, name, stream = capture_in(read('explained.html'))
    tap.check(f'of {what}: the page has its bytes', done.returncode == 0 and held == read_bytes('plain.pcap'),
              done.stderr)
    tap.equal(f'of {what}: the stream that was asked for', stream, 2)
tap.equal('nothing of it is left behind', os.listdir(place), [])
done = explain('--html', at('no.html'), '-', input='no capture')
tap.check('what is no capture is called by its name', done.returncode == 4 and
          'read standard input' in done.stderr, done.stderr)

evil = write('"><script>alert(1)<!--.pcap', exchange())
explain('--html', at('evil.html'), '-o', os.devnull, evil)
tap.check('a hostile file name is not in the page but encoded', 'alert(1)<!--' not in read('evil.html') and
          capture_in(read('evil.html'))[1] == os.path.basename(evil))
tap.check('nor are hostile lines and programs', HOSTILE not in page and 'alert("line")' not in page)

# ---- the page without a capture

tap.equal('--page writes to standard output', explain('--page').stdout,
          re.sub(r'<script type="text/plain" id="capture".*</script>\n', '', page))
tap.equal('and to a file', (explain('--page', at('page.html')).stdout, read('page.html')),
          ('', explain('--page').stdout))

# ---- what the page may do

policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)[1]
rules = dict(rule.strip().split(' ', 1) for rule in policy.split(';'))


def hash_of(text):
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode() + "'"


script = re.search(r'(?s)<script>(.*)</script>\n</body>', page)[1]
style = re.search(r'(?s)<style>(.*?)</style>', page)[1]
tap.equal('the policy lets nothing in', rules['default-src'], "'none'")
tap.equal('one script may run, and WebAssembly', rules['script-src'], f"{hash_of(script)} 'wasm-unsafe-eval'")
tap.equal('one style is used', rules['style-src'], hash_of(style))
tap.check('no address is named but those of names of XML',
          set(re.findall(r'https?://[^\s\'"<>]+', page)) <= {'http://www.w3.org/2000/svg'},
          re.findall(r'https?://[^\s\'"<>]+', page))
tap.check('no handler stands in an attribute', not re.search(r'<[a-z][^>]*\son[a-z]+=', page.replace(script, '')))
tap.check('the scripts use no markup from texts',
          not re.search(r'innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function', script))

# ---- what is refused

before = read_bytes('plain.pcap')
for what, argv, words in (
        ('onto the capture', ['--html', plain, plain], 'one file for two things'),
        ('onto the text', ['--html', at('x'), '-o', at('x'), plain], 'one file for two things'),
        ('onto the picture', ['--html', at('x'), '--svg', at('x'), plain], 'one file for two things'),
        ('--page and JSON', ['--page', '--json'], 'no meaning together'),
        ('--page and another page', ['--page', '--html', at('x')], 'no meaning together'),
        ('--page twice', ['--page', at('x'), at('y')], 'one page at a time'),
        ('--page to two places', ['--page', at('x'), '-o', at('y')], 'no meaning together')):
    done = explain(*argv)
    tap.check(f'refused: {what}', done.returncode == 2 and words in done.stderr, done.stderr)
write('notes.txt', 'not to be lost\n')
for what, name in (('a capture', 'plain.pcap'), ('a text', 'notes.txt')):
    held = read_bytes(name)
    done = explain('--page', at(name))
    tap.check(f'refused: --page onto {what}, with a way out', done.returncode == 2 and
              'would overwrite' in done.stderr and '--html' in done.stderr and read_bytes(name) == held, done.stderr)
tap.check('and the capture is as it was', read_bytes('plain.pcap') == before)
write('empty.html', '')
write('older.html', page.replace('sha256-', 'sha256-older'))
for what, argv in (('a page, also of another version', [at('older.html')]), ('an empty file', [at('empty.html')]),
                   ('any file, by -o', ['-o', at('notes.txt')])):
    done = explain('--page', *argv)
    tap.check(f'--page overwrites {what}', done.returncode == 0 and
              read(os.path.basename(argv[-1])) == explain('--page').stdout, done.stderr)
os.mkfifo(at('pipe'))
done = netns.run([netns.SONDE, 'trace', '-w', at('pipe'), '--html', at('x'), '--', '/bin/true'])
tap.check('refused: a pipe for -w, which cannot be read again', done.returncode == 2 and
          'has to be a file' in done.stderr, done.stderr)
done = explain('--html', at('nowhere/page.html'), '-o', os.devnull, plain)
tap.check('a folder that is not there', done.returncode == 4 and 'open ' in done.stderr, done.stderr)
with open('/dev/full', 'w') as full:
    done = explain('--page', stdout=full)
tap.check('a disk that is full', done.returncode == 4 and 'not complete' in done.stderr, done.stderr)
done = subprocess.run(['script', '-qec', f'{netns.SONDE} explain --page', '/dev/null'], timeout=60,
                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True, cwd=folder)
tap.check('a terminal gets no page', 'nothing to read on a terminal' in done.stdout, done.stdout[:300])
tap.done()
