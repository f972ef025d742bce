"""What the tests of the page share: pages, and what is in them.

    run_of('name')         as in explaining.py, and its page name.html
    page_of('name', path)  sonde explain --html; the page's path
    capture_in(html)       the bytes that a page holds, and their name
"""

import base64
import os
import re

import explaining
from explaining import (ACK, FIN, HOSTILE, PSH, RST, SYN, at, explain, folder, pcap, read, read_bytes,
                        segment, write)


def run_of(name, *words):
    return explaining.run_of(name, '--html', at(f'{name}.html'), *words)


def page_of(name, path, *words):
    explain('--html', at(f'{name}.html'), '-o', os.devnull, *words, path)
    return at(f'{name}.html')


def capture_in(html):
    found = re.search(r'<script type="text/plain" id="capture" data-name="([^"]*)" data-stream="(\d+)"(?: data-secrets="shown")?>'
                      r'([^<]*)</script>', html)
    if not found:
        return None, None, None
    return base64.b64decode(found[3]), base64.b64decode(found[1]).decode(), int(found[2])


def exchange():
    """A few connections, the first of them whole."""
    client, server, closed = ('192.0.2.1', 40000), ('192.0.2.2', 80), ('192.0.2.2', 81)
    request = b'GET /<script>\x1b[31m HTTP/1.1\r\n\r\n'
    return pcap(
        (0, segment(client, server, SYN, 100, 0)),
        (5, segment(server, client, SYN | ACK, 500, 101)),
        (6, segment(client, server, ACK, 101, 501)),
        (7, segment(client, server, PSH | ACK, 101, 501, request)),
        (408, segment(server, client, PSH | ACK, 501, 101 + len(request),
                      b'HTTP/1.1 204 No Content\r\n\r\n')),
        (409, segment(server, client, FIN | ACK, 528, 101 + len(request))),
        (410, segment(client, server, ACK, 101 + len(request), 529)),
        (500, segment(client, closed, SYN, 100, 0)),
        (501, segment(closed, client, RST | ACK, 0, 101)))


def login():
    """A mailbox's password in clear text, and one in a request."""
    client, server, web = ('192.0.2.1', 40000), ('192.0.2.2', 143), ('192.0.2.2', 80)
    said = b'a1 LOGIN alice wonderland\r\n'
    request = b'GET / HTTP/1.1\r\nHost: example.org\r\nAuthorization: Basic YWxpY2U6cmFiYml0\r\n\r\n'
    return pcap(
        (0, segment(client, server, PSH | ACK, 101, 501, said)),
        (1, segment(server, client, PSH | ACK, 501, 101 + len(said), b'a1 OK done\r\n')),
        (2, segment(client, web, PSH | ACK, 101, 501, request)))


def long_exchange(packets):
    """One connection of so many packets, data and acknowledgements in turns."""
    client, server = ('192.0.2.1', 40000), ('192.0.2.2', 9999)
    frames = [(0, segment(client, server, SYN, 100, 0)),
              (1, segment(server, client, SYN | ACK, 500, 101)),
              (2, segment(client, server, ACK, 101, 501))]
    seq = 101
    while len(frames) < packets:
        payload = b'message %d' % len(frames)
        frames.append((len(frames), segment(client, server, PSH | ACK, seq, 501, payload)))
        seq += len(payload)
        frames.append((len(frames), segment(server, client, ACK, 501, seq)))
    return pcap(*frames[:packets])
