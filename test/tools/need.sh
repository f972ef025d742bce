#!/bin/bash
# ./dev installs what is missing, nothing else, and says what to do where it cannot.  apt-get,
# dpkg-query, sudo and id are played by scripts here, which write down how they were called.
# shellcheck disable=SC2016,SC2086 # other scripts' text; lists of words, to be split
. "${0%/*}/../net/lib.sh"

bin=$SCRATCH/bin
mkdir "$bin"
ln -s "$(command -v env)" "$(command -v bash)" "$bin/"

play() { # NAME, its text on stdin
	{
		echo "#!$bin/bash"
		cat
	} >"$bin/$1"
	chmod +x "$bin/$1"
}

# $SCRATCH/installed, known and stale hold names of packages.
play dpkg-query <<<'while read -r name; do [ "$name" != "${!#}" ] || printf installed; done <'"$SCRATCH/installed"
play apt-cache <<<'while read -r name; do [ "$name" != "${!#}" ] || exit 0; done <'"$SCRATCH/known; exit 1"
play apt-get <<END
echo "\$DEBIAN_FRONTEND apt-get \${*:4}" >>$SCRATCH/called
case \$4 in
update) printf 'a\nb\nc\n' >$SCRATCH/known; : >$SCRATCH/stale; exit \$(<$SCRATCH/update) ;;
*) [ ! -s $SCRATCH/stale ] ;;
esac
END
play sudo <<<"echo sudo >>$SCRATCH/called; exec "'"$@"'

asks() { # UID INSTALLED KNOWN STALE: need a b c; what was called, and its exit status
	local status=0
	printf '%s\n' $2 >"$SCRATCH/installed"
	printf '%s\n' $3 >"$SCRATCH/known"
	printf '%s' "$4" >"$SCRATCH/stale"
	: >"$SCRATCH/called"
	play id <<<"echo $1"
	PATH=$bin bash -c ". '$ROOT/tools/need.sh'
		packages[one]='a b'
		packages[two]='b c'
		need one two" >"$SCRATCH/out" 2>"$SCRATCH/err" || status=$?
	tr '\n' ';' <"$SCRATCH/called"
	echo " $status"
}

how='noninteractive apt-get'
install='install -y --no-install-recommends'
echo 0 >"$SCRATCH/update"
is "$(asks 0 'a b c' '' '')" ' 0' 'all is there: nothing is called'
is "$(asks 1000 'a b c' '' '')" ' 0' 'nor is sudo'
is "$(asks 0 'a c' 'a b c' '')" "$how $install b; 0" 'what is missing is installed, once'
is "$(asks 0 '' 'a b' '')" "$how update;$how $install a b c; 0" \
	'lists that lack a package are read anew'
is "$(asks 0 '' 'a b c' yes)" "$how $install a b c;$how update;$how $install a b c; 0" \
	'and so are lists of packages that are gone'
is "$(asks 1000 'a c' 'a b c' '')" "sudo;$how $install b; 0" 'a user goes through sudo'
is "$(cat "$SCRATCH/out")" '' 'what it says goes to standard error'
echo 100 >"$SCRATCH/update"
is "$(asks 0 '' '' '')" "$how update; 3" 'no network: it ends'
like "$(cat "$SCRATCH/err")" 'hint: .*apt-get install a b c' 'and names the remedy'
rm "$bin/sudo"
is "$(asks 1000 'a' 'a b c' '')" ' 3' 'neither root nor sudo: it ends'
like "$(cat "$SCRATCH/err")" 'hint: as root: apt-get install b c' 'and names the remedy'

status_is 2 'an unknown command' "$ROOT/dev" nonsense
like "$(cat "$SCRATCH/err")" 'usage: ./dev' 'is answered with the known ones'
done_testing
