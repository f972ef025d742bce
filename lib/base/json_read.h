/* JSON text (RFC 8259) into values that are asked for by name.  The text is a file's, so
 * nothing in it is believed: what is asked for and is missing, or of another kind, is
 * answered with the fallback.  One document serves text after text with the same memory. */
#ifndef BASE_JSON_READ_H
#define BASE_JSON_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum json_kind {
	JSON_NULL = 0,
	JSON_FALSE,
	JSON_TRUE,
	JSON_NUMBER,
	JSON_STRING,
	JSON_ARRAY,
	JSON_OBJECT,
};

struct json_node {
	uint8_t kind;     /* enum json_kind */
	uint32_t next;    /* the node behind this value and all that is in it */
	uint32_t members; /* of an array; of an object keys and values, two each */
	int64_t number;   /* a fraction is cut off; out of range: the nearest */
	const char *text; /* of a string: ends with NUL */
};

/* Zeroed to begin with. */
struct json_document {
	struct json_node *nodes; /* owned; 0 is the whole */
	size_t count, room;
	char *chars; /* owned; unescaped strings */
	size_t char_room, chars_used;
};

void json_document_done(struct json_document *document);
/* 0, -EBADMSG: no JSON, or too deep, -ENOMEM. */
int json_document_parse(struct json_document *document, const char *text, size_t n);

/* Node numbers; 0 where there is none (the whole is nobody's member). */
uint32_t json_member(const struct json_document *document, uint32_t object,
		     const char *key);
/* for (m = json_first(d, array); m; m = json_next(d, array, m)) */
uint32_t json_first(const struct json_document *document, uint32_t array);
uint32_t json_next(const struct json_document *document, uint32_t array, uint32_t member);

/* Of a member of the object. */
int64_t json_int(const struct json_document *document, uint32_t object, const char *key,
		 int64_t fallback);
/* In [0, most]; anything else is 0. */
uint32_t json_count(const struct json_document *document, uint32_t object,
		    const char *key, uint32_t most);
bool json_bool(const struct json_document *document, uint32_t object, const char *key);
/* NULL where it is no string; borrowed until the next parse. */
const char *json_text(const struct json_document *document, uint32_t object,
		      const char *key);
/* A string of hexadecimal digits: its number, of which the lowest 64 bits are kept. */
uint64_t json_hex(const struct json_document *document, uint32_t object, const char *key);

#endif
