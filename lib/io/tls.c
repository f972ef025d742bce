/* One TLS connection as a stream over another one.
 *
 * The handshake is made by whichever call comes first.  After a failure TLS may say
 * nothing more (RFC 8446, section 6.2): is_broken. */
#include "io/tls_parts.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>

#include <sonde/address.h>

#include "base/array.h"

enum { HOST_NAME_CHARS = 256 }; /* a DNS name has 253 at most */

static struct tls_stream *tls_of(struct stream *stream)
{
	return (struct tls_stream *)stream; /* its first member */
}

/* --- what went wrong, in words */

static void say(struct tls_stream *tls, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
static void say(struct tls_stream *tls, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(tls->stream.trouble, sizeof(tls->stream.trouble), format, arguments);
	va_end(arguments);
}

/* The peer's alerts have numbers from SSL_AD_REASON_OFFSET on. */
static bool is_alert(unsigned long error)
{
	int reason = ERR_GET_REASON(error);

	return reason >= SSL_AD_REASON_OFFSET && reason < SSL_AD_REASON_OFFSET + 256;
}

/* "sslv3 alert handshake failure": only what comes behind the word alert is of use. */
static const char *alert_text(const char *text)
{
	const char *alert = strstr(text, "alert ");

	return alert ? alert + strlen("alert ") : text;
}

static void say_distrust(struct tls_stream *tls)
{
	long verdict = SSL_get_verify_result(tls->ssl);
	const char *text = X509_verify_cert_error_string(verdict);

	if (verdict == X509_V_ERR_HOSTNAME_MISMATCH ||
	    verdict == X509_V_ERR_IP_ADDRESS_MISMATCH) {
		tls->fault = TLS_FAULT_NAME;
		say(tls, "its certificate is not for %s: %s", tls->name, text);
		return;
	}
	tls->fault = TLS_FAULT_TRUST;
	say(tls, "its certificate is not trusted: %s", text);
}

static int fail_ssl(struct tls_stream *tls)
{
	unsigned long error = ERR_peek_error();
	const char *text = ERR_reason_error_string(error);

	if (!text)
		text = "unknown";
	switch (ERR_GET_REASON(error)) {
	case SSL_R_CERTIFICATE_VERIFY_FAILED:
		say_distrust(tls);
		break;
	case SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED:
		tls->fault = TLS_FAULT_NONE_SHOWN;
		say(tls, "the peer refused: it wants a certificate of ours");
		break;
	case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
	case SSL_R_UNSUPPORTED_PROTOCOL:
		tls->fault = TLS_FAULT_VERSION;
		say(tls, "%s; we speak TLS 1.2 and 1.3",
		    is_alert(error) ? "the peer refused: protocol version"
				    : "the peer speaks another version of TLS");
		break;
	case SSL_R_WRONG_VERSION_NUMBER:
	case SSL_R_HTTP_REQUEST:
	case SSL_R_PACKET_LENGTH_TOO_LONG:
		tls->fault = TLS_FAULT_PLAIN;
		say(tls, "what it says is no TLS");
		break;
	case SSL_R_UNEXPECTED_EOF_WHILE_READING:
		tls->fault = TLS_FAULT_PLAIN;
		if (tls->has_shaken)
			say(tls, "the connection was cut: TLS did not announce the end, "
				 "so something may be missing");
		else
			say(tls, "the connection was closed during the handshake: "
				 "perhaps no TLS is spoken there");
		tls->is_broken = true;
		return -ECONNABORTED;
	case SSL_R_UNEXPECTED_MESSAGE: /* an echo of what we said */
		if (!tls->has_shaken) {
			tls->fault = TLS_FAULT_PLAIN;
			say(tls, "what it says is no handshake of TLS");
			break;
		}
		__attribute__((fallthrough));
	default:
		say(tls, is_alert(error) ? "the peer refused: %s" : "TLS: %s",
		    is_alert(error) ? alert_text(text) : text);
		break;
	}
	tls->is_broken = true;
	return -EPROTO;
}

/* What a call of OpenSSL that did not succeed means; 0: the peer's end. */
static int explain(struct tls_stream *tls, int result, uint32_t *ret_wants)
{
	switch (SSL_get_error(tls->ssl, result)) {
	case SSL_ERROR_WANT_READ:
		*ret_wants = POLLIN;
		return -EAGAIN;
	case SSL_ERROR_WANT_WRITE:
		*ret_wants = POLLOUT;
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return 0;
	case SSL_ERROR_SSL:
		if (!tls->below_error)
			return fail_ssl(tls);
		break;
	default:
		break;
	}
	tls->is_broken = true;
	return tls->below_error ? tls->below_error : -ECONNABORTED;
}

/* --- the handshake */

static int check_peer(struct tls_stream *tls)
{
	X509 *certificate = SSL_get0_peer_certificate(tls->ssl);
	uint8_t digest[TLS_DIGEST_BYTES];
	char fingerprint[SONDE_TLS_FINGERPRINT_CHARS];

	tls->trust = !certificate           ? SONDE_TLS_NOT_ASKED
		     : tls->demand.has_pin  ? SONDE_TLS_PINNED
		     : tls->demand.insecure ? SONDE_TLS_UNCHECKED
					    : SONDE_TLS_CHAIN;
	if (!tls->demand.has_pin)
		return 0;
	if (!certificate || tls_certificate_digest(certificate, digest) < 0)
		say(tls, "the peer showed no certificate");
	else if (CRYPTO_memcmp(digest, tls->demand.pin, sizeof(digest)) == 0)
		return 0;
	else {
		tls_certificate_format(digest, fingerprint);
		say(tls, "not the pinned certificate, but %s", fingerprint);
	}
	tls->fault = TLS_FAULT_TRUST;
	tls->is_broken = true;
	return -EPROTO;
}

enum tls_fault tls_get_fault(struct stream *stream)
{
	return tls_of(stream)->fault;
}

int tls_handshake(struct stream *stream)
{
	struct tls_stream *tls = tls_of(stream);

	if (tls->has_shaken)
		return 0;
	if (tls->is_broken)
		return -EPROTO;
	ERR_clear_error();
	int result = SSL_do_handshake(tls->ssl);
	if (result == 1) {
		stream->read_wants = POLLIN;
		stream->write_wants = POLLOUT;
		int r = check_peer(tls);
		tls->has_shaken = r == 0;
		return r;
	}
	uint32_t wants = POLLIN;
	int r = explain(tls, result, &wants);
	stream->read_wants = stream->write_wants = wants;
	return r == 0 ? -ECONNABORTED : r;
}

/* --- the five methods */

static ssize_t tls_read(struct stream *stream, void *bytes, size_t n)
{
	struct tls_stream *tls = tls_of(stream);
	size_t total = 0, got;
	int r = tls->has_ended ? tls->end : tls_handshake(stream);

	if (r < 0 || tls->has_ended)
		return r;
	/* A record has 16 KiB at most; a caller with more room gets several. */
	do {
		ERR_clear_error();
		int result =
			SSL_read_ex(tls->ssl, (char *)bytes + total, n - total, &got);
		if (result != 1) {
			stream->pending = 0;
			r = explain(tls, result, &stream->read_wants);
			/* First what came before it. */
			tls->has_ended = r != -EAGAIN;
			tls->end = r;
			if (tls->has_ended && total > 0)
				stream->pending = 1;
			return total > 0 ? (ssize_t)total : r;
		}
		total += got;
		stream->pending = (size_t)SSL_has_pending(tls->ssl);
	} while (total < n && stream->pending > 0);
	stream->read_wants = POLLIN;
	return (ssize_t)total;
}

static ssize_t tls_write(struct stream *stream, const void *bytes, size_t n)
{
	struct tls_stream *tls = tls_of(stream);
	size_t total = 0, sent;
	int r = tls_handshake(stream);

	if (r < 0)
		return r;
	while (total < n) {
		ERR_clear_error();
		int result = SSL_write_ex(tls->ssl, (const char *)bytes + total,
					  n - total, &sent);
		if (result != 1) {
			r = explain(tls, result, &stream->write_wants);
			if (total > 0)
				return (ssize_t)total;
			return r == 0 ? -EPIPE : r;
		}
		total += sent;
	}
	stream->write_wants = POLLOUT;
	return (ssize_t)total;
}

/* TLS 1.3 ends each direction by itself; before, the peer has to close at once when it is
 * told so, and drops what it still had to say (RFC 8446, section 6.1). */
static int tls_shutdown(struct stream *stream)
{
	struct tls_stream *tls = tls_of(stream);
	int r = tls_handshake(stream);

	if (r < 0)
		return r;
	if (tls->is_broken)
		return -EPIPE;
	if (SSL_version(tls->ssl) < TLS1_3_VERSION)
		return -EOPNOTSUPP;
	ERR_clear_error();
	int result = SSL_shutdown(tls->ssl);
	if (result >= 0) {
		tls->sent_close = true;
		return 0;
	}
	r = explain(tls, result, &stream->write_wants);
	return r == 0 ? -EPIPE : r;
}

static void tls_close(struct stream *stream)
{
	struct tls_stream *tls = tls_of(stream);

	if (tls->has_shaken && !tls->is_broken && !tls->sent_close) {
		ERR_clear_error();
		SSL_shutdown(tls->ssl); /* if there is room for it */
	}
	SSL_free(tls->ssl);
	stream_close(tls->below);
	array_free(tls);
}

static const struct stream_kind tls_kind = {
	.name = "tls",
	.read = tls_read,
	.write = tls_write,
	.shutdown = tls_shutdown,
	.close = tls_close,
};

/* --- */

/* What to ask for and what to find: a name, or an address, which is not asked for. */
static bool set_name(struct tls_stream *tls, const char *name)
{
	struct sonde_address address;
	char host[SONDE_ADDRESS_CHARS], host_name[HOST_NAME_CHARS];

	snprintf(tls->name, sizeof(tls->name), "%s", name);
	if (!name[0])
		return true;
	if (snprintf(host_name, sizeof(host_name), "%s", name) >= HOST_NAME_CHARS)
		return false;
	if (sonde_address_parse_host(name, &address) == 0) {
		sonde_address_format_host(&address, host);
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls->ssl), host) == 1;
	}
	/* The macro for this takes the const away. */
	return SSL_ctrl(tls->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
			host_name) == 1 &&
	       SSL_set1_host(tls->ssl, name) == 1;
}

int tls_start(struct tls_context *context, const char *name, struct stream *below,
	      struct stream **ret)
{
	struct tls_stream *tls = array_new(1, sizeof(*tls));
	BIO *bio = NULL;

	if (!tls)
		goto fail;
	tls->stream.kind = &tls_kind;
	tls->stream.fd = tls->stream.write_fd = below->fd;
	tls->stream.read_wants = POLLIN;
	tls->stream.write_wants = POLLOUT;
	tls->below = below;
	tls->demand = context->demand;
	tls->is_server = context->side == TLS_SERVER;
	tls->ssl = SSL_new(context->ctx);
	bio = tls->ssl ? tls_bio_new(tls) : NULL;
	if (!bio)
		goto fail;
	SSL_set_bio(tls->ssl, bio, bio);
	if (tls->is_server) {
		SSL_set_accept_state(tls->ssl);
	} else {
		SSL_set_connect_state(tls->ssl);
		if (!set_name(tls, context->name[0] ? context->name : name ? name : ""))
			goto fail;
	}
	*ret = &tls->stream;
	return 0;
fail:
	if (tls)
		SSL_free(tls->ssl);
	array_free(tls);
	stream_close(below);
	return -ENOMEM;
}

bool stream_is_tls(const struct stream *stream)
{
	return stream->kind == &tls_kind;
}

void tls_describe(struct stream *stream, struct sonde_tls_details *ret)
{
	struct tls_stream *tls = tls_of(stream);
	X509 *certificate = SSL_get0_peer_certificate(tls->ssl);
	const unsigned char *alpn = NULL;
	unsigned alpn_length = 0;

	*ret = (struct sonde_tls_details){.trust = tls->trust};
	snprintf(ret->version, sizeof(ret->version), "%s", SSL_get_version(tls->ssl));
	snprintf(ret->cipher, sizeof(ret->cipher), "%s", SSL_get_cipher_name(tls->ssl));
	SSL_get0_alpn_selected(tls->ssl, &alpn, &alpn_length);
	if (alpn)
		snprintf(ret->alpn, sizeof(ret->alpn), "%.*s", (int)alpn_length,
			 (const char *)alpn);
	if (certificate)
		tls_certificate_describe(certificate, ret);
	long verdict = SSL_get_verify_result(tls->ssl);
	if (certificate && verdict != X509_V_OK && tls->trust == SONDE_TLS_UNCHECKED)
		snprintf(ret->objection, sizeof(ret->objection), "%s",
			 X509_verify_cert_error_string(verdict));
}
