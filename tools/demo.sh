#!/bin/bash
# The main job of sonde on real input: a client and a server, traced together.
set -eu
cd "$(dirname "$0")/.."

tools/build.sh sonde

python=/usr/bin/python3
server=examples/calc_server.py
client=examples/calc_client.py

capture=demo.pcapng
[ -w . ] || capture=$(mktemp --suffix=.pcapng)

isolate=(--isolate)
if ! unshare -Urn true 2>/dev/null; then
	if [ "$(id -u)" != 0 ]; then
		echo "demo: user namespaces are not allowed here, and you are not root" >&2
		echo "hint: sysctl -w kernel.unprivileged_userns_clone=1, or sudo ./dev demo" >&2
		exit 3
	fi
	isolate=()
	echo "demo: no user namespaces here (a chroot?): runs as root without --isolate"
fi

echo
printf '$ build/sonde trace'
printf ' %s' "${isolate[@]}" -w "$capture" --with "'$python $server'" -- "$python" "$client"
printf '\n\n'
status=0
build/sonde trace "${isolate[@]}" -w "$capture" --with "$python $server" -- \
	"$python" "$client" || status=$?
echo
if [ $status != 0 ]; then
	echo "demo: sonde trace ended with status $status" >&2
	exit $status
fi
echo "Next: build/sonde trace ${isolate[*]:+${isolate[*]} }-- YOUR PROGRAM," \
	"and build/sonde help trace for more."
