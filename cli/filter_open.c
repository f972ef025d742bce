/* A display filter of the command line: compiled with this machine's time zone and PCRE2;
 * what is wrong in it is underlined. */
#include "filter_open.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <sonde/text.h>

#include "command.h"
#include "message.h"

enum { SHOWN_BYTES = 72, BEFORE_BYTES = 40 };

static int64_t utc_offset_s(int64_t local_s)
{
	time_t as_utc = local_s;
	struct tm shown;

	if (!gmtime_r(&as_utc, &shown))
		return 0;
	shown.tm_isdst = -1;
	time_t really = mktime(&shown);
	return really == (time_t)-1 ? 0 : local_s - really;
}

static size_t columns_of(const char *bytes, size_t n)
{
	size_t columns = 0;

	for (size_t i = 0; i < n; i++)
		columns += ((unsigned char)bytes[i] & 0xc0) != 0x80;
	return columns;
}

/* The filter's text around the place, and a caret with tildes under it. */
static void show_place(const char *text, const struct sonde_filter_place *place)
{
	size_t size = strlen(text);
	size_t begin = place->at > BEFORE_BYTES ? place->at - BEFORE_BYTES : 0;
	size_t end = size - begin > SHOWN_BYTES ? begin + SHOWN_BYTES : size;
	char line[SHOWN_BYTES + 1];
	size_t at, columns;

	while (begin > 0 && ((unsigned char)text[begin] & 0xc0) == 0x80)
		begin--;
	if (end - begin > SHOWN_BYTES)
		end = begin + SHOWN_BYTES;
	for (size_t i = begin; i < end; i++) {
		unsigned char c = (unsigned char)text[i];
		line[i - begin] = c < ' ' || c == 0x7f ? ' ' : text[i];
	}
	line[end - begin] = '\0';
	at = columns_of(text + begin, place->at - begin);
	columns = columns_of(text + place->at, place->at + place->length > end
						       ? end - place->at
						       : place->length);
	fprintf(stderr, "    %s\n    %*s^", line, (int)at, "");
	for (size_t i = 1; i < columns; i++)
		fputc('~', stderr);
	fputc('\n', stderr);
}

static int complain(const char *text, const struct sonde_filter_place *place,
		    struct sonde_error *err)
{
	char hint[sizeof(err->hint)];
	int status;

	snprintf(hint, sizeof(hint), "%s", err->hint);
	err->hint[0] = '\0';
	status = message_error(err);
	show_place(text, place);
	if (hint[0])
		message_hint("%s", hint);
	return status;
}

int filter_open(const char *text, struct sonde_filter **ret)
{
	struct sonde_filter_means means = {
		.regex = sonde_regex_pcre2(),
		.utc_offset_s = utc_offset_s,
	};
	struct sonde_filter_place place = {0};
	struct sonde_error err;
	int r;

	*ret = NULL;
	if (!text)
		return STATUS_DONE;
	r = sonde_filter_new(text, &means, ret, &place, &err);
	if (r == 0)
		return STATUS_DONE;
	if (r != -EINVAL) {
		sonde_error_set(&err, SONDE_ERROR_TROUBLE, r, "filter", "", NULL);
		return message_error(&err);
	}
	return complain(text, &place, &err);
}

int filter_complain(const struct sonde_filter *filter, const char *text, uint32_t frame)
{
	struct sonde_filter_place place;
	struct sonde_error err;

	sonde_filter_trouble(filter, frame, &place, &err);
	return complain(text, &place, &err);
}
