"""How fast the page is: opens it, filters, scrolls, and asks the browser how long it took.

    page_rounds.py ROUNDS PACKETS

First paint is from the navigation to the frame that shows the first rows of the ladder; that
of a page without a capture stands beside it.  A filter is timed from its text to the frame
with its rows.  While the ladder is scrolled from end to end, a frame at a time, the longest
frame and the longest task count: above 50 ms people see a stall.
"""

import os
import statistics
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(ROOT, 'test', 'net'))

import browsing  # noqa: E402: the path is known now
import netns  # noqa: E402
import paging  # noqa: E402

BARS = {'first paint': 1000, 'filter': 200, 'longest frame while scrolling': 50}  # ms

# A hundred rounds are two hundred packets with data and some acknowledgements.
CLIENT = '''\
import socket, sys
listener = socket.create_server(('127.0.0.1', 5005))
client = socket.create_connection(('127.0.0.1', 5005))
server, _ = listener.accept()
for i in range(int(sys.argv[1])):
    client.sendall(b'ping %d' % i)
    server.recv(64)
    server.sendall(b'pong %d' % i)
    client.recv(64)
client.close()
server.close()
'''

PAINT = '''
new Promise((done) => {
    const look = () => {
        if (document.documentElement.dataset.ready && (!window.wanted || document.querySelector('.ladder .row')))
            requestAnimationFrame(() => setTimeout(() => done(performance.now())));
        else
            setTimeout(look, 5);
    };
    look();
})'''

FILTER = '''
new Promise((done) => {
    const box = document.getElementById('filter'), from = performance.now();
    box.value = %r;
    document.getElementById('filter-form').requestSubmit();
    requestAnimationFrame(() => setTimeout(() => done(performance.now() - from)));
})'''

SCROLL = '''
new Promise((done) => {
    const list = document.querySelector('.ladder.rows'), frames = [];
    let tasks = 0, before = performance.now(), steps = 0;
    new PerformanceObserver((seen) => {
        for (const entry of seen.getEntries())
            tasks = Math.max(tasks, entry.duration);
    }).observe({entryTypes: ['longtask']});
    const step = (now) => {
        frames.push(now - before);
        before = now;
        list.scrollTop += Math.max(list.scrollHeight / 240, 400);
        if (++steps < 240)
            requestAnimationFrame(step);
        else
            setTimeout(() => done([Math.max(...frames.slice(2)), tasks,
                                   frames.slice(2).sort((a, b) => a - b)[frames.length >> 1]]), 100);
    };
    requestAnimationFrame(step);
})'''


def measure(browser, path, has_ladder):
    page = browser.open(width=1280, height=800)
    page.send('Page.addScriptToEvaluateOnNewDocument', source=f'window.wanted = {str(has_ladder).lower()}')
    page.go('file://' + path)
    page.wait('document.documentElement !== null')
    said = {'first paint': page.eval(PAINT)}
    if has_ladder:
        said['filter'] = page.eval(FILTER % 'tcp.len > 0 && frame.number > 200')
        said['filter, matches'] = page.eval(FILTER % 'tcp matches "9+"')
        said['filter, cleared'] = page.eval(FILTER % '')
        said['longest frame while scrolling'], said['longest task'], said['median frame'] = page.eval(SCROLL)
        page.eval("document.getElementById('tool-scale').click()")
        said['longest frame by time'], _, _ = page.eval(SCROLL)
        page.eval("document.getElementById('tool-scale').click()")
        said['last packet opened'] = page.eval('''
            new Promise((done) => {
                const list = document.querySelector('.ladder.rows');
                list.scrollTop = list.scrollHeight;
                requestAnimationFrame(() => requestAnimationFrame(() => {
                    const rows = document.querySelectorAll('.row.packet'), from = performance.now();
                    rows[rows.length - 1].click();
                    requestAnimationFrame(() => setTimeout(() => done(performance.now() - from)));
                }));
            })''')
    if page.complaints:
        raise SystemExit(f'the page complains: {page.complaints}')
    page.close()
    return said


def main(rounds, packets):
    plain = paging.write('plain.pcap', paging.long_exchange(packets))
    client = paging.write('client.py', CLIENT)
    subprocess.run([netns.SONDE, 'trace', '--isolate', '-w', paging.at('run.pcapng'), '-o', os.devnull, '--',
                    '/usr/bin/python3', client, str(packets // 3)], check=True, stderr=subprocess.DEVNULL)
    paging.write('page.html', paging.explain('--page').stdout)
    pages = {
        'no capture': (paging.at('page.html'), False),
        f'{packets} packets': (paging.page_of('plain', plain), True),
        'a run': (paging.page_of('run', paging.at('run.pcapng')), True),
    }
    for name, (path, _) in pages.items():
        print(f'{name}: {os.path.getsize(path):,} bytes')
    gathered = {name: [] for name in pages}
    with browsing.Browser() as browser:
        for _ in range(rounds):
            for name, (path, has_ladder) in pages.items():
                gathered[name].append(measure(browser, path, has_ladder))
    failed = False
    for name, taken in gathered.items():
        for what in taken[0]:
            values = [one[what] for one in taken]
            median, bar = statistics.median(values), BARS.get(what)
            verdict = '' if bar is None or name == 'no capture' else 'ok' if median <= bar else 'TOO SLOW'
            failed = failed or verdict == 'TOO SLOW'
            print(f'{name:16} {what:30} {median:8.1f} ms  ({min(values):.1f} to {max(values):.1f})'
                  f'{f"  bar {bar} ms: {verdict}" if verdict else ""}')
    return 1 if failed else 0


sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
