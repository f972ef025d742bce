"""Results of the Python tests of this folder, in TAP.

    from tap import tap                 one for the whole test
    tap.ok('text')                      passed
    tap.not_ok('text', details)         failed
    tap.check('text', condition, details='')
    tap.equal('text', got, wanted)      shows both where they differ
    tap.skip('text', why)               not tested here; counted and shown
    tap.done()                          the plan; leaves with 0 only if all passed (last call)

A test that ends without tap.done() has failed, whatever it printed before.
"""

import pprint
import sys


class Tap:
    def __init__(self):
        self.count = 0
        self.failed = 0

    def _print(self, text):
        print(text, flush=True)

    def _comment(self, details):
        if not isinstance(details, str):
            details = pprint.pformat(details, width=100)
        for line in details.splitlines():
            self._print('# ' + line)

    def ok(self, text):
        self.count += 1
        self._print(f'ok {self.count} - {text}')
        return True

    def not_ok(self, text, details=''):
        self.count += 1
        self.failed += 1
        self._print(f'not ok {self.count} - {text}')
        self._comment(details)
        return False

    def check(self, text, condition, details=''):
        return self.ok(text) if condition else self.not_ok(text, details)

    def equal(self, text, got, wanted):
        if got == wanted:
            return self.ok(text)
        self.not_ok(text)
        self._comment('got:')
        self._comment(got)
        self._comment('wanted:')
        self._comment(wanted)
        return False

    def skip(self, text, why):
        self.count += 1
        self._print(f'ok {self.count} - {text} # SKIP {why}')

    def done(self):
        self._print(f'1..{self.count}')
        sys.exit(1 if self.failed else 0)


tap = Tap()
