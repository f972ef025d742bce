/* TLS (RFC 5246, 8446): records, and of handshakes what is not encrypted: hellos with the
 * server's name, versions and ciphers, certificates. */
#include <string.h>

#include "dissect/dissector.h"
#include "dissect/tls_name.h"

enum {
	TLS,
	RECORD,
	CONTENT_TYPE,
	OPAQUE_TYPE,
	RECORD_VERSION,
	RECORD_LENGTH,
	CHANGE_CIPHER,
	APP_DATA,
	ALERT,
	ALERT_LEVEL,
	ALERT_DESCRIPTION,
	HANDSHAKE,
	HANDSHAKE_TYPE,
	HANDSHAKE_LENGTH,
	VERSION,
	RANDOM,
	SESSION_LENGTH,
	SESSION,
	CIPHERS_LENGTH,
	CIPHERS,
	CIPHER,
	METHODS_LENGTH,
	METHODS,
	METHOD,
	EXTENSIONS_LENGTH,
	EXTENSION_TYPE,
	EXTENSION_LENGTH,
	EXTENSION_DATA,
	SNI_LIST_LENGTH,
	SNI_TYPE,
	SNI_LENGTH,
	SNI,
	VERSIONS_LENGTH,
	SUPPORTED_VERSION,
	ALPN_LENGTH,
	ALPN_LIST,
	ALPN_STRING_LENGTH,
	ALPN,
	GROUPS_LENGTH,
	GROUPS,
	GROUP,
	SIGNATURES_LENGTH,
	SIGNATURES,
	SIGNATURE,
	CERTIFICATES_LENGTH,
	CERTIFICATES,
	CERTIFICATE_LENGTH,
	CERTIFICATE,
};

enum {
	RECORD_CHANGE_CIPHER = 20,
	RECORD_ALERT = 21,
	RECORD_HANDSHAKE = 22,
	RECORD_APPLICATION = 23,
	RECORD_HEARTBEAT = 24,
};

enum { CLIENT_HELLO = 1, SERVER_HELLO = 2, CERTIFICATES_MESSAGE = 11 };
enum {
	EXTENSION_SNI = 0,
	EXTENSION_GROUPS = 10,
	EXTENSION_SIGNATURES = 13,
	EXTENSION_ALPN = 16,
	EXTENSION_VERSIONS = 43,
};
enum { HEADER_LENGTH = 5, RECORD_MOST = (1 << 14) + 2048, TLS_1_3 = 0x0304 };

/* The conversation's first word: the version in its lower 16 bits, and who encrypts.  The
 * second: of each side's handshake message that goes on in its next record, how many bytes
 * are to come (lower 24 bits of its half) and the type. */
enum { STATE_CLIENT_ENCRYPTS = 1 << 16, STATE_SERVER_ENCRYPTS = 1 << 17 };
enum { UNFINISHED_BYTES = (1 << 24) - 1, UNFINISHED_SHIFT = 24 };
/* Of a message whose length is not known, as the record ends in its header. */
enum { UNFINISHED_ANY = UNFINISHED_BYTES };
/* Longer ones are not believed: what is encrypted may look like one. */
enum { HANDSHAKE_MOST = 1 << 17 };

static const struct sonde_field_info fields[] = {
	[TLS] = FIELD("tls", "Transport Layer Security", PROTOCOL),
	[RECORD] = FIELD("tls.record", "Record Layer", NOTE),
	[CONTENT_TYPE] = NUMBER("tls.record.content_type", "Content Type", 8, DECIMAL,
				tls_record_types),
	[OPAQUE_TYPE] = NUMBER("tls.record.opaque_type", "Opaque Type", 8, DECIMAL,
			       tls_record_types),
	[RECORD_VERSION] = NUMBER("tls.record.version", "Version", 16, HEX, tls_versions),
	[RECORD_LENGTH] = NUMBER("tls.record.length", "Length", 16, DECIMAL, NULL),
	[CHANGE_CIPHER] =
		FIELD("tls.change_cipher_spec", "Change Cipher Spec Message", NOTE),
	[APP_DATA] = FIELD("tls.app_data", "Encrypted Application Data", BYTES),
	[ALERT] = FIELD("tls.alert_message", "Alert Message", NOTE),
	[ALERT_LEVEL] =
		NUMBER("tls.alert_message.level", "Level", 8, DECIMAL, tls_alert_levels),
	[ALERT_DESCRIPTION] =
		NUMBER("tls.alert_message.desc", "Description", 8, DECIMAL, tls_alerts),
	[HANDSHAKE] = FIELD("tls.handshake", "Handshake Protocol", NOTE),
	[HANDSHAKE_TYPE] = NUMBER("tls.handshake.type", "Handshake Type", 8, DECIMAL,
				  tls_handshakes),
	[HANDSHAKE_LENGTH] = NUMBER("tls.handshake.length", "Length", 24, DECIMAL, NULL),
	[VERSION] = NUMBER("tls.handshake.version", "Version", 16, HEX, tls_versions),
	[RANDOM] = FIELD("tls.handshake.random", "Random", BYTES),
	[SESSION_LENGTH] = NUMBER("tls.handshake.session_id_length", "Session ID Length",
				  16, DECIMAL, NULL),
	[SESSION] = FIELD("tls.handshake.session_id", "Session ID", BYTES),
	[CIPHERS_LENGTH] = NUMBER("tls.handshake.cipher_suites_length",
				  "Cipher Suites Length", 16, DECIMAL, NULL),
	[CIPHERS] = FIELD("tls.handshake.ciphersuites", "Cipher Suites", NOTE),
	[CIPHER] =
		NUMBER("tls.handshake.ciphersuite", "Cipher Suite", 16, HEX, tls_ciphers),
	[METHODS_LENGTH] = NUMBER("tls.handshake.comp_methods_length",
				  "Compression Methods Length", 8, DECIMAL, NULL),
	[METHODS] = FIELD("tls.handshake.comp_methods", "Compression Methods", NOTE),
	[METHOD] = NUMBER("tls.handshake.comp_method", "Compression Method", 8, DECIMAL,
			  NULL),
	[EXTENSIONS_LENGTH] = NUMBER("tls.handshake.extensions_length",
				     "Extensions Length", 16, DECIMAL, NULL),
	[EXTENSION_TYPE] = NUMBER("tls.handshake.extension.type", "Type", 16, DECIMAL,
				  tls_extensions),
	[EXTENSION_LENGTH] =
		NUMBER("tls.handshake.extension.len", "Length", 16, DECIMAL, NULL),
	[EXTENSION_DATA] = FIELD("tls.handshake.extension.data", "Data", BYTES),
	[SNI_LIST_LENGTH] = NUMBER("tls.handshake.extensions_server_name_list_len",
				   "Server Name list length", 16, DECIMAL, NULL),
	[SNI_TYPE] = NUMBER("tls.handshake.extensions_server_name_type",
			    "Server Name Type", 8, DECIMAL, NULL),
	[SNI_LENGTH] = NUMBER("tls.handshake.extensions_server_name_len",
			      "Server Name length", 16, DECIMAL, NULL),
	[SNI] = FIELD("tls.handshake.extensions_server_name", "Server Name", TEXT),
	[VERSIONS_LENGTH] = NUMBER("tls.handshake.extensions.supported_versions_len",
				   "Supported Versions length", 8, DECIMAL, NULL),
	[SUPPORTED_VERSION] = NUMBER("tls.handshake.extensions.supported_version",
				     "Supported Version", 16, HEX, tls_versions),
	[ALPN_LENGTH] = NUMBER("tls.handshake.extensions_alpn_len",
			       "ALPN Extension Length", 16, DECIMAL, NULL),
	[ALPN_LIST] = FIELD("tls.handshake.extensions_alpn_list", "ALPN Protocol", NOTE),
	[ALPN_STRING_LENGTH] = NUMBER("tls.handshake.extensions_alpn_str_len",
				      "ALPN string length", 8, DECIMAL, NULL),
	[ALPN] = FIELD("tls.handshake.extensions_alpn_str", "ALPN Next Protocol", TEXT),
	[GROUPS_LENGTH] = NUMBER("tls.handshake.extensions_supported_groups_length",
				 "Supported Groups List Length", 16, DECIMAL, NULL),
	[GROUPS] = FIELD("tls.handshake.extensions_supported_groups",
			 "Supported Groups List", NOTE),
	[GROUP] = NUMBER("tls.handshake.extensions_supported_group", "Supported Group",
			 16, HEX, NULL),
	[SIGNATURES_LENGTH] =
		NUMBER("tls.handshake.sig_hash_alg_len",
		       "Signature Hash Algorithms Length", 16, DECIMAL, NULL),
	[SIGNATURES] = FIELD("tls.handshake.sig_hash_algs", "Signature Algorithms", NOTE),
	[SIGNATURE] = NUMBER("tls.handshake.sig_hash_alg", "Signature Algorithm", 16, HEX,
			     NULL),
	[CERTIFICATES_LENGTH] = NUMBER("tls.handshake.certificates_length",
				       "Certificates Length", 24, DECIMAL, NULL),
	[CERTIFICATES] = FIELD("tls.handshake.certificates", "Certificates", NOTE),
	[CERTIFICATE_LENGTH] = NUMBER("tls.handshake.certificate_length",
				      "Certificate Length", 24, DECIMAL, NULL),
	[CERTIFICATE] = FIELD("tls.handshake.certificate", "Certificate", BYTES),
};

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

/* ---- reading ---- */

/* A number of n bytes at *at of the span, added as a field; 0 where it is not there. */
static uint32_t take(struct sonde_dissector *d, unsigned own, const struct span *span,
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

static void add_list(struct sonde_dissector *d, unsigned own, unsigned each,
		     const struct span *span, uint32_t at, uint32_t length, uint32_t step)
{
	dissect_add_number(d, own, span, at, length, 1);
	dissect_nest(d);
	for (uint32_t i = 0; i + step <= length && at + i + step <= span_left(span);
	     i += step)
		dissect_add_be(d, each, span, at + i, step);
	dissect_unnest(d);
}

static uint64_t state_of(struct sonde_dissector *d)
{
	const uint64_t *state = dissect_conversation_state(d);

	return state ? state[0] : 0;
}

static void set_version(struct sonde_dissector *d, uint16_t version)
{
	uint64_t *state = dissect_conversation_state(d);

	if (state)
		state[0] = (state[0] & ~(uint64_t)0xffff) | version;
}

/* ---- extensions ---- */

static void add_sni(struct sonde_dissector *d, const struct span *data)
{
	uint32_t at = 0, n;

	if (!span_left(data))
		return;
	take(d, SNI_LIST_LENGTH, data, &at, 2);
	take(d, SNI_TYPE, data, &at, 1);
	n = take(d, SNI_LENGTH, data, &at, 2);
	if (n && n <= span_left(data) - at)
		dissect_add_bytes(d, SNI, data, at, n);
}

static void add_alpn(struct sonde_dissector *d, const struct span *data)
{
	uint32_t at = 0, n;

	take(d, ALPN_LENGTH, data, &at, 2);
	dissect_add_number(d, ALPN_LIST, data, at, span_left(data) - at, 1);
	dissect_nest(d);
	while (at < span_left(data)) {
		n = take(d, ALPN_STRING_LENGTH, data, &at, 1);
		dissect_add_bytes(d, ALPN, data, at, n);
		at += n;
	}
	dissect_unnest(d);
}

static void add_versions(struct sonde_dissector *d, const struct span *data,
			 bool is_client)
{
	uint32_t at = 0;

	if (is_client)
		take(d, VERSIONS_LENGTH, data, &at, 1);
	while (at + 2 <= span_left(data)) {
		uint32_t version = take(d, SUPPORTED_VERSION, data, &at, 2);

		if (!is_client)
			set_version(d, (uint16_t)version);
	}
}

static void add_extension(struct sonde_dissector *d, const struct span *data,
			  uint32_t type, bool is_client)
{
	uint32_t at = 0, n;

	switch (type) {
	case EXTENSION_SNI:
		add_sni(d, data);
		break;
	case EXTENSION_ALPN:
		add_alpn(d, data);
		break;
	case EXTENSION_VERSIONS:
		add_versions(d, data, is_client);
		break;
	case EXTENSION_GROUPS:
		n = take(d, GROUPS_LENGTH, data, &at, 2);
		add_list(d, GROUPS, GROUP, data, at, n, 2);
		break;
	case EXTENSION_SIGNATURES:
		n = take(d, SIGNATURES_LENGTH, data, &at, 2);
		add_list(d, SIGNATURES, SIGNATURE, data, at, n, 2);
		break;
	default:
		if (!value_name(tls_extensions, type, NULL))
			dissect_add_bytes(d, EXTENSION_DATA, data, 0, span_left(data));
		break;
	}
}

static void add_extensions(struct sonde_dissector *d, const struct span *body,
			   uint32_t at, bool is_client)
{
	if (at >= span_left(body))
		return;
	take(d, EXTENSIONS_LENGTH, body, &at, 2);
	while (at + 4 <= span_left(body)) {
		uint32_t type = take(d, EXTENSION_TYPE, body, &at, 2);
		uint32_t n = take(d, EXTENSION_LENGTH, body, &at, 2);
		struct span data = span_part(body, at, n);

		if (n > span_left(body) - at) {
			dissect_set_malformed(d);
			return;
		}
		dissect_nest(d);
		add_extension(d, &data, type, is_client);
		dissect_unnest(d);
		at += n;
	}
}

/* ---- handshakes ---- */

static void add_hello(struct sonde_dissector *d, const struct span *body, bool is_client)
{
	uint32_t at = 0, n, version = take(d, VERSION, body, &at, 2);

	if (span_left(body) < 35) {
		dissect_set_malformed(d);
		return;
	}
	if (!is_client)
		set_version(d, (uint16_t)version);
	dissect_add_bytes(d, RANDOM, body, at, 32);
	at += 32;
	n = take(d, SESSION_LENGTH, body, &at, 1);
	if (n) {
		dissect_add_bytes(d, SESSION, body, at, n);
		at += n;
	}
	if (is_client) {
		n = take(d, CIPHERS_LENGTH, body, &at, 2);
		add_list(d, CIPHERS, CIPHER, body, at, n, 2);
		at += n;
		n = take(d, METHODS_LENGTH, body, &at, 1);
		add_list(d, METHODS, METHOD, body, at, n, 1);
		at += n;
	} else {
		take(d, CIPHER, body, &at, 2);
		take(d, METHOD, body, &at, 1);
	}
	add_extensions(d, body, at, is_client);
}

static void add_certificates(struct sonde_dissector *d, const struct span *body)
{
	uint32_t at = 0;

	if ((state_of(d) & 0xffff) == TLS_1_3)
		return;
	take(d, CERTIFICATES_LENGTH, body, &at, 3);
	dissect_add_number(d, CERTIFICATES, body, at, span_left(body) - at, 1);
	dissect_nest(d);
	while (at + 3 <= span_left(body)) {
		uint32_t n = take(d, CERTIFICATE_LENGTH, body, &at, 3);

		dissect_add_bytes(d, CERTIFICATE, body, at, n);
		if (n > span_left(body) - at)
			break;
		at += n;
	}
	dissect_unnest(d);
}

static void add_handshake(struct sonde_dissector *d, const struct span *message)
{
	uint8_t type = span_bytes(message)[0];
	struct span body = span_part(message, 4, UINT32_MAX);
	struct sonde_field *field =
		dissect_add_number(d, HANDSHAKE, message, 0, span_left(message), 1);

	dissect_set_label(d, field, "Handshake Protocol: %s",
			  value_name(tls_handshakes, type, "Unknown"));
	dissect_nest(d);
	dissect_add_be(d, HANDSHAKE_TYPE, message, 0, 1);
	dissect_add_be(d, HANDSHAKE_LENGTH, message, 1, 3);
	if (type == CLIENT_HELLO || type == SERVER_HELLO)
		add_hello(d, &body, type == CLIENT_HELLO);
	else if (type == CERTIFICATES_MESSAGE)
		add_certificates(d, &body);
	dissect_unnest(d);
}

static uint32_t unfinished(struct sonde_dissector *d)
{
	const uint64_t *state = dissect_conversation_state(d);

	if (!state)
		return 0;
	return (uint32_t)(state[1] >> (dissect_is_from_client(d) ? 0 : 32));
}

static void set_unfinished(struct sonde_dissector *d, uint8_t type, uint32_t bytes)
{
	uint64_t *state = dissect_conversation_state(d);
	unsigned shift = dissect_is_from_client(d) ? 0 : 32;
	uint64_t half = bytes ? (uint64_t)type << UNFINISHED_SHIFT | bytes : 0;

	if (state)
		state[1] = (state[1] & ~((uint64_t)UINT32_MAX << shift)) | half << shift;
}

static void add_fragment(struct sonde_dissector *d, const struct span *content,
			 uint32_t at, uint32_t n, uint8_t type)
{
	const char *name = value_name(tls_handshakes, type, "Handshake");
	struct sonde_field *field = dissect_add_number(d, HANDSHAKE, content, at, n, 1);

	dissect_set_label(d, field, "Handshake Protocol: %s (fragment)", name);
	column_add(dissect_info(d), at ? ", [" : "[");
	column_add(dissect_info(d), name);
	column_add(dissect_info(d), " Fragment]");
}

/* What is left of the message that began in a record before.  Returns its bytes here. */
static uint32_t add_rest(struct sonde_dissector *d, const struct span *content)
{
	uint32_t state = unfinished(d), missing = state & UNFINISHED_BYTES;
	uint8_t type = (uint8_t)(state >> UNFINISHED_SHIFT);
	uint32_t n = missing < span_left(content) ? missing : span_left(content);

	if (n)
		add_fragment(d, content, 0, n, type);
	if (n && missing != UNFINISHED_ANY)
		set_unfinished(d, type, missing - n);
	return n;
}

/* is_whole: the capture has all of the record. */
static void add_handshakes(struct sonde_dissector *d, const struct span *content,
			   bool is_whole)
{
	uint32_t at = add_rest(d, content), left;

	while ((left = span_left(content) - at) > 0) {
		const uint8_t *bytes = span_bytes(content) + at;
		bool has_header = left >= 4;
		uint32_t n = !has_header ? 0
					 : (uint32_t)bytes[1] << 16 |
						   (uint32_t)bytes[2] << 8 | bytes[3];
		const char *name = value_name(tls_handshakes, bytes[0], NULL);
		struct span message;

		if (!name)
			break;
		if (!has_header || n > left - 4) {
			if (!is_whole || n > HANDSHAKE_MOST)
				break;
			add_fragment(d, content, at, left, bytes[0]);
			set_unfinished(d, bytes[0],
				       has_header ? n - (left - 4) : UNFINISHED_ANY);
			return;
		}
		message = span_part(content, at, 4 + n);
		if (at)
			column_add(dissect_info(d), ", ");
		column_add(dissect_info(d), name);
		add_handshake(d, &message);
		at += 4 + n;
	}
	if (at == 0)
		column_add(dissect_info(d), "Encrypted Handshake Message");
}

/* ---- records ---- */

static bool is_encrypted(struct sonde_dissector *d)
{
	return state_of(d) & (dissect_is_from_client(d) ? STATE_CLIENT_ENCRYPTS
							: STATE_SERVER_ENCRYPTS);
}

static void add_content(struct sonde_dissector *d, uint8_t type,
			const struct span *content, bool is_whole)
{
	uint64_t *state = dissect_conversation_state(d);
	struct column *info = dissect_info(d);

	/* No other record comes between those of one message (RFC 8446, 5.1). */
	if (type != RECORD_HANDSHAKE)
		set_unfinished(d, 0, 0);
	switch (type) {
	case RECORD_CHANGE_CIPHER:
		column_add(info, "Change Cipher Spec");
		dissect_add_number(d, CHANGE_CIPHER, content, 0, span_left(content), 1);
		if (state)
			state[0] |= dissect_is_from_client(d) ? STATE_CLIENT_ENCRYPTS
							      : STATE_SERVER_ENCRYPTS;
		break;
	case RECORD_ALERT:
		if (is_encrypted(d) || span_left(content) != 2) {
			column_add(info, "Encrypted Alert");
			dissect_add_number(d, ALERT, content, 0, span_left(content), 1);
			break;
		}
		column_add(info, "Alert (Level: ");
		column_add(info, value_name(tls_alert_levels, span_bytes(content)[0],
					    "Unknown"));
		column_add(info, ", Description: ");
		column_add(info,
			   value_name(tls_alerts, span_bytes(content)[1], "Unknown"));
		column_add(info, ")");
		dissect_add_number(d, ALERT, content, 0, 2, 1);
		dissect_nest(d);
		dissect_add_be(d, ALERT_LEVEL, content, 0, 1);
		dissect_add_be(d, ALERT_DESCRIPTION, content, 1, 1);
		dissect_unnest(d);
		break;
	case RECORD_HANDSHAKE:
		if (is_encrypted(d)) {
			column_add(info, "Encrypted Handshake Message");
			dissect_add_number(d, HANDSHAKE, content, 0, span_left(content),
					   1);
		} else {
			add_handshakes(d, content, is_whole);
		}
		break;
	case RECORD_APPLICATION:
		column_add(info, "Application Data");
		dissect_add_bytes(d, APP_DATA, content, 0, span_left(content));
		break;
	default:
		column_add(info, "Heartbeat");
		break;
	}
}

static void dissect(struct sonde_dissector *d, const struct span *span)
{
	const uint8_t *bytes = span_bytes(span);
	struct span content = span_part(span, HEADER_LENGTH, UINT32_MAX);
	struct sonde_field *field;
	uint64_t state = state_of(d);
	uint16_t version;

	if (!looks_so(bytes, span_left(span))) {
		dissect_join_column(d, "TLS", ", ");
		dissect_open(d, span, span_left(span));
		column_add(dissect_info(d), "Continuation Data");
		return;
	}
	/* Until the server has chosen, the record's version is all there is. */
	version = state & 0xffff ? (uint16_t)(state & 0xffff)
				 : (uint16_t)(bytes[1] << 8 | bytes[2]);
	dissect_join_column(d, value_name(tls_columns, version, "TLS"), ", ");
	dissect_open(d, span, span_left(span));
	field = dissect_add_number(d, RECORD, span, 0, span_left(span), 1);
	dissect_set_label(d, field, "%s Record Layer: %s",
			  value_name(tls_columns, version, "TLS"),
			  value_name(tls_record_types, bytes[0], "Unknown"));
	dissect_nest(d);
	dissect_add_be(d,
		       version == TLS_1_3 && bytes[0] == RECORD_APPLICATION
			       ? OPAQUE_TYPE
			       : CONTENT_TYPE,
		       span, 0, 1);
	dissect_add_be(d, RECORD_VERSION, span, 1, 2);
	dissect_add_be(d, RECORD_LENGTH, span, 3, 2);
	add_content(d, bytes[0], &content,
		    span_left(&content) >= (uint32_t)(bytes[3] << 8 | bytes[4]));
	dissect_unnest(d);
	/* A server's hello tells the version of the record that it stands in. */
	if (version != (state_of(d) & 0xffff) && state_of(d) & 0xffff)
		dissect_name_column(d,
				    value_name(tls_columns, state_of(d) & 0xffff, "TLS"));
}

const struct dissector dissector_tls = {
	.name = "tls",
	.column = "TLS",
	.fields = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.tcp_ports = ports,
	.recognise = recognise,
	.pdu_length = pdu_length,
	.dissect = dissect,
};
