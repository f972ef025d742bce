#!/bin/bash
# The runner of all tests notices what must not pass for a pass.
. "${0%/*}/../net/lib.sh"

runner=$ROOT/tools/tap_run.py

program() { # NAME, its text on stdin
	{
		echo '#!/bin/bash'
		cat
	} >"$SCRATCH/$1"
	chmod +x "$SCRATCH/$1"
}

fails() { # NAME WORDS TEXT [LIMIT]: the runner says that it failed, and with these words why
	local status=0
	"$runner" --timeout "${4:-60}" --tally "$SCRATCH/tally-$1" title "$SCRATCH/$1" \
		>"$SCRATCH/out" 2>&1 || status=$?
	like "$status $(cat "$SCRATCH/tally-$1" "$SCRATCH/out")" \
		"^1 [0-9]+ [1-9][0-9]* [0-9]+.*$2" "$3"
}

program good <<<'printf "ok 1 - a\nok 2 - b # SKIP not here\n1..2\n"'
check 'a good test passes' "$runner" --tally "$SCRATCH/tally" title "$SCRATCH/good"
is "$(cat "$SCRATCH/tally")" '1 0 1' 'passed and skipped results are counted'

program failing <<<'printf "1..2\nok 1 - a\nnot ok 2 - b\n"; exit 1'
fails failing 'not ok 2 - b' 'a failed result'
program wordy <<<'printf "ok 1 - a\nnot ok 2 - b\n# got:\n# 1\nok 3 - c\n1..3\n"; exit 1'
status_is 1 'a failed result, to be said again' \
	"$runner" --failures "$SCRATCH/failures" title "$SCRATCH/good" "$SCRATCH/wordy"
like "$(tr '\n' '|' <"$SCRATCH/failures")" \
	'^title: [^|]*/wordy\|    not ok 2 - b\|    # got:\|    # 1\|$' 'what failed, in brief'
program lying <<<'printf "1..1\nnot ok 1 - a\n"'
fails lying 'exit status is 0' 'a failed result with exit status 0'
program short <<<'printf "1..3\nok 1 - a\n"'
fails short 'planned 3' 'fewer results than planned'
program long <<<'printf "ok 1 - a\nok 2 - b\n1..1\n"'
fails long 'planned 1' 'more results than planned'
program unplanned <<<'echo "ok 1 - a"'
fails unplanned 'no plan' 'a missing plan'
program empty <<<'echo 1..0'
fails empty 'tested nothing' 'no test, and no reason'
program status <<<'printf "1..1\nok 1 - a\n"; exit 3'
fails status 'exit status is 3' 'an exit status that no result explains'
program crash <<<'printf "1..1\nok 1 - a\n"; kill -SEGV $$'
fails crash 'SIGSEGV' 'a crash'
program slow <<<'printf "1..1\nok 1 - a\n"; sleep 60.'$$
fails slow 'ended after' 'a test that takes too long' 0.5
program litter <<<'setsid sleep 60.'$$' & printf "1..1\nok 1 - a\n"'
fails litter 'left behind' 'a process that is left behind'
is "$(pgrep -fx "sleep 60.$$")" '' 'what took too long, or was left behind, is ended'
program family <<<'setsid setsid --fork sh -c "sleep 61.'$$' & sleep 61.'$$'" & wait; printf "1..1\nok 1 - a\n"'
fails family 'left behind' 'a process that had started others'
is "$(pgrep -fx "sleep 61.$$")" '' 'they are ended, too'
fails missing 'did not start' 'a test that does not exist'
status_is 1 'no tests at all' "$runner" title
status_is 1 'a program without TAP fails by its exit status' "$runner" --plain title false
status_is 0 'and passes by it' "$runner" --plain title true
done_testing
