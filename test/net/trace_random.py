#!/usr/bin/python3
"""No wrong edge in random programs that know themselves what they did.

programs/anything.py makes a program of each seed, and records for each socket call its
thread, line, time and bytes.  truthful.py holds every edge that sonde draws against that.
What sonde leaves open is counted and stated, and may not be much.

    COUNT=1000 FIRST=1 test/net/trace_random.py      that many programs, from that seed on
"""

import collections
import concurrent.futures
import os
import sys
import traceback

import netns
from tap import tap
from truthful import Program

COUNT = int(os.environ.get('COUNT', '60'))
FIRST = int(os.environ.get('FIRST', '1'))
PROGRAM = os.path.join(netns.ROOT, 'test', 'net', 'programs', 'anything.py')

if netns.can_isolate():
    ISOLATE = ['--isolate']
else:
    netns.enter()
    ISOLATE = []


def run(seed):
    try:
        return Program(os.path.join(netns.scratch(), str(seed)),
                       ['/usr/bin/python3', PROGRAM, str(seed)], *ISOLATE)
    except Exception:  # shown as this seed's failure
        return traceback.format_exc()


totals = collections.Counter()
programs = 0
with concurrent.futures.ThreadPoolExecutor(2) as pool:
    seeds = range(FIRST, FIRST + COUNT)
    for seed, program in zip(seeds, pool.map(run, seeds)):
        again = f'to see it again: COUNT=1 FIRST={seed} {sys.argv[0]}\n'
        if isinstance(program, str):
            tap.not_ok(f'program {seed}', again + program)
            continue
        programs += 1
        totals.update(program.figures)
        totals['wrong'] += len(program.wrong)
        tap.check(f"program {seed}: {program.figures['sent']} packets sent, "
                  f"{program.figures['completed']} calls completed, none wrong",
                  not program.wrong, again + '\n'.join(program.wrong[:5]))
        for missing in program.missing:
            print(f'# program {seed}: completed by nothing: {missing}')

print(f'# {programs} programs')
for name, count in totals.items():
    print(f'# {count} {name}')
# Silence is never wrong either.
missing = sum(count for name, count in totals.items() if 'nobody' in name or 'nothing' in name or
              'not traced' in name)
tap.check('not one in a hundred edges is missing',
          missing * 100 <= totals['sent'] + totals['completed'], dict(totals))
if COUNT >= 30:
    tap.check('there are many', totals['sent'] >= 20 * COUNT and
              totals['completed'] >= 8 * COUNT, dict(totals))
    tap.check('it is known of most calls whether they blocked',
              totals['calls that may have blocked'] * 2 <= totals['calls that blocked'],
              dict(totals))
tap.done()
