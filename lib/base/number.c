/* Whole numbers, and durations with their units. */
#include <sonde/text.h>

#include <errno.h>
#include <limits.h>
#include <string.h>

struct unit {
	const char *name;
	long long ns;
};

static const struct unit units[] = {
	{"ns", 1},         {"us", 1000},       {"ms", 1000000},
	{"s", 1000000000}, {"m", 60000000000}, {"h", 3600000000000},
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static long long unit_of(const char *name)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(name, units[i].name) == 0)
			return units[i].ns;
	return -EINVAL;
}

long long sonde_text_parse_duration(const char *text)
{
	const char *at = text, *fraction = NULL, *end;
	long long unit, whole = 0, part = 0;
	bool more_than_zero = false;

	while (is_digit(*at))
		at++;
	if (at == text)
		return -EINVAL;
	end = at;
	if (*at == '.') {
		fraction = ++at;
		while (is_digit(*at))
			at++;
		if (at == fraction)
			return -EINVAL;
	}
	unit = unit_of(at);
	if (unit < 0)
		return unit;

	for (const char *digit = text; digit < end; digit++) {
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, *digit - '0', &whole))
			return -ERANGE;
		more_than_zero |= *digit != '0';
	}
	/* From the last digit to the first: exact, and nothing can overflow. */
	for (const char *digit = at; fraction && digit > fraction; digit--) {
		part = ((digit[-1] - '0') * unit + part) / 10;
		more_than_zero |= digit[-1] != '0';
	}
	if (__builtin_mul_overflow(whole, unit, &whole) ||
	    __builtin_add_overflow(whole, part, &whole))
		return -ERANGE;
	/* Too short to be told from 0, which often means "for ever". */
	if (whole == 0 && more_than_zero)
		return -ERANGE;
	return whole;
}

void sonde_text_add_duration(struct sonde_text *text, long long duration_ns)
{
	static const char *const names[] = {"ns", "us", "ms", "s"};
	unsigned long long ns = duration_ns < 0 ? -(unsigned long long)duration_ns
						: (unsigned long long)duration_ns;
	const char *sign = duration_ns < 0 ? "-" : "";
	unsigned long long scale = 1;
	size_t i = 0;

	/* 999.5 of a unit would be rounded to 1000. */
	while (i < 3 && ns >= (scale * 1999 + 1) / 2) {
		scale *= 1000;
		i++;
	}
	if (scale == 1 || ns / scale >= 1000)
		sonde_text_add(text, "%s%llu %s", sign, ns / scale, names[i]);
	else if (ns * 200 < scale * 1999)
		sonde_text_add(text, "%s%llu.%02llu %s", sign,
			       (ns * 100 + scale / 2) / scale / 100,
			       (ns * 100 + scale / 2) / scale % 100, names[i]);
	else if (ns * 20 < scale * 1999)
		sonde_text_add(text, "%s%llu.%llu %s", sign,
			       (ns * 10 + scale / 2) / scale / 10,
			       (ns * 10 + scale / 2) / scale % 10, names[i]);
	else
		sonde_text_add(text, "%s%llu %s", sign, (ns + scale / 2) / scale,
			       names[i]);
}

int sonde_text_parse_int(const char *text, long long least, long long most,
			 long long *ret)
{
	const char *digits = text + (*text == '-');
	bool beyond = false;
	long long value = 0;

	if (!*digits)
		return -EINVAL;
	for (const char *at = digits; *at; at++) {
		int digit = *at - '0';

		if (!is_digit(*at))
			return -EINVAL;
		beyond |= __builtin_mul_overflow(value, 10, &value) ||
			  __builtin_sub_overflow(value, digit, &value);
	}
	/* Reckoned below zero, where there is room for LLONG_MIN. */
	if (digits == text) {
		beyond |= value == LLONG_MIN;
		value = beyond ? 0 : -value;
	}
	if (beyond || value < least || value > most)
		return -ERANGE;
	*ret = value;
	return 0;
}
