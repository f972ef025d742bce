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
for page in man/sonde-*.1; do
	command=${page#man/sonde-}
	command=${command%.1}
	help=$("$program" "$command" --help | long_options)
	text=$(mandoc -Tascii "$page" | col -b | long_options)
	while read -r option; do
		grep -qxF -- "$option" <<<"$text" || {
			echo "$page does not name $option"
			failed=1
		}
	done <<<"$help"
done
exit $failed
