#!/bin/bash
# Each lint notices what it is there for: a copy of the checkout is broken in one place after
# another.
. "${0%/*}/../net/lib.sh"

tree=$SCRATCH/tree
mkdir "$tree"
tar -C "$ROOT" --exclude=./.git --exclude='./build*' -cf - . | tar -C "$tree" -xf -
cd "$tree" || exit

notices() { # LINT WORDS TEXT: it fails, and with these words
	local output status=0
	output=$("tools/$1" "${@:4}" 2>&1) || status=$?
	like "$status $output" "^[1-9][0-9]* .*$2" "$3"
}

file=lib/packet/broken.c
printf '#include "record/record.h"\n' >$file
mkdir -p lib/record
touch lib/record/record.h
notices check-layers.sh "$file:1: packet may not use record" 'an arrow the wrong way round'
printf '#include "broken.h"\n' >$file
notices check-layers.sh "$file:1:.*room/file.h" 'an include without its room'
printf '#include <sonde/nothing.h>\n' >$file
notices check-layers.sh "$file:1: no such header" 'a public header that is not there'
rm $file
printf '#include "base/wire.h"\n' >cli/broken.c
notices check-layers.sh 'cli/broken.c:1:' "the program using the library's inside"
rm cli/broken.c
printf '#include "base/wire.h"\n' >include/sonde/broken.h
notices check-layers.sh 'include/sonde/broken.h:1:' 'a public header with a private one'
notices check-text.sh 'include/sonde/broken.h: is not installed' 'a header nobody installs'
rm include/sonde/broken.h
mkdir lib/attic
notices check-layers.sh 'lib/attic/: no such room' 'a room that nobody drew'
rmdir lib/attic

object() { # TEXT: the one object of a PURE room
	mkdir -p objects/libsonde.a.p
	gcc -O2 -x c -c -o objects/libsonde.a.p/lib_packet_broken.c.o - <<<"$1"
}
object '#include <string.h>
int f(const char *a); int f(const char *a) { return (int)strlen(a); }'
check 'string functions are pure' tools/check-purity.sh objects
object '#include <time.h>
long f(void); long f(void) { return time(NULL); }'
notices check-purity.sh 'lib_packet_broken.c.o: time' 'a clock in a PURE room' objects
object '#include <stdlib.h>
void *f(int n); void *f(int n) { return malloc(n); }'
notices check-purity.sh 'lib_packet_broken.c.o: malloc' 'an allocation in a PURE room' objects

printf 'int a; \n' >$file
notices check-text.sh "$file:1:" 'a blank at the end of a line'
printf 'int a; /* TO''DO */\n' >$file
notices check-text.sh "$file:1:" 'unfinished work'
printf 'int a;' >$file
notices check-text.sh "$file: no newline" 'a last line without its end'
printf 'int  a;\n' >$file
notices fmt.sh "$file" 'another layout' --check
printf 'int f(const int *p);\nint f(const int *p)\n{\n\tif (!p)\n\t\treturn *p;\n\treturn 0;\n}\n' >$file
notices check-cppcheck.sh "$file:[45]:.*nullPointer" 'a null pointer that is followed, by cppcheck' \
	$file
mkdir tidy
printf '[{"directory": "%s", "file": "%s", "command": "clang-14 -I include -c %s"}]\n' \
	"$PWD" $file $file >tidy/compile_commands.json
notices check-tidy.sh 'broken.c:5:.*NullDereference' 'the same, by clang-tidy' tidy
cat >$file <<'END'
#include <stddef.h>

#include <sonde/error.h>

static int set(int **ret, struct sonde_error *err, int code)
{
	static int n;

	if (code < 0)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, code, "", "", NULL);
	*ret = &n;
	return 0;
}

int get(struct sonde_error *err, int code);
int get(struct sonde_error *err, int code)
{
	int *n = NULL;
	int r = set(&n, err, code);

	return r < 0 ? r : *n;
}
END
check 'clang-tidy knows that what sonde_error_set() returns is an error' tools/check-tidy.sh tidy
rm $file
printf '[here](nowhere.md)\n' >broken.md
notices check-text.sh 'broken.md: dead link to nowhere.md' 'a dead link'
rm broken.md
# shellcheck disable=SC2016 # it is the careless script
printf '#!/bin/bash\necho $1\n' >tools/broken.sh
notices check-shell.sh 'SC2086' 'a careless script'
rm tools/broken.sh
printf '#!/bin/bash\n' >test/net/broken.sh
notices check-text.sh 'test/net/broken.sh: a test that is not executable' 'a test nobody runs'
rm test/net/broken.sh
touch test/unit/packet/test_broken.c test/fuzz/fuzz_broken.c
notices check-text.sh 'test/unit/packet/test_broken.c: not listed' 'a unit test nobody lists'
notices check-text.sh 'test/fuzz/fuzz_broken.c: not listed' 'a fuzz target nobody lists'
notices check-text.sh 'test/fuzz/fuzz_broken.c: has no corpus' 'a fuzz target without inputs'
touch test/golden/broken.txt
notices check-text.sh 'test/golden/broken.txt: no test' 'a golden text nobody compares'

rm -rf man
mkdir man
cat >man/sonde-broken.1 <<'END'
.Dd November 20, 2026
.Dt SONDE-BROKEN 1
.Os
.Sh NAME
.Nm sonde-broken
.Nd is not a command
.Sh SYNOPSIS
.Nm sonde broken
.Op Fl -old
.Sh DESCRIPTION
.Bl -tag -width Ds
.It Fl -old
Is gone.
.El
.Sh EXIT STATUS
None.
END
notices check-man.sh 'no section EXAMPLES' 'a man page without examples'
printf '.Sh EXAMPLES\n.Unknown\n' >>man/sonde-broken.1
notices check-man.sh 'unknown macro' 'a man page that is no mdoc'
done_testing
