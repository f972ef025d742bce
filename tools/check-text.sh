#!/bin/bash
# What no compiler looks at: blanks, marks of unfinished work, files that nobody runs.
set -eu
cd "$(dirname "$0")/.."

failed=0
complain() {
	printf '%s\n' "$1"
	failed=1
}

files() { # the checkout's own text files
	find . \( -name .git -o -path './build' -o -path './build-*' -o -name __pycache__ \
		-o -path './test/fuzz/corpus' -o -path './test/golden' -o -name '*.pcapng' \) -prune \
		-o -type f -print
}
mapfile -t all < <(files | sort)

found=$(grep -nE '[[:blank:]]+$' "${all[@]}" || true)
[ -z "$found" ] || complain "blanks at the end of a line:"$'\n'"$found"

# Spelt in pieces, so that this file does not find itself.
marks='\b(TO''DO|FIX''ME|XX''X|HA''CK)\b'
found=$(grep -nE "$marks" "${all[@]}" || true)
[ -z "$found" ] || complain "marks of unfinished work:"$'\n'"$found"

for file in "${all[@]}"; do
	[ ! -s "$file" ] || [ -z "$(tail -c 1 "$file")" ] || complain "$file: no newline at its end"
done

for file in README.md CONTRIBUTING.md CHANGELOG.md ARCHITECTURE.md LICENSE; do
	[ -s "$file" ] || complain "$file is missing"
done

# Every relative link of a Markdown file leads somewhere.
for file in "${all[@]}"; do
	[[ $file = *.md ]] || continue
	while IFS= read -r target; do
		[ -e "$(dirname "$file")/${target%%#*}" ] || complain "$file: dead link to $target"
	done < <(grep -oE '\]\([^)#:[:blank:]]+(#[^)]*)?\)' "$file" | sed -E 's/^\]\(//; s/\)$//')
done

# A test that is not executable, or not listed, would be skipped in silence.
for file in test/net/*.sh test/net/*.py test/tools/*.sh; do
	[ -e "$file" ] || continue
	if head -c 2 "$file" | grep -q '#!'; then
		[ -x "$file" ] || complain "$file: a test that is not executable"
	else
		[ ! -x "$file" ] || complain "$file: executable, without #!"
	fi
done
for file in test/unit/*/test_*.c; do
	[ -e "$file" ] || continue
	name=${file##*/test_}
	grep -qE "'(${name%.c}|test_$name)'" "$(dirname "$file")/meson.build" ||
		complain "$file: not listed in its meson.build"
done
for file in test/fuzz/fuzz_*.c; do
	[ -e "$file" ] || continue
	name=${file##*/fuzz_}
	name=${name%.c}
	grep -q "'$name'" test/fuzz/meson.build || complain "$file: not listed in meson.build"
	[ -n "$(ls "test/fuzz/corpus/$name" 2>/dev/null)" ] || complain "$file: has no corpus"
done
for file in test/golden/*; do
	[ -e "$file" ] || continue
	grep -qF "\"${file##*/}\"" test/unit/*/*.c || complain "$file: no test compares it"
done
for file in include/sonde/*.h; do
	grep -q "'sonde/${file##*/}'" include/meson.build || complain "$file: is not installed"
done

exit $failed
