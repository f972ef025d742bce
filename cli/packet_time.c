/* The time column. */
#include "packet_time.h"

#include <sonde/text.h>

enum { COLUMN_WIDTH = 10, NS_DIGITS = 9 };

#define NS_PER_S INT64_C(1000000000)

const char *const packet_time_words[] = {"r", "a", "ad", "d", "dd", "e", "u", "ud", NULL};

void packet_time_init(struct packet_time *time, enum packet_time_format format)
{
	*time = (struct packet_time){.format = (uint8_t)format};
}

void packet_time_see(struct packet_time *time, const struct sonde_frame *frame)
{
	if (time->has_first || frame->at_ns == INT64_MIN)
		return;
	time->has_first = true;
	time->first_ns = time->previous_ns = frame->at_ns;
}

void packet_time_pass(struct packet_time *time, const struct sonde_frame *frame,
		      bool is_shown)
{
	if (frame->at_ns == INT64_MIN)
		return;
	time->previous_ns = frame->at_ns;
	if (is_shown) {
		time->shown_ns = frame->at_ns;
		time->has_shown = true;
	}
}

/* Whole seconds downwards, so that the fraction is never negative. */
static int64_t floor_seconds(int64_t at_ns)
{
	return at_ns / NS_PER_S - (at_ns % NS_PER_S < 0);
}

static const struct tm *break_down(struct packet_time *time, int64_t second, bool is_utc)
{
	time_t at = second;

	if (time->has_cached && time->cached_s == second && time->is_cached_utc == is_utc)
		return &time->cached;
	if (is_utc)
		gmtime_r(&at, &time->cached);
	else
		localtime_r(&at, &time->cached);
	time->has_cached = true;
	time->cached_s = second;
	time->is_cached_utc = is_utc;
	return &time->cached;
}

/* What the last digit of a fraction is worth, in nanoseconds. */
static uint32_t scale_of(unsigned digits)
{
	static const uint32_t scales[] = {
		1000000000, 100000000, 10000000, 1000000, 100000, 10000, 1000, 100, 10};

	return digits < NS_DIGITS ? scales[digits] : 1;
}

static void add_fraction(struct lines *lines, uint64_t ns, unsigned digits)
{
	if (digits == 0)
		return;
	lines_char(lines, '.');
	lines_digits(lines, ns / scale_of(digits), digits);
}

static void add_seconds(struct lines *lines, int64_t ns, unsigned digits, unsigned width)
{
	uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	char text[1 + 20 + 1 + NS_DIGITS], *at = text;
	size_t used;

	if (ns < 0)
		*at++ = '-';
	at += sonde_text_put_number(size / NS_PER_S, at);
	if (digits > 0) {
		*at++ = '.';
		sonde_text_put_digits((uint32_t)(size % NS_PER_S) / scale_of(digits), at,
				      digits);
		at += digits;
	}
	used = (size_t)(at - text);
	if (used < width)
		lines_spaces(lines, width - used);
	lines_add(lines, text, used);
}

void packet_time_add_seconds(int64_t duration_ns, unsigned digits, struct lines *lines)
{
	add_seconds(lines, duration_ns, digits, 0);
}

static void add_clock(struct lines *lines, const struct tm *tm)
{
	lines_digits(lines, (uint64_t)tm->tm_hour, 2);
	lines_char(lines, ':');
	lines_digits(lines, (uint64_t)tm->tm_min, 2);
	lines_char(lines, ':');
	lines_digits(lines, (uint64_t)tm->tm_sec, 2);
}

static void add_absolute(struct packet_time *time, int64_t at_ns, unsigned digits,
			 bool is_utc, bool has_date, struct lines *lines)
{
	int64_t second = floor_seconds(at_ns);
	const struct tm *tm = break_down(time, second, is_utc);

	if (has_date) {
		lines_digits(lines, (uint64_t)tm->tm_year + 1900, 4);
		lines_char(lines, '-');
		lines_digits(lines, (uint64_t)tm->tm_mon + 1, 2);
		lines_char(lines, '-');
		lines_digits(lines, (uint64_t)tm->tm_mday, 2);
		lines_char(lines, ' ');
	}
	add_clock(lines, tm);
	add_fraction(lines, (uint64_t)(at_ns - second * NS_PER_S), digits);
}

void packet_time_add(struct packet_time *time, const struct sonde_frame *frame,
		     struct lines *lines)
{
	unsigned digits = frame->time_digits;
	int64_t at_ns = frame->at_ns, difference_ns;
	bool has_date =
		time->format == PACKET_TIME_DATE || time->format == PACKET_TIME_UTC_DATE;
	bool is_utc =
		time->format == PACKET_TIME_UTC || time->format == PACKET_TIME_UTC_DATE;
	int64_t from_ns = time->first_ns;

	if (at_ns == INT64_MIN) {
		lines_right(lines, "-", COLUMN_WIDTH);
		return;
	}
	switch ((enum packet_time_format)time->format) {
	case PACKET_TIME_EPOCH:
		add_seconds(lines, at_ns, digits, COLUMN_WIDTH);
		return;
	case PACKET_TIME_ABSOLUTE:
	case PACKET_TIME_DATE:
	case PACKET_TIME_UTC:
	case PACKET_TIME_UTC_DATE:
		add_absolute(time, at_ns, digits, is_utc, has_date, lines);
		return;
	case PACKET_TIME_DELTA:
		from_ns = time->previous_ns;
		break;
	case PACKET_TIME_DELTA_SHOWN:
		from_ns = time->has_shown ? time->shown_ns : at_ns;
		break;
	case PACKET_TIME_RELATIVE:
		break;
	}
	if (__builtin_sub_overflow(at_ns, from_ns, &difference_ns))
		difference_ns = at_ns < from_ns ? -INT64_MAX : INT64_MAX;
	add_seconds(lines, difference_ns, digits, COLUMN_WIDTH);
}

void packet_time_add_field(struct packet_time *time, int64_t at_ns, struct lines *lines)
{
	static const char months[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
	int64_t second = floor_seconds(at_ns);
	const struct tm *tm = break_down(time, second, false);

	lines_add(lines, months + 3 * (size_t)tm->tm_mon, 3);
	lines_char(lines, ' ');
	if (tm->tm_mday < 10)
		lines_char(lines, ' ');
	lines_number(lines, (uint64_t)tm->tm_mday);
	lines_text(lines, ", ");
	lines_number(lines, (uint64_t)tm->tm_year + 1900);
	lines_char(lines, ' ');
	add_clock(lines, tm);
	add_fraction(lines, (uint64_t)(at_ns - second * NS_PER_S), NS_DIGITS);
	lines_char(lines, ' ');
	lines_text(lines, tm->tm_zone ? tm->tm_zone : "");
}
