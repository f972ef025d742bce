/* Losses, delays and the rate of sources: time and chance are arguments. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "base/chance.h"
#include "base/limits.h"
#include "serve/fault.h"
#include "serve/rate.h"

/* --- losses */

static void loses_as_many_as_wanted(void **state)
{
	(void)state;
	static const uint32_t wanted[] = {0,      1000,   100000, 333333,
					  500000, 999000, 1000000};
	enum { TRIES = 200000 };

	for (size_t i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		struct fault fault = {.drop_parts = wanted[i], .chance = 42};
		long lost = 0, expected = (long)((uint64_t)wanted[i] * TRIES / 1000000);
		for (int k = 0; k < TRIES; k++)
			lost += fault_drops(&fault);
		/* Six deviations of a fair coin, and none where there is no chance. */
		long slack = wanted[i] % 1000000 ? 6 * 224 : 0;
		assert_true(labs(lost - expected) <= slack);
	}
}

static void loses_the_same_ones_with_the_same_seed(void **state)
{
	(void)state;
	struct fault a = {.drop_parts = 500000, .chance = 7};
	struct fault b = a, c = a;
	unsigned different = 0;

	c.chance = 8;
	for (int i = 0; i < 1000; i++) {
		bool lost = fault_drops(&a);
		assert_int_equal(lost, fault_drops(&b));
		different += lost != fault_drops(&c);
	}
	assert_true(different > 300);
}

/* SplitMix64 as it was published: the first numbers of seed 1234567. */
static void chance_is_that_of_the_paper(void **state)
{
	(void)state;
	uint64_t chance = 1234567;

	assert_true(chance_next(&chance) == UINT64_C(6457827717110365317));
	assert_true(chance_next(&chance) == UINT64_C(3203168211198807973));
	assert_true(chance_next(&chance) == UINT64_C(9817491932198370423));
	assert_true(chance_next(&chance) == UINT64_C(4593380528125082431));
}

/* --- delays */

static int keep(struct fault *fault, uint16_t port, const char *text, int64_t now_ns)
{
	struct sockaddr_in peer = {.sin_family = AF_INET, .sin_port = htons(port)};
	char copy[64];
	struct iovec part = {copy, strlen(text)};
	char control[16] = "control";
	struct msghdr message = {
		.msg_name = &peer,
		.msg_namelen = sizeof(peer),
		.msg_iov = &part,
		.msg_iovlen = 1,
		.msg_control = port % 2 ? control : NULL,
		.msg_controllen = port % 2 ? sizeof(control) : 0,
	};

	memcpy(copy, text, strlen(text));
	int r = fault_keep(fault, NULL, port, &message, 1, NULL, now_ns);
	/* What it kept is its own. */
	memset(copy, 0, sizeof(copy));
	memset(control, 0, sizeof(control));
	memset(&peer, 0, sizeof(peer));
	return r;
}

static void answers_come_late_and_in_order(void **state)
{
	(void)state;
	static const char *const texts[] = {"one", "", "three"};
	struct fault fault = {.delay_ns = 100};

	assert_int_equal(fault_due_ns(&fault), INT64_MAX);
	assert_null(fault_take(&fault, INT64_MAX));
	for (uint16_t i = 0; i < 3; i++)
		assert_int_equal(keep(&fault, (uint16_t)(1000 + i), texts[i], 10 * i), 0);
	assert_int_equal(fault_due_ns(&fault), 100);
	assert_null(fault_take(&fault, 99));
	for (uint16_t i = 0; i < 3; i++) {
		assert_null(fault_take(&fault, 100 + 10 * i - 1));
		struct fault_answer *answer = fault_take(&fault, 100 + 10 * i);
		assert_non_null(answer);
		assert_int_equal(answer->fd, 1000 + i);
		const struct sockaddr_in *peer = answer->message.msg_name;
		assert_int_equal(ntohs(peer->sin_port), 1000 + i);
		assert_int_equal(answer->message.msg_iov->iov_len, strlen(texts[i]));
		assert_memory_equal(answer->message.msg_iov->iov_base, texts[i],
				    strlen(texts[i]));
		if (i % 2 == 1)
			assert_string_equal(answer->message.msg_control, "control");
		else
			assert_null(answer->message.msg_control);
		fault_answer_free(answer);
	}
	assert_null(fault_take(&fault, INT64_MAX));
	assert_int_equal(fault.bytes, 0);
}

static void keeps_no_more_than_its_limit(void **state)
{
	(void)state;
	struct fault fault = {.delay_ns = 1};
	size_t kept = 0;
	int r;

	while ((r = keep(&fault, 2000, "some bytes", 0)) == 0)
		kept++;
	assert_int_equal(r, -ENOBUFS);
	assert_true(kept > 1000 && fault.bytes <= LIMIT_DELAYED_BYTES);
	fault_answer_free(fault_take(&fault, INT64_MAX));
	assert_int_equal(keep(&fault, 2000, "some bytes", 0), 0);
	fault_done(&fault);
	assert_int_equal(fault.bytes, 0);
	assert_int_equal(fault_due_ns(&fault), INT64_MAX);
}

/* --- rate */

static struct sonde_address source(uint32_t number)
{
	struct sonde_address address = {.family = SONDE_FAMILY_INET, .port = 4000};

	memcpy(address.bytes, &number, sizeof(number));
	return address;
}

static unsigned admitted(struct rate *rate, const struct sonde_address *from,
			 unsigned tries, int64_t now_ns)
{
	unsigned count = 0;

	for (unsigned i = 0; i < tries; i++)
		count += rate_admit(rate, from, now_ns);
	return count;
}

static void a_source_has_a_burst_and_then_its_rate(void **state)
{
	(void)state;
	const int64_t second = 1000000000;
	struct rate *rate = calloc(1, sizeof(*rate));
	struct sonde_address a = source(1), b = source(2);

	assert_non_null(rate);
	assert_int_equal(admitted(rate, &a, 10000, 0), LIMIT_SOURCE_BURST);
	assert_int_equal(admitted(rate, &b, 100, 0), 100);
	for (int i = 1; i <= 10; i++)
		assert_int_equal(admitted(rate, &a, 10000, i * second),
				 LIMIT_SOURCE_RATE);
	/* Another port is the same source; silence brings the burst back, and no more. */
	a.port = 5000;
	assert_int_equal(admitted(rate, &a, 10, 10 * second), 0);
	assert_int_equal(admitted(rate, &a, 10000, 1000 * second), LIMIT_SOURCE_BURST);
	free(rate);
}

static void an_ipv6_source_is_its_network(void **state)
{
	(void)state;
	struct rate *rate = calloc(1, sizeof(*rate));
	struct sonde_address a = {.family = SONDE_FAMILY_INET6, .bytes = {0x20, 1}};
	struct sonde_address b = a;

	assert_non_null(rate);
	assert_int_equal(admitted(rate, &a, 10000, 0), LIMIT_SOURCE_BURST);
	a.bytes[15] = 99;
	assert_int_equal(admitted(rate, &a, 10, 0), 0);
	b.bytes[7] = 1;
	assert_int_equal(admitted(rate, &b, 10, 0), 10);
	free(rate);
}

/* Whoever invents sources gets no more than the table's slots give. */
static void invented_sources_do_not_help(void **state)
{
	(void)state;
	struct rate *rate = calloc(1, sizeof(*rate));
	uint64_t total = 0;

	assert_non_null(rate);
	rate->seed = 99;
	for (uint32_t i = 0; i < 1 << 16; i++) {
		struct sonde_address from = source(i + 1);
		total += admitted(rate, &from, 600, 0);
	}
	assert_true(total <= (uint64_t)LIMIT_SOURCES * LIMIT_SOURCE_BURST);
	free(rate);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(loses_as_many_as_wanted),
		cmocka_unit_test(loses_the_same_ones_with_the_same_seed),
		cmocka_unit_test(chance_is_that_of_the_paper),
		cmocka_unit_test(answers_come_late_and_in_order),
		cmocka_unit_test(keeps_no_more_than_its_limit),
		cmocka_unit_test(a_source_has_a_burst_and_then_its_rate),
		cmocka_unit_test(an_ipv6_source_is_its_network),
		cmocka_unit_test(invented_sources_do_not_help),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
