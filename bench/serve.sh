#!/bin/bash
# How many requests a calculation server answers, and how fast: sonde and Python threads
#
# The load is a closed loop.  Server and load have a CPU each.
#
#	bench/serve.sh [ROUNDS [SECONDS [CONNECTIONS]]]
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/lib.sh

rounds=${1:-5}
seconds=${2:-2}
connections=${3:-32}

mapfile -t cpus < <(first_cpus 2)
server_cpu=${cpus[0]}
load_cpu=${cpus[1]:-${cpus[0]}}
[ "$server_cpu" != "$load_cpu" ] || echo "one CPU only: server and load share it" >&2

server=
out=$(mktemp)
trap '[ -z "$server" ] || kill "$server"; rm -f "$values" "$out"' EXIT

port_of() { # REGEX: the port that the server's output names
	local i port
	for ((i = 0; i < 200; i++)); do
		port=$(sed -nE "s/$1/\1/p" "$out" | head -n 1)
		if [ -n "$port" ]; then
			echo "$port"
			return
		fi
		sleep 0.02
	done
	echo "bench: the server named no port" >&2
	return 1
}

measure() { # VARIANT REGEX CMD...
	local variant=$1 regex=$2 port
	shift 2
	: >"$out"
	taskset -c "$server_cpu" "$@" >"$out" 2>&1 &
	server=$!
	port=$(port_of "$regex")
	taskset -c "$load_cpu" build/bench/bench_calc_load "$port" "$connections" "$seconds" |
		add_all "$variant"
	kill "$server"
	wait "$server" || true
	server=
}

for ((round = 1; round <= rounds; round++)); do
	echo "round $round of $rounds" >&2
	measure sonde 'listening on 127\.0\.0\.1:([0-9]+)\/tcp.*' \
		build/sonde serve calc@127.0.0.1:0/tcp
	measure python-threads '([0-9]+)' /usr/bin/python3 bench/peers/calc_threaded.py
done
report requests_per_s 1/s python-threads
report p50_us us python-threads
report p99_us us python-threads
