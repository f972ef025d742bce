#!/bin/bash
# How fast bytes go through `sonde listen --to` and through pipes, beside ncat, socat, haproxy and nc
#
#	bench/relay.sh [ROUNDS [SECONDS [PART...]]]
#
# The parts, all of them without a name:
#
#	stream  one stream through a relay of TCP, MB/s
#	pipes   one stream from a pipe through `connect`, TCP and `listen` into a pipe, MB/s
#	line    a line of 18 bytes through a relay and back, us
#	crowd   1,000 clients of a relay at once, 20 of them with 8 MiB, every byte compared
#
# All in a network namespace of its own, where TCP's congestion control is reno: what the
# machine has otherwise may pace, and hide the rest.  In each round every peer is started
# anew and measured in turn; a verdict is the ratio of two medians with its bootstrap
# interval.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "${SONDE_BENCH_NETNS-}" ] || SONDE_BENCH_NETNS=1 exec unshare -Urn "$0" "$@"
. bench/lib.sh

rounds=${1:-11}
seconds=${2:-0.4}
parts=(stream pipes line crowd)
[ $# -lt 3 ] || parts=("${@:3}")
lines=3000
clients=1000
load=build/bench/bench_relay_load
sonde=${SONDE:-build/sonde}

ip link set lo up
sysctl -qw net.ipv4.tcp_congestion_control=reno
ulimit -n "$(ulimit -Hn)"

folder=$(mktemp -d)
started=()
stop() {
	local pid
	for pid in "${started[@]}"; do
		kill -TERM -- "-$pid" 2>/dev/null || true
		wait "$pid" 2>/dev/null || true
	done
	started=()
}
# shellcheck disable=SC2154 # of lib.sh
trap 'stop; rm -rf "$values" "$folder"' EXIT

# Each in a process group of its own, which ends with all that it started.
start() {
	setsid "$@" >"$folder/said" 2>&1 </dev/null &
	started+=($!)
}

port=20000
from=
to=
new_ports() {
	from=$((port += 1))
	to=$((port += 1))
}

haproxy_config() {
	cat >"$folder/haproxy.cfg" <<-END
		global
			nbthread 1
		defaults
			mode tcp
			timeout connect 5s
			timeout client 30s
			timeout server 30s
			option splice-auto
			option tcp-smart-accept
			option tcp-smart-connect
		listen relay
			bind 127.0.0.1:$to
			maxconn 4000
			server one 127.0.0.1:$from
	END
}

relay() { # PEER: from port $to to port $from
	case $1 in
	sonde) start "$sonde" listen -q -k --to "127.0.0.1:$from" "127.0.0.1:$to" ;;
	ncat) start ncat -l -k -m 2000 --sh-exec "exec ncat 127.0.0.1 $from" 127.0.0.1 "$to" ;;
	socat) start socat "TCP-LISTEN:$to,bind=127.0.0.1,fork,reuseaddr,backlog=4096" \
		"TCP:127.0.0.1:$from" ;;
	socat-b262144) start socat -b262144 \
		"TCP-LISTEN:$to,bind=127.0.0.1,fork,reuseaddr,backlog=4096" "TCP:127.0.0.1:$from" ;;
	haproxy)
		haproxy_config
		start haproxy -q -db -f "$folder/haproxy.cfg"
		;;
	direct) to=$from ;;
	esac
}

pipes() { # PEER
	local listen connect
	case $1 in
	sonde)
		listen="$sonde listen -q 127.0.0.1:$to"
		connect="$sonde connect 127.0.0.1 $to"
		;;
	ncat)
		listen="ncat -l 127.0.0.1 $to"
		connect="ncat 127.0.0.1 $to"
		;;
	socat)
		listen="socat -u TCP-LISTEN:$to,bind=127.0.0.1,reuseaddr -"
		connect="socat -u - TCP:127.0.0.1:$to,retry=100,interval=0.02"
		;;
	nc)
		listen="nc.openbsd -l 127.0.0.1 $to"
		connect="nc.openbsd 127.0.0.1 $to"
		;;
	esac
	setsid bash -c "$listen </dev/null 2>/dev/null | $load drain $seconds" >"$folder/rate" &
	started+=($!)
	until ss -Hltn "sport = :$to" | grep -q .; do sleep 0.01; done
	setsid bash -c "$load fill | $connect >/dev/null" 2>/dev/null &
	started+=($!)
	wait "${started[0]}"
	add "$1" pipes "$(cat "$folder/rate")"
}

measure() { # PART PEER
	local one two
	new_ports
	case $1 in
	stream)
		relay "$2"
		add "$2" stream "$($load stream "$to" "$from" "$seconds")"
		;;
	pipes) pipes "$2" ;;
	line)
		relay "$2"
		read -r one two <<<"$($load line "$to" "$from" "$lines")"
		add "$2" line-p50 "$one"
		add "$2" line-p99 "$two"
		;;
	crowd)
		relay "$2"
		read -r one two <<<"$($load crowd "$to" "$from" "${started[0]}" "$clients")"
		add "$2" crowd-KiB "$one"
		add "$2" crowd-ms "$two"
		;;
	esac
	stop
}

declare -A peers=(
	[stream]='sonde ncat socat socat-b262144 haproxy direct'
	[pipes]='sonde ncat socat nc'
	[line]='sonde ncat socat haproxy direct'
	[crowd]='sonde haproxy'
)

tell() { # PART
	case $1 in
	stream)
		report stream MB/s sonde
		verdict_at_least stream sonde socat 2.3
		verdict_at_least stream sonde ncat 3
		verdict_at_least stream sonde socat-b262144 1
		;;
	pipes)
		report pipes MB/s sonde
		verdict_at_least pipes sonde ncat 3
		verdict_at_least pipes sonde socat 2.3
		verdict_at_least pipes sonde nc 1
		;;
	line)
		report line-p50 us sonde
		report line-p99 us sonde
		verdict line-p50 sonde ncat 1
		verdict line-p50 sonde socat 1
		;;
	crowd)
		report crowd-KiB KiB sonde
		report crowd-ms ms sonde
		;;
	esac
}

for part in "${parts[@]}"; do
	[ "${peers[$part]-}" ] || {
		echo "bench: no part $part; there are ${!peers[*]}" >&2
		exit 2
	}
	: >"$values"
	for ((round = 1; round <= rounds; round++)); do
		echo "$part: round $round of $rounds" >&2
		for peer in ${peers[$part]}; do
			measure "$part" "$peer"
		done
	done
	tell "$part"
done
