/* A field as a line of the tree. */
#include <stdio.h>
#include <string.h>

#include <sonde/dissect.h>
#include <sonde/text.h>

#include "dissect/column.h"
#include "dissect/dissector.h"

enum { BYTES_SHOWN = 32 };

static void add_number(struct sonde_text *text, const struct sonde_field_info *info,
		       uint64_t number)
{
	const char *name = value_name(info->names, number, NULL);
	int digits = info->bits / 4;
	char plain[48];

	switch (info->show) {
	case SONDE_SHOW_HEX:
		snprintf(plain, sizeof(plain), "0x%0*llx", digits,
			 (unsigned long long)number);
		break;
	case SONDE_SHOW_DECIMAL_HEX:
		snprintf(plain, sizeof(plain), "%llu (0x%0*llx)",
			 (unsigned long long)number, digits, (unsigned long long)number);
		break;
	default:
		snprintf(plain, sizeof(plain), "%llu", (unsigned long long)number);
		break;
	}
	if (name)
		sonde_text_add(text, "%s (%s)", name, plain);
	else
		sonde_text_add(text, "%s", plain);
}

static void add_bytes(struct sonde_text *text, const struct sonde_field *field)
{
	size_t size = field->value.data.size;
	size_t shown = size < BYTES_SHOWN ? size : BYTES_SHOWN;

	for (size_t i = 0; i < shown; i++)
		sonde_text_add(text, "%02x", field->value.data.bytes[i]);
	if (shown < size)
		sonde_text_add(text, "...");
}

static void add_seconds(struct sonde_text *text, int64_t ns)
{
	uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;

	sonde_text_add(text, "%s%llu.%09llu seconds", ns < 0 ? "-" : "",
		       (unsigned long long)(size / 1000000000u),
		       (unsigned long long)(size % 1000000000u));
}

static void add_address(struct sonde_text *text, const struct sonde_field *field,
			uint8_t type)
{
	struct sonde_address address = {.family = SONDE_FAMILY_INET};
	uint64_t number = field->value.number;
	char host[48];

	if (type == SONDE_FIELD_IPV4) {
		for (int i = 0; i < 4; i++)
			address.bytes[i] = (uint8_t)(number >> (24 - 8 * i));
	} else {
		if (field->value.data.size < 16)
			return;
		address.family = SONDE_FAMILY_INET6;
		memcpy(address.bytes, field->value.data.bytes, 16);
	}
	sonde_text_add_bytes(text, host, column_host(&address, host));
}

/* "Nov 20, 2026 14:25:17.375351000 UTC", without the C library's calendar, which knows
 * time zones. */
static void add_time(struct sonde_text *text, int64_t at_ns)
{
	static const char months[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
					   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	int64_t seconds = at_ns / 1000000000, ns = at_ns % 1000000000;
	int64_t days, rest, era, year;
	unsigned day_of_era, year_of_era, day_of_year, month;

	if (ns < 0) {
		ns += 1000000000;
		seconds--;
	}
	days = seconds / 86400;
	rest = seconds % 86400;
	if (rest < 0) {
		rest += 86400;
		days--;
	}
	/* Years begin in March, so that the day that may be missing is the last one. */
	days += 719468;
	era = (days >= 0 ? days : days - 146096) / 146097;
	day_of_era = (unsigned)(days - era * 146097);
	year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36524 -
		       day_of_era / 146096) /
		      365;
	day_of_year =
		day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
	month = (5 * day_of_year + 2) / 153;
	year = (int64_t)year_of_era + era * 400 + (month >= 10);
	sonde_text_add(text, "%s %2u, %lld %02d:%02d:%02d.%09lld UTC",
		       months[month < 10 ? month + 2 : month - 10],
		       day_of_year - (153 * month + 2) / 5 + 1, (long long)year,
		       (int)(rest / 3600), (int)(rest / 60 % 60), (int)(rest % 60),
		       (long long)ns);
}

static void add_value(struct sonde_text *text, const struct sonde_field_info *info,
		      const struct sonde_field *field)
{
	char ethernet[17];
	const char *name;

	switch (info->type) {
	case SONDE_FIELD_BOOL:
		sonde_text_add(text, field->value.number ? "True" : "False");
		break;
	case SONDE_FIELD_UINT:
		add_number(text, info, field->value.number);
		break;
	case SONDE_FIELD_INT:
		name = value_name(info->names, field->value.number, NULL);
		sonde_text_add(text, name ? "%s (%lld)" : "%s%lld", name ? name : "",
			       (long long)field->value.integer);
		break;
	case SONDE_FIELD_TIME:
		add_time(text, field->value.integer);
		break;
	case SONDE_FIELD_DURATION:
		add_seconds(text, field->value.integer);
		break;
	case SONDE_FIELD_IPV4:
	case SONDE_FIELD_IPV6:
		add_address(text, field, info->type);
		break;
	case SONDE_FIELD_ETHERNET:
		if (field->value.data.size == 6)
			sonde_text_add_bytes(
				text, ethernet,
				column_ethernet(field->value.data.bytes, ethernet));
		break;
	case SONDE_FIELD_BYTES:
		add_bytes(text, field);
		break;
	case SONDE_FIELD_TEXT:
		if (field->flags & SONDE_FIELD_SECRET)
			sonde_text_add(text, "********");
		else
			sonde_text_add_shown(text, field->value.data.bytes,
					     field->value.data.size);
		break;
	default:
		break;
	}
}

size_t sonde_field_format(const struct sonde_field *field, char *to, size_t size)
{
	const struct sonde_field_info *info = sonde_field_info(field->field);
	bool is_made = field->flags & SONDE_FIELD_GENERATED;
	char storage[1024];
	struct sonde_text text;
	size_t n;

	sonde_text_init(&text, storage, sizeof(storage) - 2);
	if (is_made)
		sonde_text_add(&text, "[");
	if (field->label) {
		sonde_text_add_shown(&text, field->label, strlen(field->label));
	} else {
		sonde_text_add(&text, "%s", info->title);
		if (info->type != SONDE_FIELD_PROTOCOL &&
		    info->type != SONDE_FIELD_NOTE) {
			sonde_text_add(&text, ": ");
			add_value(&text, info, field);
		}
	}
	n = text.used;
	if (is_made)
		storage[n++] = ']';
	storage[n] = '\0';
	if (size > 0) {
		size_t part = n < size ? n : size - 1;

		memcpy(to, storage, part);
		to[part] = '\0';
	}
	return n;
}
