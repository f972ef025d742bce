#!/usr/bin/env python3
"""Joins the page: one HTML file with style, scripts and WebAssembly in it.

    join.py OUTPUT ROOMS-WASM TEMPLATE STYLE SCRIPT...

The policy in its head names style and script by their hashes, so that nothing else runs in
the page: no script from a capture, no handler in an attribute, no style, no network.
"""

import base64
import gzip
import hashlib
import sys


def read(path):
    with open(path, encoding='utf-8') as file:
        return file.read()


def hash_of(text):
    digest = hashlib.sha256(text.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


def main(output, rooms, template, style, *scripts):
    with open(rooms, 'rb') as file:
        packed = gzip.compress(file.read(), 9, mtime=0)
    script = "'use strict';\n(() => {\n" + '\n'.join(map(read, scripts)) + '\n})();\n'
    if '</script' in script or '<!--' in script:
        sys.exit('join.py: the scripts must not end their element')
    parts = {
        'SCRIPT_HASH': hash_of(script),
        'STYLE_HASH': hash_of(read(style)),
        'STYLE': read(style),
        'ROOMS': base64.b64encode(packed).decode(),
        'SCRIPT': script,
    }
    page = read(template)
    for name in ('SCRIPT_HASH', 'STYLE_HASH', 'STYLE', 'ROOMS'):
        page = page.replace(f'@{name}@', parts[name], 1)
    # Last, and in one piece: what scripts contain is not looked into.
    before, after = page.split('@SCRIPT@')
    if before.count('@CAPTURE@') != 1:
        sys.exit('join.py: the template needs one place for the capture')
    with open(output, 'w', encoding='utf-8') as file:
        file.write(before + script + after)


main(*sys.argv[1:])
