#!/bin/bash
# The two commands of the README in a bare Debian 12: a minimal system in a temporary
# folder, the committed state of this checkout in it, ./dev demo and ./dev check as root.
# Packages come from where the host's apt gets its own.
#
# The mounts are made in a mount namespace that ends with the commands, so that whatever
# happens, removing the folder can reach nothing of the host.
set -eu
cd "$(dirname "$0")/.."

suite=bookworm

inside() { # FOLDER: in the mount namespace
	local root=$1 command status=0
	# A mount of its own, so that a test can make mounts inside it private.
	mount --bind "$root" "$root"
	mount -t proc proc "$root/proc"
	mount -t sysfs -o ro sysfs "$root/sys"
	mount --rbind /dev "$root/dev"
	for command in demo check; do
		echo "== bare Debian: ./dev $command"
		env -i HOME=/root PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
			${http_proxy:+http_proxy="$http_proxy"} \
			${https_proxy:+https_proxy="$https_proxy"} \
			chroot "$root" /bin/sh -c "cd /root/sonde && ./dev $command" </dev/null ||
			status=1
	done
	return $status
}

# A line "deb SITE RELEASE COMPONENT" for each of Debian's own archives that the host uses.
sources() {
	# shellcheck disable=SC2016 # apt-get, not the shell, puts the values in
	apt-get indextargets --format 'deb $(SITE) $(RELEASE) $(COMPONENT)' \
		'Created-By: Packages' 'Origin: Debian' | grep " $suite" | sort -u
}

if [ "${1:-}" = --inside ]; then
	inside "$2"
	exit
fi

if [ "$(id -u)" != 0 ]; then
	echo "dev: a bare Debian is made with debootstrap, which needs root" >&2
	echo "hint: sudo ./dev bare" >&2
	exit 3
fi
git() { command git -c safe.directory='*' "$@"; }
[ -z "$(git status --porcelain)" ] ||
	echo "dev: what is not committed is not in it" >&2

mirror=$(sources | awk -v suite=$suite '$3 == suite { print $2; exit }')
[ -n "$mirror" ] || {
	echo "dev: the host's apt has no archive of $suite (apt-get update?)" >&2
	exit 1
}

root=$(mktemp -d --suffix=-bare-debian)
chmod 755 "$root"
trap 'rm -rf --one-file-system "$root"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
debootstrap --variant=minbase "$suite" "$root" "$mirror" >"$root.log" 2>&1 || {
	tail -n 20 "$root.log" >&2
	rm -f "$root.log"
	exit 1
}
rm -f "$root.log"
sources >"$root/etc/apt/sources.list"
apt-config dump | grep -E '^Acquire::(https?::Proxy|Check-)' >"$root/etc/apt/apt.conf.d/00host" || true
cp -L /etc/resolv.conf /etc/hosts "$root/etc/"
git clone -q --no-hardlinks . "$root/root/sonde"
echo "== bare Debian: $(chroot "$root" dpkg-query -f '.\n' -W | wc -l) packages," \
	"commit $(git rev-parse --short HEAD)"
unshare --mount --propagation private "$0" --inside "$root"
