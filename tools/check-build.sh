#!/bin/bash
# Builds everything anew where something changed, in a folder of its own.
#
#	tools/check-build.sh BUILD CC [MESON-OPTION]...
set -eu
build=${1:?usage: check-build.sh BUILD CC [MESON-OPTION]...}
cc=${2:?which compiler}
shift 2
cd "$(dirname "$0")/.."

if [ -e "$build/build.ninja" ]; then
	meson configure "$build" -Dtests=enabled "$@"
else
	CC=$cc meson setup "$build" -Dtests=enabled "$@"
fi
ninja -C "$build"
