#!/bin/bash
# Puts the output of a real ./dev demo into README.md, between its two marks.
set -euo pipefail
cd "$(dirname "$0")/.."

shown=$(mktemp)
trap 'rm -f "$shown"' EXIT
tools/build.sh sonde >/dev/null
# From the command line on that the demo prints, without ninja's own lines.
{
	echo '```'
	tools/demo.sh | sed -n '/^\$ build\/sonde/,$p'
	echo '```'
} >"$shown"
awk -v shown="$shown" '
	/^<!-- ladder: end/ { inside = 0 }
	!inside { print }
	/^<!-- ladder: begin/ { inside = 1; while ((getline line < shown) > 0) print line }
' README.md >"$shown.md"
cat "$shown.md" >README.md
rm -f "$shown.md"
