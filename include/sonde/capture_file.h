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

/* path "-": standard input.  It is read through a window of a constant size, however large
 * the file is; of a pipe, whatever is there is given before more is waited for.  0 or a
 * negative errno with *err filled (-EBADMSG: no capture file). */
SONDE_API int sonde_capture_reader_open(const char *path,
					struct sonde_capture_reader **ret,
					struct sonde_error *err);
SONDE_API void sonde_capture_reader_close(struct sonde_capture_reader *reader);

/* 1 a frame, 0 the end, -EBADMSG with *err filled: what follows cannot be read; -EINTR with
 * *err as it was: a signal that is handled came while it waited, and nothing is lost if it
 * is called again.  What the frame points to is valid until the next call. */
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
 * and journal entries are kept.  path "-": standard output.  An existing file is emptied:
 * that it is not the one being read is the caller's business.  Blocks are gathered for a
 * regular file, and written at once into anything else.  What is on disk is whole up to
 * the last block, whatever happens: where the disk is full the file is cut back to it. */
SONDE_API int sonde_capture_writer_open(const char *path,
					struct sonde_capture_writer **ret,
					struct sonde_error *err);
/* Takes a descriptor, also when it fails; the name is for errors. */
SONDE_API int sonde_capture_writer_take(int fd, const char *name,
					struct sonde_capture_writer **ret,
					struct sonde_error *err);
/* From now on blocks are gathered for a pipe, too: the caller sees to it that they are
 * flushed. */
SONDE_API void sonde_capture_writer_gather(struct sonde_capture_writer *writer);
SONDE_API int sonde_capture_writer_add(struct sonde_capture_writer *writer,
				       const struct sonde_frame *frame,
				       struct sonde_error *err);
/* Writes what was gathered. */
SONDE_API int sonde_capture_writer_flush(struct sonde_capture_writer *writer,
					 struct sonde_error *err);
/* Bytes so far, those gathered included. */
SONDE_API uint64_t sonde_capture_writer_size(const struct sonde_capture_writer *writer);

/* Describes an interface (its number is that of frames) before its first frame. */
struct sonde_capture_interface {
	uint16_t link;
	uint32_t snap_bytes; /* 0 no limit */
	const char *name;    /* NULL none */
	const char *filter;  /* in libpcap's language; NULL none */
};
SONDE_API int
sonde_capture_writer_describe(struct sonde_capture_writer *writer, uint32_t number,
			      const struct sonde_capture_interface *interface,
			      struct sonde_error *err);
/* What the kernel counted for an interface that has been described. */
struct sonde_capture_statistics {
	int64_t start_ns, end_ns;
	uint64_t received, dropped;
	const char *comment; /* NULL none */
};
SONDE_API int
sonde_capture_writer_count(struct sonde_capture_writer *writer, uint32_t number,
			   const struct sonde_capture_statistics *statistics,
			   struct sonde_error *err);

/* Writes what is left and closes; frees the writer also when it fails. */
SONDE_API int sonde_capture_writer_close(struct sonde_capture_writer *writer,
					 struct sonde_error *err);

#endif
