/* What the files of a load share. */
#ifndef TALK_LOAD_H
#define TALK_LOAD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/load.h>

#include "io/loop.h"
#include "io/sock.h"
#include "talk/histogram.h"

enum { LOAD_BUFFER = 1 << 16, LOAD_BATCH = 64 };

struct load {
	const struct sonde_load_options *options; /* borrowed */
	struct loop *loop;
	struct load_peer *peers; /* owned */
	struct load_slot *slots; /* owned; depth for each peer */
	struct histogram histogram;
	int64_t begin_ns;
	int64_t counts_ns; /* what was due before is not counted */
	int64_t end_ns;
	int64_t heard_ns; /* when the last answer came */
	uint64_t due;     /* open loop: requests that were, on all connections */
	uint64_t on_their_way;
	uint64_t answered; /* counted */
	uint64_t lost;
	bool ended;   /* no new requests */
	bool stopped; /* by also_fd */
	int also_fd;  /* borrowed; -1 */
	int also_slot;
	int64_t wait_ns; /* open loop: for answers after the end */
	unsigned connected;
	int failed;             /* the first -errno: the load ends */
	uint64_t failed_number; /* the request that it concerns */
	struct sonde_address address;
	char subject[SOCK_SUBJECT_CHARS];
	uint8_t buffer[LOAD_BUFFER];
};

struct load_slot {
	int64_t due_ns;
	uint64_t number;
	bool busy;
};

/* One connection, or one UDP socket.  Nothing is kept of what is sent and received but
 * how much it was: the bytes follow from their position. */
struct load_peer {
	struct load_slot *slots; /* a ring; borrowed */
	int fd;                  /* the loop's; -1 */
	int slot;
	unsigned index;
	uint64_t owed;     /* open loop: requests that are due and not queued */
	uint64_t queued;   /* requests so far; the next one's number */
	uint64_t ended;    /* answered, or lost */
	uint64_t sent;     /* TCP: bytes; UDP: datagrams */
	uint64_t received; /* TCP: bytes */
};

/* Connects.  0 or -errno. */
int load_peer_open(struct load *load, unsigned index, int64_t deadline_ns);
/* Queues what may be, and sends as far as it goes. */
void load_peer_pump(struct load *load, struct load_peer *peer);
/* UDP: gives up what is too old. */
void load_peer_expire(struct load *load, struct load_peer *peer, int64_t before_ns);
void load_peer_ready(void *context, void *object, uint32_t events);

/* When the request with this number was due; open loop. */
int64_t load_due_ns(const struct load *load, const struct load_peer *peer,
		    uint64_t number);

#endif
