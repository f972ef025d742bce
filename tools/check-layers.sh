#!/bin/bash
# The arrows of ARCHITECTURE.md: a room of lib/ includes its own files, those of the rooms
# that it may use, and <sonde/...>; the program includes <sonde/...> and its own folder; the
# page what is said at the end.
set -eu
cd "$(dirname "$0")/.."

# room: the rooms that it may use.  One line each; nothing else says what may use what.
declare -A may_use=(
	[base]=''
	[packet]='base'
	[proto]='base packet'
	[dissect]='base packet proto'
	[timeline]='base packet proto dissect'
	[finding]='base packet proto dissect timeline'
	[file]='base'
	[io]='base'
	[store]='base file io'
	[capture]='base io'
	[trace]='base io capture'
	[scan]='base io capture'
	[sockets]='base io'
	[serve]='base packet proto io'
	[talk]='base packet proto io'
	[mail]='base packet proto io'
	[tunnel]='base packet proto io'
	[record]='base packet proto dissect timeline finding file io store capture trace scan sockets
		serve talk
		mail tunnel'
)

failed=0
complain() { # FILE:LINE TEXT
	printf '%s: %s\n' "$1" "$2"
	failed=1
}

# Prints FILE LINE KIND NAME for each #include; KIND is < or ".
includes() {
	grep -rnE --include='*.[ch]' '^[[:blank:]]*#[[:blank:]]*include' "$@" |
		sed -nE 's/^([^:]+):([0-9]+):[^<"]*([<"])([^>"]+)[>"].*/\1 \2 \3 \4/p'
}

for folder in lib/*/; do
	room=$(basename "$folder")
	[ -n "${may_use[$room]+known}" ] || complain "$folder" 'no such room in tools/check-layers.sh'
done

while read -r file line kind name; do
	room=${file#lib/}
	room=${room%%/*}
	case $kind$name in
	'<sonde/'*)
		[ -e "include/$name" ] || complain "$file:$line" "no such header: $name"
		;;
	'"'*)
		other=${name%%/*}
		if [ ! -e "lib/$name" ] || [ "$other" = "$name" ]; then
			complain "$file:$line" "\"$name\": written as \"room/file.h\"?"
		elif [ "$other" != "$room" ]; then
			[[ " ${may_use[$room]//[[:space:]]/ } " == *" $other "* ]] ||
				complain "$file:$line" "$room may not use $other ($name)"
		fi
		;;
	esac
done < <(includes lib)

while read -r file line kind name; do
	case $kind$name in
	'<sonde/'*) [ -e "include/$name" ] || complain "$file:$line" "no such header: $name" ;;
	'"'*) [ -e "$(dirname "$file")/$name" ] ||
		complain "$file:$line" "\"$name\": not in its own folder" ;;
	esac
done < <(includes cli)

# The page is a second program over the rooms.  It has what the first one calls a reader of
# files for itself (bytes in memory), and uses the words of the first for every cell.
while read -r file line kind name; do
	case $kind$name in
	'<sonde/'*) [ -e "include/$name" ] || complain "$file:$line" "no such header: $name" ;;
	'"base/'* | '"file/'*) [ -e "lib/$name" ] || complain "$file:$line" "no such header: $name" ;;
	'"cli/'*)
		[[ " cli/label.h cli/output.h cli/render.h " == *" $name "* ]] ||
			complain "$file:$line" "web uses labels and cells of cli, not $name"
		;;
	'"'*) [ -e "web/$name" ] || complain "$file:$line" "\"$name\": not in its own folder" ;;
	esac
done < <(includes web)

while read -r file line kind name; do
	[ "$kind" = '<' ] || complain "$file:$line" "a public header includes \"$name\""
done < <(includes include)

exit $failed
