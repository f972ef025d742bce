/* The capture file written anew, with what the join has found. */
#ifndef RECORD_ANNOTATE_H
#define RECORD_ANNOTATE_H

#include <sonde/timeline.h>

#include "record/capture_file.h"

/* Packets and calls in the order of time, a comment for each packet.  recording's packets
 * carry their number by arrival in `frame`; it becomes the number in the file, new or
 * not.  0 also where the file stays as it is: a note then says why. */
int annotate(struct capture_file *file, struct sonde_recording *recording,
	     const struct sonde_timeline *timeline, struct sonde_error *err);

#endif
