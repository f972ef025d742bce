#!/bin/bash
# What a call costs a program that is traced, by sonde and by strace
#
# A socket call stops the program, any other should cost nothing.  sonde reads the source
# line with each; strace has its fastest filter, and does without (strace), or it unwinds
# the stack (strace-k, C only; no lines).  All write their output where it costs nothing.
#
#	bench/trace.sh [ROUNDS [CALLS]]
set -euo pipefail
cd "$(dirname "$0")/.."
. bench/lib.sh

rounds=${1:-5}
calls=${2:-10000}

# One CPU for tracer and program, the worst case: every stop is two switches.
cpu=$(first_cpus 1)
isolate=--isolate
unshare -Urn true 2>/dev/null || isolate=

measure() { # VARIANT LANGUAGE CMD...
	local variant=$1 language=$2
	shift 2
	taskset -c "$cpu" "$@" | sed "s/^/$language-/" | add_all "$variant"
}

for ((round = 1; round <= rounds; round++)); do
	echo "round $round of $rounds" >&2
	for language in C Python; do
		case $language in
		C)      program=(build/bench/bench_socket_calls "$calls") ;;
		Python) program=(/usr/bin/python3 bench/peers/socket_calls.py "$calls") ;;
		esac
		measure alone $language "${program[@]}"
		measure sonde $language build/sonde trace $isolate -o /dev/null -- "${program[@]}"
		measure strace $language strace -f --seccomp-bpf -e trace=%network -o /dev/null \
			"${program[@]}"
		[ $language = C ] || continue
		measure strace-k C strace -k -f -e trace=%network -o /dev/null \
			build/bench/bench_socket_calls $((calls / 10))
	done
done
for name in C-socket C-other Python-socket Python-other; do
	report $name ns alone
done
echo
verdict C-socket sonde strace-k 0.25
