#!/bin/bash
# Our C, read by cppcheck; tools/cppcheck.txt names what is not asked, and why.
#
#	tools/check-cppcheck.sh [FILE]...
set -eu
cd "$(dirname "$0")/.."
[ $# -gt 0 ] || set -- lib cli web

# The machine is one that the tracer knows.
cppcheck -j 2 --std=c11 --enable=warning,style,performance,portability --quiet \
	--suppressions-list=tools/cppcheck.txt --error-exitcode=1 \
	--template='{file}:{line}: {severity}: {message} [{id}]' \
	-D__x86_64__ -D__linux__ -D__GNUC__ -D_GNU_SOURCE -I include -I lib -I . "$@"
