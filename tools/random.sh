#!/bin/bash
# Traces random programs that know what they did: random.sh [COUNT [FIRST]]
#
# COUNT of them (1000 without it), with the seeds from FIRST (1) on.
set -eu
cd "$(dirname "$0")/.."

tools/build.sh >&2
SONDE=$PWD/build/sonde COUNT=${1:-1000} FIRST=${2:-1} exec test/net/trace_random.py
