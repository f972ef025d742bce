#!/bin/bash
# Each command's man page names every option that its --help names, and the other way round.
#
#	tools/check-options.sh PROGRAM
set -eu
shopt -s nullglob
program=$(readlink -f "${1:?usage: check-options.sh PROGRAM}")
cd "$(dirname "$0")/.."

failed=0
long_options() {
	grep -oE -- '(^|[^[:alnum:]-])--[a-z][a-z0-9-]*' | grep -oE -- '--.*' | sort -u
}
page_options() { # PAGE, as it is read, without overstriking
	mandoc -Tascii "$1" | sed 's/.\x08//g' | long_options || true
}
missing() { # FROM IN WORDS
	comm -23 <(echo "$1") <(echo "$2") | while read -r option; do
		echo "$3 $option"
	done
}
general=$("$program" --help | long_options)
for page in man/sonde-*.1; do
	command=${page#man/sonde-}
	command=${command%.1}
	help=$("$program" "$command" --help | long_options || true)
	text=$(page_options "$page")
	# What the page lists as its own, not what it mentions.
	items=$(grep -E '^\.It Fl ' "$page" | grep -oE 'Fl (-|Fl )[a-z][a-z0-9-]*' |
		sed -E 's/^Fl (-|Fl )/--/' | sort -u || true)
	found=$(
		# The options of every command stand in sonde(1).
		missing "$(comm -23 <(echo "$help") <(echo "$general"))" "$text" "$page does not name"
		missing "$items" "$help" "$page names"
	)
	[ -z "$found" ] || {
		echo "$found"
		failed=1
	}
done
text=$(page_options man/sonde.1 2>/dev/null)
found=$(missing "$general" "$text" 'man/sonde.1 does not name')
[ -z "$found" ] || {
	echo "$found"
	failed=1
}
exit $failed
