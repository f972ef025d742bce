/* TLS's handshake messages: several in a record, or one spread over several.
 *
 * A message that a record does not hold to its end is kept, and told where its last byte
 * comes, as if it stood there.  How much of it is to come is known even where it cannot be
 * kept, so that what follows it is found again; its pieces then say that they are not put
 * together. */
#include "base/limits.h"
#include "dissect/dissect_tls.h"
#include "dissect/tls_name.h"

enum { HEADER_LENGTH = 4 };
enum { UNFINISHED_BYTES = (1 << 24) - 1, UNFINISHED_SHIFT = 24 };
/* Of a message whose length is not known, as the record ends in its header. */
enum { UNFINISHED_ANY = UNFINISHED_BYTES };
/* Longer ones are not believed: what is encrypted may look like one. */
enum { HANDSHAKE_MOST = 1 << 17 };

static const char NOT_TOGETHER[] = "fragment, not put together";

static unsigned side_of(const struct sonde_dissector *d)
{
	return !dissect_is_from_client(d);
}

/* ---- whole ones ---- */

static void add_certificates(struct sonde_dissector *d, const struct span *body)
{
	uint32_t at = 0;

	if (tls_state_get(d).version == TLS_1_3)
		return;
	tls_take(d, TLS_CERTIFICATES_LENGTH, body, &at, 3);
	dissect_add_number(d, TLS_CERTIFICATES, body, at, span_left(body) - at, 1);
	dissect_nest(d);
	while (at + 3 <= span_left(body)) {
		uint32_t n = tls_take(d, TLS_CERTIFICATE_LENGTH, body, &at, 3);

		dissect_add_bytes(d, TLS_CERTIFICATE, body, at, n);
		if (n > span_left(body) - at)
			break;
		at += n;
	}
	dissect_unnest(d);
}

static const char *name_of(uint8_t type, const struct span *body)
{
	if (type == TLS_SERVER_HELLO && tls_is_retry_request(body))
		return "Hello Retry Request";
	return value_name(tls_handshakes, type, "Unknown");
}

static void say_message(struct sonde_dissector *d, const struct span *message,
			bool is_behind)
{
	struct span body = span_part(message, HEADER_LENGTH, UINT32_MAX);

	column_add(tls_say(d, is_behind), name_of(span_bytes(message)[0], &body));
}

static void add_message(struct sonde_dissector *d, const struct span *message)
{
	uint8_t type = span_bytes(message)[0];
	struct span body = span_part(message, HEADER_LENGTH, UINT32_MAX);
	struct sonde_field *field =
		dissect_add_number(d, TLS_HANDSHAKE, message, 0, span_left(message), 1);

	dissect_set_label(d, field, "Handshake Protocol: %s", name_of(type, &body));
	dissect_nest(d);
	dissect_add_be(d, TLS_HANDSHAKE_TYPE, message, 0, 1);
	dissect_add_be(d, TLS_HANDSHAKE_LENGTH, message, 1, 3);
	if (type == TLS_CLIENT_HELLO || type == TLS_SERVER_HELLO)
		tls_add_hello(d, &body, type == TLS_CLIENT_HELLO);
	else if (type == TLS_CERTIFICATES_MESSAGE)
		add_certificates(d, &body);
	dissect_unnest(d);
}

/* ---- pieces ---- */

void tls_forget_handshake(struct sonde_dissector *d)
{
	struct tls_state state = tls_state_get(d);
	unsigned side = side_of(d);

	if (!state.unfinished[side])
		return;
	dissect_forget_parts(d, &state.parts[side]);
	state.unfinished[side] = 0;
	tls_state_set(d, &state);
}

/* `bytes` are to come of the message, whose pieces are at that place, or not kept. */
static void set_unfinished(struct sonde_dissector *d, uint8_t type, uint32_t bytes,
			   uint16_t place)
{
	struct tls_state state = tls_state_get(d);
	unsigned side = side_of(d);

	/* A header that was not kept tells no length, ever. */
	if (bytes == UNFINISHED_ANY && !place)
		bytes = 0;
	state.unfinished[side] = bytes ? (uint32_t)type << UNFINISHED_SHIFT | bytes : 0;
	state.parts[side] = place;
	tls_state_set(d, &state);
}

static void set_middle(struct sonde_dissector *d)
{
	struct tls_state state = tls_state_get(d);

	state.says_middle = true;
	tls_state_set(d, &state);
}

static void add_piece(struct sonde_dissector *d, const struct span *content, uint32_t at,
		      uint32_t n, uint8_t type, const char *kind)
{
	struct sonde_field *field =
		dissect_add_number(d, TLS_HANDSHAKE, content, at, n, 1);

	dissect_set_label(d, field, "Handshake Protocol: %s (%s)",
			  value_name(tls_handshakes, type, "Handshake"), kind);
}

/* Of a piece that is not the last.  The first one, at a record's start, is spoken of, the
 * others are where Info would be empty. */
static void add_fragment(struct sonde_dissector *d, const struct span *content,
			 uint32_t at, uint32_t n, uint8_t type, bool is_kept,
			 bool is_first)
{
	struct column *info = dissect_info(d);

	add_piece(d, content, at, n, type, is_kept ? "fragment" : NOT_TOGETHER);
	if (is_first ? at > 0 : !dissect_is_first_message(d))
		return;
	if (is_first)
		info = tls_say(d, false);
	else
		set_middle(d);
	column_add(info, "[");
	column_add(info, value_name(tls_handshakes, type, "Handshake"));
	column_add(info, is_kept ? " Fragment]" : " Fragment, not put together]");
}

/* All of it is at that place. */
static void add_joined(struct sonde_dissector *d, uint16_t place)
{
	static const struct part_fields fields = {TLS_FRAGMENTS, TLS_FRAGMENT,
						  TLS_FRAGMENT_COUNT,
						  "Reassembled Handshake Fragments"};
	const struct parted *parts = dissect_parts(d, place);
	struct span message;

	if (!dissect_join_parts(d, place, &message))
		return;
	dissect_add_parts(d, &fields, &message, parts->parts, parts->part_count);
	say_message(d, &message, false);
	add_message(d, &message);
}

/* How much of a message is to come, of which the content has the rest of the header. */
static uint32_t missing_of(const struct parted *kept, const struct span *content)
{
	uint32_t length = 0;

	if (!kept || kept->size + span_left(content) < HEADER_LENGTH)
		return UNFINISHED_ANY;
	for (size_t i = 1; i < HEADER_LENGTH; i++)
		length = length << 8 |
			 (i < kept->size ? kept->bytes[i]
					 : span_bytes(content)[i - kept->size]);
	return HEADER_LENGTH + length - (uint32_t)kept->size;
}

/* What is left of the message that began in a record before.  Returns its bytes here. */
static uint32_t add_rest(struct sonde_dissector *d, const struct span *content)
{
	struct tls_state state = tls_state_get(d);
	uint8_t type = (uint8_t)(state.unfinished[side_of(d)] >> UNFINISHED_SHIFT);
	uint32_t missing = state.unfinished[side_of(d)] & UNFINISHED_BYTES, n;
	uint16_t place = state.parts[side_of(d)];
	struct span part;
	bool is_kept;

	if (!missing)
		return 0;
	if (missing == UNFINISHED_ANY)
		missing = missing_of(dissect_parts(d, place), content);
	if (missing != UNFINISHED_ANY && missing > HANDSHAKE_MOST) {
		tls_forget_handshake(d);
		return 0;
	}
	n = missing < span_left(content) ? missing : span_left(content);
	part = span_part(content, 0, n);
	is_kept = place && dissect_keep_part(d, &place, &part);
	if (missing != UNFINISHED_ANY)
		missing -= n;
	if (missing || !is_kept) {
		set_unfinished(d, type, missing, place);
		add_fragment(d, content, 0, n, type, is_kept, false);
		return n;
	}
	set_unfinished(d, 0, 0, 0);
	add_piece(d, content, 0, n, type, "last fragment");
	add_joined(d, place);
	dissect_forget_parts(d, &place);
	return n;
}

/* A message of which the record has only the beginning; `length`: all of it, where the
 * header tells. */
static void add_beginning(struct sonde_dissector *d, const struct span *content,
			  uint32_t at, uint32_t length)
{
	struct span part = span_part(content, at, UINT32_MAX);
	uint32_t left = span_left(&part);
	uint8_t type = span_bytes(&part)[0];
	uint16_t place = 0;
	bool is_kept = length <= LIMIT_DISSECT_PARTED_MESSAGE &&
		       dissect_keep_part(d, &place, &part);

	set_unfinished(d, type, left < HEADER_LENGTH ? UNFINISHED_ANY : length - left,
		       place);
	add_fragment(d, content, at, left, type, is_kept, true);
}

static void add_all(struct sonde_dissector *d, const struct span *content, bool is_whole)
{
	uint32_t at = add_rest(d, content), left;

	while ((left = span_left(content) - at) > 0) {
		const uint8_t *bytes = span_bytes(content) + at;
		uint32_t n = left < HEADER_LENGTH
				     ? 0
				     : (uint32_t)bytes[1] << 16 |
					       (uint32_t)bytes[2] << 8 | bytes[3];
		const char *name = value_name(tls_handshakes, bytes[0], NULL);
		struct span message;

		if (!name)
			break;
		if (left < HEADER_LENGTH || n > left - HEADER_LENGTH) {
			if (!is_whole || n > HANDSHAKE_MOST)
				break;
			add_beginning(d, content, at, HEADER_LENGTH + n);
			return;
		}
		message = span_part(content, at, HEADER_LENGTH + n);
		say_message(d, &message, at > 0);
		add_message(d, &message);
		at += HEADER_LENGTH + n;
	}
	if (at == 0)
		column_add(tls_say(d, false), "Encrypted Handshake Message");
}

void tls_add_handshakes(struct sonde_dissector *d, const struct span *content,
			bool is_whole)
{
	if (is_whole && !span_left(content)) { /* RFC 8446, 5.1: never */
		column_add(tls_say(d, false), "Handshake");
		dissect_set_malformed(d);
		return;
	}
	add_all(d, content, is_whole);
	if (!is_whole)
		tls_forget_handshake(d);
}
