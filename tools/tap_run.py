#!/usr/bin/python3
"""Runs test programs, shows what failed, counts.

    tap_run.py [OPTION]... TITLE [PROGRAM]...

A program prints TAP: its plan and its results must agree with each other and with its exit
status.  A crash, a wrong or missing plan, a time limit that is passed, a process that is
left behind, and a sanitizer's report in any process of the test are failures of their own.
A PROGRAM is a command line; it is split as a shell would, and not otherwise read.

    --plain         the programs print no TAP: each is one test, its exit status the result
    --unit BUILD    also the tests of this meson build (of --suite, where given)
    --suite NAME
    --jobs N        so many at once (default 1)
    --timeout S     seconds for each program; then its process group is ended (default 600)
    --sanitize DIR  the programs are built with sanitizers, whose reports go to DIR
    --tally FILE    adds a line "PASSED FAILED SKIPPED" to this file
    --failures FILE adds what failed, in brief, to this file

Exits with 0 if nothing failed and at least one test ran.
"""

import argparse
import concurrent.futures
import ctypes
import json
import os
import re
import resource
import shlex
import signal
import subprocess
import sys
import tempfile
import time

PLAN = re.compile(r'1\.\.(\d+)\s*(?:#\s*SKIP\S*\s*(.*))?$', re.IGNORECASE)
RESULT = re.compile(r'(not )?ok\b\s*\d*\s*(?:- )?(.*)$')
DIRECTIVE = re.compile(r'#\s*(SKIP|TO' r'DO)\S*\s*(.*)$', re.IGNORECASE)
PR_SET_CHILD_SUBREAPER = 36
BRIEF_LINES = 12


class Outcome:
    def __init__(self, name):
        self.name = name
        self.passed = 0
        self.failed = 0
        self.skipped = []    # "what: why"
        self.problems = []   # what is wrong beside the failed results
        self.output = ''
        self.seconds = 0.0


def judge_tap(outcome, stdout, status):
    planned = None
    results = 0
    for line in stdout.splitlines():
        plan = PLAN.match(line)
        if plan:
            # A program may run several groups, each with a plan of its own.
            planned = (planned or 0) + int(plan[1])
            if int(plan[1]) == 0 and plan[2] is not None:
                outcome.skipped.append(f'all of it: {plan[2]}')
            continue
        if line.startswith('Bail out!'):
            outcome.problems.append(line)
            continue
        result = RESULT.match(line)
        if not result:
            continue
        results += 1
        directive = DIRECTIVE.search(result[2])
        if directive and directive[1].upper() == 'SKIP':
            what = result[2][:directive.start()].strip()
            outcome.skipped.append(': '.join(filter(None, [what, directive[2].strip()])))
        elif directive or result[1]:
            outcome.failed += 1
        else:
            outcome.passed += 1
    if outcome.problems:
        return  # a crash explains a plan that is not there
    if planned is None:
        outcome.problems.append('it printed no plan')
    elif planned != results:
        outcome.problems.append(f'it planned {planned} tests and gave {results} results')
    elif planned == 0 and not outcome.skipped:
        outcome.problems.append('it tested nothing')
    if status > 0 and not outcome.failed and not outcome.problems:
        outcome.problems.append(f'its exit status is {status}, but no result says why')
    if status == 0 and outcome.failed:
        outcome.problems.append('its exit status is 0 in spite of failures')


def judge_plain(outcome, status):
    if status == 0:
        outcome.passed = 1
    else:
        outcome.failed = 1


def traces_sonde(name):
    """LeakSanitizer cannot work in a process that is traced.  A script that lets sonde trace
    a sanitized program, sonde itself, says "LeakSanitizer: off" near its top."""
    with open(name, 'rb') as file:
        start = file.read(4096)
    return start.startswith(b'#!') and b'LeakSanitizer: off' in start


def sanitizer_environment(name, folder):
    leaks = 0 if traces_sonde(name) else 1
    return {
        'ASAN_OPTIONS': f'exitcode=99:log_path={folder}/report:detect_leaks={leaks}'
                        ':detect_stack_use_after_return=1:strict_string_checks=1'
                        ':allow_addr2line=1:allocator_may_return_null=1',
        'UBSAN_OPTIONS': f'exitcode=99:log_path={folder}/report:halt_on_error=1'
                         ':print_stacktrace=1',
    }


def is_refused_allocation(text):
    """No more than a warning that malloc returned NULL, which is what tests of the limits
    ask for."""
    return 'WARNING: AddressSanitizer failed to allocate' in text \
        and 'ERROR' not in text and 'runtime error' not in text


def end_group(process):
    for number in (signal.SIGTERM, signal.SIGKILL):
        if process.returncode is not None and os.path.exists(f'/proc/{process.pid}'):
            return  # the number is somebody else's by now
        try:
            os.killpg(process.pid, number)
            process.wait(5)
        except (ProcessLookupError, subprocess.TimeoutExpired):
            pass
    process.wait()


running = set()
stopping = False


def run(argv, environment, options):
    outcome = Outcome(' '.join(os.path.relpath(word) if word.startswith('/') else word
                               for word in argv))
    environment = {**os.environ, 'CMOCKA_MESSAGE_OUTPUT': 'TAP', **environment}
    reports = None
    if options.sanitize:
        os.makedirs(options.sanitize, exist_ok=True)
        reports = tempfile.mkdtemp(dir=options.sanitize)
        if os.path.exists(argv[0]):
            environment.update(sanitizer_environment(argv[0], reports))
    began = time.monotonic()
    with tempfile.TemporaryFile('w+', errors='replace') as out, \
            tempfile.TemporaryFile('w+', errors='replace') as err:
        try:
            if stopping:
                raise OSError('stopped')
            process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
                                       env=environment, start_new_session=True)
        except OSError as error:
            outcome.problems.append(f'it did not start: {error}')
            outcome.failed = 1
            return outcome
        running.add(process)
        try:
            process.wait(options.timeout)
        except subprocess.TimeoutExpired:
            outcome.problems.append(f'it was ended after {options.timeout} s')
            end_group(process)
        running.discard(process)
        outcome.seconds = time.monotonic() - began
        out.seek(0)
        err.seek(0)
        stdout = out.read()
        outcome.output = stdout + err.read()
    if process.returncode < 0 and not outcome.problems:
        outcome.problems.append(f'it died by {signal.Signals(-process.returncode).name}')
    if options.plain:
        judge_plain(outcome, process.returncode)
        outcome.problems = [] if outcome.failed == 0 else outcome.problems
    else:
        judge_tap(outcome, stdout, process.returncode)
    if reports:
        for name in sorted(os.listdir(reports)):
            with open(os.path.join(reports, name), errors='replace') as report:
                text = report.read()
            if is_refused_allocation(text):
                continue
            outcome.problems.append(f'a sanitizer reported: {name}')
            outcome.output += text
    outcome.failed += 0 if options.plain else len(outcome.problems)
    return outcome


def children():
    """Processes that lost their parent come to us; those that have ended are reaped."""
    found = {}
    while True:
        try:
            if os.waitpid(-1, os.WNOHANG)[0] == 0:
                break
        except ChildProcessError:
            return found
    for task in os.listdir('/proc/self/task'):
        try:
            with open(f'/proc/self/task/{task}/children') as pids:
                mine = [int(pid) for pid in pids.read().split()]
        except OSError:  # a thread that has ended since: what it started is another's now
            continue
        for pid in mine:
            try:
                with open(f'/proc/{pid}/cmdline') as line:
                    found[pid] = line.read().replace('\0', ' ').strip() or f'pid {pid}'
            except OSError:
                pass
    return found


def left_behind():
    deadline = time.monotonic() + 3
    while (left := children()) and time.monotonic() < deadline:
        time.sleep(0.05)
    found = {}
    # What they had started comes to us when they have ended.
    while left:
        found.update(left)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        left = children()
    return sorted(found.values())


def unit_tests(build, suite):
    listing = subprocess.run(['meson', 'introspect', '--tests', build], check=True,
                             stdout=subprocess.PIPE, text=True).stdout
    for test in json.loads(listing):
        suites = [name.split(':')[-1] for name in test['suite']]
        if suite is None or suite in suites:
            yield test['cmd'], test['env']


def show(outcome, options):
    state = 'FAILED' if outcome.failed else 'ok'
    counts = '' if options.plain else f'{outcome.passed} passed, '
    print(f'  {state:6}  {outcome.name}  ({counts}{outcome.seconds:.1f} s)')
    for skipped in outcome.skipped:
        print(f'          skipped: {skipped}')
    if outcome.failed:
        for problem in outcome.problems:
            print(f'          {problem}')
        for line in outcome.output.splitlines():
            print(f'      | {line}')
    sys.stdout.flush()


def brief(outcome, options):
    """The failed results, each with the first lines that follow it, and the problems."""
    lines = outcome.output.splitlines()
    yield f'{options.title}: {outcome.name}'
    for problem in outcome.problems:
        yield f'    {problem}'
    failed = [at for at, line in enumerate(lines) if line.startswith('not ok')]
    for at in failed:
        yield f'    {lines[at]}'
        for line in lines[at + 1:at + 1 + BRIEF_LINES]:
            if not line.startswith('#'):
                break
            yield f'    {line}'
    if outcome.problems or not failed:
        yield from (f'    {line}' for line in lines[-BRIEF_LINES:])


def main():
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument('--plain', action='store_true')
    parser.add_argument('--unit', metavar='BUILD')
    parser.add_argument('--suite')
    parser.add_argument('--jobs', type=int, default=1)
    parser.add_argument('--timeout', type=float, default=600)
    parser.add_argument('--sanitize')
    parser.add_argument('--tally')
    parser.add_argument('--failures')
    parser.add_argument('title')
    parser.add_argument('program', nargs='*')
    options = parser.parse_args()

    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def stop(number, _):
        global stopping
        stopping = True
        for process in list(running):
            end_group(process)
        os._exit(128 + number)
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)

    print(f'== {options.title}', flush=True)
    began = time.monotonic()
    outcomes = []
    try:
        tests = [(shlex.split(program), {}) for program in options.program]
        if options.unit:
            tests += unit_tests(options.unit, options.suite)
    except (OSError, subprocess.CalledProcessError) as error:
        tests = []
        print(f'  {error}')
    with concurrent.futures.ThreadPoolExecutor(options.jobs) as pool:
        for outcome in pool.map(lambda test: run(*test, options), tests):
            outcomes.append(outcome)
            show(outcome, options)

    passed = sum(outcome.passed for outcome in outcomes)
    failed = sum(outcome.failed for outcome in outcomes)
    skipped = sum(len(outcome.skipped) for outcome in outcomes)
    report = [line for outcome in outcomes if outcome.failed for line in brief(outcome, options)]
    left = left_behind()
    if left:
        failed += 1
        print('  FAILED  processes were left behind: ' + '; '.join(left))
        report.append(f"{options.title}: left behind: {'; '.join(left)}")
    if not outcomes:
        failed += 1
        print('  FAILED  there is nothing to run')
        report.append(f'{options.title}: there is nothing to run')
    skips = f', {skipped} skipped' if skipped else ''
    seconds = time.monotonic() - began
    print(f'   {passed} passed, {failed} failed{skips} in {seconds:.1f} s', flush=True)
    if options.tally:
        with open(options.tally, 'a') as tally:
            print(passed, failed, skipped, file=tally)
    if options.failures:
        with open(options.failures, 'a') as failures:
            failures.writelines(f'{line}\n' for line in report)
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main())
