/* Passing over the packets of conversations that nobody asked for. */
#ifndef DISSECT_ONLY_STREAM_H
#define DISSECT_ONLY_STREAM_H

#include "dissect/state.h"

/* Whether this packet is of another conversation than the one asked for: then all that it
 * changes has been done. */
bool only_stream_passes_over(struct sonde_dissector *d);

#endif
