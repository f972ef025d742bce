/* daytime (RFC 867): one line with date and time, for people.  The RFC fixes no form; those
 * here are the ones that clients meet in the wild, and ISO 8601. */
#include "proto/service.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LINE_CHARS = 128 };

enum daytime_format {
	DAYTIME_CTIME = 0, /* inetd: Fri Nov 20 12:00:00 2026 */
	DAYTIME_XINETD,    /* 20 NOV 2026 12:00:00 CET */
	DAYTIME_WINDOWS,   /* 12:00:00 PM 11/20/2026, its line ends without a CR */
	DAYTIME_ISO,       /* 2026-11-20T12:00:00+01:00 */
};

struct daytime_config {
	enum daytime_format format;
};

static const char *const format_names[] = {
	[DAYTIME_CTIME] = "ctime",
	[DAYTIME_XINETD] = "xinetd",
	[DAYTIME_WINDOWS] = "windows",
	[DAYTIME_ISO] = "iso",
};
enum { FORMATS = sizeof(format_names) / sizeof(format_names[0]) };

static const char days[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
				   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char loud_months[12][4] = {"JAN", "FEB", "MAR", "APR", "MAY", "JUN",
					"JUL", "AUG", "SEP", "OCT", "NOV", "DEC"};

static int set_format(void *config, const char *value)
{
	struct daytime_config *daytime = config;

	for (int i = 0; i < FORMATS; i++) {
		if (strcmp(value, format_names[i]) == 0) {
			daytime->format = (enum daytime_format)i;
			return 0;
		}
	}
	return -EINVAL;
}

static void format_iso(const struct tm *at, int year, char ret[LINE_CHARS])
{
	long offset_minutes = labs(at->tm_gmtoff) / 60;

	snprintf(ret, LINE_CHARS, "%04d-%02d-%02dT%02d:%02d:%02d%c%02ld:%02ld\r\n", year,
		 at->tm_mon + 1, at->tm_mday, at->tm_hour, at->tm_min, at->tm_sec,
		 at->tm_gmtoff < 0 ? '-' : '+', offset_minutes / 60, offset_minutes % 60);
}

static void format_line(enum daytime_format format, const struct tm *at,
			char ret[LINE_CHARS])
{
	int year = 1900 + at->tm_year;

	switch (format) {
	case DAYTIME_CTIME:
		snprintf(ret, LINE_CHARS, "%s %s %2d %02d:%02d:%02d %d\r\n",
			 days[at->tm_wday], months[at->tm_mon], at->tm_mday, at->tm_hour,
			 at->tm_min, at->tm_sec, year);
		break;
	case DAYTIME_XINETD:
		snprintf(ret, LINE_CHARS, "%02d %s %d %02d:%02d:%02d %.40s\r\n",
			 at->tm_mday, loud_months[at->tm_mon], year, at->tm_hour,
			 at->tm_min, at->tm_sec, at->tm_zone);
		break;
	case DAYTIME_WINDOWS:
		snprintf(ret, LINE_CHARS, "%d:%02d:%02d %s %d/%d/%d\n",
			 at->tm_hour % 12 == 0 ? 12 : at->tm_hour % 12, at->tm_min,
			 at->tm_sec, at->tm_hour < 12 ? "AM" : "PM", at->tm_mon + 1,
			 at->tm_mday, year);
		break;
	case DAYTIME_ISO:
		format_iso(at, year, ret);
		break;
	}
}

static bool tell(struct service_turn *turn)
{
	const struct daytime_config *config = turn->config;
	char line[LINE_CHARS];

	format_line(config->format, turn->local, line);
	size_t n = strlen(line);
	if (n > turn->output_capacity)
		return false;
	memcpy(turn->output, line, n);
	turn->given = n;
	turn->answered = 1;
	return true;
}

static enum service_wish feed(struct service_turn *turn)
{
	turn->taken = turn->input_bytes;
	return tell(turn) ? SERVICE_CLOSES : SERVICE_NEEDS_ROOM;
}

static const struct service_option options[] = {
	{"format", "ctime|xinetd|windows|iso", set_format, false},
	{NULL, NULL, NULL, false},
};

const struct service service_daytime = {
	.name = "daytime",
	.summary = "tells date and time in one line (RFC 867)",
	.port = 13,
	.transports = SERVICE_TCP | SERVICE_UDP,
	.config_bytes = sizeof(struct daytime_config),
	.speaks_first = true,
	.tells_local_time = true,
	.options = options,
	.feed = feed,
	.answer = tell,
};
