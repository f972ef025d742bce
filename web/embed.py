#!/usr/bin/env python3
"""The page as C, in two parts: what stands before the capture, and what stands behind it.

    embed.py PAGE OUTPUT
"""

import sys

PLACE = b'@CAPTURE@\n'


def array(name, data):
    lines = [','.join(map(str, data[i:i + 64])) for i in range(0, len(data), 64)]
    return (f'extern const unsigned char {name}[];\nextern const size_t {name}_size;\n'
            f'const unsigned char {name}[] = {{\n' + ',\n'.join(lines) + '};\n'
            f'const size_t {name}_size = sizeof({name});\n')


def main(page, output):
    with open(page, 'rb') as file:
        head, tail = file.read().split(PLACE)
    with open(output, 'w', encoding='ascii') as file:
        file.write('/* Made by web/embed.py. */\n#include <stddef.h>\n\n'
                   + array('page_head', head) + array('page_tail', tail))


main(*sys.argv[1:])
