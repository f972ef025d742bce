#!/bin/bash
# Our C, read by clang-tidy as .clang-tidy says; BUILD is one that clang compiled.
#
# The analyzer follows paths through a function until a number of states is reached; few
# functions take nearly all of its time.  TIDY_NODES sets the number; clang's own is 225000
# ("./dev tidy"), and takes three times as long.
#
#	tools/check-tidy.sh BUILD [FILE]...
set -eu
build=$(readlink -f "${1:?usage: check-tidy.sh BUILD}")
shift
cd "$(dirname "$0")/.."

# Many a file is compiled more than once, and would be read as often.
database=$(mktemp -d)
trap 'rm -rf "$database"' EXIT
python3 - "$build" "$database" "$@" >"$database/files" <<'END'
import json
import os
import sys

build, database, *chosen = sys.argv[1:]
chosen = [os.path.abspath(name) for name in chosen]
once = {}
with open(f'{build}/compile_commands.json', encoding='utf-8') as file:
    for entry in json.load(file):
        name = os.path.normpath(os.path.join(entry['directory'], entry['file']))
        if os.path.relpath(name).split('/')[0] in ('lib', 'cli', 'web') and \
                (not chosen or name in chosen):
            once.setdefault(name, entry)
for name, entry in once.items():
    # Its macro has the name of a function that is defined there.
    if not name.endswith('/lib/base/error.c'):
        entry['command'] += f' -include {os.path.abspath("tools/tidy.h")}'
with open(f'{database}/compile_commands.json', 'w', encoding='utf-8') as file:
    json.dump(list(once.values()), file)
# The longest first, so that both processors end together.
print('\n'.join(sorted(once, key=os.path.getsize, reverse=True)))
END
[ -s "$database/files" ] || {
	echo "no sources of lib/ and cli/ in $build/compile_commands.json"
	exit 1
}
# What it counts and suppresses goes to standard error, findings to standard output.
nodes=max-nodes=${TIDY_NODES:-40000}
xargs -a "$database/files" -d '\n' -P 2 -n 4 clang-tidy-14 -p "$database" --quiet \
	--extra-arg=-Xclang --extra-arg=-analyzer-config --extra-arg=-Xclang --extra-arg="$nodes" \
	2>"$database/stderr" || {
	grep -v 'warnings\? .*generated\|warnings treated as errors' "$database/stderr" || true
	exit 1
}
