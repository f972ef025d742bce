#!/bin/bash
# Every shell script, read by shellcheck.
set -eu
cd "$(dirname "$0")/.."

mapfile -t scripts < <(
	find . \( -name .git -o -path './build' -o -path './build-*' \) -prune -o \
		-type f -print | sort | while IFS= read -r file; do
		case $(head -n 1 "$file" | tr -d '\0') in
		'#!'*/bash* | '#!'*/sh* | '# shellcheck shell='*) echo "$file" ;;
		esac
	done
)
shellcheck -x -P SCRIPTDIR "${scripts[@]}"
