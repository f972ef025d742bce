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
	uint32_t frame; /* its number among packets and calls */
};

struct capture_file {
	int fd;      /* -1 none */
	int read_fd; /* the same file; -1 where it cannot be read back */
	char *path;  /* as it was given, owned */
	char *place; /* where it lies, no link in it; NULL: nothing that a new file
			could replace; owned */
	bool is_regular;
	bool is_new;      /* made by the open, and not begun */
	uint64_t written; /* bytes on disk */
	uint8_t *pending; /* owned; what is not on disk yet: from pending_at on */
	size_t pending_at, pending_used, pending_capacity;
	struct capture_block *packets; /* owned; by arrival */
	size_t packet_count, packet_capacity;
	uint32_t frame_count;
	struct pcapng_block block; /* scratch */
	int error; /* sticky: nothing is written after it; what is there is whole */
};

/* Opens or creates the file and changes nothing in it. */
int capture_file_open(struct capture_file *file, const char *path,
		      struct sonde_error *err);
/* Empties it and writes its section header. */
void capture_file_begin(struct capture_file *file);
/* Removes a file that was made for it and never begun. */
void capture_file_close(struct capture_file *file);

void capture_file_add_interface(struct capture_file *file,
				const struct sonde_interface *interface);
/* bytes are the packet's.  Returns its number by arrival, from 1; 0 where it could not be
 * taken. */
uint32_t capture_file_add_packet(struct capture_file *file,
				 const struct sonde_packet *packet, const uint8_t *bytes);
/* Adds the call that file->block holds. */
void capture_file_add_row(struct capture_file *file);
/* How many packets are on disk whole. */
uint32_t capture_file_packets(const struct capture_file *file);
/* The packets' numbers by arrival become those in the file as it is; 0 for a packet that
 * is not in it. */
void capture_file_number(const struct capture_file *file,
			 struct sonde_recording *recording);
/* Writes what is pending, as far as a pipe takes it now. */
void capture_file_flush(struct capture_file *file);
/* Writes all of it; a reader that takes nothing for LIMIT_CAPTURE_STALL_MS is given up. */
void capture_file_finish(struct capture_file *file);
/* Why no new file may take its place; NULL: one may. */
const char *capture_file_refuses(const struct capture_file *file);

#endif
