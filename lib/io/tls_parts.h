/* TLS from inside: what its files share.
 *
 *	tls.c			one connection as a stream
 *	tls_context.c		options made into what connections share
 *	tls_certificate.c	a certificate for a run, fingerprints, descriptions
 *	tls_bio.c		OpenSSL's way down to the stream below
 */
#ifndef IO_TLS_PARTS_H
#define IO_TLS_PARTS_H

#include <openssl/ssl.h>

#include "io/tls.h"

enum { TLS_DIGEST_BYTES = 32 };

/* What a peer's certificate must be. */
struct tls_demand {
	bool has_pin;
	uint8_t pin[TLS_DIGEST_BYTES];
	bool insecure;
};

struct tls_context {
	SSL_CTX *ctx;
	enum tls_side side;
	struct tls_demand demand;
	char name[256]; /* to ask for; "" that of the connection */
	bool is_self_made;
	char fingerprint[SONDE_TLS_FINGERPRINT_CHARS];
};

struct tls_stream {
	struct stream stream;
	struct stream *below; /* owned */
	SSL *ssl;
	struct tls_demand demand;
	enum sonde_tls_trust trust;
	bool is_server;
	bool has_shaken;
	bool is_broken; /* by a failure after which TLS may say nothing more */
	enum tls_fault fault;
	char name[256]; /* that the certificate must have; "" any */
	bool sent_close;
	bool has_ended; /* reading: from now on it gives `end` */
	int end;
	/* Of the stream below, for who asks OpenSSL what it was. */
	bool below_ended;
	int below_error;
};

/* A BIO over tls->below; NULL without memory. */
BIO *tls_bio_new(struct tls_stream *tls);

/* A key and a certificate for `name`, for this run, into the context.  0 or -errno. */
int tls_certificate_make(SSL_CTX *ctx, const char *name);
int tls_certificate_digest(X509 *certificate, uint8_t ret[TLS_DIGEST_BYTES]);
void tls_certificate_format(const uint8_t digest[TLS_DIGEST_BYTES],
			    char ret[SONDE_TLS_FINGERPRINT_CHARS]);
/* 64 hexadecimal digits, colons between them or not, "sha256:" before them or not.
 * 0 or -EINVAL. */
int tls_certificate_parse_pin(const char *text, uint8_t ret[TLS_DIGEST_BYTES]);
/* Subject, issuer, end, fingerprint. */
void tls_certificate_describe(X509 *certificate, struct sonde_tls_details *ret);

#endif
