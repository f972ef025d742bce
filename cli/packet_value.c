/* A field's value as text and as JSON. */
#include "packet_value.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <sonde/address.h>
#include <sonde/text.h>

enum { LABEL_CHARS = 1024, NS_DIGITS = 9 };

/* Beyond it readers of JSON that know doubles alone lose digits. */
#define JSON_NUMBER_MOST (UINT64_C(1) << 53)
#define NS_PER_S INT64_C(1000000000)

static void format_address(const struct sonde_field *field, uint8_t type,
			   char text[SONDE_ADDRESS_CHARS])
{
	struct sonde_address address = {.family = SONDE_FAMILY_INET};

	if (type == SONDE_FIELD_IPV4) {
		for (unsigned i = 0; i < 4; i++)
			address.bytes[i] = (uint8_t)(field->value.number >> (24 - 8 * i));
	} else {
		address.family = SONDE_FAMILY_INET6;
		if (field->value.data.size == sizeof(address.bytes))
			memcpy(address.bytes, field->value.data.bytes,
			       sizeof(address.bytes));
	}
	sonde_address_format_host(&address, text);
}

static void add_label(struct lines *lines, const struct sonde_field *field)
{
	char text[LABEL_CHARS];
	size_t n = sonde_field_format(field, text, sizeof(text));

	lines_add(lines, text, n < sizeof(text) ? n : sizeof(text) - 1);
}

static void add_number(struct lines *lines, const struct sonde_field_info *info,
		       uint64_t number)
{
	if (info->show == SONDE_SHOW_HEX) {
		lines_text(lines, "0x");
		lines_hex(lines, number,
			  info->bits <= 8    ? 2
			  : info->bits <= 16 ? 4
			  : info->bits <= 24 ? 6
			  : info->bits <= 32 ? 8
					     : 16);
	} else {
		lines_number(lines, number);
	}
}

void packet_value_add(struct lines *lines, struct packet_time *time,
		      const struct sonde_field *field)
{
	const struct sonde_field_info *info = sonde_field_info(field->field);
	char text[SONDE_ADDRESS_CHARS];

	switch ((enum sonde_field_type)info->type) {
	case SONDE_FIELD_BOOL:
		lines_char(lines, field->value.number ? '1' : '0');
		break;
	case SONDE_FIELD_UINT:
		add_number(lines, info, field->value.number);
		break;
	case SONDE_FIELD_INT:
		if (field->value.integer < 0)
			lines_char(lines, '-');
		lines_number(lines, field->value.integer < 0 ? 0 - field->value.number
							     : field->value.number);
		break;
	case SONDE_FIELD_TIME:
		packet_time_add_field(time, field->value.integer, lines);
		break;
	case SONDE_FIELD_DURATION:
		packet_time_add_seconds(field->value.integer, NS_DIGITS, lines);
		break;
	case SONDE_FIELD_IPV4:
	case SONDE_FIELD_IPV6:
		format_address(field, info->type, text);
		lines_text(lines, text);
		break;
	case SONDE_FIELD_ETHERNET:
		lines_bytes(lines, field->value.data.bytes, field->value.data.size, ':');
		break;
	case SONDE_FIELD_BYTES:
		lines_bytes(lines, field->value.data.bytes, field->value.data.size, '\0');
		break;
	case SONDE_FIELD_TEXT:
		lines_shown(lines, field->value.data.bytes, field->value.data.size);
		break;
	case SONDE_FIELD_PROTOCOL:
		add_label(lines, field);
		break;
	case SONDE_FIELD_NOTE:
		lines_char(lines, '1');
		break;
	}
}

/* ---- JSON ---- */

static void add_json_text(struct sonde_json *json, const uint8_t *bytes, size_t n)
{
	if (sonde_text_is_utf8(bytes, n)) {
		sonde_json_string_n(json, (const char *)bytes, n);
		return;
	}
	sonde_json_object_begin(json);
	sonde_json_key(json, "text");
	sonde_json_string_n(json, (const char *)bytes, n);
	sonde_json_key(json, "base64");
	sonde_json_base64(json, bytes, n);
	sonde_json_object_end(json);
}

static void add_json_number(struct sonde_json *json, uint64_t number)
{
	char digits[24];

	if (number <= JSON_NUMBER_MOST) {
		sonde_json_int(json, (int64_t)number);
		return;
	}
	snprintf(digits, sizeof(digits), "%" PRIu64, number);
	sonde_json_string(json, digits);
}

static void add_json_seconds(struct sonde_json *json, int64_t ns)
{
	uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;
	char text[40];

	snprintf(text, sizeof(text), "%s%" PRIu64 ".%09" PRIu64, ns < 0 ? "-" : "",
		 size / NS_PER_S, size % NS_PER_S);
	sonde_json_string(json, text);
}

static void add_json_bytes(struct sonde_json *json, const uint8_t *bytes, size_t n)
{
	char text[3 * 6];
	size_t used = 0;

	for (size_t i = 0; i < n && i < 6; i++)
		used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%02x",
					 i ? ":" : "", bytes[i]);
	sonde_json_string_n(json, text, used);
}

void packet_value_add_json(struct sonde_json *json, const struct sonde_field *field)
{
	const struct sonde_field_info *info = sonde_field_info(field->field);
	char text[SONDE_ADDRESS_CHARS];

	switch ((enum sonde_field_type)info->type) {
	case SONDE_FIELD_BOOL:
		sonde_json_bool(json, field->value.number != 0);
		break;
	case SONDE_FIELD_UINT:
		add_json_number(json, field->value.number);
		break;
	case SONDE_FIELD_INT:
		sonde_json_int(json, field->value.integer);
		break;
	case SONDE_FIELD_TIME:
	case SONDE_FIELD_DURATION:
		add_json_seconds(json, field->value.integer);
		break;
	case SONDE_FIELD_IPV4:
	case SONDE_FIELD_IPV6:
		format_address(field, info->type, text);
		sonde_json_string(json, text);
		break;
	case SONDE_FIELD_ETHERNET:
		add_json_bytes(json, field->value.data.bytes, field->value.data.size);
		break;
	case SONDE_FIELD_BYTES:
		sonde_json_base64(json, field->value.data.bytes, field->value.data.size);
		break;
	case SONDE_FIELD_TEXT:
		add_json_text(json, field->value.data.bytes, field->value.data.size);
		break;
	case SONDE_FIELD_PROTOCOL:
		sonde_json_object_begin(json);
		sonde_json_add_int(json, "offset", field->offset);
		sonde_json_add_int(json, "length", field->length);
		sonde_json_object_end(json);
		break;
	case SONDE_FIELD_NOTE:
		sonde_json_bool(json, true);
		break;
	}
}
