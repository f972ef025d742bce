#!/bin/bash
# Strains that take longer than a check may: soak.sh [COUNT [SEED]]
#
# 9,000 idle clients and 900 that send and read a byte a second; then COUNT malformed requests
# (a million without it) to a server of every service and dialect; 1,000 clients of a relay, ten
# of them with 8 MB; 200 MB each way through every mode of connect and listen.  Then, as in the
# check, a server without descriptors, with clients that vanish or do not read, ended while
# busy; sources that lie; a flood of datagrams.
set -eu
cd "$(dirname "$0")/.."

tools/build.sh >&2
export SONDE=$PWD/build/sonde
test/net/crowd.py 9000 900 1
test/net/malformed.py "${1:-1000000}" "${2:-$RANDOM}"
test/net/listen_many.py 1000 8000000
test/net/talk_whole.py 200 "${2:-$RANDOM}"
for strain in serve_limits serve_workers udp_abuse serve_datagrams; do
	echo "# $strain"
	"test/net/$strain.py"
done
