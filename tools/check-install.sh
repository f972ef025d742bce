#!/bin/bash
# What `meson install` leaves is whole: a program that knows only the installed headers and
# the pkg-config file builds and runs, with the shared and with the static library, and the
# library shows nothing but sonde_*.
#
#	tools/check-install.sh BUILD
set -eu
shopt -s nullglob
build=$(readlink -f "${1:?usage: check-install.sh BUILD}")
cd "$(dirname "$0")/.."

into=$(mktemp -d)
trap 'rm -rf "$into"' EXIT
meson install -C "$build" --no-rebuild --quiet --destdir "$into"

pc=$(find "$into" -name sonde.pc)
lib=$(dirname "$(dirname "$pc")")
# What the library itself needs is the system's.
export PKG_CONFIG_SYSROOT_DIR=$into
PKG_CONFIG_LIBDIR=$lib/pkgconfig:$(pkg-config --variable pc_path pkg-config)
export PKG_CONFIG_LIBDIR

cat >"$into/use.c" <<'END'
#include <stdio.h>
#include <sonde/version.h>

int main(void)
{
	return puts(sonde_version()) < 0;
}
END
wanted=$(pkg-config --modversion sonde)
read -ra flags < <(pkg-config --cflags sonde)
read -ra shared < <(pkg-config --libs sonde)
read -ra static < <(pkg-config --libs --static sonde)

failed=0
complain() {
	printf '%s\n' "$1"
	failed=1
}

gcc -Wall -Werror "${flags[@]}" "$into/use.c" -o "$into/use-shared" "${shared[@]}"
got=$(LD_LIBRARY_PATH=$lib "$into/use-shared")
[ "$got" = "$wanted" ] || complain "shared: version $got, not $wanted"
readelf -d "$into/use-shared" | grep -q 'libsonde\.so\.0' ||
	complain 'the shared library is not used by its soname'

gcc -Wall -Werror "${flags[@]}" "$into/use.c" -o "$into/use-static" \
	"${static[@]/#-lsonde/-l:libsonde.a}"
got=$("$into/use-static")
[ "$got" = "$wanted" ] || complain "static: version $got, not $wanted"

got=$("$into/usr/local/bin/sonde" --version)
[[ $got = *"$wanted"* ]] || complain "sonde --version: $got, not $wanted"

stray=$(nm -D --defined-only "$lib/libsonde.so.0" | awk '{ print $3 }' | grep -v '^sonde_' || true)
[ -z "$stray" ] || complain "the shared library shows:"$'\n'"$stray"

# Every function that a header declares is there.
while read -r name; do
	nm -D --defined-only "$lib/libsonde.so.0" | grep -qw "$name" ||
		complain "declared, but not in the library: $name"
done < <(cat include/sonde/*.h | tr '\n' ' ' | grep -oE 'SONDE_API [^;]*;' |
	grep -oE 'sonde_[a-z0-9_]+\(' | tr -d '(' | sort -u)

# Every header can be included first and alone.
for header in "$into"/usr/local/include/sonde/*.h; do
	gcc -std=gnu17 -Wall -Wextra -Werror -fsyntax-only "${flags[@]}" -x c "$header" ||
		complain "${header#"$into"} cannot be included alone"
done

for completion in bash-completion/completions/sonde zsh/site-functions/_sonde \
	fish/vendor_completions.d/sonde.fish; do
	[ -s "$into/usr/local/share/$completion" ] || complain "$completion is not installed"
done
bash -n "$into/usr/local/share/bash-completion/completions/sonde" || failed=1
for page in man/*.[1-8]; do
	[ -e "$into/usr/local/share/man/man${page##*.}/${page#man/}" ] ||
		complain "$page is not installed"
done
exit $failed
