#!/bin/bash
# Every cell of the matrix of traced programs: matrix.sh [WORD]...
#
# Client x server language x how they wait x blocking or not x IPv4, IPv6 x TCP, UDP x
# whether what is waited for is there; with words only the cells that have
# all of them.  Words stand in the results: client=python, client=blocking-poll, IPv6, ready.
set -eu
cd "$(dirname "$0")/.."

tools/build.sh >&2
SONDE=$PWD/build/sonde WHOLE=1 exec test/net/trace_matrix.py "$@"
