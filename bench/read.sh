#!/bin/bash
# `sonde read` and `follow` beside tshark and tcpdump on 518 MB of packets; with verdicts
#
#	bench/read.sh [ROUNDS]
#
# 880,000 packets of 50,000 TCP connections, made anew.  Programs take turns; what is
# printed is the median of the rounds, and in brackets the interval of 95 in 100 bootstrap
# samples of them.  tshark takes so long that it has one round only, of the filter.
# Memory is the most anonymous memory (RssAnon) that was seen in a run of its own, looked at
# a hundred times a second.
set -euo pipefail
cd "$(dirname "$0")/.."
exec /usr/bin/python3 bench/read_turns.py "${1:-5}"
