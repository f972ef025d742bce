/* Many connects, begun at once by two threads (scan/mate.h). */
#ifndef SCAN_CONNECT_LANES_H
#define SCAN_CONNECT_LANES_H

#include <stdint.h>

#include <sonde/address.h>

#include "scan/icmp.h"

struct connect_try {
	struct sonde_address to; /* the question */
	/* 0 connected, EINPROGRESS, or why not; EMFILE and the like where there was no
	 * socket. */
	int error;
	int fd;                   /* taken by the caller; -1: none is left of it */
	int64_t sent_ns, done_ns; /* CLOCK_MONOTONIC */
	bool has_report;
	struct icmp_report report; /* of a refusal by ICMP */
};

struct connect_lanes;

/* NULL: no memory. */
struct connect_lanes *connect_lanes_new(void);
void connect_lanes_free(struct connect_lanes *lanes);
void connect_lanes_run(struct connect_lanes *lanes, struct connect_try *tries,
		       unsigned count);

#endif
