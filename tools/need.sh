# shellcheck shell=bash
# Installs missing Debian packages: need SET...
#
# Only what dpkg does not have is asked for, so that a machine that has all of it needs
# neither network nor privilege.

# Of each set of packages, what a task needs beyond a minimal Debian 12.
declare -A packages=(
	[build]='clang-14 g++ gcc libc6-dev libclang-rt-14-dev-wasm32 libdw-dev libedit-dev libpcap-dev
		libpcre2-dev libseccomp-dev libssl-dev libstdc++-12-dev libunistring-dev lld-14 meson
		ninja-build pkg-config wasi-libc'
	[demo]='python3'
	[check]='bash-completion bind9-dnsutils binutils chromium clang-14
		clang-format-14 clang-tidy-14 cppcheck curl dnsmasq-base dovecot-imapd
		dropbear-bin fish git golang-go inetutils-telnetd iproute2 iputils-ping jq
		libbz2-dev libclang-rt-14-dev libcmocka-dev libjansson-dev
		libpython3.11 libxml2-utils mandoc ncat netbase netcat-openbsd nftables
		nmap openbsd-inetd openssh-client openssl perl-base postfix procps python3
		python3-scapy redis-tools rsync rustc shellcheck socat strace swaks tcpdump
		tmux tshark uidmap util-linux wget zsh'
	[fuzz]='clang-14 libclang-rt-14-dev'
	[fmt]='clang-format-14'
	[bench]='chromium haproxy iproute2 libev-dev masscan ncat netcat-openbsd nftables nmap procps python3
		socat strace tcpdump tshark util-linux zmap'
	[bare]='debootstrap git util-linux'
)

_as_root() {
	if [ "$(id -u)" = 0 ]; then
		"$@"
	else
		sudo "$@"
	fi
}

_apt_get() {
	# tshark would ask who may capture; its default, root alone, is right here.
	_as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300 "$@"
}

_is_installed() {
	[ "$(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null)" = installed ]
}

_is_known() { # to apt, with a version that can be installed
	apt-cache show --no-all-versions "$1" >/dev/null 2>&1
}

_not_installed() { # PACKAGE...
	echo "dev: not installed, see above: $*" >&2
	echo "hint: as root: apt-get update && apt-get install $*" >&2
	exit 3
}

need() {
	local set package updated=
	local -a missing=()
	if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
		echo "dev: this is no Debian: install what tools/need.sh lists, by hand" >&2
		return 0
	fi
	for set in "$@"; do
		for package in ${packages[$set]}; do
			[[ " ${missing[*]} " == *" $package "* ]] ||
				_is_installed "$package" || missing+=("$package")
		done
	done
	[ ${#missing[@]} != 0 ] || return 0

	if [ "$(id -u)" != 0 ] && ! command -v sudo >/dev/null; then
		echo "dev: missing packages, and neither root nor sudo to install them" >&2
		echo "hint: as root: apt-get install ${missing[*]}" >&2
		exit 3
	fi
	echo "dev: installing ${missing[*]}" >&2
	for package in "${missing[@]}"; do
		if ! _is_known "$package"; then
			_apt_get update >&2 || _not_installed "${missing[@]}"
			updated=yes
			break
		fi
	done
	_apt_get install -y --no-install-recommends "${missing[@]}" >&2 && return
	# Lists that are older than what the archive still has.
	[ -z "$updated" ] && _apt_get update >&2 &&
		_apt_get install -y --no-install-recommends "${missing[@]}" >&2 && return
	_not_installed "${missing[@]}"
}
