#!/bin/bash
# Strains that take longer than a check may: soak.sh [COUNT [SEED]]
#
# COUNT malformed requests (a million without it) to a server of every service and dialect.
set -eu
cd "$(dirname "$0")/.."

tools/build.sh >&2
SONDE=$PWD/build/sonde exec test/net/malformed.py "${1:-1000000}" "${2:-$RANDOM}"
