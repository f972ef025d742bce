/* TLS as the commands offer it: what is wanted of it, and what came of it.
 *
 * Both sides take the same options.  TLS 1.2 and 1.3 (RFC 5246, RFC 8446), by OpenSSL,
 * with the system's configuration of it. */
#ifndef SONDE_STREAM_H
#define SONDE_STREAM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/error.h>
#include <sonde/export.h>

/* All strings are borrowed until the context is made, and may be NULL. */
struct sonde_tls_options {
	/* Client: the name to ask for (SNI) and to find in the certificate; NULL: the
	 * host that is connected to.  Server: the name in a self-made certificate; NULL:
	 * localhost. */
	const char *name;
	/* PEM.  Client: who is trusted, instead of the system's list.  Server: clients
	 * must show a certificate that these have signed. */
	const char *ca_file;
	/* SHA-256 of the peer's certificate (DER): 64 hexadecimal digits, with or without
	 * colons, and with or without "sha256:" before them.  Then who signed it, and for
	 * what name, is not looked at. */
	const char *pin;
	/* PEM, the chain behind the certificate.  The key may stand in the same file:
	 * then key_file is NULL.  A server without a certificate makes itself one, for as
	 * long as it runs. */
	const char *cert_file;
	const char *key_file;
	/* Client: any certificate will do.  Say so to the user. */
	bool insecure;
	/* Protocols to agree on (ALPN, RFC 7301), "h2,http/1.1"; NULL none. */
	const char *alpn;
};

/* "sha256:" and 32 bytes "AB:CD:..", and its NUL. */
#define SONDE_TLS_FINGERPRINT_CHARS (7 + 32 * 3)

enum sonde_tls_trust {
	SONDE_TLS_NOT_ASKED = 0, /* the peer showed no certificate */
	SONDE_TLS_UNCHECKED,     /* --insecure */
	SONDE_TLS_PINNED,
	SONDE_TLS_CHAIN, /* signed by who is trusted, and for the name */
};

/* Of one connection, after the handshake. */
struct sonde_tls_details {
	char version[16]; /* "TLSv1.3" */
	char cipher[64];  /* "TLS_AES_256_GCM_SHA384" */
	char alpn[64];    /* "" none */
	enum sonde_tls_trust trust;
	/* Of the peer's certificate; "" where it showed none. */
	char subject[256];
	char issuer[256];
	char not_after[32]; /* "2027-11-20 13:00:00 UTC" */
	char fingerprint[SONDE_TLS_FINGERPRINT_CHARS];
	/* Why the chain would not have been trusted, where nobody asked; "" it would. */
	char objection[128];
};

#endif
