/* Capture files, in and out: pcap (both byte orders, microseconds and nanoseconds) and
 * pcapng (draft-ietf-opsawg-pcapng; sections, interfaces and link types may change within a
 * file).  Frames come in the order of the file. */
#ifndef SONDE_CAPTURE_FILE_H
#define SONDE_CAPTURE_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/error.h>
#include <sonde/export.h>
#include <sonde/frame.h>

struct sonde_capture_reader;

/* path "-": standard input.  A regular file is mapped, not copied: reading half a gigabyte
 * takes no memory of one's own; a pipe is read block by block.  0 or a negative errno with
 * *err filled (-EBADMSG: no capture file). */
SONDE_API int sonde_capture_reader_open(const char *path,
					struct sonde_capture_reader **ret,
					struct sonde_error *err);
SONDE_API void sonde_capture_reader_close(struct sonde_capture_reader *reader);

/* 1 a frame, 0 the end, -EBADMSG with *err filled: what follows cannot be read.  What the
 * frame points to is valid until the next call. */
SONDE_API int sonde_capture_reader_next(struct sonde_capture_reader *reader,
					struct sonde_frame *ret, struct sonde_error *err);

/* Known when the end has been reached. */
struct sonde_capture_facts {
	bool is_cut;          /* the file ends within a packet, which was left out */
	uint64_t cut_at;      /* the offset of what is not whole */
	uint64_t passed_over; /* blocks of types that are not read */
	uint64_t dropped;     /* by the kernel, as interface statistics say */
	bool has_dropped;     /* the file says it */
};
SONDE_API void sonde_capture_reader_facts(const struct sonde_capture_reader *reader,
					  struct sonde_capture_facts *ret);

struct sonde_capture_writer;

/* pcapng with nanoseconds; interfaces are described when their first frame comes, comments
 * and journal entries are kept.  path "-": standard output, each block written at once.
 * What is on disk is whole up to the last block, whatever happens. */
SONDE_API int sonde_capture_writer_open(const char *path,
					struct sonde_capture_writer **ret,
					struct sonde_error *err);
SONDE_API int sonde_capture_writer_add(struct sonde_capture_writer *writer,
				       const struct sonde_frame *frame,
				       struct sonde_error *err);
/* Writes what is left and closes; frees the writer also when it fails. */
SONDE_API int sonde_capture_writer_close(struct sonde_capture_writer *writer,
					 struct sonde_error *err);

#endif
