/* A network namespace for the calling process. */
#ifndef IO_NETNS_H
#define IO_NETNS_H

#include <sonde/error.h>

/* Moves the calling process, which must have one thread, into a network namespace of its
 * own with loopback up.  Where that needs a privilege that it lacks, into a user
 * namespace of its own too, in which it is who it was.  0, or a negative errno with the
 * remedy in *err. */
int netns_isolate(struct sonde_error *err);

#endif
