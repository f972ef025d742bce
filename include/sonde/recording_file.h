/* A recording out of a capture file: the calls that `sonde trace -w` put there as rows,
 * and the packets.  A capture of another program is a recording of packets alone.
 *
 * The loader is pure: it is given frames, from wherever they come. */
#ifndef SONDE_RECORDING_FILE_H
#define SONDE_RECORDING_FILE_H

#include <sonde/error.h>
#include <sonde/export.h>
#include <sonde/frame.h>
#include <sonde/recording.h>

struct sonde_loader;

/* 0 or -ENOMEM. */
SONDE_API int sonde_loader_new(struct sonde_loader **ret);
SONDE_API void sonde_loader_free(struct sonde_loader *loader);
/* Frames in the order of the file.  0 or -ENOMEM; what is past a recording's limits, or no
 * row that sonde wrote, is counted and becomes a note. */
SONDE_API int sonde_loader_add(struct sonde_loader *loader,
			       const struct sonde_frame *frame);
/* The recording, sealed and owned by the caller; the loader is empty afterwards.  0 or
 * -ENOMEM. */
SONDE_API int sonde_loader_finish(struct sonde_loader *loader,
				  struct sonde_recording **ret);

/* Something that sees each frame as it passes; a negative errno of it ends the load. */
struct sonde_frame_witness {
	int (*see)(void *context, const struct sonde_frame *frame);
	void *context;
};

/* A whole file ("-": standard input); witness may be NULL.  0 or a negative errno with
 * *err filled.  A file that ends within a block is loaded up to there, and a note says
 * so. */
SONDE_API int sonde_recording_load(const char *path,
				   const struct sonde_frame_witness *witness,
				   struct sonde_recording **ret, struct sonde_error *err);

#endif
