"""The CPythons of this machine: Debian's, python3.8 to python3.14 by name, and those in
SONDE_TEST_PYTHONS (paths or names, with colons between them).

    find()      [Python(path, version=(3, 11, 2), is_free_threaded=False), ...]
    SONDE_READS what sonde has rows for

What is found, and what not, is said in comments: to find no others is no skip.
"""

import collections
import os
import subprocess

DEBIAN = '/usr/bin/python3'
SONDE_READS = range(8, 14)
QUESTION = ('import os, sys, sysconfig; print(sys.implementation.name, *sys.version_info[:3], '
            'sysconfig.get_config_var("Py_GIL_DISABLED") or 0, '
            'os.path.realpath(sys.executable))')

Python = collections.namedtuple('Python', 'path version is_free_threaded')


def probe(name):
    try:
        done = subprocess.run([name, '-c', QUESTION], capture_output=True, text=True,
                              check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    kind, major, minor, micro, free, path = done.stdout.rstrip('\n').split(' ', 5)
    if kind != 'cpython':
        return None
    return Python(path, (int(major), int(minor), int(micro)), free == '1')


def find():
    names = [DEBIAN, *(f'python3.{minor}' for minor in range(8, 15)),
             *filter(None, os.environ.get('SONDE_TEST_PYTHONS', '').split(':'))]
    found = {}
    for name in names:
        python = probe(name)
        if python:
            print(f"# {name}: CPython {'.'.join(map(str, python.version))}")
            found.setdefault(python.path, python)
        else:
            print(f'# {name}: not found')
    return list(found.values())
