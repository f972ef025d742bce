/* TLS's hellos: the server's name, versions, ciphers and other extensions. */
#include <string.h>

#include "dissect/dissect_tls.h"
#include "dissect/tls_name.h"

enum {
	EXTENSION_SNI = 0,
	EXTENSION_GROUPS = 10,
	EXTENSION_SIGNATURES = 13,
	EXTENSION_ALPN = 16,
	EXTENSION_VERSIONS = 43,
};

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

/* ---- extensions ---- */

static void add_sni(struct sonde_dissector *d, const struct span *data)
{
	uint32_t at = 0, n;

	if (!span_left(data))
		return;
	tls_take(d, TLS_SNI_LIST_LENGTH, data, &at, 2);
	tls_take(d, TLS_SNI_TYPE, data, &at, 1);
	n = tls_take(d, TLS_SNI_LENGTH, data, &at, 2);
	if (n && n <= span_left(data) - at)
		dissect_add_bytes(d, TLS_SNI, data, at, n);
}

static void add_alpn(struct sonde_dissector *d, const struct span *data)
{
	uint32_t at = 0, n;

	tls_take(d, TLS_ALPN_LENGTH, data, &at, 2);
	dissect_add_number(d, TLS_ALPN_LIST, data, at, span_left(data) - at, 1);
	dissect_nest(d);
	while (at < span_left(data)) {
		n = tls_take(d, TLS_ALPN_STRING_LENGTH, data, &at, 1);
		dissect_add_bytes(d, TLS_ALPN, data, at, n);
		at += n;
	}
	dissect_unnest(d);
}

static void add_versions(struct sonde_dissector *d, const struct span *data,
			 bool is_client)
{
	uint32_t at = 0;

	if (is_client)
		tls_take(d, TLS_VERSIONS_LENGTH, data, &at, 1);
	while (at + 2 <= span_left(data)) {
		uint32_t version = tls_take(d, TLS_SUPPORTED_VERSION, data, &at, 2);

		if (!is_client)
			tls_state_set_version(d, (uint16_t)version);
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
		n = tls_take(d, TLS_GROUPS_LENGTH, data, &at, 2);
		add_list(d, TLS_GROUPS, TLS_GROUP, data, at, n, 2);
		break;
	case EXTENSION_SIGNATURES:
		n = tls_take(d, TLS_SIGNATURES_LENGTH, data, &at, 2);
		add_list(d, TLS_SIGNATURES, TLS_SIGNATURE, data, at, n, 2);
		break;
	default:
		if (!value_name(tls_extensions, type, NULL))
			dissect_add_bytes(d, TLS_EXTENSION_DATA, data, 0,
					  span_left(data));
		break;
	}
}

static void add_extensions(struct sonde_dissector *d, const struct span *body,
			   uint32_t at, bool is_client)
{
	if (at >= span_left(body))
		return;
	tls_take(d, TLS_EXTENSIONS_LENGTH, body, &at, 2);
	while (at + 4 <= span_left(body)) {
		uint32_t type = tls_take(d, TLS_EXTENSION_TYPE, body, &at, 2);
		uint32_t n = tls_take(d, TLS_EXTENSION_LENGTH, body, &at, 2);
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

/* ---- the whole ---- */

bool tls_is_retry_request(const struct span *body)
{
	/* The SHA-256 of "HelloRetryRequest". */
	static const uint8_t random[32] = {
		0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c,
		0x02, 0x1e, 0x65, 0xb8, 0x91, 0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb,
		0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c,
	};

	return span_left(body) >= 34 &&
	       memcmp(span_bytes(body) + 2, random, sizeof(random)) == 0;
}

void tls_add_hello(struct sonde_dissector *d, const struct span *body, bool is_client)
{
	uint32_t at = 0, n, version = tls_take(d, TLS_VERSION, body, &at, 2);

	if (span_left(body) < 35) {
		dissect_set_malformed(d);
		return;
	}
	if (!is_client)
		tls_state_set_version(d, (uint16_t)version);
	dissect_add_bytes(d, TLS_RANDOM, body, at, 32);
	at += 32;
	n = tls_take(d, TLS_SESSION_LENGTH, body, &at, 1);
	if (n) {
		dissect_add_bytes(d, TLS_SESSION, body, at, n);
		at += n;
	}
	if (is_client) {
		n = tls_take(d, TLS_CIPHERS_LENGTH, body, &at, 2);
		add_list(d, TLS_CIPHERS, TLS_CIPHER, body, at, n, 2);
		at += n;
		n = tls_take(d, TLS_METHODS_LENGTH, body, &at, 1);
		add_list(d, TLS_METHODS, TLS_METHOD, body, at, n, 1);
		at += n;
	} else {
		tls_take(d, TLS_CIPHER, body, &at, 2);
		tls_take(d, TLS_METHOD, body, &at, 1);
	}
	add_extensions(d, body, at, is_client);
}
