#!/bin/bash
# Lays out all C files as .clang-format says; with --check only names those that differ.
set -eu
cd "$(dirname "$0")/.."

how=(-i)
[ "${1:-}" != --check ] || how=(--dry-run -Werror)
find include lib cli web test bench examples tools -name '*.[ch]' -print0 2>/dev/null |
	sort -z | xargs -0r clang-format-14 "${how[@]}"
