/* TLS over any stream, with OpenSSL.
 *
 * A context is what many connections share: keys, whom to trust.  Making it reads all
 * files that will be needed, so that a sandbox may follow. */
#ifndef IO_TLS_H
#define IO_TLS_H

#include <stdbool.h>

#include <sonde/error.h>
#include <sonde/stream.h>

#include "io/stream.h"

enum tls_side { TLS_CLIENT = 0, TLS_SERVER };

struct tls_context;

int tls_context_new(enum tls_side side, const struct sonde_tls_options *options,
		    struct tls_context **ret, struct sonde_error *err);
/* Streams that were made with it live on. */
void tls_context_free(struct tls_context *context);
/* Of its own certificate; "" where it has none.  Server: what a client may pin. */
const char *tls_context_fingerprint(const struct tls_context *context);
/* Whether the certificate was made for this run. */
bool tls_context_is_self_made(const struct tls_context *context);

/* Takes `below`, also on failure.  name: client's, where the options have none: to ask
 * for and to find in the certificate; may be an address. */
int tls_start(struct tls_context *context, const char *name, struct stream *below,
	      struct stream **ret);
/* 0 when it is done; -EAGAIN: wait for stream_events(stream, true, false) and call again;
 * else it failed, and stream->trouble says why.  Reads and writes would do it, too. */
int tls_handshake(struct stream *stream);
/* After the handshake. */
void tls_describe(struct stream *stream, struct sonde_tls_details *ret);
/* What was wrong with a handshake that failed. */
enum tls_fault {
	TLS_FAULT_OTHER = 0,
	TLS_FAULT_TRUST,      /* the peer's certificate, or that it has none */
	TLS_FAULT_NAME,       /* the certificate is for another name */
	TLS_FAULT_NONE_SHOWN, /* the peer wants a certificate of ours */
	TLS_FAULT_VERSION,    /* no version that both sides speak */
	TLS_FAULT_PLAIN,      /* what it says is no TLS, or it closed at once */
};
enum tls_fault tls_get_fault(struct stream *stream);
bool stream_is_tls(const struct stream *stream);

#endif
