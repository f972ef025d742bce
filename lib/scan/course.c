/* Theory of operation.
 *
 * The targets are walked in the order of a permutation, pass after pass.  In pass k only
 * those that are still silent are asked, and because each pass has the same order, one
 * queue of what is under way is enough: its head is always the oldest.
 *
 * A probe carries the number of its attempt (a raw probe in its source port).  So an
 * answer names the very probe that it answers: its round trip is exact, never mixed up
 * with that of a repetition, and the loss is counted, not guessed.
 *
 * Silence is the one thing that a scan cannot see.  A target is believed to be silent
 * after k tries where  responders * loss^k <= RISK;  responders are the targets that have
 * answered so far, loss is an upper bound (95 %) of the probability that a probe or its
 * answer is lost.  It is measured by first attempts that were answered by a later one
 * only, and by *sentinels*: one probe in so many asks a target that is known to answer.
 * Behind a firewall that drops everything they are all there is.
 *
 * The rate doubles with each clean window.  It falls when more than a part of the
 * sentinels is lost, and what was under way then does not count as a try.  Loss that
 * stays what it was after the rate fell is the path's, and does not slow the scan down.
 * Open and closed sentinels take turns: a host that limits its RST answers loses closed
 * ones only, and the same rule finds the rate that it gives.
 *
 * The time to wait for an answer follows RFC 6298, but never below RTO_LEAST, and never
 * below twice the longest trip of late: what looks lost and arrives late would be asked
 * in vain.  An answer to an older attempt shows that the wait was too short. */
#include "scan/course.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/limits.h"
#include "scan/risk.h"

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
	uint32_t *sent_us; /* of each target, 0 never */
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
	int64_t cut_ns; /* the last time */
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

int course_new(const struct course_options *options, int64_t now_ns, struct course **ret)
{
	struct course *course = array_new(1, sizeof(*course));
	uint64_t n = options->targets;

	if (!course)
		return -ENOMEM;
	course->options = *options;
	course->flight_room = LIMIT_SCAN_FLIGHT;
	if (n < course->flight_room)
		course->flight_room = (uint32_t)n + 1;
	course->host_count = options->ports ? n / options->ports : 0;
	course->status = array_new(n ? n : 1, sizeof(course->status[0]));
	course->sent_us = array_new(n ? n : 1, sizeof(course->sent_us[0]));
	course->flights = array_new(course->flight_room, sizeof(course->flights[0]));
	course->hosts = array_new(course->host_count ? course->host_count : 1,
				  sizeof(course->hosts[0]));
	if (!course->status || !course->sent_us || !course->flights || !course->hosts) {
		course_free(course);
		return -ENOMEM;
	}
	permutation_init(&course->permutation, n ? n : 1, options->seed);
	course->unknown = 0;
	for (uint64_t i = 0; i < course->host_count; i++) {
		course->hosts[i].need = TRIES_LEAST;
		if (!options->skipped || !options->skipped[i])
			course->unknown += options->ports;
	}
	course->epoch_ns = now_ns - NS_PER_US;
	course->rate = options->start_rate;
	course->allowed_ns = course->window_ns = course->longest_ns = now_ns;
	course->allowance = 1;
	course->srtt = -1;
	course->rto = RTO_UNKNOWN;
	if (options->rtt_ns > 0) {
		course->srtt = options->rtt_ns;
		course->rttvar = options->rtt_ns / 2;
		course->longest[0] = options->rtt_ns;
	}
	course->is_done = course->unknown == 0;
	*ret = course;
	return 0;
}

void course_free(struct course *course)
{
	if (!course)
		return;
	array_free(course->status);
	array_free(course->sent_us);
	array_free(course->flights);
	array_free(course->hosts);
	array_free(course);
}

static unsigned tries_of(const struct course *course, uint64_t target)
{
	return course->status[target] >> TRIES_SHIFT;
}

static void set_tries(struct course *course, uint64_t target, unsigned tries)
{
	if (tries > 15)
		tries = 15;
	course->status[target] =
		(uint8_t)((course->status[target] & 0x0f) | tries << TRIES_SHIFT);
}

enum sonde_scan_state course_state(const struct course *course, uint64_t target)
{
	return (enum sonde_scan_state)(course->status[target] & STATE_MASK);
}

unsigned course_tries(const struct course *course, uint64_t target)
{
	return tries_of(course, target);
}

int64_t course_sent_at(const struct course *course, uint64_t target)
{
	uint32_t us = course->sent_us[target];

	return us ? course->epoch_ns + us * NS_PER_US : 0;
}

int64_t course_rto(const struct course *course)
{
	return course->rto;
}

/* --- time */

static void set_rto(struct course *course)
{
	int64_t most = course->options.timeout_ns ? course->options.timeout_ns : RTO_MOST;
	int64_t longest = course->longest[0] > course->longest[1] ? course->longest[0]
								  : course->longest[1];

	if (course->srtt >= 0) {
		course->rto = course->srtt + 4 * course->rttvar;
		if (course->rto < 2 * longest)
			course->rto = 2 * longest;
		if (course->rto < RTO_LEAST)
			course->rto = RTO_LEAST;
	}
	if (course->rto > most)
		course->rto = most;
}

static void add_sample(struct course *course, int64_t trip_ns, int64_t now_ns)
{
	int64_t off;

	if (trip_ns < 0)
		return;
	if (course->srtt < 0) {
		course->srtt = trip_ns;
		course->rttvar = trip_ns / 2;
	} else {
		off = trip_ns - course->srtt;
		course->srtt += off / 8;
		course->rttvar += ((off < 0 ? -off : off) - course->rttvar) / 4;
	}
	if (now_ns - course->longest_ns > EPOCH &&
	    course->longest_samples >= SAMPLES_EPOCH) {
		course->longest[1] = course->longest[0];
		course->longest[0] = 0;
		course->longest_ns = now_ns;
		course->longest_samples = 0;
	}
	course->longest_samples++;
	if (trip_ns > course->longest[0])
		course->longest[0] = trip_ns;
	set_rto(course);
}

/* --- loss and risk */

/* -1 where nothing can be said. */
static double measured_loss(const struct course *course, double *ret_upper)
{
	double answered = (double)(course->first + course->later);
	double n = answered + course->all.settled;
	double x = (double)course->later + course->all.lost;
	double sentinel_upper = risk_upper(course->all.lost, course->all.settled);

	if (n <= 0) {
		*ret_upper = 1;
		return -1;
	}
	*ret_upper = risk_upper(x, n);
	/* Where the sentinels say something worse, they are right: they were spread over
	 * the whole time. */
	if (course->all.settled > 100 &&
	    (double)course->all.lost / course->all.settled > *ret_upper)
		*ret_upper = sentinel_upper;
	return x / n;
}

static double host_upper(const struct host_tally *host, double upper)
{
	double own = 0;

	if (host->first + host->later >= 20)
		own = risk_upper(host->later, host->first + host->later);
	/* Its own bound is loose where it has few ports; what all hosts show counts more
	 * unless its own repetitions say otherwise. */
	if (host->later > 2 && own > upper)
		return own;
	return upper;
}

static unsigned needed_tries(const struct course *course, const struct host_tally *host,
			     double upper, double loss)
{
	double responders = (double)(course->first + course->later);
	unsigned most =
		course->options.max_tries ? course->options.max_tries : LIMIT_SCAN_TRIES;
	unsigned tries = TRIES_LEAST + course->extra_tries;

	if (loss < 0)
		tries = TRIES_BLIND;
	if (responders < 1)
		responders = 1;
	upper = host_upper(host, upper);
	while (loss >= 0 && tries < most && responders * risk_power(upper, tries) > RISK)
		tries++;
	return tries < most ? tries : most;
}

static void set_needs(struct course *course)
{
	double upper, loss = measured_loss(course, &upper);

	for (uint64_t i = 0; i < course->host_count; i++)
		course->hosts[i].need =
			(uint8_t)needed_tries(course, &course->hosts[i], upper, loss);
}

/* --- the rate */

static double allowed_rate(const struct course *course)
{
	double rate = course->rate;

	if (!course->has_answers && rate > course->options.blind_rate)
		rate = course->options.blind_rate;
	if (course->options.max_rate > 0 && rate > course->options.max_rate)
		rate = course->options.max_rate;
	return rate;
}

static void fill_allowance(struct course *course, int64_t now_ns)
{
	double rate = allowed_rate(course);
	/* What may leave at once: a batch, or a hundredth of a second. */
	double most = rate / 100 < 1 ? 1 : rate / 100 > 512 ? 512 : rate / 100;

	course->allowance +=
		rate * (double)(now_ns - course->allowed_ns) / (double)NS_PER_S;
	if (course->allowance > most)
		course->allowance = most;
	course->allowed_ns = now_ns;
}

/* What is under way shall not count as a try. */
static void void_flights(struct course *course)
{
	for (uint32_t i = 0; i < course->flight_count; i++) {
		uint32_t at = (course->flight_head + i) % course->flight_room;
		uint64_t target = course->flights[at].target;

		if (course_state(course, target) == SONDE_SCAN_UNKNOWN &&
		    tries_of(course, target) > 0)
			set_tries(course, target, tries_of(course, target) - 1);
	}
}

static double part(const struct tally *tally)
{
	return tally->settled ? (double)tally->lost / tally->settled : 0;
}

/* Few of them say little: 5 of 5 may be 4 of 5 in truth. */
static double likely(const struct tally *tally)
{
	return (tally->lost + 1.0) / (tally->settled + 2.0);
}

static void cut(struct course *course, double factor, int64_t now_ns)
{
	course->cut_ns = now_ns;
	course->rate = allowed_rate(course) * factor;
	if (course->rate < RATE_LEAST)
		course->rate = RATE_LEAST;
	course->was_cut = true;
	void_flights(course);
	course->all = (struct tally){0};
	course->first += course->later; /* as many responders, but no more loss */
	course->later = 0;
	if (!course->extra_tries)
		course->extra_tries = 1;
}

static void congest(struct course *course, double loss, int64_t now_ns)
{
	const struct tally *open = &course->window_kinds[COURSE_OPEN];
	const struct tally *closed = &course->window_kinds[COURSE_CLOSED];
	double factor = loss > 0.5 ? (1 - likely(&course->window)) * 0.8 : 0.6;

	/* No better since the rate fell: it is the path's. */
	if (course->was_cut && course->all.settled >= 2 * SETTLED_LEAST &&
	    part(&course->all) > 0.6 * loss) {
		course->baseline = part(&course->all);
		if (course->rate < course->rate_at_cut)
			course->rate = course->rate_at_cut;
		return;
	}
	course->rate_at_cut = allowed_rate(course);
	/* Open ports answer, closed ones hardly: a limit of the other side. */
	if (closed->settled >= 5 && part(closed) > 0.5 && part(open) < 0.3)
		course->reset_limit = allowed_rate(course) * (1 - part(closed));
	if (closed->settled >= 5 && part(closed) > loss)
		factor = (1 - likely(closed)) * 0.8;
	cut(course, factor, now_ns);
}

/* More is lost than chance would explain. */
static bool is_above(const struct tally *tally, double limit)
{
	double excess = tally->lost - limit * tally->settled;

	return tally->settled >= SETTLED_LEAST / 2 && excess > 0 &&
	       excess * excess > 4 * limit * (1 - limit) * tally->settled;
}

static void clear_window(struct course *course, int64_t now_ns)
{
	course->window = (struct tally){0};
	memset(course->window_kinds, 0, sizeof(course->window_kinds));
	course->window_sent = course->window_answers = 0;
	course->window_ns = now_ns;
}

static void control(struct course *course, int64_t now_ns)
{
	int64_t least = WINDOW > course->srtt ? WINDOW : course->srtt;
	const struct tally *closed = &course->window_kinds[COURSE_CLOSED];
	double limit = course->reset_limit > 0 ? 0.15 : 0.3;
	double loss = part(&course->window);

	limit = course->baseline + limit * (1 - course->baseline);
	if (is_above(closed, limit) && part(closed) > loss)
		loss = part(closed);
	else if (!is_above(&course->window, limit))
		loss = 0;
	if (loss > 0) {
		congest(course, loss, now_ns);
		clear_window(course, now_ns);
		return;
	}
	if (now_ns - course->window_ns < least)
		return;
	/* Not faster than what was used, and not before anybody has answered. */
	if (course->was_cut) {
		if (course->window.settled < SETTLED_LEAST)
			return;
		course->rate *= course->rate < course->rate_at_cut / 2 ? 1.5 : 1.2;
	} else if (course->window_answers + course->window.settled >
			   course->window.lost &&
		   (double)course->window_sent * (double)NS_PER_S >=
			   0.5 * allowed_rate(course) *
				   (double)(now_ns - course->window_ns)) {
		course->rate *= 2;
	}
	if (course->rate > RATE_MOST)
		course->rate = RATE_MOST;
	clear_window(course, now_ns);
}

/* --- sentinels */

/* What left before the rate fell says nothing about the rate now. */
static void settle(struct course *course, const struct sentinel *sentinel, bool lost)
{
	struct tally *const tallies[] = {&course->all, &course->window,
					 &course->window_kinds[sentinel->kind]};

	if (sentinel->sent_ns < course->cut_ns)
		return;
	for (unsigned i = 0; i < 3; i++) {
		tallies[i]->settled++;
		tallies[i]->lost += lost;
	}
}

/* In the order in which they left: those that are lost are known last, and a look at
 * what is known first would see none of them, or nothing else. */
static void settle_sentinels(struct course *course, int64_t now_ns)
{
	while (course->sentinel_head != course->sentinel_tail) {
		struct sentinel *sentinel =
			&course->sentinels[course->sentinel_head % COURSE_SENTINELS];

		if (sentinel->is_pending && now_ns - sentinel->sent_ns < course->rto)
			return;
		if (!sentinel->is_unsent)
			settle(course, sentinel, sentinel->is_pending);
		sentinel->is_pending = false;
		course->sentinel_head++;
	}
}

static uint32_t sentinel_spacing(const struct course *course)
{
	if (course->was_cut || course->pass > 1)
		return SENTINEL_SPACING_SLOW;
	if ((course->first + course->later) * 20 < course->probes)
		return SENTINEL_SPACING;
	return SENTINEL_SPACING_CLEAN;
}

/* The kinds that are known take turns; an echo is only for want of ports. */
static struct responders *pick_responders(struct course *course, uint8_t *ret_kind)
{
	static const struct responders none;
	const struct responders *open = &course->responders[COURSE_OPEN];
	const struct responders *closed = &course->responders[COURSE_CLOSED];

	*ret_kind = COURSE_ECHO;
	if (course->options.spares_open && course->sentinel_opens >= OPENS_MOST)
		open = &none;
	if (open->count &&
	    (!closed->count || (!course->options.spares_open && course->kind_turn++ % 2)))
		*ret_kind = COURSE_OPEN;
	else if (closed->count)
		*ret_kind = COURSE_CLOSED;
	return &course->responders[*ret_kind];
}

static bool next_sentinel(struct course *course, int64_t now_ns, struct course_probe *ret)
{
	struct responders *responders;
	struct sentinel *sentinel;
	uint8_t kind;

	if (course->since_sentinel < sentinel_spacing(course) ||
	    course->sentinel_tail - course->sentinel_head >= COURSE_SENTINELS)
		return false;
	responders = pick_responders(course, &kind);
	if (!responders->count)
		return false;
	course->since_sentinel = 0;
	*ret = (struct course_probe){
		.is_sentinel = true,
		.kind = kind,
		.serial = (uint16_t)(course->sentinel_tail % COURSE_SENTINELS),
		.target = responders->targets[responders->next++ % responders->count],
	};
	sentinel = &course->sentinels[ret->serial];
	*sentinel =
		(struct sentinel){.sent_ns = now_ns, .kind = kind, .is_pending = true};
	course->sentinel_tail++;
	course->sentinel_count++;
	course->sentinel_opens += kind == COURSE_OPEN;
	course->window_sent++;
	course->allowance -= 1;
	return true;
}

static void add_responder(struct course *course, enum course_kind kind, uint64_t target,
			  uint32_t per_host)
{
	struct responders *responders = &course->responders[kind];

	if (responders->count == RESPONDERS)
		return;
	for (unsigned i = 0; i < responders->count; i++)
		if (responders->targets[i] / per_host == target / per_host)
			return;
	responders->targets[responders->count++] = target;
}

void course_add_echo(struct course *course, uint64_t host)
{
	add_responder(course, COURSE_ECHO, host, 1);
	course->has_answers = true;
}

void course_sentinel_answer(struct course *course, unsigned serial, int64_t now_ns)
{
	struct sentinel *sentinel = &course->sentinels[serial % COURSE_SENTINELS];

	if (!sentinel->is_pending)
		return;
	sentinel->is_pending = false;
	add_sample(course, now_ns - sentinel->sent_ns, now_ns);
}

/* --- targets */

static void expire_flights(struct course *course, int64_t now_ns)
{
	while (course->flight_count > 0) {
		struct flight *flight = &course->flights[course->flight_head];

		if (course_state(course, flight->target) == SONDE_SCAN_UNKNOWN &&
		    now_ns - flight->sent_ns < course->rto)
			return;
		course->status[flight->target] &= (uint8_t)~FLYING;
		course->flight_head = (course->flight_head + 1) % course->flight_room;
		course->flight_count--;
	}
}

static bool is_skipped(const struct course *course, uint64_t host)
{
	return course->options.skipped && course->options.skipped[host];
}

static void send_target(struct course *course, uint64_t target, int64_t now_ns,
			struct course_probe *ret)
{
	uint32_t tail =
		(course->flight_head + course->flight_count) % course->flight_room;
	unsigned tries = tries_of(course, target);

	*ret = (struct course_probe){.target = target,
				     .attempt = course->pass % COURSE_ATTEMPTS};
	course->flights[tail] = (struct flight){.target = target, .sent_ns = now_ns};
	course->flight_count++;
	course->status[target] |= FLYING;
	set_tries(course, target, tries + 1);
	if (course->sent_us[target])
		course->repeated++;
	course->sent_us[target] = (uint32_t)((now_ns - course->epoch_ns) / NS_PER_US);
	course->probes++;
	course->window_sent++;
	course->asked_in_pass++;
	course->since_sentinel++;
	course->allowance -= 1;
}

/* 1 something to send, 0 not now, -1 the pass is over. */
static int walk(struct course *course, int64_t now_ns, struct course_probe *ret)
{
	for (unsigned skips = 0; course->at < course->options.targets; skips++) {
		uint64_t target = permutation_at(&course->permutation, course->at);
		uint64_t host = target / course->options.ports;

		if (skips == SKIPS_MOST)
			return 0;
		if (course_state(course, target) != SONDE_SCAN_UNKNOWN ||
		    is_skipped(course, host) ||
		    (!(course->status[target] & FLYING) &&
		     tries_of(course, target) >= course->hosts[host].need)) {
			course->at++;
			continue;
		}
		if (course->status[target] & FLYING ||
		    course->flight_count == course->flight_room)
			return 0;
		course->at++;
		send_target(course, target, now_ns, ret);
		return 1;
	}
	return -1;
}

static void begin_pass(struct course *course)
{
	course->pass++;
	course->at = 0;
	course->asked_in_pass = 0;
	course->is_draining = false;
}

/* The walk is through.  The second pass follows on the heels of the first; later ones
 * wait until all outcomes are known and say how often must be asked. */
static void end_pass(struct course *course)
{
	if (course->unknown == 0) {
		course->is_done = true;
		return;
	}
	course->is_draining = true;
	if (course->pass == 0 && course->options.max_tries != 1) {
		begin_pass(course);
		return;
	}
	if (course->flight_count > 0)
		return;
	set_needs(course);
	if ((course->pass > 0 && course->asked_in_pass == 0) ||
	    course->pass + 1 >= PASSES_MOST || course->options.max_tries == 1)
		course->is_done = true;
	else
		begin_pass(course);
}

int course_next(struct course *course, int64_t now_ns, struct course_probe *ret)
{
	settle_sentinels(course, now_ns);
	control(course, now_ns);
	expire_flights(course, now_ns);
	fill_allowance(course, now_ns);
	for (;;) {
		int r;

		if (course->is_done || course->unknown == 0)
			return -1;
		if (course->allowance < 1)
			return 0;
		if (course->at < course->options.targets &&
		    next_sentinel(course, now_ns, ret))
			return 1;
		r = walk(course, now_ns, ret);
		if (r >= 0)
			return r;
		end_pass(course);
		if (course->is_draining)
			return course->is_done ? -1 : 0;
	}
}

int64_t course_due(const struct course *course, int64_t now_ns)
{
	double rate = allowed_rate(course);

	if (course->allowance < 1)
		return now_ns +
		       (int64_t)((1 - course->allowance) / rate * (double)NS_PER_S) + 1;
	if (course->flight_count > 0)
		return course->flights[course->flight_head].sent_ns + course->rto;
	return now_ns;
}

void course_unsent(struct course *course, const struct course_probe *probe,
		   int64_t now_ns)
{
	if (probe->is_sentinel) {
		course->sentinels[probe->serial].is_pending = false;
		course->sentinels[probe->serial].is_unsent = true;
	} else {
		set_tries(course, probe->target, tries_of(course, probe->target) - 1);
	}
	(void)now_ns;
	course->rate = allowed_rate(course) * 0.9;
	if (course->rate < RATE_LEAST)
		course->rate = RATE_LEAST;
}

/* When an earlier attempt is answered after a later one has left, the trip took longer
 * than the wait did. */
static void learn_trip(struct course *course, uint64_t target, unsigned attempt,
		       int64_t now_ns)
{
	unsigned last = course->pass % COURSE_ATTEMPTS;
	int64_t since = now_ns - course_sent_at(course, target);

	/* Asked in this pass already, or in the one before still. */
	if (attempt == last ||
	    attempt == (last + COURSE_ATTEMPTS - 1) % COURSE_ATTEMPTS) {
		if (attempt == last || !(course->status[target] & FLYING) ||
		    tries_of(course, target) < 2)
			add_sample(course, since, now_ns);
		else
			add_sample(course, since + course->rto, now_ns);
	}
}

/* An attempt before this one, which counts, went unanswered. */
static bool is_repetition(const struct course *course, uint64_t target, unsigned attempt)
{
	return tries_of(course, target) >= 2 && attempt == course->pass % COURSE_ATTEMPTS;
}

bool course_answer(struct course *course, uint64_t target, unsigned attempt,
		   enum sonde_scan_state state, int64_t now_ns)
{
	struct host_tally *host;

	if (target >= course->options.targets ||
	    course_state(course, target) != SONDE_SCAN_UNKNOWN)
		return false;
	learn_trip(course, target, attempt, now_ns);
	host = &course->hosts[target / course->options.ports];
	/* ICMP errors are limited almost everywhere: that one came late is no loss. */
	if (state != SONDE_SCAN_UNREACHABLE && is_repetition(course, target, attempt)) {
		course->later++;
		host->later++;
	} else {
		course->first++;
		host->first++;
	}
	course->status[target] =
		(uint8_t)((course->status[target] & ~STATE_MASK) | state);
	course->unknown--;
	course->window_answers++;
	course->has_answers = true;
	if (state == SONDE_SCAN_OPEN)
		add_responder(course, COURSE_OPEN, target, course->options.ports);
	else if (state == SONDE_SCAN_CLOSED)
		add_responder(course, COURSE_CLOSED, target, course->options.ports);
	return true;
}

void course_void(struct course *course, uint64_t target, int64_t now_ns)
{
	(void)now_ns;
	if (course_state(course, target) == SONDE_SCAN_UNKNOWN &&
	    tries_of(course, target) > 0)
		set_tries(course, target, tries_of(course, target) - 1);
}

void course_lost_here(struct course *course, int64_t now_ns)
{
	cut(course, 0.6, now_ns);
	clear_window(course, now_ns);
}

void course_get_report(const struct course *course, struct course_report *ret)
{
	double upper, loss = measured_loss(course, &upper);
	double responders = (double)(course->first + course->later);

	*ret = (struct course_report){
		.unknown = course->unknown,
		.probes = course->probes,
		.repeated = course->repeated,
		.sentinels = course->sentinel_count,
		.rate = allowed_rate(course),
		.loss = loss,
		.miss = -1,
		.reset_limit = course->reset_limit,
		.rtt_ns = course->srtt,
		.ahead = course->options.targets - course->at,
	};
	if (course->unknown == 0)
		ret->miss = 0;
	else if (loss >= 0) {
		unsigned tries = course->host_count ? 255 : 0;

		for (uint64_t i = 0; i < course->host_count; i++)
			if (!is_skipped(course, i) && course->hosts[i].need < tries)
				tries = course->hosts[i].need;
		ret->miss = (responders < 1 ? 1 : responders) * risk_power(upper, tries);
		if (ret->miss > 1)
			ret->miss = 1;
	}
}
