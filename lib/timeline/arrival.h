/* When the bytes of one direction of a stream became readable at the other end.
 *
 * A byte can be read once it and all before it have arrived.  So each packet that closes
 * a gap in front delivers a range, also the bytes that came early behind the gap.  Bytes
 * that nobody captured but the receiver acknowledged were delivered by a packet that is
 * not known. */
#ifndef TIMELINE_ARRIVAL_H
#define TIMELINE_ARRIVAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/recording.h>

struct delivery {
	int64_t until;   /* from the delivery before it to here */
	uint32_t packet; /* 0: not captured */
};

/* Bytes sent once more before they were acknowledged: the first copy may have been lost
 * after it was captured, and then it is this one that was read. */
struct redelivery {
	int64_t from, until;
	int64_t acked; /* all before it was known to have arrived */
	uint32_t packet;
};

struct early_segment {
	int64_t from, to;
	uint32_t packet;
};

/* All zero is a direction in which nothing has arrived. */
struct arrivals {
	int64_t frontier; /* all before this offset has arrived */
	struct delivery *deliveries;
	struct redelivery *redeliveries;
	struct early_segment *early; /* behind a gap, by `from` */
	size_t delivery_count, redelivery_count, early_count;
	size_t delivery_room, redelivery_room, early_room;
};

/* The packet brings [from, to); the receiver has acknowledged all before `acked`.  1 when
 * all of it had been seen before, 0, or -ENOMEM. */
int arrivals_add(struct arrivals *arrivals, int64_t from, int64_t to, int64_t acked,
		 uint32_t packet);
/* The receiver acknowledges all before `acked`.  0 or -ENOMEM. */
int arrivals_confirm(struct arrivals *arrivals, int64_t acked);
/* The packet that made the byte readable for a call that ended at end_ns; 0: not seen. */
uint32_t arrivals_find(const struct arrivals *arrivals,
		       const struct sonde_recording *recording, int64_t offset,
		       int64_t end_ns);
void arrivals_done(struct arrivals *arrivals);

#endif
