#!/bin/bash
# sonde trace as a command: exit statuses, streams, signals, output that cannot be written.
# What it finds out about sockets is for other tests.
. "${0%/*}/lib.sh"
netns_enter "$@"
cd "$SCRATCH" || exit

trace() {
	"$SONDE" trace "$@"
}

# --- exit statuses

status_is 0 'a program that is content' trace true
status_is 7 'the exit status of the program' trace sh -c 'exit 7'
# shellcheck disable=SC2016
status_is 143 '128 and the signal that ended it' trace sh -c 'kill -TERM $$'
like "$(cat err)" 'ended by SIGTERM' 'the signal is named'
status_is 127 'a program that is not there' trace ./missing
like "$(cat err)" '^sonde: .*missing: ' 'and it is said'
echo 'not a program' >plain
status_is 126 'a program that cannot be executed' trace ./plain
like "$(cat err)" '^sonde: .*plain: ' 'and it is said'
echo kept >there
ln -s there link
for words in '' '--text --json true' '--full --json true' '-o same -w same true' \
	'-o same -w ./same true' '-o there -w link true' '--picture x true' \
	'-o x --html x true' '--svg x --html x true' '-w x --html ./x true' \
	'--isolat true' '--with' '--json --color always true'; do
	# shellcheck disable=SC2086
	status_is 2 "usage: trace $words" trace $words
	is "$(cat out)" '' 'nothing on standard output'
	like "$(cat err)" '^sonde: ' 'an error on standard error'
done
is "$(cat there)" kept 'a file that is refused stays as it was'
status_is 0 'the options of the program are its own' trace sh -c 'exit 0' --json --full
status_is 3 '-- ends the options' trace -- sh -c 'exit 3' --bogus

# --- streams

is "$(echo in | trace -q cat 2>err | head -n 1)" 'in' 'the program has standard input and output'
is "$(cat err)" '' 'nothing else is said with -q'
trace -q sh -c 'echo out; echo err >&2' >out 2>err
is "$(head -n 1 out)" 'out' 'the program writes first'
like "$(cat out)" 'socket calls' 'then comes what was seen'
is "$(cat err)" 'err' 'standard error is the program'\''s'
trace -q -o file sh -c 'echo out' >out
is "$(cat out)" 'out' '-o leaves standard output to the program'
like "$(cat file)" 'socket calls' 'and takes what was seen'
trace --json sh -c 'echo out' >out 2>err
check 'with --json standard output is JSON alone' python3 -c '
import json, sys
events = [json.loads(line) for line in open("out")]
assert events[0]["event"] == "start", events
assert events[-1]["event"] == "summary", events'
like "$(cat err)" 'standard output goes to standard error' 'what happens to the program'\''s is said'
like "$(cat err)" $'(^|\n)out($|\n)' 'and it is there'
trace --json -o file sh -c 'echo out' >out 2>err
is "$(cat out)" 'out' '--json and -o leave standard output to the program'
check 'and JSON is in the file' python3 -c 'import json; [json.loads(l) for l in open("file")]'

is "$(trace -q --pin nproc | head -n 1)" 1 '--pin: one processor'
like "$(trace true | tail -n 4)" 'tracing held the programs for .* stops' 'the cost is stated'

# --- the program runs as it would without

for field in SigBlk SigIgn SigCgt; do
	is "$(trace -q grep $field /proc/self/status | head -n 1)" \
		"$(grep $field /proc/self/status)" "$field is what it is without"
done
is "$(trap '' PIPE INT; trace -q grep SigIgn /proc/self/status | head -n 1)" \
	"$(trap '' PIPE INT; grep SigIgn /proc/self/status)" 'ignored signals stay ignored'
is "$(trace -q sh -c 'ls /proc/self/fd | wc -l' </dev/null | head -n 1)" \
	"$(sh -c 'ls /proc/self/fd | wc -l' </dev/null | cat)" 'no file descriptor is added'
is "$(trace -q sh -c 'yes | head -n 1' | head -n 1)" y 'a broken pipe ends a program'

# --- output that cannot be written

status_is 125 'no such folder' trace -o missing/file touch was-run
check 'and nothing was run' test ! -e was-run
status_is 125 'a full disk under -o' trace -o /dev/full true
like "$(cat err)" 'write /dev/full: No space left on device' 'and it is said'
status_is 125 'a full disk under -w' trace -w /dev/full true
like "$(cat err)" '/dev/full: .*No space left on device' 'and it is said'
status=0
trace true >/dev/full 2>err || status=$?
is "$status" 125 'a full disk under standard output'
like "$(cat err)" 'write standard output: No space left' 'and it is said'
trace -q sh -c 'exit 5' 2>err | true
is "${PIPESTATUS[0]}" 5 'a reader that went away changes nothing'
is "$(cat err)" '' 'and nothing is said'

# --- the capture file

status_is 4 'the status of the program, with -w' trace -w file.pcapng sh -c 'exit 4'
like "$(cat err)" 'wireshark file.pcapng' 'how to open the capture is said'
check 'the capture is one' tshark -r file.pcapng

# --- signals

cat >patient.sh <<'END'
trap 'echo got TERM; exit 9' TERM
echo ready
while :; do sleep 0.05; done
END
cat >stubborn.sh <<'END'
trap 'echo got TERM' TERM
echo ready
while :; do sleep 0.05; done
END

# Runs the script, sends TERM to sonde alone, and once more where `twice` is said.
signalled() { # SCRIPT [twice]
	rm -f out err
	background "$SONDE" trace sh "$1" >out 2>err
	wait_for_line out ready
	kill -TERM "$background_pid"
	if [ "${2:-}" = twice ]; then
		wait_for_line err 'still run'
		kill -TERM "$background_pid"
	fi
	status=0
	wait "$background_pid" || status=$?
}

signalled patient.sh
like "$(cat out)" 'got TERM' 'a signal to sonde alone is passed on'
is "$status" 9 'and the program may end in its own way'
like "$(cat out)" '0 calls' 'what was seen until then is shown'
signalled stubborn.sh twice
like "$(cat out)" 'got TERM' 'a program may go on after a signal'
like "$(cat err)" 'once more' 'and what helps is said'
is "$status" 137 'a second signal ends it at once'
like "$(cat out)" '0 calls' 'and what was seen until then is shown'

# Ctrl-C: the terminal sends to all, once.
cat >terminal.py <<'END'
import os, pty, sys, time
pid, fd = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
seen = b''
sent = False
while True:
    try:
        more = os.read(fd, 4096)
    except OSError:
        break
    if not more:
        break
    seen += more
    if not sent and b'ready' in seen:
        os.write(fd, b'\x03')
        sent = True
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
sys.stdout.write(seen.decode(errors='replace').replace('\r\n', '\n'))
print(f'status {status}, {seen.count(b"got INT")} times')
END
cat >count.sh <<'END'
trap 'echo got INT; n=1' INT
echo ready
while [ -z "$n" ]; do sleep 0.05; done
sleep 0.2
exit 6
END
python3 terminal.py "$SONDE" trace sh count.sh >out
like "$(cat out)" 'status 6, 1 times' 'Ctrl-C arrives in the program once'
like "$(cat out)" '0 calls' 'and what was seen until then is shown'
# A shell that is about to start another program may miss it.
python3 terminal.py "$SONDE" trace sh -c 'echo ready; exec sleep 20' >out
like "$(cat out)" 'status 130' 'Ctrl-C ends a program that does not care'

# --- colour and width: a terminal has them, a pipe has not

cat >columns.py <<'END'
import fcntl, os, pty, struct, sys, termios
pid, fd = pty.fork()
if pid == 0:
    fcntl.ioctl(0, termios.TIOCSWINSZ, struct.pack('HHHH', 25, int(sys.argv[1]), 0, 0))
    os.execv(sys.argv[2], sys.argv[2:])
while True:
    try:
        more = os.read(fd, 4096)
    except OSError:
        break
    if not more:
        break
    sys.stdout.buffer.write(more)
os.waitpid(pid, 0)
END
call=(/usr/bin/python3 -c 'import socket; socket.socket()')
escape=$'\e\\['
in_terminal() { # COLUMNS OPTION...
	local columns=$1
	shift
	/usr/bin/python3 columns.py "$columns" "$SONDE" trace "$@" "${call[@]}"
}
widest() {
	tr -d '\r' | awk '/socket/ && length($0) > most { most = length($0) } END { print most }'
}

like "$(in_terminal 80)" "$escape" 'a terminal gets colours'
unlike "$(NO_COLOR=1 in_terminal 80)" "$escape" 'unless NO_COLOR is set'
like "$(NO_COLOR='' in_terminal 80)" "$escape" 'to something'
like "$(NO_COLOR=1 in_terminal 80 --color always)" "$escape" '--color always is stronger'
unlike "$(in_terminal 80 --color=never)" "$escape" '--color never is, too'
unlike "$(trace "${call[@]}")" "$escape" 'a pipe gets no colours'
like "$(trace --color always "${call[@]}")" "$escape" 'unless told so'
in_terminal 80 -o file >out
unlike "$(cat file)" "$escape" 'a file gets no colours, on a terminal'
long="socket.socket($(printf ' %.0s' {1..300}))"
printf 'import socket\n%s # the end\n' "$long" >long.py
call=(/usr/bin/python3 long.py)
narrow=$(in_terminal 80 --color never | widest)
wide=$(in_terminal 150 --color never | widest)
is "$((wide - narrow))" 70 'the width is that of the terminal'
is "$(in_terminal 20 --color never | widest)" "$((narrow - 20))" 'but 60 columns at least'
is "$(in_terminal 1000 --color never | widest)" "$((narrow + 120))" 'and 200 at most'
is "$(trace "${call[@]}" | widest)" "$narrow" 'a pipe is 80 columns wide'
like "$(LC_ALL=C trace --isolate "${call[@]}" 2>&1 | LC_ALL=C grep -c '[^ -~]')" '^0$' \
	'all is ASCII where the locale is not UTF-8'

# --- options of every command stand before the command, too

for words in '--json trace' 'trace --json' '-q --json trace -q'; do
	# shellcheck disable=SC2086
	like "$("$SONDE" $words true 2>/dev/null | head -n 1)" '"event":"start"' "sonde $words"
done

done_testing
