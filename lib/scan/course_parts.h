/* A course from inside: what its parts share.  course.c has the theory. */
#ifndef SCAN_COURSE_PARTS_H
#define SCAN_COURSE_PARTS_H

#include "base/clock.h"
#include "scan/course.h"

#define RTO_LEAST (60 * NS_PER_MS)
#define RTO_UNKNOWN (1000 * NS_PER_MS)
#define RTO_MOST (3000 * NS_PER_MS)
#define WINDOW (5 * NS_PER_MS)
#define EPOCH NS_PER_S

/* The expected number of missed targets that is accepted. */
#define RISK 0.01

enum {
	TRIES_LEAST = 2,
	TRIES_BLIND = 3, /* where no loss can be measured */
	PASSES_MOST = 60,
	SENTINEL_SPACING = 64,
	SENTINEL_SPACING_CLEAN = 128, /* where answers are plenty */
	SENTINEL_SPACING_SLOW = 8,    /* where there is a limit to feel for */
	RESPONDERS = 16,              /* known of each kind */
	OPENS_MOST = 64,              /* sentinels that complete a connection */
	SETTLED_LEAST = 10,           /* sentinels for a judgement */
	SKIPS_MOST = 4096,            /* in one call */
	SAMPLES_EPOCH = 64,

	STATE_MASK = 0x07,
	FLYING = 0x08,
	TRIES_SHIFT = 4,
};

#define RATE_LEAST 20.0
#define RATE_MOST 5e6

struct flight {
	uint64_t target;
	int64_t sent_ns;
};

struct sentinel {
	int64_t sent_ns;
	uint8_t kind;
	bool is_pending, is_unsent;
};

struct responders {
	uint64_t targets[RESPONDERS];
	unsigned count, next;
};

/* Of what was sent and settled since some moment. */
struct tally {
	uint32_t settled, lost;
};

struct host_tally {
	uint32_t first, later; /* answered at once, or by a repetition only */
	uint8_t need;          /* tries */
};

struct course {
	struct course_options options;
	struct permutation permutation;
	uint8_t *status;   /* of each target: state, FLYING, tries */
	int64_t epoch_ns;  /* sent_us counts from here */
	uint32_t *sent_us; /* of each target, 0 never: scan/stamp.h */
	struct host_tally *hosts;
	uint64_t host_count;

	uint64_t at; /* in the permutation */
	unsigned pass;
	uint64_t asked_in_pass;
	bool is_draining, is_done;

	struct flight *flights; /* a ring */
	uint32_t flight_head, flight_count, flight_room;

	struct sentinel sentinels[COURSE_SENTINELS];
	uint32_t sentinel_head, sentinel_tail; /* serials that are unsettled */
	struct responders responders[COURSE_KINDS];
	unsigned kind_turn;
	uint32_t since_sentinel;

	uint64_t unknown, probes, repeated, sentinel_count, sentinel_opens;
	uint64_t first, later; /* answers */
	struct tally all;      /* sentinels, since the last cut of the rate */
	struct tally window;
	struct tally window_kinds[COURSE_KINDS];
	uint64_t window_sent, window_answers;
	int64_t window_ns;

	double rate, allowance;
	int64_t allowed_ns;
	bool was_cut;
	int64_t cut_ns;    /* the last time */
	int64_t unsent_ns; /* when the rate fell for want of room here */
	int64_t known_ns;  /* answers are known until then; 0: all of them */
	bool has_answers;
	double baseline; /* loss that is the path's */
	double rate_at_cut;
	unsigned extra_tries;
	double reset_limit;

	int64_t srtt, rttvar, rto; /* srtt -1 */
	int64_t longest[2];        /* trips of this epoch and the one before */
	int64_t longest_ns;
	uint32_t longest_samples;
};

/* course.c: targets */
void course_set_tries(struct course *course, uint64_t target, unsigned tries);
bool course_is_skipped(const struct course *course, uint64_t host);

/* course_risk.c: how long to wait for an answer, how often to ask */
void course_add_trip(struct course *course, int64_t trip_ns, int64_t now_ns);
/* -1 where nothing can be said. */
double course_loss(const struct course *course, double *ret_upper);
void course_set_needs(struct course *course);

/* course_rate.c: how fast */
double course_rate(const struct course *course);
void course_fill_allowance(struct course *course, int64_t now_ns);
void course_control(struct course *course, int64_t now_ns);
void course_cut(struct course *course, double factor, int64_t now_ns);
void course_clear_window(struct course *course, int64_t now_ns);

/* course_sentinel.c */
void course_settle_sentinels(struct course *course, int64_t now_ns);
bool course_next_sentinel(struct course *course, int64_t now_ns,
			  struct course_probe *ret);
void course_add_responder(struct course *course, enum course_kind kind, uint64_t target,
			  uint32_t per_host);

#endif
