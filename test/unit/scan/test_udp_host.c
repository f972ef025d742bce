/* One host asked over UDP, made of numbers: a bucket of errors, silent ports, loss. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/chance.h"
#include "base/clock.h"
#include "scan/udp_host.h"

enum { PORTS = 60, POOL = 64, POOL_PORTS = 995 };

struct target {
	double rate, burst; /* errors a second; 0 no limit */
	unsigned silent;    /* every so many-th port; 0 none */
	uint32_t loss_parts;
	uint64_t seed;
	double tokens;
	int64_t at_ns;
};

static bool is_silent(const struct target *target, uint32_t port)
{
	return target->silent && port % target->silent == 3;
}

/* Whether an error comes back. */
static bool answers(struct target *target, uint32_t port, int64_t now_ns)
{
	if (chance_hits(&target->seed, target->loss_parts) || is_silent(target, port))
		return false;
	if (target->rate > 0) {
		target->tokens += target->rate * (double)(now_ns - target->at_ns) /
				  (double)NS_PER_S;
		target->at_ns = now_ns;
		if (target->tokens > target->burst)
			target->tokens = target->burst;
		if (target->tokens < 1)
			return false;
		target->tokens -= 1;
	}
	return !chance_hits(&target->seed, target->loss_parts);
}

/* Seconds that it took; all states are right. */
static double ask(struct target target)
{
	uint8_t status[PORTS] = {0};
	uint32_t ports[UDP_HOST_BATCH];
	int64_t now_ns = NS_PER_S, began_ns = now_ns;
	struct udp_host host;

	target.tokens = target.burst;
	target.at_ns = now_ns;
	udp_host_init(&host, status, PORTS, 1, now_ns);
	while (!host.is_done) {
		unsigned count = udp_host_next(&host, now_ns, 60 * NS_PER_MS, ports);

		for (unsigned i = 0; i < count; i++)
			if (answers(&target, ports[i], now_ns))
				udp_host_answer(&host, ports[i], SONDE_SCAN_CLOSED,
						now_ns);
		now_ns = host.due_ns > now_ns ? host.due_ns : now_ns + NS_PER_MS;
		assert_true(now_ns - began_ns < 4000 * NS_PER_S);
	}
	for (uint32_t i = 0; i < PORTS; i++)
		assert_int_equal(udp_host_state(&host, i), is_silent(&target, i)
								   ? SONDE_SCAN_UNKNOWN
								   : SONDE_SCAN_CLOSED);
	return (double)(now_ns - began_ns) / (double)NS_PER_S;
}

static void wastes_nothing_of_the_bucket(void **state)
{
	(void)state;
	/* Linux: 54 beyond the burst, one a second. */
	double seconds = ask((struct target){.rate = 1, .burst = 6});

	assert_true(seconds >= 53.5 && seconds <= 54 * 1.05);
	seconds = ask((struct target){.rate = 50, .burst = 6});
	assert_true(seconds <= 1.08 * 1.3);
	assert_true(ask((struct target){0}) < 0.2);
}

static void believes_in_silence_beside_a_control(void **state)
{
	(void)state;
	/* 40 closed ports and 20 silent ones. */
	assert_true(ask((struct target){.rate = 1, .burst = 6, .silent = 3}) < 60);
	assert_true(ask((struct target){.rate = 100, .burst = 6, .silent = 3}) < 3);
	assert_true(ask((struct target){.silent = 3}) < 3);
}

static void is_right_where_packets_are_lost(void **state)
{
	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		ask((struct target){
			.rate = 20, .burst = 6, .loss_parts = 50000, .seed = seed});
		ask((struct target){.rate = 20,
				    .burst = 6,
				    .silent = 4,
				    .loss_parts = 50000,
				    .seed = seed});
	}
}

/* A pool of own addresses, each with a bucket of one error a second at the other side,
 * and a machine on which this process waits for a processor now and then.  Seconds. */
static double ask_by_pool(uint64_t seed, int64_t late_most_ns)
{
	static uint8_t status[POOL_PORTS];
	static struct target buckets[POOL];
	uint32_t ports[UDP_HOST_BATCH];
	int64_t now_ns = NS_PER_S, began_ns = now_ns;
	struct udp_host host;
	unsigned turn = 0;

	memset(status, 0, sizeof(status));
	for (unsigned i = 0; i < POOL; i++)
		buckets[i] = (struct target){
			.rate = 1, .burst = 6, .tokens = 6, .at_ns = now_ns};
	udp_host_init(&host, status, POOL_PORTS, POOL, now_ns);
	/* Everything, twice, as scan_udp() begins. */
	for (uint32_t i = 0; i < 2 * POOL_PORTS; i++, now_ns += NS_PER_MS / 20)
		if (udp_host_state(&host, i % POOL_PORTS) == SONDE_SCAN_UNKNOWN &&
		    answers(&buckets[turn++ % POOL], i % POOL_PORTS, now_ns))
			udp_host_answer(&host, i % POOL_PORTS, SONDE_SCAN_CLOSED, now_ns);
	host.gain_ns = host.due_ns = now_ns;
	while (!host.is_done) {
		unsigned count = udp_host_next(&host, now_ns, 60 * NS_PER_MS, ports);

		for (unsigned i = 0; i < count; i++, now_ns += NS_PER_MS / 20)
			if (answers(&buckets[turn++ % POOL], ports[i], now_ns))
				udp_host_answer(&host, ports[i], SONDE_SCAN_CLOSED,
						now_ns);
		now_ns = host.due_ns > now_ns ? host.due_ns : now_ns + NS_PER_MS;
		now_ns += (int64_t)(chance_next(&seed) % (uint64_t)late_most_ns);
		assert_true(now_ns - began_ns < 4000 * NS_PER_S);
	}
	assert_int_equal(host.unknown, 0);
	return (double)(now_ns - began_ns) / (double)NS_PER_S;
}

static void a_pool_takes_no_pause_for_a_limit(void **state)
{
	const double floor_s = (POOL_PORTS - 6 * POOL) / (double)POOL;

	(void)state;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		assert_true(ask_by_pool(seed, NS_PER_MS) < floor_s * 1.15);
		assert_true(ask_by_pool(seed, 100 * NS_PER_MS) < floor_s * 1.5);
		/* Rests that are too long would show as minutes. */
		assert_true(ask_by_pool(seed, NS_PER_S) < floor_s * 3);
	}
}

static void ends_where_all_is_silent(void **state)
{
	(void)state;
	uint8_t status[PORTS] = {0};
	uint32_t ports[UDP_HOST_BATCH];
	int64_t now_ns = NS_PER_S;
	struct udp_host host;

	udp_host_init(&host, status, PORTS, 1, now_ns);
	while (!host.is_done && now_ns < 20 * NS_PER_S) {
		udp_host_next(&host, now_ns, 60 * NS_PER_MS, ports);
		now_ns = host.due_ns > now_ns ? host.due_ns : now_ns + NS_PER_MS;
	}
	assert_true(host.is_done && now_ns < 5 * NS_PER_S);
	assert_int_equal(host.unknown, PORTS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(wastes_nothing_of_the_bucket),
		cmocka_unit_test(believes_in_silence_beside_a_control),
		cmocka_unit_test(is_right_where_packets_are_lost),
		cmocka_unit_test(a_pool_takes_no_pause_for_a_limit),
		cmocka_unit_test(ends_where_all_is_silent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
