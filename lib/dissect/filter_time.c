/* Display filters: dates and durations as people write them.
 *
 * "2026-11-20", "2026-11-20 12:34", "2026-11-20T12:34:56.789Z", "... +01:00",
 * "Nov 20, 2026 12:34:56.789 UTC"; 1.5, -2, 250ms. */
#include <errno.h>
#include <string.h>

#include "dissect/filter.h"

#define NS INT64_C(1000000000)

struct scan {
	const char *text;
	size_t size, at;
};

static bool skip(struct scan *scan, char c)
{
	if (scan->at >= scan->size || scan->text[scan->at] != c)
		return false;
	scan->at++;
	return true;
}

static bool scan_number(struct scan *scan, unsigned least, unsigned most, int *ret)
{
	unsigned digits = 0;
	int number = 0;

	for (; digits < most && scan->at < scan->size; digits++, scan->at++) {
		char c = scan->text[scan->at];
		if (c < '0' || c > '9')
			break;
		number = number * 10 + (c - '0');
	}
	*ret = number;
	return digits >= least;
}

/* Up to nine digits behind a point. */
static bool scan_fraction(struct scan *scan, int64_t *ret_ns)
{
	int64_t unit = NS;
	bool is_there = false;

	*ret_ns = 0;
	for (; scan->at < scan->size; scan->at++) {
		char c = scan->text[scan->at];
		if (c < '0' || c > '9')
			break;
		unit /= 10;
		if (unit == 0)
			return false;
		*ret_ns += unit * (c - '0');
		is_there = true;
	}
	return is_there;
}

/* Days from 1970-01-01 in the Gregorian calendar: years begin in March here, so that the
 * leap day is the last one. */
static int64_t days_of(int64_t year, int month, int day)
{
	int64_t from_march = month <= 2 ? year - 1 : year;
	int64_t era = (from_march >= 0 ? from_march : from_march - 399) / 400;
	int64_t of_era = from_march - era * 400;
	int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

	return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static bool is_day(int year, int month, int day)
{
	static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool is_leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return year >= 1 && month >= 1 && month <= 12 && day >= 1 &&
	       day <= lengths[month - 1] + (month == 2 && is_leap);
}

static bool scan_month(struct scan *scan, int *ret)
{
	static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";

	if (scan->size - scan->at < 3)
		return false;
	for (int i = 0; i < 12; i++) {
		if (memcmp(names + 3 * (size_t)i, scan->text + scan->at, 3) == 0) {
			scan->at += 3;
			*ret = i + 1;
			return true;
		}
	}
	return false;
}

static bool scan_date(struct scan *scan, int *ret_year, int *ret_month, int *ret_day)
{
	if (scan_month(scan, ret_month)) {
		bool is_right = skip(scan, ' ');
		skip(scan, ' ');
		return is_right && scan_number(scan, 1, 2, ret_day) && skip(scan, ',') &&
		       skip(scan, ' ') && scan_number(scan, 4, 4, ret_year);
	}
	return scan_number(scan, 4, 4, ret_year) && skip(scan, '-') &&
	       scan_number(scan, 2, 2, ret_month) && skip(scan, '-') &&
	       scan_number(scan, 2, 2, ret_day);
}

/* 12:34[:56[.789]] */
static bool scan_clock(struct scan *scan, int64_t *ret_ns)
{
	int hour, minute, second = 0;
	int64_t fraction_ns = 0;

	if (!scan_number(scan, 2, 2, &hour) || !skip(scan, ':') ||
	    !scan_number(scan, 2, 2, &minute))
		return false;
	if (skip(scan, ':')) {
		if (!scan_number(scan, 2, 2, &second))
			return false;
		if (skip(scan, '.') && !scan_fraction(scan, &fraction_ns))
			return false;
	}
	*ret_ns = ((int64_t)hour * 3600 + minute * 60 + second) * NS + fraction_ns;
	return hour < 24 && minute < 60 && second <= 60;
}

/* Z, UTC, +01:00, -0230 or nothing. */
static bool scan_zone(struct scan *scan, int64_t *ret_offset_s, bool *ret_is_local)
{
	int hours, minutes = 0;
	bool is_negative;

	*ret_offset_s = 0;
	*ret_is_local = false;
	if (scan->at == scan->size) {
		*ret_is_local = true;
		return true;
	}
	skip(scan, ' ');
	if (skip(scan, 'Z'))
		return true;
	if (scan->size - scan->at == 3 && memcmp(scan->text + scan->at, "UTC", 3) == 0) {
		scan->at += 3;
		return true;
	}
	is_negative = skip(scan, '-');
	if ((!is_negative && !skip(scan, '+')) || !scan_number(scan, 2, 2, &hours))
		return false;
	skip(scan, ':');
	if (scan->at < scan->size && !scan_number(scan, 2, 2, &minutes))
		return false;
	*ret_offset_s = (is_negative ? -1 : 1) * ((int64_t)hours * 3600 + minutes * 60);
	return true;
}

int filter_parse_time(const char *text, size_t size, int64_t *ret_ns, bool *ret_is_local)
{
	struct scan scan = {.text = text, .size = size};
	int64_t clock_ns = 0, offset_s = 0, at_ns;
	int year, month, day;
	bool is_local = true;

	if (!scan_date(&scan, &year, &month, &day) || !is_day(year, month, day))
		return -EINVAL;
	if (scan.at < size &&
	    (!(skip(&scan, ' ') || skip(&scan, 'T')) || !scan_clock(&scan, &clock_ns) ||
	     !scan_zone(&scan, &offset_s, &is_local)))
		return -EINVAL;
	if (scan.at != size)
		return -EINVAL;
	if (__builtin_mul_overflow(days_of(year, month, day) * 86400 - offset_s, NS,
				   &at_ns) ||
	    __builtin_add_overflow(at_ns, clock_ns, &at_ns))
		return -EINVAL;
	*ret_ns = at_ns;
	*ret_is_local = is_local;
	return 0;
}

int filter_parse_duration(const char *text, size_t size, int64_t *ret_ns)
{
	static const struct {
		const char *name;
		int64_t ns;
	} units[] = {{"", NS},  {"s", NS},      {"ms", 1000000}, {"us", 1000},
		     {"ns", 1}, {"m", 60 * NS}, {"h", 3600 * NS}};
	struct scan scan = {.text = text, .size = size};
	bool is_negative = skip(&scan, '-');
	int64_t whole = 0, fraction_ns = 0;
	size_t begin;

	if (!is_negative)
		skip(&scan, '+');
	for (begin = scan.at; scan.at < size; scan.at++) {
		char c = text[scan.at];
		if (c < '0' || c > '9')
			break;
		if (__builtin_mul_overflow(whole, 10, &whole) ||
		    __builtin_add_overflow(whole, c - '0', &whole))
			return -EINVAL;
	}
	if (scan.at == begin || (skip(&scan, '.') && !scan_fraction(&scan, &fraction_ns)))
		return -EINVAL;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		int64_t ns;
		if (strlen(units[i].name) != size - scan.at ||
		    memcmp(units[i].name, text + scan.at, size - scan.at) != 0)
			continue;
		if (__builtin_mul_overflow(whole, units[i].ns, &ns))
			return -EINVAL;
		/* A fraction of the unit: exact for those below a second, too. */
		int64_t part = units[i].ns >= NS ? fraction_ns * (units[i].ns / NS)
						 : fraction_ns / (NS / units[i].ns);
		if (__builtin_add_overflow(ns, part, &ns))
			return -EINVAL;
		*ret_ns = is_negative ? -ns : ns;
		return 0;
	}
	return -EINVAL;
}
