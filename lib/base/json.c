/* The JSON writer.
 *
 * Every value passes through value_begin(), which checks the place and writes the comma
 * that is due, and value_end(), which makes the next one due. */
#include <sonde/json.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "base/utf8.h"

void sonde_json_init(struct sonde_json *json)
{
	*json = (struct sonde_json){0};
}

void sonde_json_done(struct sonde_json *json)
{
	array_free(json->chars);
	sonde_json_init(json);
}

void sonde_json_reset(struct sonde_json *json)
{
	*json = (struct sonde_json){.chars = json->chars, .capacity = json->capacity};
}

int sonde_json_error(const struct sonde_json *json)
{
	return json->error;
}

static void fail(struct sonde_json *json, int error)
{
	if (!json->error)
		json->error = error;
}

/* Room for n more characters, or NULL. */
static char *reserve(struct sonde_json *json, size_t n)
{
	int r;

	if (json->error)
		return NULL;
	if (n > SIZE_MAX - json->used) {
		fail(json, -ENOMEM);
		return NULL;
	}
	r = array_reserve(&json->chars, &json->capacity, json->used + n, 1);
	if (r < 0) {
		fail(json, r);
		return NULL;
	}
	return json->chars + json->used;
}

static void add(struct sonde_json *json, const char *chars, size_t n)
{
	char *to = n ? reserve(json, n) : NULL;

	if (!to)
		return;
	memcpy(to, chars, n);
	json->used += n;
}

static void add_char(struct sonde_json *json, char c)
{
	add(json, &c, 1);
}

static void add_comma(struct sonde_json *json)
{
	if (json->after_value[json->depth])
		add_char(json, ',');
}

/* False where no value may stand. */
static bool value_begin(struct sonde_json *json)
{
	bool fits = json->in_object[json->depth] ? json->after_key
						 : json->depth || !json->after_value[0];

	if (!fits)
		fail(json, -EINVAL);
	if (json->error)
		return false;
	if (!json->in_object[json->depth])
		add_comma(json);
	return true;
}

static void value_end(struct sonde_json *json)
{
	json->after_value[json->depth] = true;
	json->after_key = false;
}

static void begin(struct sonde_json *json, bool object)
{
	if (!value_begin(json))
		return;
	if (json->depth == SONDE_JSON_DEPTH) {
		fail(json, -EOVERFLOW);
		return;
	}
	value_end(json);
	json->depth++;
	json->in_object[json->depth] = object;
	json->after_value[json->depth] = false;
	add_char(json, object ? '{' : '[');
}

static void end(struct sonde_json *json, bool object)
{
	if (!json->depth || json->in_object[json->depth] != object || json->after_key)
		fail(json, -EINVAL);
	if (json->error)
		return;
	json->depth--;
	add_char(json, object ? '}' : ']');
}

void sonde_json_object_begin(struct sonde_json *json)
{
	begin(json, true);
}

void sonde_json_object_end(struct sonde_json *json)
{
	end(json, true);
}

void sonde_json_array_begin(struct sonde_json *json)
{
	begin(json, false);
}

void sonde_json_array_end(struct sonde_json *json)
{
	end(json, false);
}

static void add_control(struct sonde_json *json, unsigned code)
{
	static const char letters[] = "btn?fr"; /* 8 to 13; \v has none in JSON */
	char escape[8];

	if (code >= '\b' && code <= '\r' && code != '\v')
		snprintf(escape, sizeof(escape), "\\%c", letters[code - '\b']);
	else
		snprintf(escape, sizeof(escape), "\\u%04x", code);
	add(json, escape, strlen(escape));
}

static void add_quoted(struct sonde_json *json, const char *chars, size_t n)
{
	size_t plain = 0; /* where the characters begin that go out as they are */

	add_char(json, '"');
	for (size_t i = 0, length; i < n; i += length) {
		unsigned code;

		length = utf8_step(chars + i, n - i, &code);
		if (code >= 0x20 && code != '"' && code != '\\' && code != UTF8_BAD)
			continue;
		add(json, chars + plain, i - plain);
		plain = i + length;
		if (code == UTF8_BAD) {
			add(json, UTF8_REPLACEMENT, sizeof(UTF8_REPLACEMENT) - 1);
		} else if (code < 0x20) {
			add_control(json, code);
		} else {
			add_char(json, '\\');
			add_char(json, (char)code);
		}
	}
	add(json, chars + plain, n - plain);
	add_char(json, '"');
}

void sonde_json_key(struct sonde_json *json, const char *key)
{
	if (!json->in_object[json->depth] || json->after_key)
		fail(json, -EINVAL);
	if (json->error)
		return;
	add_comma(json);
	add_quoted(json, key, strlen(key));
	add_char(json, ':');
	json->after_key = true;
}

static void add_value(struct sonde_json *json, const char *chars)
{
	if (!value_begin(json))
		return;
	add(json, chars, strlen(chars));
	value_end(json);
}

void sonde_json_string(struct sonde_json *json, const char *value)
{
	sonde_json_string_n(json, value, value ? strlen(value) : 0);
}

void sonde_json_string_n(struct sonde_json *json, const char *value, size_t n)
{
	if (!value) {
		sonde_json_null(json);
		return;
	}
	if (!value_begin(json))
		return;
	add_quoted(json, value, n);
	value_end(json);
}

void sonde_json_int(struct sonde_json *json, int64_t value)
{
	char chars[24];

	snprintf(chars, sizeof(chars), "%" PRId64, value);
	add_value(json, chars);
}

void sonde_json_double(struct sonde_json *json, double value)
{
	char chars[32];

	/* Not a number, and the infinities: JSON has none of them. */
	if (!(value - value == 0)) {
		sonde_json_null(json);
		return;
	}
	snprintf(chars, sizeof(chars), "%.6g", value);
	add_value(json, chars);
}

void sonde_json_bool(struct sonde_json *json, bool value)
{
	add_value(json, value ? "true" : "false");
}

void sonde_json_null(struct sonde_json *json)
{
	add_value(json, "null");
}

void sonde_json_base64(struct sonde_json *json, const void *bytes, size_t n)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const uint8_t *at = bytes;

	if (!value_begin(json))
		return;
	add_char(json, '"');
	for (size_t i = 0; i < n; i += 3) {
		size_t left = n - i;
		unsigned group = (unsigned)at[i] << 16;
		char quad[4];

		if (left > 1)
			group |= (unsigned)at[i + 1] << 8;
		if (left > 2)
			group |= at[i + 2];
		quad[0] = digits[group >> 18];
		quad[1] = digits[group >> 12 & 63];
		quad[2] = left > 1 ? digits[group >> 6 & 63] : '=';
		quad[3] = left > 2 ? digits[group & 63] : '=';
		add(json, quad, sizeof(quad));
	}
	add_char(json, '"');
	value_end(json);
}

void sonde_json_line(struct sonde_json *json)
{
	if (json->depth || !json->after_value[0])
		fail(json, -EINVAL);
	add_char(json, '\n');
	json->after_value[0] = false;
}

void sonde_json_add_string(struct sonde_json *json, const char *key, const char *value)
{
	sonde_json_key(json, key);
	sonde_json_string(json, value);
}

void sonde_json_add_int(struct sonde_json *json, const char *key, int64_t value)
{
	sonde_json_key(json, key);
	sonde_json_int(json, value);
}

void sonde_json_add_double(struct sonde_json *json, const char *key, double value)
{
	sonde_json_key(json, key);
	sonde_json_double(json, value);
}

void sonde_json_add_bool(struct sonde_json *json, const char *key, bool value)
{
	sonde_json_key(json, key);
	sonde_json_bool(json, value);
}

void sonde_json_add_null(struct sonde_json *json, const char *key)
{
	sonde_json_key(json, key);
	sonde_json_null(json);
}
