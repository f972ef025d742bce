/* The capture file while it grows: whole blocks only, written as things happen. */
#ifndef RECORD_CAPTURE_FILE_H
#define RECORD_CAPTURE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/error.h>
#include <sonde/recording.h>

#include "file/pcapng.h"

/* Where a packet's block lies, to be found again when the file is annotated. */
struct capture_block {
	uint64_t offset;
	uint32_t length;
};

struct capture_file {
	int fd;     /* -1 none; open for reading too */
	char *path; /* owned */
	bool is_regular;
	uint64_t written; /* bytes on disk */
	uint8_t *pending; /* owned; whole blocks that are not on disk yet */
	size_t pending_used, pending_capacity;
	struct capture_block *packets; /* owned; by arrival */
	size_t packet_count, packet_capacity;
	struct pcapng_block block; /* scratch */
	int error; /* sticky: nothing is written after it; what is there is whole */
};

/* Creates (or empties) the file and writes its section header. */
int capture_file_open(struct capture_file *file, const char *path,
		      struct sonde_error *err);
void capture_file_close(struct capture_file *file);

void capture_file_add_interface(struct capture_file *file,
				const struct sonde_interface *interface);
/* bytes are the packet's.  Returns its number by arrival, from 1; 0 where it could not be
 * taken. */
uint32_t capture_file_add_packet(struct capture_file *file,
				 const struct sonde_packet *packet, const uint8_t *bytes);
/* Adds the block that file->block holds. */
void capture_file_add_block(struct capture_file *file);
/* How many packets are on disk whole. */
uint32_t capture_file_packets(const struct capture_file *file);
/* Writes what is pending. */
void capture_file_flush(struct capture_file *file);

#endif
