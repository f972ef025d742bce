#!/bin/bash
# What a call costs a program that is traced, by sonde and by strace; what joining costs
#
# A socket call stops the program, any other should cost nothing.  sonde reads the source
# line with each, or leaves it out (sonde-no-lines); strace has its fastest filter, and does
# without (strace), or it unwinds the stack (strace-k, C only; no lines).  All write their
# output where it costs nothing.  Rounds are short and many, so that the verdicts hold on
# a machine that does other things, too.
#
#	bench/trace.sh [AREA|ROUNDS|calls=N|packets=N]...	areas: calls, join; default: both
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/lib.sh

rounds=15
calls=1500
packets=1000000
areas=
for word in "$@"; do
	case $word in
	calls | join) areas+=" $word" ;;
	calls=*)   calls=${word#*=} ;;
	packets=*) packets=${word#*=} ;;
	[1-9]*)    rounds=$word ;;
	*)
		echo "trace: $word is neither an area (calls, join), nor ROUNDS, calls=N, packets=N" >&2
		exit 2
		;;
	esac
done
areas=${areas:-calls join}

# One CPU for tracer and program, the worst case: every stop is two switches.
cpu=$(first_cpus 1)
isolate=--isolate
unshare -Urn true 2>/dev/null || isolate=

measure() { # VARIANT LANGUAGE CMD...
	local variant=$1 language=$2
	shift 2
	taskset -c "$cpu" "$@" | sed "s/^/$language-/" | add_all "$variant"
}

measure_calls() {
	local language
	for language in C Python; do
		case $language in
		C)      program=(build/bench/bench_socket_calls "$calls") ;;
		Python) program=(/usr/bin/python3 bench/peers/socket_calls.py "$calls") ;;
		esac
		measure alone $language "${program[@]}"
		measure sonde $language build/sonde trace $isolate -o /dev/null -- "${program[@]}"
		measure sonde-no-lines $language build/sonde trace --no-lines $isolate \
			-o /dev/null -- "${program[@]}"
		measure strace $language strace -f --seccomp-bpf -e trace=%network -o /dev/null \
			"${program[@]}"
	done
	# With lines each of its calls takes long.  What either does but once weighs the same.
	program=(build/bench/bench_socket_calls $((calls / 10)))
	measure sonde-tenth C build/sonde trace $isolate -o /dev/null -- "${program[@]}"
	measure strace-k C strace -k -f -e trace=%network -o /dev/null "${program[@]}"
}

report_calls() {
	local name
	for name in C-socket C-other Python-socket Python-other; do
		report $name ns alone
	done
	echo
	verdict C-socket sonde-no-lines strace 1.0
	verdict Python-socket sonde-no-lines strace 1.0
	verdict C-socket sonde-tenth strace-k 0.25
	verdict Python-socket sonde sonde-no-lines 2
	verdict_more C-other sonde alone 100
	verdict_more Python-other sonde alone 100
}

# Many connections, and all in one.
measure_join() {
	local connections
	for connections in 1 1000; do
		taskset -c "$cpu" build/bench/bench_join "$packets" $connections |
			sed "s/^/$packets-packets-on-$connections-/" | add_all sonde
		add limit "$packets-packets-on-$connections-sum" 2000
	done
}

report_join() {
	local connections part
	for connections in 1 1000; do
		for part in join draw sum; do
			report "$packets-packets-on-$connections-$part" ms sonde
		done
		for part in recording-MB peak-MB; do
			report "$packets-packets-on-$connections-$part" MB sonde
		done
	done
	echo
	for connections in 1 1000; do
		verdict "$packets-packets-on-$connections-sum" sonde limit 1
	done
}

for area in $areas; do
	case $area in
	calls) most=$rounds ;;
	join)  most=$(((rounds + 2) / 3)) ;; # a round of it takes longer
	esac
	for ((round = 1; round <= most; round++)); do
		echo "$area: round $round of $most" >&2
		"measure_$area"
	done
	"report_$area"
done
