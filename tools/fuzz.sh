#!/bin/bash
# Fuzzes one target, or all, for so many seconds each: fuzz.sh [TARGET] [SECONDS]
#
# What libFuzzer finds worth keeping goes to build-fuzz/corpus; an input that breaks a
# property goes to the checkout's own corpus, so that the ordinary check fails until it is
# mended.
set -eu
cd "$(dirname "$0")/.."

target=
seconds=60
for word in "$@"; do
	case $word in
	*[!0-9]*) target=$word ;;
	*) seconds=$word ;;
	esac
done

mapfile -t targets < <(sed -n "s/^ *'\([a-z0-9_]*\)',$/\1/p" test/fuzz/meson.build)
if [ -n "$target" ]; then
	[[ " ${targets[*]} " == *" $target "* ]] || {
		echo "dev: no fuzz target $target; there are: ${targets[*]}" >&2
		exit 2
	}
	targets=("$target")
fi
if [ ${#targets[@]} = 0 ]; then
	echo "dev: test/fuzz/meson.build lists no target" >&2
	exit 1
fi

[ -e build-fuzz/build.ninja ] || CC=clang-14 meson setup build-fuzz -Dfuzz=true -Dpage=disabled \
	-Dtests=disabled -Db_sanitize=address,undefined -Db_lundef=false -Db_pie=false
ninja -C build-fuzz "${targets[@]/#/test/fuzz/fuzz_}"

failed=
for name in "${targets[@]}"; do
	kept=build-fuzz/corpus/$name
	own=test/fuzz/corpus/$name
	mkdir -p "$kept" "$own"
	echo "== $name, $seconds s"
	before=$(find "$own" -type f | sort)
	UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
		"build-fuzz/test/fuzz/fuzz_$name" -max_total_time="$seconds" -timeout=10 \
		-artifact_prefix="$own/" "$kept" "$own" \
		2>"build-fuzz/$name.log" || {
		failed="$failed $name"
		tail -n 40 "build-fuzz/$name.log"
	}
	grep -E '^Done' "build-fuzz/$name.log" || true
	comm -13 <(echo "$before") <(find "$own" -type f | sort) | sed 's/^/  found: /'
done
[ -z "$failed" ] || {
	echo "failed:$failed" >&2
	exit 1
}
