#!/usr/bin/python3
"""Text, SVG, HTML, Markdown and JSON of one file agree, cell by cell.

    run.pcapng ──> sonde explain --html      ──> the page's tables and ladder, read in Chromium
               ├─> sonde explain --markdown  ──> whole cells
               ├─> sonde explain             ──> cells, cut where the terminal ends
               ├─> sonde explain --svg       ──> the ladder's words
               └─> sonde explain --json      ──> numbers, lines, edges
"""

import html
import json
import os
import re
import xml.etree.ElementTree

import browsing
from paging import at, exchange, explain, page_of, read, run_of, write
from tap import tap

READY = "document.documentElement?.dataset.ready === 'yes'"
SENT = 'Which statement sent each packet'
COMPLETED = 'Which packet completed each blocking statement'
TAKEN = 'Which statement took what another one gave, without packets'


def plain(cell):
    return squeeze(html.unescape(re.sub(r'\\([^A-Za-z0-9\s])', r'\1', cell)))


def squeeze(text):
    return ' '.join(text.split())


def agrees(whole, shown):
    """A terminal, and the picture, cut what is too long."""
    pattern = '.*'.join(re.escape(squeeze(part)) for part in shown.split('…'))
    return re.fullmatch(pattern, squeeze(whole)) is not None


def markdown_table(markdown, title):
    if f'## {title}\n\n' not in markdown:
        return []
    lines = markdown.split(f'## {title}\n\n')[1].split('\n\n')[0].splitlines()[2:]
    return [[plain(cell) for cell in re.split(r'(?<!\\)\|', line)[1:-1]] for line in lines]


def text_table(text, title):
    if f'{title}\n' not in text:
        return []
    return text.split(f'{title}\n')[1].split('\n\n')[0].splitlines()[1:]


def page_table(page, name):
    """Every row of a view of the page, once it is drawn."""
    if not page.eval(f"document.getElementById('tab-{name}') !== null"):
        return []
    page.eval(f"document.getElementById('tab-{name}').click()")
    count = page.eval(f"Number(document.querySelector('.table.{name}').getAttribute('aria-rowcount')) - 1")
    page.wait(f"document.querySelectorAll('.table.{name} [role=row][data-row]').length === {count}")
    return [[squeeze(cell) for cell in row] for row in page.eval(
        f"[...document.querySelectorAll('.table.{name} [role=row][data-row]')].map((row) => "
        "[...row.querySelectorAll('[role=gridcell]')].map((cell) => cell.textContent))")]


def page_ladder(page, stream):
    page.eval("document.getElementById('tab-ladder').click()")
    page.eval(f"document.querySelector('.stream[data-stream=\"{stream + 1}\"]').click()")
    page.wait("(() => { const rows = document.querySelectorAll('.ladder-view [role=option]'); "
              "return rows.length && rows.length === Number(rows[0].getAttribute('aria-setsize')) && "
              f"document.querySelector('.stream[aria-selected=true]').dataset.stream === '{stream + 1}'; }})()")
    return page.eval("[...document.querySelectorAll('.ladder-view [role=option]')].map((row) => "
                     "[row.querySelector('.time').textContent, row.querySelector('.words').textContent])")


def svg_ladders(svg):
    """[(time or None, words)] of each stream, in its order."""
    ladders = []
    for element in xml.etree.ElementTree.fromstring(svg).iter():
        if not element.tag.endswith('}text'):
            continue
        text, x = element.text or '', int(element.get('x'))
        if element.get('class') == 'strong':
            if text.startswith('stream '):
                ladders.append([])
        elif x == 22:
            continue  # below the ladders: what was counted
        elif x == 70:
            ladders[-1].append((text, ''))
        elif ladders[-1] and ladders[-1][-1][1] == '' and not text.endswith(' idle'):
            ladders[-1][-1] = (ladders[-1][-1][0], text)
        else:
            ladders[-1].append(('⋮', text))
    return ladders


def svg_foot(svg):
    return [element.text for element in xml.etree.ElementTree.fromstring(svg).iter()
            if element.tag.endswith('}text') and element.get('x') == '22']


def compare(name, page):
    path = at(name)
    markdown = explain('--markdown', '--full', path).stdout
    text = explain('--full', path).stdout
    explain('--svg', at('picture.svg'), '-o', os.devnull, path)
    events = [json.loads(line) for line in explain('--json', path).stdout.splitlines()]
    statements = {event['statement']: event for event in events if event['event'] == 'statement'}
    packets = {event['packet']: event for event in events if event['event'] == 'packet'}
    edges = [event for event in events if event['event'] == 'edge']
    has_tables = bool(statements)

    # ---- the tables: page and Markdown whole, the terminal's as far as it goes

    for view, title in (('sent', SENT), ('completed', COMPLETED), ('taken', TAKEN)):
        if not has_tables:
            continue
        rows, wanted, lines = page_table(page, view), markdown_table(markdown, title), text_table(text, title)
        tap.equal(f'{name}, {view}: page and Markdown agree in every cell', rows, wanted)
        tap.equal(f'{name}, {view}: as many lines on a terminal', len(lines), len(rows))
        before, wrong = None, []
        for row, line in zip(rows, lines):
            # A packet with bytes of two statements has its number once.
            cells = row[2:] if view == 'sent' and row[0] == before else row
            before = row[0]
            if not agrees(' '.join(cells), line):
                wrong.append((row, line))
        tap.equal(f'{name}, {view}: page and text agree in every cell', wrong, [])

    # ---- the numbers of the JSON

    rows = page_table(page, 'sent')
    wrong = [row for row in rows if int(row[0]) not in packets or
             not row[1].endswith({0: ''}.get(packets[int(row[0])]['len'], f"{packets[int(row[0])]['len']} bytes")
                                 .replace(' 1 bytes', ' 1 byte'))]
    tap.equal(f'{name}: page and JSON agree about each packet', (wrong, {int(row[0]) for row in rows}),
              ([], set(packets)))

    def names(row, cell, statement):
        """Whether the cell is the statement's: its file, line and text."""
        if statement['line'] is None:
            return True
        return f"{os.path.basename(statement['file'])}:{statement['line']} " in row[cell] and \
            squeeze(statement['text']) in row[cell]

    sent = {}
    for edge in edges:
        if edge['kind'] == 'sent':
            sent.setdefault(edge['packet'], []).append(statements[edge['statement']])
    wrong = [row for row in rows if (int(row[0]) in sent) == ('–' in row[2]) or
             not any(names(row, 2, statement) for statement in sent.get(int(row[0]), [{'line': None}]))]
    tap.equal(f'{name}: page and JSON agree about who sent it', wrong, [])
    completed = [edge for edge in edges if edge['kind'] == 'completed' and edge.get('packet')]
    rows = page_table(page, 'completed')
    missing = [edge for edge in completed if statements[edge['statement']]['can_block'] and
               not any(names(row, 0, statements[edge['statement']]) and row[2].startswith(f"{edge['packet']} ")
                       for row in rows)]
    tap.equal(f'{name}: page and JSON agree about what completed each', missing, [])

    # ---- the ladder: page and picture

    for stream, drawn in enumerate(svg_ladders(read('picture.svg'))):
        rows = page_ladder(page, stream)
        tap.equal(f'{name}, stream {stream}: as many rows in the picture', len(rows), len(drawn))
        # The page says, too, how long a call was blocked.
        wrong = [(row, other) for row, other in zip(rows, drawn) if row[0] != other[0] or not (
            agrees(row[1], other[1]) or agrees(re.sub(r', [\d.]+ [mun]?s$', '', row[1]), other[1])
            or agrees(row[1].removesuffix(' again'), other[1]))]
        tap.equal(f'{name}, stream {stream}: page and picture agree in every row', wrong, [])

    # ---- what went wrong, what became of it, what was counted

    page.eval("document.getElementById('tab-findings').click()")
    told = page.eval("[...document.querySelectorAll('.finding')].map((it) => [it.querySelector('h3').textContent, "
                     "...[...it.querySelectorAll('p')].map((p) => p.textContent)])")
    wanted = [[f"{event['severity']}: {event['name']}" + (f" ({event['times']} times)" if event['times'] > 1 else ''),
               event['why'], event['do']] for event in events if event['event'] == 'finding']
    tap.equal(f'{name}: page and JSON tell the same findings', told, wanted)
    words = plain(markdown)
    tap.check(f'{name}: Markdown and text, too', all(squeeze(part) in words and squeeze(part) in squeeze(text)
                                                     for finding in told for part in finding), told)
    foot = page.eval("document.getElementById('foot').textContent")
    counted = [squeeze(part) for part in foot.split('·')]
    tap.equal(f'{name}: page and text count alike', ' '.join(counted), squeeze(text.rstrip().split('\n\n')[-1]))
    tap.equal(f'{name}: page and Markdown, too', counted,
              [plain(line[2:]) for line in markdown.split('## What was seen\n\n')[1].splitlines()])
    tap.equal(f'{name}: page and picture, too', counted, svg_foot(read('picture.svg')))
    for event in events:
        if event['event'] == 'explanation':
            page_ladder(page, event['stream'])
            said = page.eval("document.getElementById('account').textContent")
            tap.equal(f'{name}, stream {event["stream"]}: explained alike', said, event['text'])


run_of('run.pcapng'[:3])
write('plain.pcap', exchange())
browser = browsing.Browser()
try:
    for name in ('run.pcapng', 'plain.pcap'):
        page = browser.open('file://' + page_of(name, at(name)), width=1900, height=6000)
        page.wait(READY)
        compare(name, page)
        tap.equal(f'{name}: no complaint', page.complaints, [])
        page.close()
finally:
    browser.close()
tap.done()
