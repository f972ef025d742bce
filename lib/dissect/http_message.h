/* HTTP/1 messages as positions in their bytes: the first line, headers one by one, and
 * where a message ends (RFC 9112). */
#ifndef DISSECT_HTTP_MESSAGE_H
#define DISSECT_HTTP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum { HTTP_HEAD_MOST = 1 << 16 }; /* bytes of headers that are waited for */

struct http_part {
	uint32_t at, length;
};

struct http_head {
	bool is_request, is_chunked, has_length;
	uint32_t length;        /* with the empty line */
	struct http_part first; /* line, without its end */
	uint8_t first_ending;   /* bytes of that: 2, or 1 */
	struct http_part method, target, version, code_part, phrase, content_type;
	uint16_t code;
	uint64_t content_length;
};

struct http_header {
	struct http_part line, name, value;
	uint8_t ending;
	bool has_number; /* the value is one */
	uint64_t number;
};

/* Whether that begins as a request or a response does. */
bool http_looks_so(const uint8_t *bytes, size_t n);
/* 1 with *ret, 0 where the head does not end yet, -1 where it is none. */
int http_head_parse(const uint8_t *bytes, size_t n, struct http_head *ret);
/* The header at *at of a head that ends at `length`; false at the empty line. */
bool http_header_next(const uint8_t *bytes, uint32_t length, uint32_t *at,
		      struct http_header *ret);
/* Of the whole message, as pdu_length() tells it.  after_head: it answers a HEAD.
 * *hint is kept between calls with more bytes of the same message. */
ssize_t http_message_length(const struct http_head *head, const uint8_t *bytes, size_t n,
			    bool after_head, uint32_t *hint);
/* The chunk that begins at `at`: its size, and how many bytes stand before its data. */
bool http_chunk_next(const uint8_t *bytes, size_t n, uint32_t at, uint32_t *ret_size,
		     uint32_t *ret_skip);
/* Decodes base64 as far as it is valid; at most n bytes. */
size_t http_base64(const char *text, size_t n, char *to);

#endif
