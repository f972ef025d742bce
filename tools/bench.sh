#!/bin/bash
# Measures one area, or names the areas: bench.sh [AREA [ARG]...]
set -eu
cd "$(dirname "$0")/.."

areas() {
	local file
	for file in bench/*.sh; do
		[ -x "$file" ] || continue # what they share
		printf '  %-8s %s\n' "$(basename "$file" .sh)" "$(sed -n '2s/^# //p' "$file")"
	done
}

if [ $# = 0 ]; then
	echo 'areas:'
	areas
	exit
fi
area=bench/$1.sh
[ -x "$area" ] || {
	echo "dev: no area $1 to measure; there are:" >&2
	areas >&2
	exit 2
}
shift
tools/build.sh >&2
echo "$(uname -sm) $(uname -r), $(nproc) CPUs, load $(cut -d ' ' -f 1-3 /proc/loadavg)"
exec "$area" "$@"
