/* The course against networks made of numbers: it must find the truth on each, whatever
 * the loss, the delay and the limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/chance.h"
#include "scan/course.h"

#define US INT64_C(1000)
#define MS (1000 * US)
#define S (1000 * MS)
#define BEGAN (5 * S)

enum { TARGETS = 4000, ANSWERS = 1 << 16 };

/* An answer on its way back. */
struct answer {
	int64_t at_ns;
	struct course_probe probe;
	enum sonde_scan_state state;
};

struct network {
	uint32_t loss_parts; /* of a million, each way */
	int64_t delay_ns, jitter_ns;
	double reset_rate;     /* RST a second; 0 no limit */
	double capacity;       /* packets a second that get through; 0 no limit */
	unsigned open, silent; /* every so many-th target */
	bool has_echo;
	uint64_t seed;

	double resets, room;
	int64_t resets_ns, room_ns;
	struct answer answers[ANSWERS];
	size_t answer_count;
	uint64_t sent, lost;
};

static enum sonde_scan_state truth(const struct network *network, uint64_t target)
{
	if (network->open && target % network->open == 7)
		return SONDE_SCAN_OPEN;
	if (network->silent && target % network->silent != 0)
		return SONDE_SCAN_UNKNOWN;
	return SONDE_SCAN_CLOSED;
}

static bool take_token(double *tokens, int64_t *at_ns, double rate, double most,
		       int64_t now_ns)
{
	*tokens += rate * (double)(now_ns - *at_ns) / (double)S;
	if (*tokens > most)
		*tokens = most;
	*at_ns = now_ns;
	if (*tokens < 1)
		return false;
	*tokens -= 1;
	return true;
}

static void send_probe(struct network *network, const struct course_probe *probe,
		       int64_t now_ns)
{
	enum sonde_scan_state state = probe->is_sentinel && probe->kind == COURSE_ECHO
					      ? SONDE_SCAN_OPEN
					      : truth(network, probe->target);
	int64_t delay = network->delay_ns;

	network->sent++;
	if (network->capacity > 0 && !take_token(&network->room, &network->room_ns,
						 network->capacity, 200, now_ns))
		return;
	if (chance_hits(&network->seed, network->loss_parts) ||
	    state == SONDE_SCAN_UNKNOWN)
		return;
	if (state == SONDE_SCAN_CLOSED && network->reset_rate > 0 &&
	    !take_token(&network->resets, &network->resets_ns, network->reset_rate,
			network->reset_rate / 10, now_ns))
		return;
	if (chance_hits(&network->seed, network->loss_parts))
		return;
	if (network->jitter_ns)
		delay += (int64_t)(chance_next(&network->seed) %
				   (uint64_t)network->jitter_ns);
	assert_true(network->answer_count < ANSWERS);
	network->answers[network->answer_count++] =
		(struct answer){now_ns + delay, *probe, state};
}

/* Hands over what has arrived; returns when the next one will. */
static int64_t deliver(struct network *network, struct course *course, int64_t now_ns)
{
	int64_t next_ns = INT64_MAX;
	size_t kept = 0;

	for (size_t i = 0; i < network->answer_count; i++) {
		struct answer *answer = &network->answers[i];

		if (answer->at_ns > now_ns) {
			if (answer->at_ns < next_ns)
				next_ns = answer->at_ns;
			network->answers[kept++] = *answer;
		} else if (answer->probe.is_sentinel) {
			course_sentinel_answer(course, answer->probe.serial, now_ns);
		} else {
			course_answer(course, answer->probe.target, answer->probe.attempt,
				      answer->state, now_ns);
		}
	}
	network->answer_count = kept;
	return next_ns;
}

struct outcome {
	unsigned wrong;
	double seconds;
	struct course_report report;
};

static struct outcome scan(struct network *network, const struct course_options *wanted)
{
	struct course_options options = *wanted;
	struct course_probe probe;
	struct outcome outcome = {0};
	struct course *course;
	int64_t now_ns = BEGAN, began_ns = now_ns;
	int r;

	options.targets = options.targets ? options.targets : TARGETS;
	options.ports = options.ports ? options.ports : (uint32_t)options.targets;
	options.seed = network->seed;
	options.start_rate = options.start_rate > 0 ? options.start_rate : 50000;
	options.blind_rate = 5000;
	assert_int_equal(course_new(&options, now_ns, &course), 0);
	network->resets_ns = network->room_ns = now_ns;
	if (network->has_echo)
		course_add_echo(course, 0);
	for (;;) {
		unsigned batch = 0;
		int64_t arrival_ns, due_ns;

		deliver(network, course, now_ns);

		while ((r = course_next(course, now_ns, &probe)) > 0) {
			send_probe(network, &probe, now_ns);
			if (++batch == 64)
				break;
		}
		if (r < 0)
			break;
		due_ns = batch == 64 ? now_ns : course_due(course, now_ns);
		arrival_ns = deliver(network, course, now_ns);
		if (arrival_ns < due_ns)
			due_ns = arrival_ns;
		now_ns = due_ns > now_ns + 2 * US ? due_ns : now_ns + 2 * US;
		assert_true(now_ns - began_ns < 4000 * S);
	}
	for (uint64_t i = 0; i < options.targets; i++)
		outcome.wrong += course_state(course, i) != truth(network, i);
	course_get_report(course, &outcome.report);
	outcome.seconds = (double)(now_ns - began_ns) / (double)S;
	course_free(course);
	return outcome;
}

static const struct course_options ordinary;

static void check(const char *name, struct network *network, double most_seconds,
		  double most_probes)
{
	unsigned wrong = 0;

	for (uint64_t seed = 1; seed <= 5; seed++) {
		struct network *own = malloc(sizeof(*own));

		*own = *network;
		own->seed = seed;
		struct outcome outcome = scan(own, &ordinary);
		wrong += outcome.wrong;
		if (outcome.wrong || outcome.seconds > most_seconds ||
		    (double)own->sent > most_probes * TARGETS)
			print_message("%s, seed %d: %u wrong, %.2f s, %.3f probes a "
				      "target, loss %.3f, miss %.2g\n",
				      name, (int)seed, outcome.wrong, outcome.seconds,
				      (double)own->sent / TARGETS, outcome.report.loss,
				      outcome.report.miss);
		assert_true(outcome.seconds <= most_seconds);
		assert_true((double)own->sent <= most_probes * TARGETS);
		assert_true(outcome.report.miss <= 0.011);
		free(own);
	}
	assert_int_equal(wrong, 0);
}

static void finds_all_where_nothing_is_lost(void **state)
{
	(void)state;
	static struct network near = {.delay_ns = 50 * US, .open = 200};
	static struct network far = {.delay_ns = 300 * MS, .open = 200};

	check("near", &near, 0.3, 1.02);
	check("far", &far, 4, 1.05);
}

static void finds_all_behind_a_firewall(void **state)
{
	(void)state;
	static struct network near = {
		.delay_ns = 50 * US, .open = 200, .silent = 1 << 30, .has_echo = true};
	static struct network blind = {
		.delay_ns = 50 * US, .open = 500, .silent = 1 << 30};

	check("firewall", &near, 1, 2.1);
	check("firewall, no echo", &blind, 3, 2.1);
}

static void finds_all_where_packets_are_lost(void **state)
{
	(void)state;
	static const uint32_t parts[] = {10000, 50000, 200000};
	static const double probes[] = {1.1, 1.3, 2.2};

	for (size_t i = 0; i < 3; i++) {
		static struct network network;

		network = (struct network){
			.delay_ns = 200 * US, .open = 100, .loss_parts = parts[i]};
		check("loss", &network, 5, probes[i]);
	}
}

static void finds_all_in_a_mixture(void **state)
{
	(void)state;
	static struct network network = {
		.delay_ns = MS, .open = 50, .silent = 3, .loss_parts = 20000};

	check("mixture", &network, 3, 6);
}

static void finds_all_where_answers_are_late(void **state)
{
	(void)state;
	static struct network network = {
		.delay_ns = MS, .jitter_ns = 500 * MS, .open = 50};

	check("jitter", &network, 8, 3);
}

static void finds_all_where_resets_are_limited(void **state)
{
	(void)state;
	static struct network network = {
		.delay_ns = 200 * US, .open = 100, .reset_rate = 500};

	/* 4000 closed ports at 500 a second are 8 s. */
	check("limited", &network, 12, 9);
}

static void finds_all_through_a_narrow_path(void **state)
{
	(void)state;
	static struct network network = {
		.delay_ns = 5 * MS, .open = 100, .capacity = 3000};

	check("narrow", &network, 6, 9);
}

static void keeps_the_rate(void **state)
{
	(void)state;
	static struct network network = {.delay_ns = 50 * US, .open = 200};
	struct course_options options = {.max_rate = 1000};
	struct outcome outcome = scan(&network, &options);

	assert_int_equal(outcome.wrong, 0);
	assert_true(outcome.seconds >= (double)network.sent / 1000 - 0.02);
	assert_true(outcome.seconds <= (double)network.sent / 1000 + 0.2);
}

static void asks_again_what_was_lost_here(void **state)
{
	(void)state;
	struct course_options options = {.targets = 100,
					 .ports = 100,
					 .start_rate = 1e6,
					 .blind_rate = 1e6,
					 .max_tries = 2,
					 .rtt_ns = MS};
	struct course_probe probe;
	struct course *course;
	int64_t now_ns = S;
	unsigned asked = 0;

	assert_int_equal(course_new(&options, now_ns, &course), 0);
	/* Two tries each, and one more for each time that all of it was lost here. */
	for (unsigned lost = 0;;) {
		int r = course_next(course, now_ns, &probe);

		if (r < 0)
			break;
		if (r > 0) {
			asked++;
			if (asked == 100 || asked == 200) {
				course_lost_here(course, now_ns);
				lost++;
			}
			continue;
		}
		now_ns += 100 * US;
		assert_true(lost <= 2 && now_ns < 100 * S);
	}
	assert_int_equal(asked, 400);
	course_free(course);
}

static void leaves_hosts_out_that_are_down(void **state)
{
	(void)state;
	static struct network network = {.delay_ns = 50 * US, .open = 10};
	uint8_t skipped[40] = {[3] = 1, [39] = 1};
	struct course_options options = {.ports = 100, .skipped = skipped};
	struct outcome outcome = scan(&network, &options);

	assert_int_equal(outcome.wrong, 200);
	assert_int_equal(outcome.report.unknown, 0);
	assert_int_equal(outcome.report.probes, 3800);
}

static void stops_at_the_tries_that_are_wanted(void **state)
{
	(void)state;
	static struct network network = {
		.delay_ns = 50 * US, .silent = 1 << 30, .open = 9};
	struct course_options options = {.max_tries = 1};
	struct outcome outcome = scan(&network, &options);

	assert_int_equal(outcome.report.probes, TARGETS);
	assert_int_equal(outcome.report.repeated, 0);
}

/* What one batch could not send slows the scan down as much as one packet does. */
static void takes_a_full_queue_for_one_event(void **state)
{
	(void)state;
	const struct course_options options = {.targets = 1000,
					       .ports = 1000,
					       .seed = 1,
					       .start_rate = 50000,
					       .blind_rate = 50000};
	struct course_report report;
	struct course_probe probe;
	struct course *course;

	assert_int_equal(course_new(&options, BEGAN, &course), 0);
	for (unsigned i = 0; i < 200; i++) {
		assert_int_equal(course_next(course, BEGAN + 10 * MS, &probe), 1);
		course_unsent(course, &probe, BEGAN + 10 * MS);
	}
	course_get_report(course, &report);
	assert_true(report.rate > 40000 && report.rate < 50000);
	course_free(course);
}

/* A process that got no processor has answers that it did not see yet. */
static void waits_for_what_is_not_told_yet(void **state)
{
	(void)state;
	const struct course_options options = {.targets = 1,
					       .ports = 1,
					       .seed = 1,
					       .start_rate = 1000,
					       .blind_rate = 1000,
					       .rtt_ns = MS};
	struct course_probe probe;
	struct course *course;

	assert_int_equal(course_new(&options, BEGAN, &course), 0);
	assert_int_equal(course_next(course, BEGAN, &probe), 1);
	course_know_until(course, BEGAN + MS);
	assert_int_equal(course_next(course, BEGAN + 5 * S, &probe), 0);
	course_know_until(course, BEGAN + 5 * S);
	assert_int_equal(course_next(course, BEGAN + 5 * S, &probe), 1);
	assert_int_equal(probe.attempt, 1);
	course_free(course);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(finds_all_where_nothing_is_lost),
		cmocka_unit_test(finds_all_behind_a_firewall),
		cmocka_unit_test(finds_all_where_packets_are_lost),
		cmocka_unit_test(finds_all_in_a_mixture),
		cmocka_unit_test(finds_all_where_answers_are_late),
		cmocka_unit_test(finds_all_where_resets_are_limited),
		cmocka_unit_test(finds_all_through_a_narrow_path),
		cmocka_unit_test(keeps_the_rate),
		cmocka_unit_test(asks_again_what_was_lost_here),
		cmocka_unit_test(leaves_hosts_out_that_are_down),
		cmocka_unit_test(stops_at_the_tries_that_are_wanted),
		cmocka_unit_test(takes_a_full_queue_for_one_event),
		cmocka_unit_test(waits_for_what_is_not_told_yet),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
