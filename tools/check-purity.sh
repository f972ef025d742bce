#!/bin/bash
# The PURE rooms (bytes in, values out) call nothing that knows of descriptors, clocks,
# memory management or output: what their objects leave undefined must be defined by base
# (without its clock), by a PURE room, or stand in the list below.
#
#	tools/check-purity.sh BUILD
set -eu
build=${1:?usage: check-purity.sh BUILD}
cd "$(dirname "$0")/.."

pure='packet proto dissect timeline finding file'

# Whole names; u8_toupper is libunistring's table of capitals, given storage; str* is spelt out where a function allocates or asks the locale.
allowed='^(mem[a-z]+|str(n?cmp|n?casecmp|n?len|n?cpy|n?cat|r?chr|chrnul|c?spn|pbrk|n?str|casestr|sep)
|stpn?cpy|u8_toupper|v?snprintf|qsort|qsort_r|bsearch|abs|labs
|__(mem|str|stp)[a-z]+_chk|__v?snprintf_chk|__rawmemchr
|__stack_chk_fail|__assert_fail|_GLOBAL_OFFSET_TABLE_
|__(u?div|u?mod|u?mul|ash|lsh|float|fix)[a-z0-9]+
|__asan_[a-z0-9_]+|__ubsan_[a-z0-9_]+)$'
allowed=${allowed//$'\n'/}

objects() { # ROOM
	find "$build/libsonde.a.p" "$build"/libsonde.so*.p -name "lib_$1_*.o" 2>/dev/null
}

defined=$(mktemp)
trap 'rm -f "$defined"' EXIT
{
	objects base | grep -v '/lib_base_clock'
	for room in $pure; do objects "$room"; done
} | xargs -r nm --defined-only | awk 'NF == 3 { print $3 }' | sort -u >"$defined"

failed=0
seen=0
for room in $pure; do
	for object in $(objects "$room"); do
		seen=$((seen + 1))
		impure=$(nm -u "$object" | awk '{ print $NF }' | grep -vE "$allowed" |
			grep -vxFf "$defined" || true)
		[ -z "$impure" ] || {
			printf '%s: %s\n' "${object##*/}" "${impure//$'\n'/ }"
			failed=1
		}
	done
done
[ $seen != 0 ] || {
	echo "no objects of the PURE rooms in $build"
	failed=1
}
exit $failed
