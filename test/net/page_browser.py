#!/usr/bin/python3
"""The page in a browser: every key and button, hostile captures, files that are dropped on it.

    sonde trace --html ──>  page  <── keys, clicks, files, over the DevTools protocol
"""

import os
import re

import browsing
import netns
from paging import (ACK, PSH, SYN, HOSTILE, at, exchange, explain, login, long_exchange, page_of, pcap, read_bytes, run_of,
                    segment, write)
from tap import tap

READY = "document.documentElement?.dataset.ready === 'yes'"
CLICKABLE = {'button', 'link', 'option', 'tab', 'treeitem', 'textbox', 'row', 'gridcell', 'listbox', 'grid', 'tree',
             'dialog', 'toolbar', 'tablist', 'tabpanel', 'columnheader'}

# Each a packet; what they have in common with an expression is asked of PCRE2 and of the page.
WORDS = [b'alpha\r\nbeta\n', b'ALPHA beta', b'\xff\x00\xe9 tab\tend', b'lower 123', b'lower 123\n', b'a.b[c]d$', b'a\nb',
         b'a\rb', b'_x-1/y', b'   ']
EXPRESSIONS = ['alpha', '^alpha', 'beta$', r'\Aalpha', r'beta\z', r'123\Z', 'a.b', '(?s)a.b', 'a.+b$', r'a\.b\[c\]d\$',
               '[[:upper:]]{3}', '(?-i)[[:upper:]]{5}', r'[\s]{3}', r'\S\s\S', r'\xff\x00', r'\d+$', r'\h', '[^a-z ]',
               '[]x]', '[[:digit:][:punct:]]y?', r'\Rbeta', r'(?m)^beta$', '(a|l)[pw]', '(', 'a{2,1}', r'\N{3}b', '(?i)ALPHA',
               r'x\-1', r'\w+/\w']

# Each way through the first would be tried, and there are more than anybody can count.
ENDLESS = ['(a+)+$', '(a|a)*$', '(.*a){20}$']

run_of('run')
write('long-words.pcap', pcap((0, segment(('192.0.2.1', 4000), ('192.0.2.2', 9999), PSH | ACK, 1, 1, b'a' * 60 + b'b'))))
write('words.pcap', pcap(*((i, segment(('192.0.2.1', 4000 + i), ('192.0.2.2', 9999), PSH | ACK, 1, 1, word))
                           for i, word in enumerate(WORDS))))
page_of('plain', write('plain.pcap', exchange()), '--stream', '1')
write('page.html', explain('--page').stdout)
write('cut.pcap', exchange()[:-30])
write('empty.pcap', pcap())
write('nothing', '')
browser = browsing.Browser()


def text(selector):
    return page.eval(f'document.querySelector({selector!r})?.textContent ?? null')


def rows():
    """The words of the rows of the ladder that exist now."""
    return page.eval("[...document.querySelectorAll('.ladder-view [role=option]')].map((row) => "
                     "row.querySelector('.words').textContent)")


def settle():
    """Until what was asked for is drawn."""
    page.eval('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')


def keys(*names):
    page.key(*names)
    settle()


def names_missing():
    """Things to click, and their containers, that a screen reader would have no name for."""
    nodes = page.send('Accessibility.getFullAXTree')['nodes']
    return [(node['role']['value'], node.get('backendDOMNodeId')) for node in nodes
            if not node['ignored'] and node.get('role', {}).get('value') in CLICKABLE
            and not node.get('name', {}).get('value', '').strip()]


def clean(what, shown=None):
    shown = shown or page
    tap.equal(f'{what}: no complaint, no dialog', (shown.complaints, shown.dialogs), ([], []))
    asked = [url for url in shown.requests if not url.startswith(('file:', 'blob:', 'data:'))]
    tap.equal(f'{what}: nothing was asked of a network', asked, [])


def open_page(path, **more):
    shown = browser.open('file://' + path, **more)
    shown.wait(READY)
    return shown


try:
    # ---- a run

    page = open_page(at('run.html'), height=2400)
    page.wait("document.querySelectorAll('.ladder-view [role=option]').length > 10")
    first = rows()
    tap.check('the ladder has calls and packets', any('socket.create_connection' in words for words in first) and
              any(re.fullmatch(r'\d+ SYN,ACK', words) for words in first), first)
    tap.equal('streams are listed', page.eval("document.querySelectorAll('.stream').length"), 3)
    tap.check('hostile lines are text', any('</script><script>alert("line")' in words for words in first), first)
    tap.check('and hostile names', HOSTILE in text('.lanes'), text('.lanes'))
    tap.equal('no element came out of them', page.eval("document.querySelectorAll('img').length"), 0)
    tap.check('blocked calls are dashed, arrows end in dots',
              page.eval("document.querySelectorAll('.bar.blocked').length") > 3 and
              page.eval("document.querySelector('path.dot').getAttribute('d')").count('M') > 3)
    tap.equal('everything has a name', names_missing(), [])

    # ---- keys

    keys('j')
    tap.equal('j chooses the first row', page.eval("document.querySelector('.row.chosen')?.dataset.row"), '0')
    keys('ArrowDown', 'j', 'k')
    tap.equal('arrows and k move on', page.eval("document.querySelector('.row.chosen')?.dataset.row"), '1')
    tap.equal('the list says which row it is', page.eval("document.activeElement.getAttribute('aria-activedescendant')"),
              'row-1')
    keys('G')
    last = page.eval("document.querySelector('.row.chosen').getAttribute('aria-posinset')")
    tap.equal('G goes to the end', last, page.eval("document.querySelector('.row.chosen').getAttribute('aria-setsize')"))
    keys('g', 'Enter')
    tap.check('Enter opens the details', not page.eval("document.getElementById('detail').hidden"))
    tap.equal('and takes the focus there', page.eval("document.activeElement.id"), 'detail')
    keys('Escape')
    tap.check('Escape closes them', page.eval("document.getElementById('detail').hidden"))
    tap.check('and gives the focus back', page.eval("document.activeElement.classList.contains('rows')"))
    keys(']')
    tap.equal('] is the next stream', page.eval("document.querySelector('.stream[aria-selected=true]').dataset.stream"), '2')
    keys('[')
    keys('?')
    tap.check('? shows the keys', page.eval("document.getElementById('help').open"))
    tap.check('and what the signs mean', 'find words in the ladder' in text('#help') and
              'here a packet ended the call' in text('#help') and '[object' not in text('#help'), text('#help'))
    tap.equal('with names, too', names_missing(), [])
    keys('Escape')
    tap.check('and Escape ends that', not page.eval("document.getElementById('help').open"))
    keys('a')
    tap.check('a draws bare acknowledgements', len(rows()) > len(first), len(rows()))
    keys('a')
    tap.equal('and leaves them out again', rows(), first)
    height = page.eval("document.querySelector('.ladder .row').offsetHeight")
    keys('+', '+')
    larger = page.eval("document.querySelector('.ladder .row').offsetHeight")
    keys('-', '-', '-')
    smaller = page.eval("document.querySelector('.ladder .row').offsetHeight")
    keys('0')
    tap.check('+ and - make it larger and smaller', smaller < height < larger, (smaller, height, larger))
    tap.equal('and 0 as it was', page.eval("document.querySelector('.ladder .row').offsetHeight"), height)

    # ---- time

    keys('t')
    tap.equal('t places rows by time', page.eval("document.getElementById('tool-scale').getAttribute('aria-pressed')"),
              'true')
    tops = page.eval("[...document.querySelectorAll('.ladder-view [role=option]')].map((row) => parseFloat(row.style.top))")
    tap.check('in order, at distances of their own', tops == sorted(tops) and len({round(b - a) for a, b in zip(tops, tops[1:])}) > 2,
              tops)
    crossed = page.eval("""(() => {
        const boxes = [...document.querySelectorAll('.ladder-view .words:not(.crowded)')].map((it) => it.getBoundingClientRect());
        return boxes.filter((a, i) => boxes.some((b, k) => k > i && a.left < b.right && b.left < a.right &&
            a.top + 2 < b.bottom && b.top + 2 < a.bottom)).length;
    })()""")
    tap.equal('no words lie upon others', crossed, 0)
    before = page.eval("document.querySelector('.ladder-view .space').offsetHeight")
    keys('+', '+', '+')
    tap.check('+ stretches time', page.eval("document.querySelector('.ladder-view .space').offsetHeight") > before)
    keys('0', 't')

    # ---- the filter

    keys('/')
    tap.equal('/ goes to the filter', page.eval('document.activeElement.id'), 'filter')
    page.type('tcp.flags.syn == 1')
    page.wait("document.getElementById('filter-state').textContent.includes('3 of')")
    settle()
    filtered = rows()
    tap.check('packets that pass stay, with their statements', any('SYN,ACK' in words for words in filtered) and
              any('create_connection' in words for words in filtered) and
              not any('PSH' in words or 'FIN' in words for words in filtered), filtered)
    page.key('Escape')
    page.wait("document.getElementById('filter-state').textContent === ''")
    settle()
    tap.equal('Escape clears it', rows(), first)
    keys('/')
    page.type('tcp.lne > 0')
    page.wait("!document.getElementById('filter-error').hidden")
    tap.equal('a wrong one is shown as on the command line', text('#filter-error').splitlines(),
              ['filter tcp.lne: no such field or protocol', '    tcp.lne > 0', '    ^~~~~~~', 'hint: did you mean tcp.len?'])
    tap.equal('and said to be wrong', page.eval("document.getElementById('filter').getAttribute('aria-invalid')"), 'true')
    tap.equal('what was in force stays', rows(), first)
    page.key('Escape')
    for wanted, words in (('frame matches "["', 'not a filter'), ('tcp.port == 5999', '2 of')):
        keys('/')
        page.type(wanted)
        said = page.wait("(() => { const said = document.getElementById('filter-state').textContent; "
                         f"return said.includes({words!r}) && said; }})()")
        tap.check(f'{wanted}: {words}', words in said, said)
        page.key('Escape')
        page.wait("document.getElementById('filter-state').textContent === ''")

    # ---- words

    keys('s')
    page.type('close')
    page.key('Enter')
    settle()
    found = text('.row.chosen .words')
    tap.check('s finds words', found and 'close' in found, found)
    page.eval("document.querySelector('.ladder.rows').focus()")
    keys('n')
    tap.check('n goes on', 'close' in text('.row.chosen .words') and text('.row.chosen .words') != found)
    keys('N')
    tap.equal('N goes back', text('.row.chosen .words'), found)

    # ---- clicks

    page.click('.row.packet', 2)
    settle()
    tap.check('a click on a packet shows it', text('#detail h2').startswith('Packet 3: ACK'), text('#detail h2'))
    page.click('.row.packet', 3)
    settle()
    tap.check('its bytes are there', text('.hex-row:nth-child(5) .hex-chars') is not None and
              '</script><script>' in re.sub(r'\s', '', page.eval("[...document.querySelectorAll('.hex-chars')].map((it) => it.textContent).join('')")))
    page.eval("[...document.querySelectorAll('.field')].find((it) => it.textContent.startsWith('Source Port')).focus()")
    marked = page.eval("[...document.querySelectorAll('.hex-digits .marked')].map((it) => it.textContent).join('')")
    port = page.eval("[...document.querySelectorAll('.field')].find((it) => it.textContent.startsWith('Source Port')).textContent")
    tap.equal('a field marks its bytes', int(marked, 16), int(port.split()[-1]))
    tap.equal('what is in the pane has names', names_missing(), [])
    jump = text('#detail .jump')
    page.click('#detail .jump')
    settle()
    tap.check('what sent it is one click away', text('#detail h2') == jump, (text('#detail h2'), jump))
    tap.check('with its call, its stack and its source',
              page.eval("[...document.querySelectorAll('#detail h3')].map((it) => it.textContent)")[-2:] ==
              ['Calls', 'Stack, innermost first'] and 'poll()' in text('#detail') and 'sendto()' in text('#detail') and
              'sock.sendall(word)' in text('.source .here'), text('#detail'))
    page.click('#detail .close')
    tap.check('the pane is closed by its button', page.eval("document.getElementById('detail').hidden"))
    page.click('.stream', 1)
    settle()
    tap.check('a click on a stream shows its ladder', any('RST' in words for words in rows()), rows())
    page.click('#tab-findings')
    settle()
    told = text('#panel .findings')
    tap.check('findings are told', 'connection-refused' in told and re.search('nobody listens there, but <img.* listens at', told), told)
    page.click('.finding .jump')
    settle()
    tap.check('and lead to their evidence', 'create_connection' in (text('.row.chosen .words') or ''), rows())
    page.click('#tab-packets')
    settle()
    page.click('.packets [role=row][data-row]', 0)
    settle()
    tap.check('the list of packets leads to them', text('#detail h2').startswith('Packet 1: SYN'), text('#detail h2'))
    for tab in ('findings', 'sent', 'completed', 'taken', 'statements', 'packets'):
        page.click(f'#tab-{tab}')
        settle()
        tap.equal(f'{tab}: everything has a name', names_missing(), [])
    clean('a run')

    # ---- saving

    folder = at('saved')
    os.mkdir(folder)
    browser.send('Browser.setDownloadBehavior', behavior='allow', downloadPath=folder)
    page.click('#tool-save')
    saved = os.path.join(folder, 'run.pcapng')
    netns.wait_until('the file is saved', lambda: os.path.exists(saved) and
                     os.path.getsize(saved) == os.path.getsize(at('run.pcapng')), 60)
    with open(saved, 'rb') as file:
        tap.check('saved: the very bytes', file.read() == read_bytes('run.pcapng'))

    # ---- light and dark, paper, sizes

    light = page.eval('getComputedStyle(document.body).backgroundColor')
    page.dark(True)
    dark = page.eval('getComputedStyle(document.body).backgroundColor')
    keys('d')
    tap.equal('dark by preference, light by its button', (light, dark, page.eval('getComputedStyle(document.body).backgroundColor')),
              ('rgb(255, 255, 255)', 'rgb(20, 23, 27)', 'rgb(255, 255, 255)'))
    page.eval("dispatchEvent(new Event('beforeprint'))")
    printed = text('#print')
    page.eval("dispatchEvent(new Event('afterprint'))")
    tap.check('paper has ladder, tables and findings', all(words in printed for words in (
        'Stream', 'Which statement sent each packet', 'Which packet completed each blocking statement',
        'What went wrong', 'the kernel acknowledges')), printed)
    pdf = page.pdf()
    tap.check('and prints', pdf.startswith(b'%PDF') and len(pdf) > 20000, len(pdf))
    tap.equal('nothing of it stays', text('#print'), '')
    keys('1')
    for width in (480, 720, 1900):
        page.size(width, 900)
        settle()
        tap.check(f'{width} pixels wide: nothing is out of sight',
                  page.eval('document.documentElement.scrollWidth <= innerWidth') and
                  page.eval("document.querySelector('.ladder.rows').scrollWidth <= document.querySelector('.ladder.rows').clientWidth"))
    clean('sizes and paper')
    page.close()

    page = open_page(at('plain.html'))
    tap.equal('--stream is where it begins',
              page.eval("document.querySelector('.stream[aria-selected=true]').dataset.stream"), '2')
    page.eval("dispatchEvent(new ErrorEvent('error', {message: 'not foreseen'}))")
    tap.check('an error that nobody foresaw is said', 'should be loaded again: not foreseen' in text('#notes'), text('#notes'))
    page.close()

    # ---- other captures, dropped

    page = open_page(at('page.html'))
    tap.check('a page without a capture says what to do', 'Drop a capture here' in text('#welcome') and
              not page.eval("document.getElementById('welcome').hidden"))
    tap.equal('its button has a name', names_missing(), [])
    page.drop(at('plain.pcap'))
    page.wait("document.querySelectorAll('.ladder-view [role=option]').length > 5")
    tap.check('a capture without calls: a ladder, and what became of the stream',
              any(words.startswith('4 PSH,ACK') for words in rows()) and
              '192.0.2.1:40000 connected to 192.0.2.2:80' in text('#account'), text('#account'))
    tap.check('its findings', 'connection-refused' in text('#panel .findings'), text('#panel .findings'))
    tap.check('control characters are spelt out', '\x1b' not in page.eval('document.body.textContent'))
    page.drop(at('cut.pcap'))
    page.wait("document.getElementById('notes').textContent.includes('ends within a packet')")
    tap.check('one that was cut short: what is there, and that', 'SYN' in ' '.join(rows()), rows())
    page.drop(at('empty.pcap'))
    page.wait("document.getElementById('name').textContent === 'empty.pcap'")
    settle()
    tap.check('an empty one says so', 'no stream in this capture' in text('.nothing') and
              '0 packets' in text('#foot'), text('#foot'))
    page.drop(at('nothing'))
    page.wait("document.getElementById('welcome-error').textContent")
    tap.equal('an empty file', text('#welcome-error'), 'nothing: it is empty; sonde reads pcap and pcapng files')
    page.drop(at('run.html'))
    page.wait("document.getElementById('welcome-error').textContent.includes('run.html')")
    tap.check('no capture', 'begins neither as pcap nor as pcapng; sonde reads pcap and pcapng files' in
              text('#welcome-error'), text('#welcome-error'))
    page.drop(at('run.pcapng'))
    page.wait("document.getElementById('name').textContent === 'run.pcapng' && "
              "document.querySelectorAll('.ladder-view [role=option]').length > 5")
    tap.check('and then a run, as if nothing had been', 'create_connection' in ' '.join(rows()) and
              page.eval("document.getElementById('welcome').hidden"))
    tap.equal('it stays one document', page.loads, 1)
    clean('captures that were dropped')

    # ---- passwords: masked, or not, in every view; and what the page holds is said

    for options, masked in (((), True), (('--show-secrets',), False)):
        shown = open_page(page_of('login', write('login.pcap', login()), *options))
        shown.wait("document.querySelectorAll('.ladder-view [role=option]').length > 1")
        shown.click('.row.packet')
        shown.click('#tab-packets')
        shown.eval('new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))')
        words = shown.eval("['notes', 'streams', 'panel', 'detail'].map((id) => "
                           "[...document.getElementById(id).querySelectorAll(':scope *')].filter((it) => !it.closest('.hex'))"
                           ".flatMap((it) => [...it.childNodes]).filter((it) => it.nodeType === 3)"
                           ".map((it) => it.textContent).join(' ')).join('\\n')")
        tap.equal(f'{options}: a password is masked', ('wonderland' not in words, 'rabbit' not in words, '********' in words),
                  (masked, masked, masked))
        tap.check(f'{options}: it is said that the capture has it', 'who gets this page' in words, words[:400])
        tap.check(f'{options}: where it is saved, too', 'it holds passwords' in
                  shown.eval("document.getElementById('tool-save').title"))
        clean(f'passwords {options}', shown)
        shown.close()

    # ---- expressions mean what they mean on the command line

    page.drop(at('words.pcap'))
    page.wait("document.getElementById('name').textContent === 'words.pcap'")
    for pattern in EXPRESSIONS:
        wanted = netns.run([netns.SONDE, 'read', '-Y', f'tcp.payload matches r"{pattern}"', at('words.pcap')])
        page.eval("document.getElementById('filter').select()")
        page.type(f'tcp.payload matches r"{pattern}"')
        page.key('Enter')
        said = page.eval("document.getElementById('filter-state').textContent")
        tap.equal(f'matches {pattern}', said, f'{len(wanted.stdout.splitlines())} of {len(WORDS)} packets'
                  if wanted.returncode == 0 else 'not a filter')

    # One that would take years: the page says so as the command line does, and goes on.
    page.drop(at('long-words.pcap'))
    page.wait("document.getElementById('name').textContent === 'long-words.pcap'")
    for pattern in ENDLESS:
        wanted = netns.run([netns.SONDE, 'read', '-Y', f'tcp.payload matches r"{pattern}"', at('long-words.pcap')])
        page.eval("document.getElementById('filter').select()")
        page.type(f'tcp.payload matches r"{pattern}"')
        page.key('Enter')
        settle()
        tap.check(f'{pattern}: the command line gives up', wanted.returncode == 4 and
                  'frame 1: this expression takes too many steps to be matched' in wanted.stderr, wanted)
        tap.equal(f'{pattern}: so does the page, in the same words', text('#filter-error').strip(),
                  wanted.stderr.removeprefix('sonde: ').strip())
    page.key('Escape')
    settle()
    tap.equal('and it can be used as before', text('#filter-state'), '')
    clean('expressions')
    page.close()

    # ---- 10,000 packets

    page = open_page(page_of('long', write('long.pcap', long_exchange(10000))))
    page.wait("document.querySelectorAll('.ladder-view [role=option]').length > 20")
    total = page.eval("Number(document.querySelector('.ladder-view [role=option]').getAttribute('aria-setsize'))")
    tap.check('10,000 packets: a row for each that carries something', total > 5000, total)
    tap.check('but only those in view exist', page.eval("document.querySelectorAll('.ladder-view [role=option]').length") < 120)
    keys('G')
    tap.check('the end is one key away', rows()[-1].startswith('10000 PSH,ACK'), rows()[-3:])
    for at_row in (0.25, 0.5, 0.75, 0.1):
        page.eval(f"(() => {{ const list = document.querySelector('.ladder.rows'); list.scrollTop = list.scrollHeight * {at_row}; }})()")
        settle()
    tops = page.eval("[...document.querySelectorAll('.ladder-view [role=option]')].map((row) => [Number(row.dataset.row), parseFloat(row.style.top)])")
    tap.check('rows that were kept and rows that are new stand in one order, at their places',
              tops == sorted(tops) and all(top == 22 * row for row, top in tops), tops)
    keys('/')
    page.type('frame.number == 5000 || frame.number == 5001')
    page.wait("document.getElementById('filter-state').textContent === '2 of 10,000 packets'")
    settle()
    tap.equal('a filter finds one of them', [words.split()[0] for words in rows() if 'ACK' in words], ['5000'])
    page.key('Escape')
    keys('t')
    tap.check('by time, too, few exist', page.eval("document.querySelectorAll('.ladder-view [role=option]').length") < 700)
    keys('7' if page.eval("document.querySelectorAll('[role=tab]').length") > 6 else '4', 'End', 'Enter')
    tap.check('the last packet opens', page.eval("document.getElementById('detail').textContent").startswith('Packet 10000'),
              page.eval("document.getElementById('detail').textContent.slice(0, 80)"))
    clean('10,000 packets')
    page.close()

    # ---- hostile all over

    evil = b'\xe2\x80\xae<img src=x onerror=alert(1)>\x00\xff</script>'
    client, server = ('192.0.2.1', 40000), ('192.0.2.2', 80)
    path = write("<svg onload=alert(1)>.pcap", pcap(
        (0, segment(client, server, SYN, 1, 0)), (1, segment(server, client, SYN | ACK, 1, 2)),
        (2, segment(client, server, PSH | ACK, 2, 2, b'GET /' + evil + b' HTTP/1.1\r\nHost: ' + evil + b'\r\n\r\n'))))
    page_of('evil', path)
    page = open_page(at('evil.html'))
    page.wait("document.querySelectorAll('.ladder-view [role=option]').length >= 3")
    tap.equal('a hostile file name is its name', text('#name'), '<svg onload=alert(1)>.pcap')
    page.click('.row.packet', 2)
    page.click('#tab-packets')
    settle()
    whole = page.eval('document.body.textContent')
    tap.check('a hostile request is text', '<img src=x onerror=alert(1)>' in whole)
    tap.check('and cannot turn lines round', '\u202e' not in page.eval(
        "[...document.querySelectorAll('body > :not(script)')].map((it) => it.textContent).join('')"))
    tap.equal('no element came out of it', page.eval("document.querySelectorAll('img, main svg[onload]').length"), 0)
    page.eval("document.body.insertAdjacentHTML('beforeend', '<img src=\"data:,x\" onerror=\"document.title = 1\">')")
    page.wait("document.querySelector('img').complete")
    settle()
    tap.check('even markup could not run a script: the policy', page.eval('document.title') != '1' and
              any('Content Security Policy' in complaint for complaint in page.complaints), page.complaints)
    refused = page.eval("fetch('http://127.0.0.1:9/').then(() => 'sent', (error) => error.name)")
    tap.equal('nor could one ask a network', refused, 'TypeError')
finally:
    browser.close()
tap.done()
