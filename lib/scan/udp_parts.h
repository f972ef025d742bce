/* An UDP scan from inside: what its files share. */
#ifndef SCAN_UDP_PARTS_H
#define SCAN_UDP_PARTS_H

#include <poll.h>

#include "base/clock.h"
#include "scan/session.h"
#include "scan/udp_host.h"

enum { UDP_GROUP = 64 /* hosts at a time */ };

struct source {
	int fd;
	struct sonde_address address; /* as bound */
};

struct udp {
	struct sonde_scan *scan;
	struct source *sources; /* owned */
	struct pollfd *polls;   /* owned; as many */
	size_t source_count;
	size_t turn;         /* the source that is next */
	uint8_t *status;     /* owned; of each target */
	uint32_t *sent_us;   /* owned; since epoch_ns, 0 never: scan/stamp.h */
	uint8_t *tries;      /* owned */
	uint8_t least_tries; /* of the ports that stayed silent */
	struct udp_host hosts[UDP_GROUP];
	uint32_t first, count; /* the group */
	int64_t epoch_ns, next_ns;
	double rate;
	int64_t srtt_ns, rttvar_ns;            /* srtt -1 not known */
	uint64_t first_answers, later_answers; /* of open ports */
	uint64_t controls, controls_lost;
	uint32_t deferred;      /* ports of ours */
	uint64_t left_before;   /* targets of the groups before and after */
	unsigned unsent_in_row; /* questions that found no room here */
	int result;
};

/* udp_source.c */
/* avoided: by the number of the port, or NULL. */
int udp_open_sources(struct udp *udp, const bool *avoided, struct sonde_error *err);
/* Whether one of our own sockets is bound to its port. */
bool udp_is_own(const struct udp *udp, const struct sonde_address *address);

/* udp_answer.c */
/* How long an answer is waited for. */
int64_t udp_rto(const struct udp *udp);
void udp_add_trip(struct udp *udp, int64_t trip_ns);
/* What is sent to this port; borrowed. */
const uint8_t *udp_payload_of(const struct udp *udp, uint16_t port, size_t *ret_bytes);
/* About this target; its result holds all but address, trip and tries. */
void udp_take_answer(struct udp *udp, uint64_t target, struct scan_result *result,
		     int64_t now_ns);
/* Until then, or until something came. */
void udp_wait_until(struct udp *udp, int64_t until_ns);

#endif
