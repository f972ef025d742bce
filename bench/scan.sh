#!/bin/bash
# How long a scan takes, beside nmap, masscan and zmap, and whether its states are right; with verdicts
#
#	bench/scan.sh [ROUNDS [PART...]]
#
# The parts, all of them without a name: tcp (65535 ports: closed, filtered, 1 % and 5 % loss;
# SYN and connect), sweep (256 hosts by 100 ports), right (20 runs on every bad network, ours
# alone), challenge (20 runs at a port that holds a half-open connection of ours, RFC 5961), udp
# (one source, ports 1-60), pool (64 sources, ports 1-1000).
#
# The lab is two network namespaces on a veth with 20 TCP and 5 UDP services
# (test/net/scanning.py); every state of every port is compared with the truth.  Peers run
# ROUNDS times (3), in turn with ours; what is repeated without them runs RUNS times (20).
#
# A verdict is the ratio of two medians, in brackets the interval of 95 in 100 bootstrap
# samples of the rounds (bench/verdict.py).  Times are those of whole processes, from their
# start to their end.  A floor is what this machine and its kernel need at least
# (bench/peers/syn_floor.c, connect_floor.c): the veth's own limit with one thread, which is
# what the target means, and with two, which is what a scan of two threads could come to; of
# connect the quicker one.  They run beside the others because the machine's own speed changes.
set -euo pipefail
cd "$(dirname "$0")/.."
export SONDE=${SONDE:-$PWD/build/sonde}
exec /usr/bin/python3 bench/scan_lab.py "$@"
