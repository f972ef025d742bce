/* OpenSSL's way down: its own BIO for sockets writes without MSG_NOSIGNAL, and knows no
 * streams. */
#include "io/tls_parts.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>

static BIO_METHOD *method;
static pthread_once_t method_once = PTHREAD_ONCE_INIT;

static int bio_read(BIO *bio, char *bytes, int n)
{
	struct tls_stream *tls = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	ssize_t got = stream_read(tls->below, bytes, (size_t)n);
	if (got == -EAGAIN) {
		BIO_set_retry_read(bio);
		return -1;
	}
	if (got < 0)
		tls->below_error = (int)got;
	if (got == 0)
		tls->below_ended = true;
	return got < 0 ? -1 : (int)got;
}

static int bio_write(BIO *bio, const char *bytes, int n)
{
	struct tls_stream *tls = BIO_get_data(bio);

	BIO_clear_retry_flags(bio);
	ssize_t sent = stream_write(tls->below, bytes, (size_t)n);
	if (sent == -EAGAIN) {
		BIO_set_retry_write(bio);
		return -1;
	}
	if (sent < 0)
		tls->below_error = (int)sent;
	return sent < 0 ? -1 : (int)sent;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	struct tls_stream *tls = BIO_get_data(bio);

	(void)number;
	(void)pointer;
	switch (command) {
	case BIO_CTRL_FLUSH:
		return 1;
	case BIO_CTRL_EOF:
		return tls->below_ended;
	default:
		return 0;
	}
}

static int bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

/* Once for the process: OpenSSL has few numbers for kinds of BIO. */
static void make_method(void)
{
	int index = BIO_get_new_index();

	if (index < 0)
		return;
	method = BIO_meth_new(index | BIO_TYPE_SOURCE_SINK, "stream");
	if (!method)
		return;
	BIO_meth_set_read(method, bio_read);
	BIO_meth_set_write(method, bio_write);
	BIO_meth_set_ctrl(method, bio_ctrl);
	BIO_meth_set_create(method, bio_create);
}

BIO *tls_bio_new(struct tls_stream *tls)
{
	pthread_once(&method_once, make_method);
	BIO *bio = method ? BIO_new(method) : NULL;
	if (bio)
		BIO_set_data(bio, tls);
	return bio;
}
