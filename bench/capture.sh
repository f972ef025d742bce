#!/bin/bash
# `sonde capture -w` beside tcpdump -w and dumpcap: drops, CPU per packet; with verdicts
#
#	bench/capture.sh [ROUNDS [PACKETS]]
#
# One thread sends UDP datagrams of 100 bytes over a veth pair as fast as it can.  In each
# round every program is started anew, and they take turns.  Two settings: sender and
# capture on a CPU each, and both pinned to the same one.  "lost" is what was sent and is
# not in the file; CPU is user and system time of the capturing process (and of its
# threads), by the packets in its file.  Files lie in memory.  In brackets: the interval of
# 95 in 100 bootstrap samples of the rounds.
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/lib.sh

[ "$(id -u)" = 0 ] || {
	echo 'bench: tcpdump captures as root only, and not as that of a user namespace' >&2
	exit 3
}
exec unshare -n /usr/bin/python3 bench/capture_turns.py "${1:-5}" "${2:-2000000}" \
	"$(first_cpus 2 | tr '\n' ' ')"
