/* Frames from a file or a pipe; see <sonde/capture_file.h>.
 *
 * One window of memory, read into from the front again and again.  A mapped file would
 * save the copy, and lose the process to SIGBUS when somebody makes the file shorter
 * meanwhile, as every program does that writes it anew.  The window stays in the
 * processor's cache, so that the copy costs less than mapping does. */
#include <sonde/capture_file.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "file/capture_parse.h"

enum { WINDOW_BYTES = 1 << 18 };

struct sonde_capture_reader {
	int fd;
	bool owns_fd;
	char *name; /* for errors, owned */
	struct capture_parser parser;
	uint8_t *window; /* owned */
	size_t at, filled, capacity;
	uint64_t offset; /* in the file, of window[0] */
	bool has_ended, is_cut;
};

/* A name that leads to no file is a value that cannot be used, not trouble here. */
static enum sonde_error_kind kind_of(int code)
{
	switch (-code) {
	case ENOENT:
	case ENOTDIR:
	case EISDIR:
	case ENAMETOOLONG:
	case ELOOP:
		return SONDE_ERROR_USAGE;
	default:
		return sonde_error_kind_of(-code);
	}
}

static int fail(const struct sonde_capture_reader *reader, int code, const char *reason,
		struct sonde_error *err)
{
	if (reason)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, code, "read",
				       reader->name, "%s", reason);
	return sonde_error_set(err, kind_of(code), code, "read", reader->name, NULL);
}

/* The file is not, or no longer, what it should be. */
static int fail_format(const struct sonde_capture_reader *reader, const char *reason,
		       struct sonde_error *err)
{
	uint64_t at = reader->offset + reader->at;

	if (reader->parser.format == CAPTURE_UNKNOWN) {
		sonde_error_set(err, SONDE_ERROR_TROUBLE, -EBADMSG, "read", reader->name,
				"%s", reason);
		if (strstr(reason, "compressed"))
			sonde_error_hint(err, "decompress it first, into a pipe: ... | "
					      "sonde read -");
		else
			sonde_error_hint(err, "sonde reads pcap and pcapng files");
		return -EBADMSG;
	}
	return sonde_error_set(err, SONDE_ERROR_TROUBLE, -EBADMSG, "read", reader->name,
			       "%s, at byte %llu", reason, (unsigned long long)at);
}

/* Makes room for `wanted` bytes from `at` on, and reads what comes.  0 also at the end;
 * -EINTR, without an error, for a signal. */
static int fill(struct sonde_capture_reader *reader, size_t wanted,
		struct sonde_error *err)
{
	struct pollfd readable = {.fd = reader->fd, .events = POLLIN};
	size_t left = reader->filled - reader->at;
	ssize_t n;

	if (reader->at)
		memmove(reader->window, reader->window + reader->at, left);
	reader->offset += reader->at;
	reader->at = 0;
	reader->filled = left;
	if (array_reserve(&reader->window, &reader->capacity, wanted, 1) < 0)
		return fail(reader, -ENOMEM, NULL, err);
	while ((n = read(reader->fd, reader->window + left, reader->capacity - left)) <
	       0) {
		if (errno == EAGAIN && poll(&readable, 1, -1) >= 0)
			continue;
		if (errno == EINTR)
			return -EINTR;
		return fail(reader, -errno, NULL, err);
	}
	reader->filled += (size_t)n;
	reader->has_ended = n == 0;
	return 0;
}

/* The end of the file, or within something. */
static int end(struct sonde_capture_reader *reader, struct sonde_error *err)
{
	bool has_header = reader->parser.format == CAPTURE_PCAPNG
				  ? reader->offset + reader->at > 0
				  : reader->parser.interface_count > 0;

	if (!reader->filled && !reader->offset)
		return fail_format(reader, "it is empty", err);
	if (!has_header)
		return fail_format(reader, "it ends within its header", err);
	reader->is_cut = reader->at < reader->filled;
	return 0;
}

int sonde_capture_reader_next(struct sonde_capture_reader *reader,
			      struct sonde_frame *ret, struct sonde_error *err)
{
	for (;;) {
		size_t used;
		int r = capture_parse(&reader->parser, reader->window + reader->at,
				      reader->filled - reader->at, &used, ret);

		if (r < 0)
			return r == -EBADMSG
				       ? fail_format(reader, reader->parser.reason, err)
				       : fail(reader, r, NULL, err);
		reader->at += used;
		if (r > 0)
			return 1;
		if (used)
			continue;
		/* The format was found without a byte being used. */
		if (reader->filled - reader->at >= reader->parser.wanted)
			continue;
		if (reader->has_ended)
			return end(reader, err);
		r = fill(reader, reader->parser.wanted, err);
		if (r < 0)
			return r;
	}
}

/* As far as to know what format it has. */
static int begin(struct sonde_capture_reader *reader, struct sonde_error *err)
{
	int r = 0;

	while ((r == 0 || r == -EINTR) && reader->filled < 4 && !reader->has_ended)
		r = fill(reader, 4, err);
	if (r < 0)
		return r;
	if (reader->filled < 4)
		return end(reader, err);
	if (capture_find_format(&reader->parser, reader->window, reader->filled) < 0)
		return fail_format(reader, reader->parser.reason, err);
	return 0;
}

int sonde_capture_reader_open(const char *path, struct sonde_capture_reader **ret,
			      struct sonde_error *err)
{
	struct sonde_capture_reader *reader = calloc(1, sizeof(*reader));
	bool is_stdin = strcmp(path, "-") == 0;
	int r;

	if (!reader)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "open", path,
				       NULL);
	capture_parser_init(&reader->parser);
	reader->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
	reader->owns_fd = !is_stdin;
	reader->name = strdup(is_stdin ? "standard input" : path);
	if (reader->fd < 0 || !reader->name) {
		r = reader->fd < 0 ? -errno : -ENOMEM;
		sonde_error_set(err, kind_of(r), r, "open", path, NULL);
		goto out;
	}
	if (array_reserve(&reader->window, &reader->capacity, WINDOW_BYTES, 1) < 0) {
		r = fail(reader, -ENOMEM, NULL, err);
		goto out;
	}
	posix_fadvise(reader->fd, 0, 0, POSIX_FADV_SEQUENTIAL); /* no pipe takes it */
	r = begin(reader, err);
	if (r < 0)
		goto out;
	*ret = reader;
	return 0;
out:
	sonde_capture_reader_close(reader);
	return r;
}

void sonde_capture_reader_close(struct sonde_capture_reader *reader)
{
	if (!reader)
		return;
	if (reader->owns_fd && reader->fd >= 0)
		close(reader->fd);
	capture_parser_done(&reader->parser);
	array_free(reader->window);
	free(reader->name);
	free(reader);
}

void sonde_capture_reader_facts(const struct sonde_capture_reader *reader,
				struct sonde_capture_facts *ret)
{
	*ret = (struct sonde_capture_facts){
		.is_cut = reader->is_cut,
		.cut_at = reader->is_cut ? reader->offset + reader->at : 0,
		.passed_over = reader->parser.passed_over,
		.dropped = reader->parser.dropped,
		.has_dropped = reader->parser.has_dropped,
	};
}
