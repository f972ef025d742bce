/* The files of a capture that goes on to the next one by size or time.
 *
 * They are opened, and the oldest removed, by a process of its own, which is started
 * before the capture is opened: who reads packets from strangers can open no file, and who
 * opens files has no packet and can do nothing else.  It ends with the other one, however
 * that ends. */
#ifndef CLI_CAPTURE_KEEPER_H
#define CLI_CAPTURE_KEEPER_H

#include <stddef.h>

#include <sonde/error.h>

struct capture_keeper;

/* Files are named as dumpcap's: x.pcapng -> x_00001_20261120141500.pcapng.  keep: so many
 * are left, the oldest go; 0 all. */
int capture_keeper_start(const char *path, unsigned keep, struct capture_keeper **ret,
			 struct sonde_error *err);
/* Opens the next file; returns its descriptor, owned, and its name (borrowed until the
 * next call). */
int capture_keeper_next(struct capture_keeper *keeper, const char **ret_name,
			struct sonde_error *err);
void capture_keeper_stop(struct capture_keeper *keeper);

#endif
