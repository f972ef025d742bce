/* The capture file while it grows.  Blocks are gathered and written together; when the
 * disk is full the file is cut back to its last whole block, so that what is there can be
 * read.
 *
 * A pipe is written without waiting, because the programs must not stand still for its
 * reader: what it does not take now is kept, up to a limit. */
#include "record/capture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"
#include "base/limits.h"
#include "record/quiet.h"

enum { FLUSH_BYTES = 1 << 18 };

static bool is_same(const struct stat *a, const struct stat *b)
{
	return a->st_dev == b->st_dev && a->st_ino == b->st_ino;
}

/* A name in these folders that leads out of them stands for a file that is open
 * already. */
static bool names_descriptor(const char *path, const char *place)
{
	return (!strncmp(path, "/dev/", 5) || !strncmp(path, "/proc/", 6)) &&
	       strcmp(path, place) != 0;
}

/* Nothing may replace a file under the hands of who writes to it, too. */
static bool is_standard_output(const struct stat *status)
{
	struct stat other;

	for (int fd = STDOUT_FILENO; fd <= STDERR_FILENO; fd++) {
		if (fstat(fd, &other) == 0 && is_same(status, &other))
			return true;
	}
	return false;
}

/* Fills read_fd and place, where the file has them. */
static void find_place(struct capture_file *file, const struct stat *status)
{
	struct stat other;

	file->place = realpath(file->path, NULL);
	if (!file->place)
		return;
	file->read_fd = open(file->place, O_RDONLY | O_CLOEXEC);
	if (stat(file->place, &other) == 0 && is_same(status, &other) &&
	    !names_descriptor(file->path, file->place) && !is_standard_output(status))
		return;
	free(file->place);
	file->place = NULL;
}

int capture_file_open(struct capture_file *file, const char *path,
		      struct sonde_error *err)
{
	const int flags = O_WRONLY | O_CREAT | O_NONBLOCK | O_CLOEXEC;
	struct stat status;
	int error = -ENOMEM;

	*file = (struct capture_file){.fd = -1, .read_fd = -1};
	pcapng_block_init(&file->block);
	file->path = strdup(path);
	if (!file->path)
		goto fail;
	/* For writing alone: whoever opens a pipe for both is its reader, too, and will
	 * never learn that the other one has gone. */
	file->fd = open(path, flags | O_EXCL, 0666);
	file->is_new = file->fd >= 0;
	if (file->fd < 0 && errno == EEXIST)
		file->fd = open(path, flags, 0666);
	if (file->fd < 0 || fstat(file->fd, &status) < 0) {
		error = -errno;
		goto fail;
	}
	file->is_regular = S_ISREG(status.st_mode);
	if (file->is_regular)
		find_place(file, &status);
	return 0;
fail:
	capture_file_close(file);
	sonde_error_set(err, sonde_error_kind_of(-error), error, "open", path, NULL);
	if (error == -ENXIO && stat(path, &status) == 0 && S_ISFIFO(status.st_mode)) {
		sonde_error_set(err, SONDE_ERROR_TROUBLE, error, "open", path,
				"nobody reads from this pipe");
		sonde_error_hint(err, "start its reader first: wireshark -k -i %s", path);
	}
	return error;
}

void capture_file_close(struct capture_file *file)
{
	if (file->is_new && file->path)
		unlink(file->path);
	file->is_new = false;
	if (file->fd >= 0)
		close(file->fd);
	if (file->read_fd >= 0)
		close(file->read_fd);
	file->fd = file->read_fd = -1;
	free(file->path);
	free(file->place);
	file->path = file->place = NULL;
	array_free(file->pending);
	array_free(file->packets);
	file->pending = NULL;
	file->packets = NULL;
	pcapng_block_done(&file->block);
}

/* Leaves whole blocks on disk of what was pending, of which n bytes are there. */
static void cut_back(struct capture_file *file, size_t n)
{
	size_t whole = 0;

	while (whole + 8 <= file->pending_used) {
		uint32_t length;

		memcpy(&length, file->pending + whole + 4, sizeof(length));
		if (whole + length > n)
			break;
		whole += length;
	}
	if (file->is_regular &&
	    ftruncate(file->fd, (off_t)(file->written - n + whole)) == 0)
		file->written -= n - whole;
}

void capture_file_flush(struct capture_file *file)
{
	struct quiet quiet;

	if (file->pending_at == file->pending_used)
		return;
	quiet_begin(&quiet);
	while (!file->error && file->pending_at < file->pending_used) {
		ssize_t n = write(file->fd, file->pending + file->pending_at,
				  file->pending_used - file->pending_at);

		if (n < 0 && errno == EAGAIN)
			break;
		if (n >= 0) {
			file->pending_at += (size_t)n;
			file->written += (size_t)n;
		} else if (errno != EINTR) {
			file->error = -errno;
			cut_back(file, file->pending_at);
		}
	}
	quiet_end(&quiet);
	if (file->error || file->pending_at == file->pending_used)
		file->pending_at = file->pending_used = 0;
}

/* Waits for the reader of a pipe until no more than n bytes are left. */
static void flush_down_to(struct capture_file *file, size_t n)
{
	struct pollfd writable = {.fd = file->fd, .events = POLLOUT};

	capture_file_flush(file);
	while (file->pending_used - file->pending_at > n) {
		int ready = poll(&writable, 1, LIMIT_CAPTURE_STALL_MS);

		if (ready == 0)
			file->error = -ETIMEDOUT;
		else if (ready < 0 && errno != EINTR)
			file->error = -errno;
		capture_file_flush(file);
	}
}

void capture_file_finish(struct capture_file *file)
{
	flush_down_to(file, 0);
}

static void add_block(struct capture_file *file)
{
	struct pcapng_block *block = &file->block;

	if (file->fd < 0 || file->error)
		return;
	if (file->pending_used - file->pending_at > LIMIT_CAPTURE_PENDING)
		flush_down_to(file, LIMIT_CAPTURE_PENDING / 2);
	if (file->pending_at > file->pending_used / 2) {
		file->pending_used -= file->pending_at;
		memmove(file->pending, file->pending + file->pending_at,
			file->pending_used);
		file->pending_at = 0;
	}
	if (block->error || array_reserve(&file->pending, &file->pending_capacity,
					  file->pending_used + block->used, 1) < 0) {
		file->error = block->error ? block->error : -ENOMEM;
		return;
	}
	memcpy(file->pending + file->pending_used, block->bytes, block->used);
	file->pending_used += block->used;
	if (file->pending_used - file->pending_at >= FLUSH_BYTES)
		capture_file_flush(file);
}

void capture_file_begin(struct capture_file *file)
{
	file->is_new = false;
	if (file->is_regular && ftruncate(file->fd, 0) < 0) {
		file->error = -errno;
		return;
	}
	pcapng_format_section(&file->block, "sonde " SONDE_VERSION, NULL);
	add_block(file);
}

uint32_t capture_file_packets(const struct capture_file *file)
{
	size_t count = file->packet_count;

	while (count &&
	       file->packets[count - 1].offset + file->packets[count - 1].length >
		       file->written)
		count--;
	return (uint32_t)count;
}

void capture_file_number(const struct capture_file *file,
			 struct sonde_recording *recording)
{
	uint32_t count = capture_file_packets(file);

	for (uint32_t i = 0; i < recording->packet_count; i++) {
		uint32_t *frame = &recording->packets[i].frame;

		*frame = *frame && *frame <= count ? file->packets[*frame - 1].frame : 0;
	}
}

const char *capture_file_refuses(const struct capture_file *file)
{
	struct stat status, other;

	if (!file->is_regular)
		return "it is a pipe or a device, which cannot be written anew";
	if (!file->place)
		return "other programs have it open as their output, too";
	if (file->read_fd < 0)
		return "it may not be read";
	if (fstat(file->fd, &status) < 0 || stat(file->place, &other) < 0 ||
	    !is_same(&status, &other))
		return "its name stands for another file now, or for none";
	return NULL;
}

void capture_file_add_row(struct capture_file *file)
{
	file->frame_count++;
	add_block(file);
}

void capture_file_add_interface(struct capture_file *file,
				const struct sonde_interface *interface)
{
	pcapng_format_interface(&file->block, (uint16_t)interface->link, 0,
				interface->name);
	add_block(file);
}

uint32_t capture_file_add_packet(struct capture_file *file,
				 const struct sonde_packet *packet, const uint8_t *bytes)
{
	struct pcapng_packet block = {
		.interface = packet->interface - 1,
		.at_ns = packet->at_ns,
		.captured_length = packet->captured_length,
		.wire_length = packet->wire_length,
		.bytes = bytes,
		.direction = packet->is_outgoing ? PCAPNG_OUTBOUND : PCAPNG_INBOUND,
	};

	if (file->fd < 0 || file->error)
		return 0;
	pcapng_format_packet(&file->block, &block);
	if (array_reserve(&file->packets, &file->packet_capacity, file->packet_count + 1,
			  sizeof(file->packets[0])) < 0) {
		file->error = -ENOMEM;
		return 0;
	}
	file->packets[file->packet_count++] = (struct capture_block){
		.offset = file->written + file->pending_used - file->pending_at,
		.length = (uint32_t)file->block.used,
		.frame = ++file->frame_count,
	};
	add_block(file);
	return (uint32_t)file->packet_count;
}
