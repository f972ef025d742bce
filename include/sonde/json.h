/* A streaming JSON writer (RFC 8259): commas and escapes are its business, memory too.
 *
 * Strings are written as UTF-8; what is not UTF-8 becomes U+FFFD.  The first error sticks
 * and is returned by sonde_json_error(): -ENOMEM, -EINVAL for a call in the wrong place,
 * -EOVERFLOW for what is too deep. */
#ifndef SONDE_JSON_H
#define SONDE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/export.h>

/* Objects and arrays inside each other; deeper is an error. */
#define SONDE_JSON_DEPTH 32

struct sonde_json {
	char *chars; /* owned; chars[0..used) is the text so far, not NUL-terminated */
	size_t used;
	size_t capacity;
	int error; /* 0 or a negative errno */
	unsigned depth;
	/* By depth, 0 outside of everything. */
	bool in_object[SONDE_JSON_DEPTH + 1];
	bool after_value[SONDE_JSON_DEPTH + 1]; /* a comma is due */
	bool after_key;
};

SONDE_API void sonde_json_init(struct sonde_json *json);
SONDE_API void sonde_json_done(struct sonde_json *json);
/* Empties the text, forgets the error and keeps the memory. */
SONDE_API void sonde_json_reset(struct sonde_json *json);
SONDE_API int sonde_json_error(const struct sonde_json *json);

SONDE_API void sonde_json_object_begin(struct sonde_json *json);
SONDE_API void sonde_json_object_end(struct sonde_json *json);
SONDE_API void sonde_json_array_begin(struct sonde_json *json);
SONDE_API void sonde_json_array_end(struct sonde_json *json);
SONDE_API void sonde_json_key(struct sonde_json *json, const char *key);
/* value may be NULL, which is written as null. */
SONDE_API void sonde_json_string(struct sonde_json *json, const char *value);
SONDE_API void sonde_json_string_n(struct sonde_json *json, const char *value, size_t n);
SONDE_API void sonde_json_int(struct sonde_json *json, int64_t value);
/* Six significant digits; what is no number becomes null. */
SONDE_API void sonde_json_double(struct sonde_json *json, double value);
SONDE_API void sonde_json_bool(struct sonde_json *json, bool value);
SONDE_API void sonde_json_null(struct sonde_json *json);
/* RFC 4648 base64 of bytes[0..n) as a string. */
SONDE_API void sonde_json_base64(struct sonde_json *json, const void *bytes, size_t n);
/* A line feed, as NDJSON wants it after a whole top-level value. */
SONDE_API void sonde_json_line(struct sonde_json *json);

/* Key and value in one call. */
SONDE_API void sonde_json_add_string(struct sonde_json *json, const char *key,
				     const char *value);
SONDE_API void sonde_json_add_int(struct sonde_json *json, const char *key,
				  int64_t value);
SONDE_API void sonde_json_add_double(struct sonde_json *json, const char *key,
				     double value);
SONDE_API void sonde_json_add_bool(struct sonde_json *json, const char *key, bool value);
SONDE_API void sonde_json_add_null(struct sonde_json *json, const char *key);

#endif
