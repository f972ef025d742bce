/* Bytes in another form, on their way out and in. */
#include "talk/encode.h"

#include <string.h>

#include <sonde/text.h>

#include "base/limits.h"

bool encode_is_needed(const struct sonde_session *session)
{
	return session->options.crlf || session->has_telnet;
}

/* "\n" becomes "\r\n", where it is not one already. */
static size_t add_crlf(struct sonde_session *session, const uint8_t *bytes, size_t n,
		       uint8_t *ret)
{
	size_t used = 0;

	for (size_t i = 0; i < n; i++) {
		if (bytes[i] == '\n' && session->last_sent != '\r')
			ret[used++] = '\r';
		ret[used++] = bytes[i];
		session->last_sent = (char)bytes[i];
	}
	return used;
}

size_t encode_sent(struct sonde_session *session, const uint8_t *bytes, size_t n,
		   uint8_t *ret)
{
	if (session->has_telnet)
		return telnet_format(&session->telnet, bytes, n,
				     &session->telnet_after_cr, ret);
	if (session->options.crlf)
		return add_crlf(session, bytes, n, ret);
	memcpy(ret, bytes, n);
	return n;
}

bool encode_received_is_needed(const struct sonde_session *session, bool escapes)
{
	(void)session;
	return escapes;
}

/* How many bytes at the end may only be judged with what follows: CR, and the beginning of
 * a sequence of UTF-8. */
static size_t count_open(const uint8_t *bytes, size_t n)
{
	if (n > 0 && bytes[n - 1] == '\r')
		return 1;
	return n - sonde_text_whole_utf8(bytes, n);
}

/* As it may stand on a terminal: lines and tabs are left as they are, "\r\n" is one end of
 * a line. */
static size_t escape(const uint8_t *bytes, size_t n, uint8_t *ret, size_t room)
{
	struct sonde_text text;
	size_t from = 0;

	sonde_text_init(&text, (char *)ret, room);
	for (size_t i = 0; i < n; i++) {
		bool is_crlf = bytes[i] == '\r' && i + 1 < n && bytes[i + 1] == '\n';
		if (bytes[i] != '\n' && bytes[i] != '\t' && !is_crlf)
			continue;
		sonde_text_add_escaped(&text, bytes + from, i - from);
		if (is_crlf)
			i++;
		sonde_text_add_bytes(&text, (const char *)bytes + i, 1);
		from = i + 1;
	}
	sonde_text_add_escaped(&text, bytes + from, n - from);
	return text.used;
}

size_t encode_shown(struct held *held, const uint8_t *bytes, size_t n, uint8_t *ret,
		    size_t room)
{
	uint8_t joined[ENCODE_READ_BYTES + sizeof(held->bytes)];

	memcpy(joined, held->bytes, held->used);
	memcpy(joined + held->used, bytes, n);
	n += held->used;
	held->used = count_open(joined, n);
	memcpy(held->bytes, joined + n - held->used, held->used);
	return escape(joined, n - held->used, ret, room);
}

size_t encode_shown_end(struct held *held, uint8_t *ret, size_t room)
{
	size_t n = held->used;

	held->used = 0;
	return escape(held->bytes, n, ret, room);
}

size_t encode_received(struct sonde_session *session, const uint8_t *bytes, size_t n,
		       bool escapes, uint8_t *ret)
{
	if (escapes)
		return encode_shown(&session->held, bytes, n, ret, LIMIT_TALK_BYTES);
	memcpy(ret, bytes, n);
	return n;
}

size_t encode_received_end(struct sonde_session *session, uint8_t *ret)
{
	return encode_shown_end(&session->held, ret, LIMIT_TALK_BYTES);
}
