#!/bin/bash
# page: 10,000 packets in Chromium: first paint, filter, scrolling
#
# A capture of one connection with that many packets, made of numbers, and a traced run with
# about as many.  Each figure is the median of ROUNDS (default 5) fresh pages.
#
#	bench/page.sh [ROUNDS [PACKETS]]
set -eu
cd "$(dirname "$0")/.."
exec /usr/bin/python3 bench/page_rounds.py "${1:-5}" "${2:-10000}"
