/* Frames into a file or a pipe; see <sonde/capture_file.h>.
 *
 * Blocks are made one behind the other in one piece of memory, which is written when it is
 * large enough: a system call for some thousand packets.  Where a write stops half-way
 * (the disk is full), a regular file is cut back to its last whole block. */
#include <sonde/capture_file.h>

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/limits.h"
#include "file/pcapng.h"

enum { FLUSH_BYTES = 1 << 18 };

struct sonde_capture_writer {
	int fd;
	bool is_regular, gathers;
	char *name;     /* for errors, owned */
	uint64_t base;  /* where in a regular file ours begins */
	uint64_t whole; /* bytes of whole blocks written */
	int error;      /* sticky */
	struct pcapng_block pending;
	/* By the number of an interface: that in the file, from 1; 0 not described. */
	uint32_t *interfaces; /* owned */
	size_t interface_capacity;
	uint32_t interface_count;
};

static int fail(struct sonde_capture_writer *writer, int code, struct sonde_error *err)
{
	writer->error = code;
	if (code == -E2BIG)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, code, "write",
				       writer->name,
				       "more interfaces, or a larger frame, than a file "
				       "may have");
	sonde_error_set(err, SONDE_ERROR_TROUBLE, code, "write", writer->name, NULL);
	if ((code == -ENOSPC || code == -EDQUOT || code == -EFBIG) && writer->is_regular)
		sonde_error_hint(err, "what is in the file so far is whole and can be "
				      "read");
	return code;
}

/* Bytes of the whole blocks among the first n pending ones. */
static size_t count_whole(const struct pcapng_block *pending, size_t n)
{
	size_t whole = 0;

	while (whole + 8 <= n) {
		const uint8_t *at = pending->bytes + whole + 4;
		size_t length = at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 |
				(size_t)at[3] << 24;

		if (length > n - whole)
			break;
		whole += length;
	}
	return whole;
}

static int write_all(struct sonde_capture_writer *writer, size_t *ret_written)
{
	struct pollfd writable = {.fd = writer->fd, .events = POLLOUT};
	const struct pcapng_block *pending = &writer->pending;
	size_t at = 0;

	while (at < pending->used) {
		ssize_t n = write(writer->fd, pending->bytes + at, pending->used - at);

		if (n >= 0) {
			at += (size_t)n;
		} else if (errno == EAGAIN) {
			poll(&writable, 1, -1);
		} else if (errno != EINTR) {
			*ret_written = at;
			return -errno;
		}
	}
	*ret_written = at;
	return 0;
}

int sonde_capture_writer_flush(struct sonde_capture_writer *writer,
			       struct sonde_error *err)
{
	size_t written;
	int r;

	if (writer->error)
		return fail(writer, writer->error, err);
	if (!writer->pending.used)
		return 0;
	r = write_all(writer, &written);
	writer->whole += r == 0 ? written : count_whole(&writer->pending, written);
	pcapng_block_clear(&writer->pending);
	if (r == 0)
		return 0;
	/* Where that fails, too, readers find half a block at the end: they can that. */
	if (writer->is_regular &&
	    ftruncate(writer->fd, (off_t)(writer->base + writer->whole)) < 0)
		return fail(writer, r, err);
	return fail(writer, r, err);
}

/* The block that was just made goes with the others. */
static int add_block(struct sonde_capture_writer *writer, struct sonde_error *err)
{
	struct pcapng_block *pending = &writer->pending;

	if (pending->error)
		return fail(writer, pending->error, err);
	pcapng_block_keep(pending);
	if (writer->gathers && pending->used < FLUSH_BYTES)
		return 0;
	return sonde_capture_writer_flush(writer, err);
}

int sonde_capture_writer_take(int fd, const char *name, struct sonde_capture_writer **ret,
			      struct sonde_error *err)
{
	struct sonde_capture_writer *writer = calloc(1, sizeof(*writer));
	struct stat status;
	off_t base;
	int r = -ENOMEM;

	if (!writer)
		goto out;
	writer->name = strdup(name);
	if (!writer->name)
		goto out;
	if (fstat(fd, &status) < 0) {
		r = -errno;
		goto out;
	}
	writer->fd = fd;
	writer->is_regular = writer->gathers = S_ISREG(status.st_mode);
	base = writer->is_regular ? lseek(fd, 0, SEEK_CUR) : 0;
	writer->base = base > 0 ? (uint64_t)base : 0;
	pcapng_block_init(&writer->pending);
	pcapng_format_section(&writer->pending, "sonde " SONDE_VERSION, NULL);
	r = add_block(writer, err);
	if (r < 0) {
		sonde_capture_writer_close(writer, NULL);
		return r;
	}
	*ret = writer;
	return 0;
out:
	if (writer)
		free(writer->name);
	free(writer);
	if (fd > STDERR_FILENO)
		close(fd);
	return sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "open", name, NULL);
}

int sonde_capture_writer_open(const char *path, struct sonde_capture_writer **ret,
			      struct sonde_error *err)
{
	int fd;

	if (strcmp(path, "-") == 0)
		return sonde_capture_writer_take(STDOUT_FILENO, "standard output", ret,
						 err);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (fd < 0)
		return sonde_error_set(err, sonde_error_kind_of(errno), -errno, "open",
				       path, NULL);
	return sonde_capture_writer_take(fd, path, ret, err);
}

void sonde_capture_writer_gather(struct sonde_capture_writer *writer)
{
	writer->gathers = true;
}

uint64_t sonde_capture_writer_size(const struct sonde_capture_writer *writer)
{
	return writer->whole + writer->pending.used;
}

int sonde_capture_writer_describe(struct sonde_capture_writer *writer, uint32_t number,
				  const struct sonde_capture_interface *interface,
				  struct sonde_error *err)
{
	int r;

	if (writer->error)
		return fail(writer, writer->error, err);
	if (writer->interface_count >= LIMIT_FILE_INTERFACES ||
	    number >= LIMIT_INTERFACE_NUMBER)
		return fail(writer, -E2BIG, err);
	if (array_reserve(&writer->interfaces, &writer->interface_capacity, number + 1,
			  sizeof(writer->interfaces[0])) < 0)
		return fail(writer, -ENOMEM, err);
	pcapng_format_filtered(&writer->pending, interface->link, interface->snap_bytes,
			       interface->name, interface->filter);
	r = add_block(writer, err);
	if (r == 0)
		writer->interfaces[number] = ++writer->interface_count;
	return r;
}

static int describe_by_frame(struct sonde_capture_writer *writer,
			     const struct sonde_frame *frame, struct sonde_error *err)
{
	const struct sonde_capture_interface interface = {
		.link = frame->link,
		.name = frame->interface_name,
	};

	if (frame->interface < writer->interface_capacity &&
	    writer->interfaces[frame->interface])
		return 0;
	return sonde_capture_writer_describe(writer, frame->interface, &interface, err);
}

int sonde_capture_writer_count(struct sonde_capture_writer *writer, uint32_t number,
			       const struct sonde_capture_statistics *statistics,
			       struct sonde_error *err)
{
	if (writer->error)
		return fail(writer, writer->error, err);
	if (number >= writer->interface_capacity || !writer->interfaces[number])
		return fail(writer, -EINVAL, err);
	pcapng_format_statistics_with(&writer->pending, writer->interfaces[number] - 1,
				      statistics->start_ns, statistics->end_ns,
				      statistics->received, statistics->dropped,
				      statistics->comment);
	return add_block(writer, err);
}

int sonde_capture_writer_add(struct sonde_capture_writer *writer,
			     const struct sonde_frame *frame, struct sonde_error *err)
{
	int r;

	if (writer->error)
		return fail(writer, writer->error, err);
	if (frame->kind == SONDE_FRAME_JOURNAL) {
		pcapng_format_journal(&writer->pending, frame->bytes,
				      frame->captured_length);
		return add_block(writer, err);
	}
	r = describe_by_frame(writer, frame, err);
	if (r < 0)
		return r;
	pcapng_format_frame(&writer->pending, writer->interfaces[frame->interface] - 1,
			    frame);
	return add_block(writer, err);
}

int sonde_capture_writer_close(struct sonde_capture_writer *writer,
			       struct sonde_error *err)
{
	int r;

	if (!writer)
		return 0;
	r = sonde_capture_writer_flush(writer, err);
	/* Network file systems say only now that there was no room. */
	if (writer->fd > STDERR_FILENO && close(writer->fd) < 0 && r == 0)
		r = fail(writer, -errno, err);
	pcapng_block_done(&writer->pending);
	array_free(writer->interfaces);
	free(writer->name);
	free(writer);
	return r;
}
