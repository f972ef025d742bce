#!/bin/bash
# The man pages: sound mdoc, with the sections that every command's page has.
set -eu
shopt -s nullglob
cd "$(dirname "$0")/.."

failed=0
pages=(man/*.[1-8])
[ ${#pages[@]} != 0 ] || {
	echo "no man pages"
	failed=1
}
for page in "${pages[@]}"; do
	# Cross references are looked up where pages are installed, and these are not.
	mandoc -Tlint -Wstyle "$page" | grep -v 'referenced manual not found' && failed=1
	for section in NAME SYNOPSIS DESCRIPTION 'EXIT STATUS' EXAMPLES; do
		grep -qE "^\.Sh \"?$section\"?\$" "$page" || {
			echo "$page: no section $section"
			failed=1
		}
	done
done
exit $failed
