#!/bin/bash
# How many requests `sonde serve calc` answers, beside reference servers; with verdicts
#
#	bench/serve.sh [ROUNDS [SECONDS [PART...]]]
#
# The parts, all of them without a name; each is measured for itself:
#
#	tcp      beside a bare epoll loop and libev
#	threads  beside a thread for each connection, in C and in Python; a bare epoll loop in the
#	         same rounds tells what a server of our kind can reach here
#	udp      beside one datagram at a time
#	crowd    how long the others wait beside many idle and slow connections
#	memory   what an idle connection takes
#	options  --workers and --busy-poll
#
# All in a network namespace of its own, where TCP's congestion control is reno: what the
# machine has otherwise may pace, and hide the rest.  Server and load have a CPU each.  The
# load is `sonde calc --bench`, a closed loop that checks every answer; that of `crowd` is
# bench/peers/crowd.c, an open one; that of a thousand connections beside threads is
# bench/peers/calc_load.c, with which their targets were set ("the load's CPU" tells how
# much of what is measured is the load).
#
# In each round every server is started anew and measured in turn, so that a slow minute of
# the machine meets all of them; a ratio is that of the same round, and what is printed is
# the median of the rounds' ratios, with its confidence interval (95 %, by the ranks).  A
# target holds if the median reaches it; where it lies within the interval, the rounds were
# too few to be sure, and that is said.  Where other programs take part of the CPUs, the
# server's own time for a request (cpu) says more than the rate.
set -euo pipefail
cd "$(dirname "$0")/.."
[ "${SONDE_BENCH_NETNS-}" ] || SONDE_BENCH_NETNS=1 exec unshare -Urn "$0" "$@"
. bench/lib.sh

rounds=${1:-15}
seconds=${2:-0.3}
parts=(tcp threads udp crowd memory options)
[ $# -lt 3 ] || parts=("${@:3}")
idle=9000
slow=900

mapfile -t cpus < <(first_cpus 2)
server_cpu=${cpus[0]}
load_cpu=${cpus[1]:-${cpus[0]}}
[ "$server_cpu" != "$load_cpu" ] || echo "one CPU only: server and load share it" >&2
ulimit -n "$(ulimit -Hn)"
ip link set lo up
sysctl -qw net.ipv4.tcp_congestion_control=reno

server=
crowd=
out=$(mktemp)
crowd_out=$(mktemp)
spent=$(mktemp)
trap 'kill $server $crowd 2>/dev/null || true; rm -f "$values" "$out" "$crowd_out" "$spent"' EXIT

declare -A commands=(
	[sonde]='build/sonde serve -q calc@127.0.0.1:0'
	[epoll]='build/bench/bench_calc_epoll'
	[libev]='build/bench/bench_calc_libev'
	[threads]='build/bench/bench_calc_threads'
	[python]='/usr/bin/python3 bench/peers/calc_threaded.py'
	[one-by-one]='build/bench/bench_calc_datagrams'
	[sonde-workers]='build/sonde serve -q --workers 2 calc@127.0.0.1:0'
	[sonde-busy]='build/sonde serve -q --busy-poll 200us calc@127.0.0.1:0'
)

wait_for() { # WHAT CMD...: until it prints something, which is printed
	local i got what=$1
	shift
	for ((i = 0; i < 500; i++)); do
		got=$("$@")
		if [ -n "$got" ]; then
			echo "$got"
			return
		fi
		sleep 0.02
	done
	echo "bench: waited in vain for $what" >&2
	return 1
}

start() { # SERVER
	local -a command
	read -ra command <<<"${commands[$1]}"
	: >"$out"
	taskset -c "$server_cpu" "${command[@]}" >"$out" 2>&1 &
	server=$!
	port=$(wait_for "$1" sed -nE '1s/^(listening on [0-9.]+:)?([0-9]+)(\/.*)?$/\2/p' "$out")
}

stop() {
	kill "$server"
	wait "$server" 2>/dev/null || true
	server=
}

cpu_ns() { # of all the threads that the server has and had (clock_getcpuclockid(3))
	/usr/bin/python3 -c \
		'import sys, time; print(time.clock_gettime_ns(~int(sys.argv[1]) << 3 | 2))' "$server"
}

load() { # VARIANT SHAPE LOAD-OPTION...: into the values, as SHAPE, SHAPE-p99, SHAPE-cpu ...
	local variant=$1 shape=$2 line before per_second
	shift 2
	before=$(cpu_ns)
	line=$(taskset -c "$load_cpu" build/sonde calc --bench --json \
		--to "127.0.0.1:$port" --for "${seconds}s" "$@" | tail -n 1)
	per_second=$(sed -E 's/.*"per_second":([0-9]+).*/\1/' <<<"$line")
	add "$variant" "$shape" "$per_second"
	add "$variant" "$shape-cpu" "$(awk -v ns=$(($(cpu_ns) - before)) -v rate="$per_second" \
		-v seconds="$seconds" 'BEGIN { printf "%.1f", ns / (rate * seconds + 1) }')"
	add "$variant" "$shape-p50" "$(sed -E 's/.*"p50_ns":([0-9]+).*/\1/' <<<"$line")"
	add "$variant" "$shape-p99" "$(sed -E 's/.*"p99_ns":([0-9]+).*/\1/' <<<"$line")"
}

load_many() { # VARIANT
	local before
	start "$1"
	before=$(cpu_ns)
	taskset -c "$load_cpu" build/bench/bench_calc_load "$port" 1000 "$seconds" |
		sed 's/^per_second/many/; s/^[piu]/many-&/' >"$spent"
	add_all "$1" <"$spent"
	add "$1" many-cpu $((($(cpu_ns) - before) / $(sed -n 's/^many-in_all //p' "$spent")))
	stop
}

serve_shapes() { # VARIANT SHAPE...
	local variant=$1 shape
	start "$variant"
	shift
	for shape in "$@"; do
		case $shape in
		c1) load "$variant" c1 --connections 1 ;;
		c50) load "$variant" c50 --connections 50 ;;
		c50d16) load "$variant" c50d16 --connections 50 --depth 16 ;;
		c1000) load "$variant" c1000 --connections 1000 ;;
		c1000d16) load "$variant" c1000d16 --connections 1000 --depth 16 ;;
		udp) load "$variant" udp --udp --connections 50 --depth 16 ;;
		esac
	done
	stop
}

private_bytes() {
	awk '/^Private_Dirty:/ { print $2 * 1024 }' "/proc/$server/smaps_rollup"
}

start_crowd() { # PORT SLOW
	: >"$crowd_out"
	taskset -c "$load_cpu" build/bench/bench_crowd "$1" "$idle" "$2" >"$crowd_out" &
	crowd=$!
	wait_for 'the crowd' cat "$crowd_out" >/dev/null
}

all_accepted() { # PID COUNT: prints something once it has as many descriptors
	local -a open=("/proc/$1/fd"/*)
	[ "${#open[@]}" -lt "$2" ] || echo yes
}

stop_crowd() {
	kill "$crowd"
	wait "$crowd" 2>/dev/null || true
	crowd=
}

measure_memory() {
	local before
	start sonde
	load warm memory --connections 50
	before=$(private_bytes)
	start_crowd "$port" 1
	wait_for 'the server' all_accepted "$server" "$idle" >/dev/null
	add idle memory $((($(private_bytes) - before) / idle))
	add limit memory 512
	stop_crowd
	stop
}

# The same server without and with the crowd.  It comes from the process that measures,
# because two programs on the load's CPU would wait for each other.
measure_crowd() {
	local lasting variant sizes
	lasting=$(awk -v seconds="$seconds" 'BEGIN { print 5 * seconds }')
	start sonde
	for variant in 'alone 0 0' "crowded $idle $slow"; do
		read -r variant sizes <<<"$variant"
		# shellcheck disable=SC2086 # two numbers
		taskset -c "$load_cpu" build/bench/bench_crowd "$port" $sizes 10000 "$lasting" |
			sed -n 's/^[pa]/crowd-&/p' | add_all "$variant"
	done
	stop
}

# ratio TITLE NAME A B TARGET: A's values by B's, round by round; with `<`TARGET less is
# better.  Without TARGET there is no verdict.
ratio() {
	awk -v title="$1" -v name="$2" -v a="$3" -v b="$4" -v target="${5-}" '
		$2 == name && $1 == a { x[++n] = $3 }
		$2 == name && $1 == b { y[++m] = $3 }
		function sort(v, n, i, k, t) {
			for (i = 2; i <= n; i++)
				for (k = i; k > 1 && v[k] < v[k - 1]; k--) {
					t = v[k]; v[k] = v[k - 1]; v[k - 1] = t
				}
		}
		function at(v, n) {
			return n % 2 ? v[(n + 1) / 2] : (v[n / 2] + v[n / 2 + 1]) / 2
		}
		END {
			if (n < m)
				m = n
			for (i = 1; i <= m; i++)
				r[i] = x[i] / (y[i] > 0 ? y[i] : 1) # none at all: as one
			sort(r, m); sort(x, n); sort(y, m)
			first = int((m - 1.96 * sqrt(m)) / 2) + 1
			if (first < 1)
				first = 1
			low = r[first]; high = r[m + 1 - first]; median = at(r, m)
			printf "%-44s %11.0f %11.0f  %5.2f [%.2f, %.2f]", title, at(x, n), at(y, m),
				median, low, high
			if (target != "") {
				less = sub(/^</, "", target)
				target += 0 # a number again: awk compares texts as texts
				good = less ? median <= target : median >= target
				sure = less ? (good ? high <= target : low > target) \
					: (good ? low >= target : high < target)
				printf "  %s %.2f: %s%s", less ? "at most" : "at least", target,
					good ? "holds" : "MISSED", sure ? "" : " (not sure)"
			}
			print ""
		}' "$values"
}

measure() { # PART: one round
	local variant
	case $1 in
	tcp)
		for variant in sonde epoll libev; do
			serve_shapes "$variant" c1 c50 c50d16 c1000 c1000d16
		done
		;;
	threads)
		for variant in sonde epoll threads python; do
			load_many "$variant"
		done
		for variant in sonde epoll threads python; do
			serve_shapes "$variant" c50d16 c1000
		done
		;;
	udp)
		for variant in sonde one-by-one; do
			serve_shapes "$variant" udp
		done
		;;
	crowd) measure_crowd ;;
	memory) measure_memory ;;
	options)
		for variant in sonde sonde-busy sonde-workers; do
			serve_shapes "$variant" c1 c50d16
		done
		;;
	*)
		echo "bench: no part $1; there are tcp, threads, udp, crowd, memory and options" >&2
		exit 2
		;;
	esac
}

tell() { # PART
	local peer shape name target
	case $1 in
	tcp)
		for peer in epoll libev; do
			for shape in c50 c50d16 c1000 c1000d16; do
				ratio "requests/s, $shape, by $peer" $shape sonde $peer 0.97
				ratio "  CPU ns a request" $shape-cpu sonde $peer
			done
		done
		ratio 'requests/s, c1, by epoll' c1 sonde epoll
		;;
	threads)
		for peer in 'threads C 2' 'python Python 2.5'; do
			read -r peer name target <<<"$peer"
			ratio "requests/s, c1000, by $name threads" many sonde "$peer" "$target"
			ratio "  a bare epoll loop by them" many epoll "$peer"
			ratio '  p99 ns' many-p99 sonde "$peer"
			ratio '  CPU ns a request' many-cpu sonde "$peer"
			ratio "  the load's CPU, %" many-used sonde "$peer"
			ratio '  by the load of calc --bench' c1000 sonde "$peer"
			ratio "    a bare epoll loop by them" c1000 epoll "$peer"
		done
		ratio 'requests/s, c50d16, by Python threads' c50d16 sonde python 5
		;;
	udp)
		ratio 'requests/s, UDP 50x16, by one at a time' udp sonde one-by-one 1.2
		ratio '  CPU ns a request' udp-cpu sonde one-by-one
		;;
	crowd)
		ratio "p99 ns, beside $idle idle, $slow slow, by alone" crowd-p99-of-1000 crowded alone '<2'
		ratio '  of all requests at once, stalls too' crowd-p99 crowded alone '<2'
		ratio '  p50 ns, by alone' crowd-p50 crowded alone
		ratio '  left out: the load had no CPU, %' crowd-away crowded alone
		;;
	memory) ratio 'bytes of user memory, an idle one, by 512' memory idle limit '<1' ;;
	options)
		ratio 'p50 ns, c1, --busy-poll 200us by without' c1-p50 sonde-busy sonde
		ratio 'requests/s, c50d16, two workers on one CPU' c50d16 sonde-workers sonde
		;;
	esac
}

for part in "${parts[@]}"; do
	: >"$values"
	for ((round = 1; round <= rounds; round++)); do
		echo "$part: round $round of $rounds" >&2
		measure "$part"
	done
	printf '%-44s %11s %11s  %s\n' "$part, median of $rounds rounds" sonde peer 'ratio [95 %]'
	tell "$part"
done
