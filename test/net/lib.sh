# shellcheck shell=bash
# What the shell tests of this folder share: a network namespace of their own, the results
# in TAP, waiting without sleeping, and an end that leaves nothing behind.  Read it in:
#
#	#!/bin/bash
#	# What this test shows, and between whom:
#	#	client 127.0.0.1 ---- lo ---- 127.0.0.1:50000 server
#	. "${0%/*}/lib.sh"
#	netns_enter "$@"
#
#	background "$SONDE" serve calc
#	wait_for_port tcp 50000
#	is "$("$SONDE" calc sum 1 2)" 3 'a sum comes back'
#	done_testing
#
# Variables
#	SONDE		the program, an absolute path; build/sonde where the caller set none
#	ROOT		the checkout
#	SCRATCH		a folder of this test, removed at its end
#
# Namespaces
#	netns_enter "$@"	runs the test again from its start, inside a network namespace
#				of its own, as root of it, with lo up (first call of a test)
#	netns_new NAME		one more namespace, lo up
#	netns_do NAME CMD...	runs a command there
#	netns_link A IFA ADDRESS/LEN B IFB ADDRESS/LEN	a veth pair, both ends up with these
#				addresses; A or B may be `self`
#	can_isolate		whether a user namespace can be made here (not in a chroot)
#	unprivileged CMD...	runs a command without any capability
#
# Results
#	ok TEXT				passed
#	not_ok TEXT [DETAILS]		failed
#	is GOT WANTED TEXT		the two strings are the same
#	like GOT REGEX TEXT		the string matches (bash, extended)
#	unlike GOT REGEX TEXT		the string does not match
#	check TEXT CMD...		the command succeeds; its output is shown if not
#	status_is WANTED TEXT CMD...	the command's exit status; its output goes to
#					$SCRATCH/out and $SCRATCH/err
#	skip TEXT WHY			not tested here, and why; counted and shown
#	done_testing			the plan, and the end of the test (last call of a test)
#
# Waiting (all give up after 60 s, and say what was not seen)
#	wait_until CMD...		until the command succeeds
#	wait_for_port tcp|udp PORT	until something is bound to it
#	wait_for_line FILE REGEX	until a line of the file matches (grep -E)
#	wait_for_end PID		until the process has ended
#
# Processes and the end
#	background CMD...		starts a command; its pid is $! and $background_pid
#	at_end CMD...			runs the command when the test ends, however it ends

set -u

ROOT=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
SONDE=${SONDE:-$ROOT/build/sonde}
[[ $SONDE = /* ]] || SONDE=$PWD/$SONDE
export ROOT SONDE
export LC_ALL=C.UTF-8 TZ=UTC
PATH=$PATH:/usr/sbin:/sbin
SCRATCH=
background_pid=

_count=0
_failed=0
_finished=
_pids=()
_at_end=()
declare -A _holders=()

# --- results

_comment() { # TEXT: as TAP comments
	local line
	while IFS= read -r line; do
		printf '# %s\n' "$line"
	done <<<"$1"
}

ok() {
	printf 'ok %d - %s\n' $((++_count)) "$1"
}

not_ok() {
	printf 'not ok %d - %s\n' $((++_count)) "$1"
	_failed=$((_failed + 1))
	[ $# -lt 2 ] || _comment "$2"
}

is() {
	if [ "$1" = "$2" ]; then
		ok "$3"
	else
		not_ok "$3" "got:"$'\n'"$1"$'\n'"wanted:"$'\n'"$2"
	fi
}

like() {
	if [[ $1 =~ $2 ]]; then
		ok "$3"
	else
		not_ok "$3" "got:"$'\n'"$1"$'\n'"does not match: $2"
	fi
}

unlike() {
	if [[ $1 =~ $2 ]]; then
		not_ok "$3" "got:"$'\n'"$1"$'\n'"matches: $2"
	else
		ok "$3"
	fi
}

check() {
	local text=$1 output status
	shift
	if output=$("$@" 2>&1); then
		ok "$text"
	else
		status=$?
		not_ok "$text" "$*: exit status $status"$'\n'"$output"
	fi
}

status_is() {
	local wanted=$1 text=$2 status=0
	shift 2
	"$@" >"$SCRATCH/out" 2>"$SCRATCH/err" || status=$?
	if [ $status = "$wanted" ]; then
		ok "$text"
	else
		not_ok "$text" "$*: exit status $status, wanted $wanted
$(tail -n 20 "$SCRATCH/out" "$SCRATCH/err")"
	fi
}

skip() {
	printf 'ok %d - %s # SKIP %s\n' $((++_count)) "$1" "$2"
}

done_testing() {
	printf '1..%d\n' $_count
	_finished=yes
	[ $_failed = 0 ]
	exit
}

# --- waiting

_wait_step() { # DEADLINE: a twentieth of a second, or false when the time is over
	[ "${EPOCHREALTIME/./}" -lt "$1" ] && sleep 0.05
}

wait_until() {
	local deadline=$((${EPOCHREALTIME/./} + 60000000))
	until "$@"; do
		_wait_step $deadline || {
			echo "# waited 60 s in vain for: $*"
			return 1
		}
	done
}

_is_bound() { # tcp|udp PORT
	local listening=
	[ "$1" != tcp ] || listening=-l
	[ -n "$(ss -Hna "--$1" $listening "sport = :$2")" ]
}

wait_for_port() {
	wait_until _is_bound "$1" "$2"
}

wait_for_line() {
	wait_until grep -Eqs -- "$2" "$1"
}

_has_ended() { # PID: gone, or a zombie that nobody has waited for yet
	local state
	state=$(ps -o state= -p "$1") || return 0
	[ "$state" = Z ]
}

wait_for_end() {
	wait_until _has_ended "$1"
}

# --- processes and the end

background() {
	"$@" &
	background_pid=$!
	_pids+=("$background_pid")
}

at_end() {
	_at_end+=("$(printf '%q ' "$@")")
}

# Of one that has ended somebody else may have the number.
_is_child() { # PID
	local words
	words=$(cat "/proc/$1/stat" 2>/dev/null) || return
	words=${words##*) }
	[ "$(cut -d ' ' -f 2 <<<"$words")" = $$ ]
}

_finish() {
	local status=$? i pid
	trap '' INT TERM
	for ((i = ${#_at_end[@]} - 1; i >= 0; i--)); do
		eval "${_at_end[i]}"
	done
	for pid in "${_pids[@]}" "${_holders[@]}"; do
		! _is_child "$pid" || kill "$pid" 2>/dev/null
	done
	for pid in "${_pids[@]}" "${_holders[@]}"; do
		! _is_child "$pid" || wait_for_end "$pid" || kill -KILL "$pid" 2>/dev/null
	done
	[ -z "$SCRATCH" ] || rm -rf "$SCRATCH"
	if [ -z "$_finished" ]; then
		echo "# ended before done_testing (status $status)"
		[ $status != 0 ] || status=1
	fi
	exit $status
}

_start() {
	SCRATCH=$(mktemp -d)
	export SCRATCH
	trap _finish EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM
}

# --- namespaces

can_isolate() {
	unshare -Urn true 2>/dev/null
}

netns_enter() {
	local -a unshare=()
	if [ "${SONDE_TEST_NETNS:-}" = "$$" ]; then
		unset SONDE_TEST_NETNS
		ip link set lo up
		return
	fi
	if unshare -rn true 2>/dev/null; then
		unshare=(unshare -rn)
	elif unshare -n true 2>/dev/null; then
		unshare=(unshare -n) # root in a chroot: there are no user namespaces
	else
		echo "1..0 # SKIP no network namespace: run as root, or allow user" \
			"namespaces (sysctl kernel.unprivileged_userns_clone=1)"
		_finished=yes
		exit 0
	fi
	# exec keeps the pid, so that only this very process takes itself for the inner one.
	[ -z "$SCRATCH" ] || rm -rf "$SCRATCH"
	trap - EXIT
	SONDE_TEST_NETNS=$$ exec "${unshare[@]}" -- "$0" "$@"
}

netns_new() {
	# A process that does nothing holds the namespace: no mount, no name left behind.
	unshare -n sleep infinity &
	_holders[$1]=$!
	wait_until _is_elsewhere "$!"
	netns_do "$1" ip link set lo up
}

_is_elsewhere() { # PID
	[ "$(readlink /proc/self/ns/net)" != "$(readlink "/proc/$1/ns/net")" ]
}

netns_do() {
	local name=$1
	shift
	if [ "$name" = self ]; then
		"$@"
	else
		nsenter -t "${_holders[$name]}" -n -- "$@"
	fi
}

_move_link() { # IF NAME ADDRESS/LEN; no duplicate address detection, which takes a second
	[ "$2" = self ] || ip link set "$1" netns "${_holders[$2]}"
	local -a at_once=()
	[[ $3 != *:* ]] || at_once=(nodad)
	netns_do "$2" ip address add "$3" dev "$1" "${at_once[@]}"
	netns_do "$2" ip link set "$1" up
}

netns_link() {
	ip link add "$2" type veth peer name "$5"
	_move_link "$2" "$1" "$3"
	_move_link "$5" "$4" "$6"
}

unprivileged() {
	setpriv --inh-caps=-all --ambient-caps=-all --bounding-set=-all -- "$@"
}

_start
