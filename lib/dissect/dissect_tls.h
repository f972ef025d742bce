/* Parts of the TLS dissector. */
#ifndef DISSECT_DISSECT_TLS_H
#define DISSECT_DISSECT_TLS_H

#include "dissect/dissector.h"

enum {
	TLS,
	TLS_RECORD,
	TLS_CONTENT_TYPE,
	TLS_OPAQUE_TYPE,
	TLS_RECORD_VERSION,
	TLS_RECORD_LENGTH,
	TLS_CHANGE_CIPHER,
	TLS_APP_DATA,
	TLS_ALERT,
	TLS_ALERT_LEVEL,
	TLS_ALERT_DESCRIPTION,
	TLS_HANDSHAKE,
	TLS_HANDSHAKE_TYPE,
	TLS_HANDSHAKE_LENGTH,
	TLS_FRAGMENTS,
	TLS_FRAGMENT,
	TLS_FRAGMENT_COUNT,
	TLS_VERSION,
	TLS_RANDOM,
	TLS_SESSION_LENGTH,
	TLS_SESSION,
	TLS_CIPHERS_LENGTH,
	TLS_CIPHERS,
	TLS_CIPHER,
	TLS_METHODS_LENGTH,
	TLS_METHODS,
	TLS_METHOD,
	TLS_EXTENSIONS_LENGTH,
	TLS_EXTENSION_TYPE,
	TLS_EXTENSION_LENGTH,
	TLS_EXTENSION_DATA,
	TLS_SNI_LIST_LENGTH,
	TLS_SNI_TYPE,
	TLS_SNI_LENGTH,
	TLS_SNI,
	TLS_VERSIONS_LENGTH,
	TLS_SUPPORTED_VERSION,
	TLS_ALPN_LENGTH,
	TLS_ALPN_LIST,
	TLS_ALPN_STRING_LENGTH,
	TLS_ALPN,
	TLS_GROUPS_LENGTH,
	TLS_GROUPS,
	TLS_GROUP,
	TLS_SIGNATURES_LENGTH,
	TLS_SIGNATURES,
	TLS_SIGNATURE,
	TLS_CERTIFICATES_LENGTH,
	TLS_CERTIFICATES,
	TLS_CERTIFICATE_LENGTH,
	TLS_CERTIFICATE,
	TLS_FIELDS,
};

extern const struct sonde_field_info tls_fields[TLS_FIELDS];

enum { TLS_CLIENT_HELLO = 1, TLS_SERVER_HELLO = 2, TLS_CERTIFICATES_MESSAGE = 11 };
enum { TLS_1_3 = 0x0304 };

/* What is known of a conversation, in its two words; of the client, of the server. */
struct tls_state {
	/* Of the handshake message that goes on in the next record, how many bytes are
	 * to come (lower 24 bits) and the type; 0 none. */
	uint32_t unfinished[2];
	uint16_t parts[2]; /* and its place among those kept, see dissect_keep_part() */
	uint16_t version;  /* that the server chose; 0 not yet */
	uint8_t encrypts;  /* bits of those who changed their cipher */
	/* All that Info has of the frame is that the message goes on. */
	bool says_middle;
};

/* Nothing where there is no conversation. */
struct tls_state tls_state_get(struct sonde_dissector *d);
void tls_state_set(struct sonde_dissector *d, const struct tls_state *state);
void tls_state_set_version(struct sonde_dissector *d, uint16_t version);

/* ---- what the parts share ---- */

/* A number of n bytes at *at of the span, added as a field; 0 where it is not there. */
uint32_t tls_take(struct sonde_dissector *d, unsigned own, const struct span *span,
		  uint32_t *at, uint32_t n);
/* Info, to go on behind what it has of this frame's records; `is_behind`: of this record,
 * too. */
struct column *tls_say(struct sonde_dissector *d, bool is_behind);

/* The handshake messages of a record that is not encrypted; is_whole: the capture has all
 * of it. */
void tls_add_handshakes(struct sonde_dissector *d, const struct span *content,
			bool is_whole);
/* The message under way does not go on. */
void tls_forget_handshake(struct sonde_dissector *d);
/* Whether a server's hello asks for another one of the client's (RFC 8446, 4.1.4). */
bool tls_is_retry_request(const struct span *body);
/* What a hello has behind its header. */
void tls_add_hello(struct sonde_dissector *d, const struct span *body, bool is_client);

#endif
