/* What to ask next, how fast, how often, and when to believe in silence: the algorithm of
 * a TCP scan without its sockets.  Time is an argument, so that a test can be the
 * network.
 *
 * The theory is in course.c. */
#ifndef SCAN_COURSE_H
#define SCAN_COURSE_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/scan.h>

#include "scan/permutation.h"

enum {
	COURSE_ATTEMPTS = 16,      /* numbers of attempts, used in turn */
	COURSE_SENTINELS = 1 << 12 /* that may be unsettled at once */
};

/* What a sentinel asks: a port that is known to be open or closed, or the host. */
enum course_kind { COURSE_OPEN = 0, COURSE_CLOSED, COURSE_ECHO, COURSE_KINDS };

struct course_probe {
	bool is_sentinel;
	uint8_t kind;    /* enum course_kind, of a sentinel */
	uint8_t attempt; /* below COURSE_ATTEMPTS */
	uint16_t serial; /* of a sentinel; below COURSE_SENTINELS */
	uint64_t target; /* or the number of a host, for COURSE_ECHO */
};

struct course_options {
	uint64_t targets;
	uint32_t ports; /* of each host: targets come host by host */
	uint64_t seed;
	double start_rate; /* probes a second */
	double max_rate;   /* 0 none */
	double blind_rate;
	int64_t rtt_ns;         /* of the nearest host; 0 not known */
	int64_t timeout_ns;     /* the longest wait; 0: 3 s */
	unsigned max_tries;     /* 0: as the risk wants it */
	bool spares_open;       /* asking an open port disturbs the program there */
	const uint8_t *skipped; /* [hosts]: nonzero: its ports are not asked; borrowed */
};

struct course;

int course_new(const struct course_options *options, int64_t now_ns, struct course **ret);
void course_free(struct course *course);

/* 1: send this one now.  0: nothing now; ask again at course_due(), or after an answer.
 * -1: all is known that will be. */
int course_next(struct course *course, int64_t now_ns, struct course_probe *ret);
/* What had arrived by then has been told.  Before course_next(), by who may be held up
 * between the answers and the next question: what is not told yet is not late. */
void course_know_until(struct course *course, int64_t now_ns);
int64_t course_due(const struct course *course, int64_t now_ns);
/* It did not leave this machine: there was no room. */
void course_unsent(struct course *course, const struct course_probe *probe,
		   int64_t now_ns);

/* True where this is news: the target's state was not known. */
bool course_answer(struct course *course, uint64_t target, unsigned attempt,
		   enum sonde_scan_state state, int64_t now_ns);
void course_sentinel_answer(struct course *course, unsigned serial, int64_t now_ns);
/* A host that answers echo requests, for want of a better sentinel. */
void course_add_echo(struct course *course, uint64_t host);
/* The answer to this attempt was about an older connection, and says nothing. */
void course_void(struct course *course, uint64_t target, int64_t now_ns);
/* This machine lost packets: what is under way counts for nothing, and is asked again. */
void course_lost_here(struct course *course, int64_t now_ns);

/* SONDE_SCAN_UNKNOWN: silent so far. */
enum sonde_scan_state course_state(const struct course *course, uint64_t target);
unsigned course_tries(const struct course *course, uint64_t target);
/* When its last probe left; 0 never.  now_ns: a moment near it (scan/stamp.h). */
int64_t course_sent_at(const struct course *course, uint64_t target, int64_t now_ns);
int64_t course_rto(const struct course *course);

struct course_report {
	uint64_t unknown; /* targets */
	uint64_t probes, repeated, sentinels;
	double rate;        /* allowed now */
	double loss;        /* -1 not known */
	double miss;        /* expected number of missed targets; -1 not known */
	double reset_limit; /* RST a second that are answered; 0: no such limit seen */
	int64_t rtt_ns;     /* -1 */
	uint64_t ahead;     /* probes that are expected still, at least */
};
void course_get_report(const struct course *course, struct course_report *ret);

#endif
