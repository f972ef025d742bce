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
#include "scan/course_parts.h"

#include <errno.h>

#include "base/array.h"
#include "base/limits.h"
#include "scan/risk.h"
#include "scan/stamp.h"

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

void course_set_tries(struct course *course, uint64_t target, unsigned tries)
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
	return course->status[target] >> TRIES_SHIFT;
}

int64_t course_sent_at(const struct course *course, uint64_t target, int64_t now_ns)
{
	uint32_t stamp = course->sent_us[target];

	return stamp ? course->epoch_ns + stamp_time(stamp, now_ns - course->epoch_ns)
		     : 0;
}

int64_t course_rto(const struct course *course)
{
	return course->rto;
}

bool course_is_skipped(const struct course *course, uint64_t host)
{
	return course->options.skipped && course->options.skipped[host];
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

static void send_target(struct course *course, uint64_t target, int64_t now_ns,
			struct course_probe *ret)
{
	uint32_t tail =
		(course->flight_head + course->flight_count) % course->flight_room;
	unsigned tries = course_tries(course, target);

	*ret = (struct course_probe){.target = target,
				     .attempt = course->pass % COURSE_ATTEMPTS};
	course->flights[tail] = (struct flight){.target = target, .sent_ns = now_ns};
	course->flight_count++;
	course->status[target] |= FLYING;
	course_set_tries(course, target, tries + 1);
	if (course->sent_us[target])
		course->repeated++;
	course->sent_us[target] = stamp_of(now_ns - course->epoch_ns);
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
		    course_is_skipped(course, host) ||
		    (!(course->status[target] & FLYING) &&
		     course_tries(course, target) >= course->hosts[host].need)) {
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
	course_set_needs(course);
	if ((course->pass > 0 && course->asked_in_pass == 0) ||
	    course->pass + 1 >= PASSES_MOST || course->options.max_tries == 1)
		course->is_done = true;
	else
		begin_pass(course);
}

int course_next(struct course *course, int64_t now_ns, struct course_probe *ret)
{
	int64_t known_ns =
		course->known_ns && course->known_ns < now_ns ? course->known_ns : now_ns;

	course_settle_sentinels(course, known_ns);
	course_control(course, now_ns);
	expire_flights(course, known_ns);
	course_fill_allowance(course, now_ns);
	for (;;) {
		int r;

		if (course->is_done || course->unknown == 0)
			return -1;
		if (course->allowance < 1)
			return 0;
		if (course->at < course->options.targets &&
		    course_next_sentinel(course, now_ns, ret))
			return 1;
		r = walk(course, now_ns, ret);
		if (r >= 0)
			return r;
		end_pass(course);
		if (course->is_draining)
			return course->is_done ? -1 : 0;
	}
}

void course_know_until(struct course *course, int64_t now_ns)
{
	course->known_ns = now_ns;
}

int64_t course_due(const struct course *course, int64_t now_ns)
{
	double rate = course_rate(course);

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
		course_set_tries(course, probe->target,
				 course_tries(course, probe->target) - 1);
	}
	/* A batch that found no room is one event, not as many as it has packets. */
	if (course->unsent_ns && now_ns - course->unsent_ns < WINDOW)
		return;
	course->unsent_ns = now_ns;
	course->rate = course_rate(course) * 0.9;
	if (course->rate < RATE_LEAST)
		course->rate = RATE_LEAST;
}

/* When an earlier attempt is answered after a later one has left, the trip took longer
 * than the wait did. */
static void learn_trip(struct course *course, uint64_t target, unsigned attempt,
		       int64_t now_ns)
{
	unsigned last = course->pass % COURSE_ATTEMPTS;
	int64_t since = now_ns - course_sent_at(course, target, now_ns);

	/* Asked in this pass already, or in the one before still. */
	if (attempt == last ||
	    attempt == (last + COURSE_ATTEMPTS - 1) % COURSE_ATTEMPTS) {
		if (attempt == last || !(course->status[target] & FLYING) ||
		    course_tries(course, target) < 2)
			course_add_trip(course, since, now_ns);
		else
			course_add_trip(course, since + course->rto, now_ns);
	}
}

/* An attempt before this one, which counts, went unanswered. */
static bool is_repetition(const struct course *course, uint64_t target, unsigned attempt)
{
	return course_tries(course, target) >= 2 &&
	       attempt == course->pass % COURSE_ATTEMPTS;
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
		course_add_responder(course, COURSE_OPEN, target, course->options.ports);
	else if (state == SONDE_SCAN_CLOSED)
		course_add_responder(course, COURSE_CLOSED, target,
				     course->options.ports);
	return true;
}

void course_void(struct course *course, uint64_t target, int64_t now_ns)
{
	(void)now_ns;
	if (course_state(course, target) == SONDE_SCAN_UNKNOWN &&
	    course_tries(course, target) > 0)
		course_set_tries(course, target, course_tries(course, target) - 1);
}

void course_lost_here(struct course *course, int64_t now_ns)
{
	course_cut(course, 0.6, now_ns);
	course_clear_window(course, now_ns);
}

void course_get_report(const struct course *course, struct course_report *ret)
{
	double upper, loss = course_loss(course, &upper);
	double responders = (double)(course->first + course->later);

	*ret = (struct course_report){
		.unknown = course->unknown,
		.probes = course->probes,
		.repeated = course->repeated,
		.sentinels = course->sentinel_count,
		.rate = course_rate(course),
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
			if (!course_is_skipped(course, i) &&
			    course->hosts[i].need < tries)
				tries = course->hosts[i].need;
		ret->miss = (responders < 1 ? 1 : responders) * risk_power(upper, tries);
		if (ret->miss > 1)
			ret->miss = 1;
	}
}
