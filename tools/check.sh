#!/bin/bash
# All that must hold before a change is done, cheapest first.  What failed is said again,
# in brief, at the end, and the last line counts: "N passed, M failed", with ", K skipped"
# where something was not tested (and said why).
set -u
cd "$(dirname "$0")/.." || exit

gcc=build-check/gcc
asan=build-check/asan

mkdir -p build-check || exit
reports=$(mktemp -d)
tally=$reports/tally
failures=$reports/failures
trap 'rm -rf "$reports"' EXIT
: >"$tally"
trap 'exit 130' INT
trap 'exit 143' TERM
broken=

run() { # [tap_run.py OPTION]... TITLE [PROGRAM]...
	local before
	before=$(wc -l <"$tally")
	tools/tap_run.py --tally "$tally" --failures "$failures" "$@" || broken=yes
	# A runner that was ended in the middle has not counted itself.
	[ "$(wc -l <"$tally")" != "$before" ] || echo 0 1 0 >>"$tally"
}

programs() { # FOLDER: its tests; ours are executable, what they share is not
	find "$1" -maxdepth 1 -type f -executable \( -name '*.sh' -o -name '*.py' \) 2>/dev/null | sort
}

run --plain --jobs 2 'lints' \
	tools/check-layers.sh tools/check-text.sh tools/check-shell.sh tools/check-man.sh \
	'tools/fmt.sh --check'
run --plain --timeout 3600 'gcc, warnings are errors' \
	"tools/check-build.sh $gcc gcc -Dwerror=true"
# clang's sanitizers, because theirs is one runtime, with one place for reports.  The page
# was made by the build before: no sanitizer is in it.
run --plain --timeout 3600 'clang, warnings are errors, with ASan and UBSan' \
	"tools/check-build.sh $asan clang-14 -Dwerror=true -Dpage_file=$PWD/$gcc/web/page.html -Db_sanitize=address,undefined -Db_lundef=false"

# These only read, for minutes, or try the tools, one after the other.  They take what
# processor time the tests leave, and are waited for at the end.
late() { # NAME [tap_run.py OPTION]... TITLE PROGRAM...
	local name=$1
	shift
	exec nice -n 19 tools/tap_run.py --tally "$tally.$name" --failures "$failures.$name" "$@" \
		>"$reports/$name" 2>&1
}

late lints --plain --timeout 3600 'clang-tidy and cppcheck' \
	tools/check-cppcheck.sh "tools/check-tidy.sh $asan" &
lints=$!
late tools 'the tools themselves' test/tools/*.sh &
tried=$!
trap '[ -z "$lints" ] || kill "$lints"; [ -z "$tried" ] || kill "$tried"
	rm -rf "$reports"' EXIT

run --plain --jobs 2 'lints of what was built' \
	"tools/check-purity.sh $gcc" "tools/check-install.sh $gcc"

mapfile -t net < <(programs test/net)

export SONDE=$PWD/$gcc/sonde
run --jobs 2 --unit $gcc --suite unit 'unit and golden tests'
# They mostly wait, so that more of them run than there are processors.
run --jobs 4 'net tests' "${net[@]}"

export SONDE=$PWD/$asan/sonde
sanitized=(--sanitize "$reports")
run "${sanitized[@]}" --jobs 2 --unit $asan --suite fuzz 'fuzz corpora, sanitized'
run "${sanitized[@]}" --jobs 2 --unit $asan --suite unit 'unit and golden tests, sanitized'
# Chromium shows what the page holds, which is the same page: nothing new would be tested.
mapfile -t net_again < <(printf '%s\n' "${net[@]}" | grep -v '/page_browser')
echo "left out of the sanitized tests, which would show the same page again: $(
	printf '%s\n' "${net[@]}" | grep '/page_browser' | sed 's|.*/||' | tr '\n' ' ')"
run "${sanitized[@]}" --jobs 4 'net tests, sanitized' "${net_again[@]}"

wait "$tried" || broken=yes
tried=
wait "$lints" || broken=yes
lints=
for name in tools lints; do
	cat "$reports/$name"
	cat "$tally.$name" >>"$tally" || echo 0 1 0 >>"$tally"
	cat "$failures.$name" >>"$failures"
done

if [ -s "$failures" ]; then
	echo '== what failed, in brief'
	cat "$failures"
fi

awk '{ passed += $1; failed += $2; skipped += $3 }
	END {
		printf "%d passed, %d failed", passed, failed
		if (skipped)
			printf ", %d skipped", skipped
		print ""
	}' "$tally"
[ -z "$broken" ]
