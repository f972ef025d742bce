/* What to ask one host next over UDP, and when to believe in its silence, without its
 * sockets.  Time is an argument.  The theory is in udp_host.c. */
#ifndef SCAN_UDP_HOST_H
#define SCAN_UDP_HOST_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/scan.h>

enum { UDP_HOST_BATCH = 64 };

struct udp_host {
	uint8_t *status; /* borrowed; of each port: state, and rounds of silence */
	uint32_t ports, unknown;
	unsigned sources; /* own addresses: each has a limit of its own */

	uint32_t cursor;
	int64_t due_ns; /* when to ask next */
	unsigned burst; /* questions a tick */
	unsigned sent_in_tick, errors_in_tick;

	/* The limit of ICMP errors: one each so often; 0 not known. */
	int64_t interval_ns;
	int64_t turn_ns;      /* when as many errors began as there are sources */
	unsigned turn_errors; /* of them */
	uint64_t errors;
	int64_t gain_ns; /* when something became known */

	int32_t control; /* a port that is closed; -1 none */
	uint8_t phase;   /* enum udp_phase, in udp_host.c */
	uint32_t asked;  /* in this round */
	bool has_news;   /* since the round began */
	unsigned controls, controls_lost, misses;
	bool is_done;
};

void udp_host_init(struct udp_host *host, uint8_t *status, uint32_t ports,
		   unsigned sources, int64_t now_ns);
enum sonde_scan_state udp_host_state(const struct udp_host *host, uint32_t port);

/* Ports (by index) to ask now, at most UDP_HOST_BATCH; 0: nothing before due_ns.  rtt_ns
 * is how long an answer may take. */
unsigned udp_host_next(struct udp_host *host, int64_t now_ns, int64_t rto_ns,
		       uint32_t ret[UDP_HOST_BATCH]);
/* One of them did not leave this machine: silence says nothing in this round. */
void udp_host_unsent(struct udp_host *host);
/* True where this is news. */
bool udp_host_answer(struct udp_host *host, uint32_t port, enum sonde_scan_state state,
		     int64_t now_ns);
/* Time that it will still take; -1 not known. */
int64_t udp_host_eta(const struct udp_host *host);

#endif
