# shellcheck shell=bash
# What the measurements share: rounds that take turns, and what came out of them.
#
#	add VARIANT NAME VALUE		one value of one round
#	add_all VARIANT < LINES		lines "NAME VALUE", as the loads print them
#	report NAME UNIT BASE		a row for each variant: min, median, max, and the
#					ratio of its median to that of BASE
#	verdict NAME VARIANT BASE LIMIT	the ratio of two medians with its confidence interval,
#					and whether it is within
#	verdict_at_least NAME VARIANT BASE LIMIT	the same where more is better
#	verdict_more NAME VARIANT BASE LIMIT	the same of their difference
#	first_cpus N			the first N CPUs that we may use, a line each
#
# Variants take turns within each round, so that a slow minute of the machine meets all of
# them; the spread between min and max is the machine's noise, and a ratio means nothing
# where the spreads overlap.

values=$(mktemp)
trap 'rm -f "$values"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

first_cpus() {
	local range
	taskset -cp $$ | sed 's/.*: //; s/,/\n/g' | while IFS= read -r range; do
		seq "${range%-*}" "${range#*-}"
	done | sed -n "1,$1p"
}

add() {
	printf '%s %s %s\n' "$1" "$2" "$3" >>"$values"
}

add_all() {
	local name value
	while read -r name value; do
		add "$1" "$name" "$value"
	done
}

report() {
	printf '\n%-36s %10s %10s %10s   %s\n' "$1, $2" min median max "median / $3's"
	sort -k2,2 -k1,1 -k3,3g "$values" | awk -v name="$1" -v base="$3" '
		$2 == name {
			if (!($1 in count))
				order[++variants] = $1
			value[$1, ++count[$1]] = $3
		}
		function median(variant, n) {
			n = count[variant]
			return n % 2 ? value[variant, (n + 1) / 2] \
				: (value[variant, n / 2] + value[variant, n / 2 + 1]) / 2
		}
		END {
			for (i = 1; i <= variants; i++) {
				v = order[i]
				printf "%-36s %10.1f %10.1f %10.1f   %.2f\n", v, value[v, 1], \
					median(v), value[v, count[v]], median(v) / median(base)
			}
		}'
}

verdict() {
	python3 bench/verdict.py "$values" "$1" "$2" ratio "$3" "$4"
}

verdict_at_least() {
	python3 bench/verdict.py "$values" "$1" "$2" at-least "$3" "$4"
}

verdict_more() {
	python3 bench/verdict.py "$values" "$1" "$2" more "$3" "$4"
}
