/* HTTP/1 messages; see http_message.h. */
#include "dissect/http_message.h"

#include <string.h>

#include "dissect/dissector.h"

static const char *const methods[] = {
	"GET",       "POST",        "HEAD",    "PUT",      "DELETE",    "OPTIONS",
	"CONNECT",   "TRACE",       "PATCH",   "PROPFIND", "PROPPATCH", "MKCOL",
	"COPY",      "MOVE",        "LOCK",    "UNLOCK",   "REPORT",    "NOTIFY",
	"SUBSCRIBE", "UNSUBSCRIBE", "M-SEARCH"};

bool http_looks_so(const uint8_t *bytes, size_t n)
{
	if (n >= 7 && memcmp(bytes, "HTTP/1.", 7) == 0)
		return true;
	for (size_t i = 0; n && i < sizeof(methods) / sizeof(methods[0]); i++) {
		size_t length;

		/* Most bytes begin like none of them. */
		if ((uint8_t)methods[i][0] != bytes[0])
			continue;
		length = strlen(methods[i]);
		if (n > length + 1 && memcmp(bytes, methods[i], length) == 0 &&
		    bytes[length] == ' ')
			return true;
	}
	return false;
}

/* A line that ends with LF, and CR before it or not: its length, or -1. */
static ssize_t line_length(const uint8_t *bytes, size_t n, uint8_t *ret_ending)
{
	const uint8_t *end = n ? memchr(bytes, '\n', n) : NULL;
	size_t length;

	if (!end)
		return -1;
	length = (size_t)(end - bytes);
	*ret_ending = 1;
	if (length > 0 && bytes[length - 1] == '\r') {
		length--;
		*ret_ending = 2;
	}
	return (ssize_t)length;
}

/* The next word of the line, and the spaces behind it passed. */
static struct http_part word(const uint8_t *bytes, uint32_t *at, uint32_t end)
{
	struct http_part part = {.at = *at};

	while (*at < end && bytes[*at] != ' ')
		(*at)++;
	part.length = *at - part.at;
	while (*at < end && bytes[*at] == ' ')
		(*at)++;
	return part;
}

static bool is_version(const uint8_t *bytes, const struct http_part *part)
{
	return part->length >= 7 && memcmp(bytes + part->at, "HTTP/1.", 7) == 0;
}

static bool parse_first(const uint8_t *bytes, struct http_head *head)
{
	uint32_t at = head->first.at, end = at + head->first.length;
	struct http_part one = word(bytes, &at, end), two = word(bytes, &at, end);

	if (is_version(bytes, &one)) {
		head->version = one;
		head->code_part = two;
		for (uint32_t i = 0; i < two.length && i < 3; i++) {
			uint8_t digit = bytes[two.at + i];

			if (digit < '0' || digit > '9')
				return false;
			head->code = (uint16_t)(head->code * 10 + digit - '0');
		}
		head->phrase = (struct http_part){at, end - at};
		return two.length == 3;
	}
	head->is_request = true;
	head->method = one;
	head->target = two;
	head->version = (struct http_part){at, end - at};
	return http_looks_so(bytes, end) &&
	       (!head->version.length || is_version(bytes, &head->version));
}

bool http_header_next(const uint8_t *bytes, uint32_t length, uint32_t *at,
		      struct http_header *ret)
{
	ssize_t n =
		*at < length ? line_length(bytes + *at, length - *at, &ret->ending) : -1;
	const uint8_t *colon;
	uint32_t from, to;

	if (n <= 0)
		return false;
	ret->line = (struct http_part){*at, (uint32_t)n};
	*at += (uint32_t)n + ret->ending;
	colon = memchr(bytes + ret->line.at, ':', (size_t)n);
	ret->name = (struct http_part){ret->line.at, (uint32_t)n};
	from = to = ret->line.at + (uint32_t)n;
	if (colon) {
		ret->name.length = (uint32_t)(colon - bytes) - ret->line.at;
		from = (uint32_t)(colon - bytes) + 1;
	}
	while (from < to && (bytes[from] == ' ' || bytes[from] == '\t'))
		from++;
	while (to > from && (bytes[to - 1] == ' ' || bytes[to - 1] == '\t'))
		to--;
	ret->value = (struct http_part){from, to - from};
	ret->has_number = to > from && to - from <= 18;
	ret->number = 0;
	for (; from < to; from++) {
		if (bytes[from] < '0' || bytes[from] > '9')
			ret->has_number = false;
		ret->number = ret->number * 10 + (bytes[from] - '0');
	}
	return true;
}

static bool is_named(const uint8_t *bytes, const struct http_header *header,
		     const char *name)
{
	return header->name.length == strlen(name) &&
	       strncasecmp((const char *)bytes + header->name.at, name,
			   header->name.length) == 0;
}

static void take_header(const uint8_t *bytes, const struct http_header *header,
			struct http_head *head)
{
	if (is_named(bytes, header, "Content-Length") && header->has_number) {
		head->has_length = true;
		head->content_length = header->number;
	} else if (is_named(bytes, header, "Content-Type")) {
		head->content_type = header->value;
	} else if (is_named(bytes, header, "Transfer-Encoding") &&
		   header->value.length >= 7 &&
		   strncasecmp((const char *)bytes + header->value.at +
				       header->value.length - 7,
			       "chunked", 7) == 0) {
		head->is_chunked = true;
	}
}

int http_head_parse(const uint8_t *bytes, size_t n, struct http_head *ret)
{
	struct http_header header = {0};
	size_t most = n < HTTP_HEAD_MOST ? n : HTTP_HEAD_MOST;
	ssize_t length;
	uint32_t at, end;
	uint8_t ending;

	*ret = (struct http_head){0};
	/* What can become one has to be waited for, whatever is there of it. */
	if (!http_looks_so(bytes, n))
		return n < 12 && n > 0 && bytes[0] >= 'A' && bytes[0] <= 'Z' &&
				       !memchr(bytes, '\n', n)
			       ? 0
			       : -1;
	length = line_length(bytes, most, &ret->first_ending);
	if (length < 0)
		return 0;
	ret->first = (struct http_part){0, (uint32_t)length};
	if (!parse_first(bytes, ret))
		return -1;
	at = (uint32_t)length + ret->first_ending;
	for (end = at;; end += (uint32_t)length + ending) {
		length = line_length(bytes + end, most - end, &ending);
		if (length < 0)
			return 0;
		if (length == 0)
			break;
	}
	ret->length = end + ending;
	while (http_header_next(bytes, ret->length, &at, &header))
		take_header(bytes, &header, ret);
	return 1;
}

bool http_chunk_next(const uint8_t *bytes, size_t n, uint32_t at, uint32_t *ret_size,
		     uint32_t *ret_skip)
{
	uint8_t ending;
	ssize_t length = at < n ? line_length(bytes + at, n - at, &ending) : -1;
	uint32_t size = 0, digits = 0;

	for (ssize_t i = 0; i < length; i++, digits++) {
		uint8_t c = bytes[at + i];

		if (c >= '0' && c <= '9')
			c = (uint8_t)(c - '0');
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			c = (uint8_t)((c | 0x20) - 'a' + 10);
		else
			break;
		if (digits >= 7)
			return false;
		size = size * 16 + c;
	}
	if (!digits)
		return false;
	*ret_size = size;
	*ret_skip = (uint32_t)length + ending;
	return true;
}

/* Of a body in chunks: where it ends. */
static ssize_t chunked_length(const struct http_head *head, const uint8_t *bytes,
			      size_t n, uint32_t *hint)
{
	uint32_t at = *hint > head->length ? *hint : head->length, size, skip;

	for (;;) {
		uint8_t ending;
		ssize_t length;

		*hint = at;
		if (at >= n || !memchr(bytes + at, '\n', n - at))
			return PDU_MORE;
		if (!http_chunk_next(bytes, n, at, &size, &skip))
			return (ssize_t)n; /* no chunk: as it is */
		if ((uint64_t)at + skip + size + 2 > n && size)
			return PDU_MORE;
		at += skip + size + (size ? 2 : 0);
		if (size)
			continue;
		/* Trailers, and an empty line. */
		for (;;) {
			length = line_length(bytes + at, n - at, &ending);
			if (length < 0)
				return PDU_MORE;
			at += (uint32_t)length + ending;
			if (length == 0)
				return at;
		}
	}
}

ssize_t http_message_length(const struct http_head *head, const uint8_t *bytes, size_t n,
			    bool after_head, uint32_t *hint)
{
	if (!head->is_request &&
	    (after_head || head->code < 200 || head->code == 204 || head->code == 304))
		return head->length;
	if (head->is_chunked)
		return chunked_length(head, bytes, n, hint);
	if (head->has_length) {
		if (head->content_length > INT32_MAX)
			return INT32_MAX; /* never whole here */
		return head->length + (ssize_t)head->content_length;
	}
	return head->is_request ? (ssize_t)head->length : PDU_UNTIL_CLOSE;
}

size_t http_base64(const char *text, size_t n, char *to)
{
	uint32_t bits = 0;
	unsigned count = 0;
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		char c = text[i];
		uint32_t value;

		if (c >= 'A' && c <= 'Z')
			value = (uint32_t)(c - 'A');
		else if (c >= 'a' && c <= 'z')
			value = (uint32_t)(c - 'a' + 26);
		else if (c >= '0' && c <= '9')
			value = (uint32_t)(c - '0' + 52);
		else if (c == '+')
			value = 62;
		else if (c == '/')
			value = 63;
		else
			break;
		bits = bits << 6 | value;
		count += 6;
		if (count >= 8) {
			count -= 8;
			to[used++] = (char)(bits >> count & 0xff);
		}
	}
	return used;
}
