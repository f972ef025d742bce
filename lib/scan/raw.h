/* Raw probes out, raw answers in.
 *
 * Out: IPPROTO_RAW sockets; the kernel finds route and neighbour, which works on every
 * kind of link.  In: the packet ring, with a filter for the own ports.  These ports are
 * held by sockets that are bound and do nothing, so that no other program gets them, and
 * so that the kernel resets what a SYN opens. */
#ifndef SCAN_RAW_H
#define SCAN_RAW_H

#include <stddef.h>
#include <stdint.h>

#include "capture/ring.h"
#include "scan/course.h"
#include "scan/link.h"
#include "scan/reply.h"

enum {
	RAW_SENTINEL_PORTS = 64,
	RAW_PORTS = COURSE_ATTEMPTS + RAW_SENTINEL_PORTS,
	RAW_BATCH = 128,
};

struct raw;

int raw_open(struct raw **ret, struct sonde_error *err);
void raw_close(struct raw *raw);
int raw_fd(const struct raw *raw); /* readable: there may be answers */

/* Each adds a packet to the batch, which has room for RAW_BATCH of them.  port_at is
 * below RAW_PORTS; `serial` is added to the number. */
void raw_add_syn(struct raw *raw, const struct sonde_address *from,
		 const struct sonde_address *to, unsigned port_at, uint32_t serial);
/* The batch's last one leaves as a frame to this neighbour, if that can be. */
void raw_use_link(struct raw *raw, const struct link *link);
void raw_add_echo(struct raw *raw, const struct sonde_address *from,
		  const struct sonde_address *to, uint16_t sequence);
size_t raw_batched(const struct raw *raw);
/* Sends the batch.  For each one that this machine would not send it calls
 * refused(context, its number in the batch, errno). */
void raw_send(struct raw *raw,
	      void (*refused)(void *context, size_t at, int error_number), void *context);

struct raw_answer {
	struct reply reply;
	int64_t at_ns;       /* CLOCK_REALTIME, by the kernel */
	unsigned port_at;    /* the own port, below RAW_PORTS */
	uint32_t difference; /* of its number and the port's cookie: 0, or the serial */
};
/* 1, 0 none now.  Answers that fit to no probe of ours are passed over, and counted. */
int raw_next(struct raw *raw, struct raw_answer *ret);
/* Packets that found no room since the last call. */
uint64_t raw_drops(struct raw *raw);
uint64_t raw_foreign(const struct raw *raw);

#endif
