/* Options of TLS made into what connections share: keys, and whom to trust. */
#include "io/tls_parts.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>

#include <sonde/text.h>

#include "base/array.h"

enum { ALPN_BYTES = 256, READ_AHEAD_BYTES = 1 << 16 };

/* OpenSSL's own reason for what failed last. */
static const char *reason(void)
{
	const char *text = ERR_reason_error_string(ERR_peek_last_error());

	return text ? text : "unknown";
}

/* What cannot be opened has an errno, which says more than OpenSSL does. */
static int check_file(const char *path, const char *what, struct sonde_error *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0) {
		enum sonde_error_kind kind =
			errno == EACCES ? SONDE_ERROR_PERMISSION : SONDE_ERROR_USAGE;
		return sonde_error_set(err, kind, -errno, what, path, NULL);
	}
	close(fd);
	ERR_clear_error();
	return 0;
}

static int refuse_file(const char *path, const char *what, const char *hint,
		       struct sonde_error *err)
{
	sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, what, path, "%s", reason());
	sonde_error_hint(err, "%s", hint);
	return -EINVAL;
}

/* Nobody is asked for the password of a key: OpenSSL would do so on the terminal. */
/* OpenSSL's type of it. */
// NOLINTNEXTLINE(readability-non-const-parameter)
static int no_password(char *buffer, int n, int writing, void *context)
{
	(void)buffer;
	(void)n;
	(void)writing;
	(void)context;
	return -1;
}

static int use_certificate(SSL_CTX *ctx, const struct sonde_tls_options *options,
			   struct sonde_error *err)
{
	const char *key = options->key_file ? options->key_file : options->cert_file;

	SSL_CTX_set_default_passwd_cb(ctx, no_password);
	int r = check_file(options->cert_file, "read certificate", err);
	if (r < 0)
		return r;
	if (SSL_CTX_use_certificate_chain_file(ctx, options->cert_file) != 1)
		return refuse_file(options->cert_file, "read certificate",
				   "it is PEM: -----BEGIN CERTIFICATE-----", err);
	r = check_file(key, "read key", err);
	if (r < 0)
		return r;
	if (SSL_CTX_use_PrivateKey_file(ctx, key, SSL_FILETYPE_PEM) != 1)
		return refuse_file(key, "read key",
				   "it is PEM, without a password: -----BEGIN PRIVATE "
				   "KEY-----, and belongs to the certificate",
				   err);
	return 0;
}

static int use_trust(SSL_CTX *ctx, enum tls_side side,
		     const struct sonde_tls_options *options, struct sonde_error *err)
{
	if (!options->ca_file) {
		if (side == TLS_CLIENT)
			SSL_CTX_set_default_verify_paths(ctx);
		return 0;
	}
	int r = check_file(options->ca_file, "read CA file", err);
	if (r < 0)
		return r;
	if (SSL_CTX_load_verify_file(ctx, options->ca_file) != 1)
		return refuse_file(options->ca_file, "read CA file",
				   "it is PEM: one or more -----BEGIN CERTIFICATE-----",
				   err);
	if (side == TLS_SERVER)
		SSL_CTX_set_client_CA_list(ctx,
					   SSL_load_client_CA_file(options->ca_file));
	return 0;
}

/* What is compared after the handshake is let through here. */
static int accept_any(int is_fine, X509_STORE_CTX *store)
{
	(void)is_fine;
	(void)store;
	return 1;
}

static int use_demand(struct tls_context *context,
		      const struct sonde_tls_options *options, struct sonde_error *err)
{
	struct tls_demand *demand = &context->demand;
	const int must = SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;

	demand->insecure = options->insecure;
	demand->has_pin = options->pin != NULL;
	if (options->pin && tls_certificate_parse_pin(options->pin, demand->pin) < 0) {
		sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "use fingerprint",
				options->pin, "it is no SHA-256");
		sonde_error_hint(err, "64 hexadecimal digits, as `openssl x509 -noout "
				      "-fingerprint -sha256` prints them");
		return -EINVAL;
	}
	if (demand->has_pin)
		SSL_CTX_set_verify(context->ctx, must, accept_any);
	else if (context->side == TLS_CLIENT)
		SSL_CTX_set_verify(context->ctx,
				   demand->insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER,
				   NULL);
	else if (options->ca_file)
		SSL_CTX_set_verify(context->ctx, must, NULL);
	return 0;
}

/* --- ALPN: "h2,http/1.1" as length and name, again and again */

static int format_alpn(const char *text, uint8_t ret[ALPN_BYTES], struct sonde_error *err)
{
	size_t used = 0;

	for (const char *at = text;; at++) {
		size_t n = strcspn(at, ",");
		if (n == 0 || n > UINT8_MAX || used + 1 + n > ALPN_BYTES) {
			sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "use ALPN", text,
					"a name in it is empty or too long");
			sonde_error_hint(err, "commas stand between names: h2,http/1.1");
			return -EINVAL;
		}
		ret[used++] = (uint8_t)n;
		memcpy(ret + used, at, n);
		used += n;
		at += n;
		if (!*at)
			break;
	}
	return (int)used;
}

struct alpn {
	uint8_t bytes[ALPN_BYTES];
	unsigned used;
};

static int alpn_index = -1;

static void free_alpn(void *parent, void *pointer, CRYPTO_EX_DATA *data, int index,
		      long argl, void *argp)
{
	(void)parent;
	(void)data;
	(void)index;
	(void)argl;
	(void)argp;
	array_free(pointer);
}

static int select_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_length,
		       const unsigned char *offered, unsigned n, void *context)
{
	const struct alpn *alpn = context;
	unsigned char *chosen;

	(void)ssl;
	if (SSL_select_next_proto(&chosen, ret_length, alpn->bytes, alpn->used, offered,
				  n) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_NOACK;
	*ret = chosen;
	return SSL_TLSEXT_ERR_OK;
}

static int use_alpn(struct tls_context *context, const char *text,
		    struct sonde_error *err)
{
	struct alpn *alpn;
	uint8_t bytes[ALPN_BYTES];

	if (!text)
		return 0;
	int used = format_alpn(text, bytes, err);
	if (used < 0)
		return used;
	if (context->side == TLS_CLIENT) {
		SSL_CTX_set_alpn_protos(context->ctx, bytes, (unsigned)used);
		return 0;
	}
	if (alpn_index < 0)
		alpn_index = SSL_CTX_get_ex_new_index(0, NULL, NULL, NULL, free_alpn);
	alpn = array_new(1, sizeof(*alpn));
	if (!alpn)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "use ALPN",
				       text, NULL);
	memcpy(alpn->bytes, bytes, (size_t)used);
	alpn->used = (unsigned)used;
	SSL_CTX_set_ex_data(context->ctx, alpn_index, alpn);
	SSL_CTX_set_alpn_select_cb(context->ctx, select_alpn, alpn);
	return 0;
}

/* --- */

static void note_fingerprint(struct tls_context *context)
{
	uint8_t digest[TLS_DIGEST_BYTES];
	X509 *own = SSL_CTX_get0_certificate(context->ctx);

	if (own && tls_certificate_digest(own, digest) == 0)
		tls_certificate_format(digest, context->fingerprint);
}

static int fill(struct tls_context *context, const struct sonde_tls_options *options,
		struct sonde_error *err)
{
	const char *name = options->name ? options->name : "localhost";
	static const unsigned char sessions[] = "sonde";
	SSL_CTX *ctx = context->ctx;

	/* Sessions that are taken up again must say whose they are, or a server that asks
	 * for certificates refuses them. */
	if (context->side == TLS_SERVER)
		SSL_CTX_set_session_id_context(ctx, sessions, sizeof(sessions) - 1);
	SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_default_read_buffer_len(ctx, READ_AHEAD_BYTES);
	if (options->key_file && !options->cert_file)
		return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "use key",
				       options->key_file, "it needs a certificate");
	int r = options->cert_file ? use_certificate(ctx, options, err) : 0;
	if (r == 0 && !options->cert_file && context->side == TLS_SERVER) {
		r = tls_certificate_make(ctx, name);
		if (r < 0)
			return sonde_error_set(err, SONDE_ERROR_USAGE, r,
					       "make certificate", name, "%s", reason());
		context->is_self_made = true;
	}
	if (r == 0)
		r = use_trust(ctx, context->side, options, err);
	if (r == 0)
		r = use_demand(context, options, err);
	if (r == 0)
		r = use_alpn(context, options->alpn, err);
	note_fingerprint(context);
	if (options->name)
		snprintf(context->name, sizeof(context->name), "%s", options->name);
	return r;
}

int tls_context_new(enum tls_side side, const struct sonde_tls_options *options,
		    struct tls_context **ret, struct sonde_error *err)
{
	struct tls_context *context = array_new(1, sizeof(*context));
	int r;

	ERR_clear_error();
	if (context)
		context->ctx = SSL_CTX_new(side == TLS_SERVER ? TLS_server_method()
							      : TLS_client_method());
	if (!context || !context->ctx) {
		array_free(context);
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "start", "TLS",
				       NULL);
	}
	context->side = side;
	r = fill(context, options, err);
	if (r < 0) {
		tls_context_free(context);
		return r;
	}
	*ret = context;
	return 0;
}

void tls_context_free(struct tls_context *context)
{
	if (!context)
		return;
	SSL_CTX_free(context->ctx);
	array_free(context);
}

const char *tls_context_fingerprint(const struct tls_context *context)
{
	return context->fingerprint;
}

bool tls_context_is_self_made(const struct tls_context *context)
{
	return context->is_self_made;
}
