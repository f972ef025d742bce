/* TLS (RFC 5246, 8446): the records.  What stands in handshakes that are not encrypted,
 * tls_handshake.c and tls_hello.c tell. */
#include <assert.h>
#include <string.h>

#include "dissect/dissect_tls.h"
#include "dissect/tls_name.h"

enum {
	RECORD_CHANGE_CIPHER = 20,
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
	RECORD_APPLICATION = 23,
	RECORD_HEARTBEAT = 24,
};
enum { HEADER_LENGTH = 5, RECORD_MOST = (1 << 14) + 2048 };

static const uint16_t ports[] = {443, 465, 563, 636, 853,  989, 990,
				 992, 993, 994, 995, 5061, 0};

static bool looks_so(const uint8_t *bytes, size_t n)
{
	if (n < HEADER_LENGTH)
		return false;
	return bytes[0] >= RECORD_CHANGE_CIPHER && bytes[0] <= RECORD_HEARTBEAT &&
	       bytes[1] == 3 && bytes[2] <= 4 &&
	       (bytes[3] << 8 | bytes[4]) <= RECORD_MOST;
}

static bool recognise(const uint8_t *bytes, size_t n, bool is_tcp)
{
	return is_tcp && looks_so(bytes, n);
}

static ssize_t pdu_length(struct sonde_dissector *d, const uint8_t *bytes, size_t n)
{
	(void)d;
	if (n < HEADER_LENGTH)
		return PDU_MORE;
	if (!looks_so(bytes, n))
		return (ssize_t)n; /* the rest of something */
	return HEADER_LENGTH + (bytes[3] << 8 | bytes[4]);
}

/* ---- for the parts ---- */

static_assert(sizeof(struct tls_state) <= 2 * sizeof(uint64_t), "a conversation's words");

struct tls_state tls_state_get(struct sonde_dissector *d)
{
	const uint64_t *words = dissect_conversation_state(d);
	struct tls_state state = {0};

	if (words)
		memcpy(&state, words, sizeof(state));
	return state;
}

void tls_state_set(struct sonde_dissector *d, const struct tls_state *state)
{
	uint64_t *words = dissect_conversation_state(d);

	if (words)
		memcpy(words, state, sizeof(*state));
}

void tls_state_set_version(struct sonde_dissector *d, uint16_t version)
{
	struct tls_state state = tls_state_get(d);

	state.version = version;
	tls_state_set(d, &state);
}

uint32_t tls_take(struct sonde_dissector *d, unsigned own, const struct span *span,
		  uint32_t *at, uint32_t n)
{
	uint32_t value = 0;

	if ((uint64_t)*at + n > span_left(span)) {
		*at = span_left(span);
		return 0;
	}
	for (uint32_t i = 0; i < n; i++)
		value = value << 8 | span_bytes(span)[*at + i];
	dissect_add_be(d, own, span, *at, n);
	*at += n;
	return value;
}

struct column *tls_say(struct sonde_dissector *d, bool is_behind)
{
	struct tls_state state = tls_state_get(d);

	if (state.says_middle) {
		column_clear(dissect_info(d));
		state.says_middle = false;
		tls_state_set(d, &state);
	} else if (is_behind || !dissect_is_first_message(d)) {
		column_add(dissect_info(d), ", ");
	}
	return dissect_info(d);
}

/* ---- records ---- */

static uint8_t side_bit(const struct sonde_dissector *d)
{
	return dissect_is_from_client(d) ? 1 : 2;
}

/* TLS 1.3 sends all that is encrypted as application data: its change of cipher means
 * nothing, and a second hello may follow it (RFC 8446, 5 and D.4). */
static bool is_encrypted(struct sonde_dissector *d)
{
	struct tls_state state = tls_state_get(d);

	return state.encrypts & side_bit(d) && state.version != TLS_1_3;
}

static void add_change_cipher(struct sonde_dissector *d, const struct span *content)
{
	struct tls_state state;

	column_add(tls_say(d, false), "Change Cipher Spec");
	dissect_add_number(d, TLS_CHANGE_CIPHER, content, 0, span_left(content), 1);
	tls_forget_handshake(d);
	state = tls_state_get(d);
	state.encrypts |= side_bit(d);
	tls_state_set(d, &state);
}

static void add_alert(struct sonde_dissector *d, const struct span *content)
{
	struct column *info = tls_say(d, false);

	if (is_encrypted(d) || span_left(content) != 2) {
		column_add(info, "Encrypted Alert");
		dissect_add_number(d, TLS_ALERT, content, 0, span_left(content), 1);
		return;
	}
	column_add(info, "Alert (Level: ");
	column_add(info, value_name(tls_alert_levels, span_bytes(content)[0], "Unknown"));
	column_add(info, ", Description: ");
	column_add(info, value_name(tls_alerts, span_bytes(content)[1], "Unknown"));
	column_add(info, ")");
	dissect_add_number(d, TLS_ALERT, content, 0, 2, 1);
	dissect_nest(d);
	dissect_add_be(d, TLS_ALERT_LEVEL, content, 0, 1);
	dissect_add_be(d, TLS_ALERT_DESCRIPTION, content, 1, 1);
	dissect_unnest(d);
}

static void add_content(struct sonde_dissector *d, uint8_t type,
			const struct span *content, bool is_whole)
{
	switch (type) {
	case RECORD_CHANGE_CIPHER:
		add_change_cipher(d, content);
		break;
	case RECORD_ALERT:
		add_alert(d, content);
		break;
	case RECORD_HANDSHAKE:
		if (is_encrypted(d)) {
			column_add(tls_say(d, false), "Encrypted Handshake Message");
			dissect_add_number(d, TLS_HANDSHAKE, content, 0,
					   span_left(content), 1);
		} else {
			tls_add_handshakes(d, content, is_whole);
		}
		break;
	case RECORD_APPLICATION:
		column_add(tls_say(d, false), "Application Data");
		dissect_add_bytes(d, TLS_APP_DATA, content, 0, span_left(content));
		break;
	default:
		column_add(tls_say(d, false), "Heartbeat");
		break;
	}
}

/* Protocol, and an empty Info at the first of a frame's records. */
static void name_column(struct sonde_dissector *d, uint16_t version)
{
	const char *name = value_name(tls_columns, version, "TLS");
	struct tls_state state = tls_state_get(d);

	if (!dissect_is_first_message(d)) {
		dissect_name_column(d, name);
		return;
	}
	dissect_set_column(d, name);
	if (state.says_middle) {
		state.says_middle = false;
		tls_state_set(d, &state);
	}
}

static void dissect(struct sonde_dissector *d, const struct span *span)
{
	const uint8_t *bytes = span_bytes(span);
	struct span content = span_part(span, HEADER_LENGTH, UINT32_MAX);
	uint16_t version = tls_state_get(d).version;
	struct sonde_field *field;

	/* What is missing may be records, or the ends of some. */
	if (dissect_is_behind_gap(d))
		tls_forget_handshake(d);
	if (!looks_so(bytes, span_left(span))) {
		name_column(d, 0);
		dissect_open(d, span, span_left(span));
		column_add(tls_say(d, false), "Continuation Data");
		tls_forget_handshake(d);
		return;
	}
	/* Until the server has chosen, the record's version is all there is. */
	if (!version)
		version = (uint16_t)(bytes[1] << 8 | bytes[2]);
	name_column(d, version);
	dissect_open(d, span, span_left(span));
	field = dissect_add_number(d, TLS_RECORD, span, 0, span_left(span), 1);
	dissect_set_label(d, field, "%s Record Layer: %s",
			  value_name(tls_columns, version, "TLS"),
			  value_name(tls_record_types, bytes[0], "Unknown"));
	dissect_nest(d);
	dissect_add_be(d,
		       version == TLS_1_3 && bytes[0] == RECORD_APPLICATION
			       ? TLS_OPAQUE_TYPE
			       : TLS_CONTENT_TYPE,
		       span, 0, 1);
	dissect_add_be(d, TLS_RECORD_VERSION, span, 1, 2);
	dissect_add_be(d, TLS_RECORD_LENGTH, span, 3, 2);
	add_content(d, bytes[0], &content,
		    span_left(&content) >= (uint32_t)(bytes[3] << 8 | bytes[4]));
	dissect_unnest(d);
	/* A server's hello tells the version of the record that it stands in. */
	if (tls_state_get(d).version && tls_state_get(d).version != version)
		dissect_name_column(
			d, value_name(tls_columns, tls_state_get(d).version, "TLS"));
}

const struct dissector dissector_tls = {
	.name = "tls",
	.column = "TLS",
	.fields = tls_fields,
	.field_count = TLS_FIELDS,
	.tcp_ports = ports,
	.recognise = recognise,
	.pdu_length = pdu_length,
	.dissect = dissect,
};
