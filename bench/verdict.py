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


def interval(rounds, compute):
    """What compute() makes of the rounds, and the bounds of the interval."""
    rng = random.Random(1)
    samples = sorted(compute(rng.choices(rounds, k=len(rounds))) for _ in range(SAMPLES))
    return compute(rounds), samples[SAMPLES // 40], samples[-SAMPLES // 40 - 1]


def judge(found, low, high, limit, is_least=False):
    words = 'met' if (found >= limit if is_least else found <= limit) else 'MISSED'
    return words + ', not surely' if low <= limit < high else words


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

    is_least = how == 'at-least'
    found, low, high = interval(rounds, compare)
    words = f'ns more than {base}' if how == 'more' else f'x {base}'
    print(f'{name}: {variant} is {found:.3g} [{low:.3g}, {high:.3g}] {words}; '
          f'wanted at {"least" if is_least else "most"} {float(limit):g}: '
          f'{judge(found, low, high, float(limit), is_least)}')


if __name__ == '__main__':
    main(*sys.argv[1:])
