/* The capture file while it grows.  Blocks are gathered and written together; when the
 * disk is full the file is cut back to its last whole block, so that what is there can be
 * read. */
#include "record/capture_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/array.h"

enum { FLUSH_BYTES = 1 << 18 };

int capture_file_open(struct capture_file *file, const char *path,
		      struct sonde_error *err)
{
	struct stat status;
	int error;

	*file = (struct capture_file){.fd = -1};
	pcapng_block_init(&file->block);
	file->path = strdup(path);
	if (!file->path)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "open", path,
				       NULL);
	/* Reading is for the annotation at the end; a pipe or a device may not allow it.
	 */
	file->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (file->fd < 0 && errno == EACCES)
		file->fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (file->fd < 0) {
		error = -errno;
		capture_file_close(file);
		return sonde_error_set(err, sonde_error_kind_of(-error), error, "open",
				       path, NULL);
	}
	file->is_regular = fstat(file->fd, &status) == 0 && S_ISREG(status.st_mode);
	pcapng_format_section(&file->block, "sonde " SONDE_VERSION, NULL);
	capture_file_add_block(file);
	return 0;
}

void capture_file_close(struct capture_file *file)
{
	if (file->fd >= 0)
		close(file->fd);
	file->fd = -1;
	free(file->path);
	file->path = NULL;
	array_free(file->pending);
	array_free(file->packets);
	file->pending = NULL;
	file->packets = NULL;
	pcapng_block_done(&file->block);
}

/* Leaves the first n bytes of what was pending on disk, or less: whole blocks. */
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
	if (file->is_regular && ftruncate(file->fd, (off_t)(file->written + whole)) == 0)
		file->written += whole;
}

void capture_file_flush(struct capture_file *file)
{
	size_t at = 0;

	while (!file->error && at < file->pending_used) {
		ssize_t n = write(file->fd, file->pending + at, file->pending_used - at);

		if (n >= 0) {
			at += (size_t)n;
		} else if (errno != EINTR) {
			file->error = -errno;
			cut_back(file, at);
		}
	}
	if (!file->error)
		file->written += file->pending_used;
	file->pending_used = 0;
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

void capture_file_add_block(struct capture_file *file)
{
	struct pcapng_block *block = &file->block;

	if (file->fd < 0 || file->error)
		return;
	if (block->error || array_reserve(&file->pending, &file->pending_capacity,
					  file->pending_used + block->used, 1) < 0) {
		file->error = block->error ? block->error : -ENOMEM;
		return;
	}
	memcpy(file->pending + file->pending_used, block->bytes, block->used);
	file->pending_used += block->used;
	if (file->pending_used >= FLUSH_BYTES)
		capture_file_flush(file);
}

void capture_file_add_interface(struct capture_file *file,
				const struct sonde_interface *interface)
{
	pcapng_format_interface(&file->block, (uint16_t)interface->link, 0,
				interface->name);
	capture_file_add_block(file);
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
		.offset = file->written + file->pending_used,
		.length = (uint32_t)file->block.used,
	};
	capture_file_add_block(file);
	return (uint32_t)file->packet_count;
}
