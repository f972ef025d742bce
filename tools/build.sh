#!/bin/bash
# Builds in build/: everything, or the ninja targets that are named.
set -eu
cd "$(dirname "$0")/.."

if [ -e build ] && [ ! -w build ]; then
	echo "dev: build/ belongs to another user: remove it first" >&2
	exit 1
fi
[ -e build/build.ninja ] || meson setup build
exec ninja -C build "$@"
