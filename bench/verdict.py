#!/usr/bin/python3
"""Whether one variant keeps to a limit that another one sets, and how sure that is.

    verdict.py VALUES NAME VARIANT ratio|at-least|more BASE LIMIT

VALUES has a line "VARIANT NAME VALUE" for each round, as bench/lib.sh writes them.  ratio: the
median of VARIANT divided by that of BASE, LIMIT at most; at-least: the same, LIMIT at least;
more: the one minus the other.  The interval is that of 95 in 100 bootstrap samples of the
rounds, always the same ones; rounds are drawn whole, because the variants of a round met the
same machine.
"""

import collections
import random
import statistics
import sys

SAMPLES = 2000


def read(path, name):
    values = collections.defaultdict(list)
    with open(path, encoding='utf-8') as file:
        for line in file:
            variant, what, value = line.split()
            if what == name:
                values[variant].append(float(value))
    return values


def main(path, name, variant, how, base, limit):
    values = read(path, name)
    rounds = list(zip(values[variant], values[base]))
    if not rounds:
        sys.exit(f'{name}: nothing was measured')

    def compare(chosen):
        mine, other = (statistics.median(each) for each in zip(*chosen))
        return mine - other if how == 'more' else mine / other

    rng = random.Random(1)
    samples = sorted(compare(rng.choices(rounds, k=len(rounds))) for _ in range(SAMPLES))
    low, high = samples[SAMPLES // 40], samples[-SAMPLES // 40 - 1]
    found, limit = compare(rounds), float(limit)
    is_least = how == 'at-least'
    verdict = 'met' if (found >= limit if is_least else found <= limit) else 'MISSED'
    if low <= limit < high:
        verdict += ', not surely'
    words = f'ns more than {base}' if how == 'more' else f'x {base}'
    print(f'{name}: {variant} is {found:.3g} [{low:.3g}, {high:.3g}] {words}; '
          f'wanted at {"least" if is_least else "most"} {limit:g}: {verdict}')


main(*sys.argv[1:])
