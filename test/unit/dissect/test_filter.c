/* Display filters: what each lets through of seven frames, how wrong ones are refused and
 * where, and that hostile ones meet a limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/filter.h>

#include "filter_frames.h"

enum { LONG = 70000 };

/* Berlin in summer, as far as this test is concerned. */
static int64_t two_hours(int64_t local_s)
{
	(void)local_s;
	return 7200;
}

/* "1,3": the frames that pass. */
static const char *passing(struct sonde_filter *filter)
{
	static char text[64];
	struct sonde_dissector *dissector;
	size_t used = 0;

	text[0] = '\0';
	assert_int_equal(sonde_dissector_new(&dissector), 0);
	assert_int_equal(sonde_filter_want(filter, dissector), 0);
	for (unsigned i = 0; i < FILTER_FRAMES; i++) {
		struct sonde_frame frame = filter_frames[i];
		struct sonde_dissection dissection;

		frame.number = i + 1;
		assert_int_equal(sonde_dissect(dissector, &frame, &dissection), 0);
		if (sonde_filter_match(filter, &dissection) == 1)
			used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%u",
						 used ? "," : "", i + 1);
	}
	sonde_dissector_free(dissector);
	return text;
}

static struct sonde_filter *make(const char *text)
{
	struct sonde_filter_means means = {.regex = sonde_regex_pcre2()};
	struct sonde_filter *filter = NULL;
	struct sonde_error err;

	if (sonde_filter_new(text, &means, &filter, NULL, &err) < 0)
		fail_msg("%s: %s: %s", text, err.subject, err.reason);
	return filter;
}

/* The numbers are those that tshark 4.0 prints for the same frames in a file. */
static void test_passing(void **state)
{
	static const struct {
		const char *text, *frames;
	} cases[] = {
		{"", "1,2,3,4,5,6,7"},
		{"tcp", "1,2,3"},
		{"not tcp", "4,5,6,7"},
		{".tcp", "1,2,3"},
		{"tcp or udp and ipv6", "1,2,3,5"},
		{"(tcp or udp) and ipv6", "5"},
		{"!tcp.port == 80", "4,5,6,7"},
		{"tcp.port == 80", "1,2,3"},
		{"tcp.port != 80", ""},
		{"tcp.port !== 80", "1,2,3"},
		{"tcp.port === 80", ""},
		{"all tcp.port > 50", "1,2,3"},
		{"any ip.addr != 192.0.2.1", "1,2,3,4,6"},
		{"tcp.port == 0x50 && tcp.port == 0120 && tcp.port == 'P'", "1,2,3"},
		{"tcp.srcport < 100", "2"},
		{"tcp.srcport < tcp.dstport", "2"},
		{"tcp.dstport < tcp.srcport <= tcp.srcport", "1,3"},
		{"tcp.flags.syn == 1 && tcp.flags.ack == 0", "1"},
		{"tcp.flags.syn == True", "1,2"},
		{"tcp.flags & 2", "1,2"},
		{"tcp.flags & 0x12 == 0x12", "2"},
		{"ip.src == 192.0.2.0/24", "1,2,3,4,6"},
		{"ip.src == 192.0.2.1", "1,3,4,6"},
		{"ip.src <= 192.0.2.0/24", "1,2,3,4,6"},
		{"ip.src == ip.dst", "6"},
		{"ip.src[0:2] == c0:00", "1,2,3,4,6"},
		{"ip.src & 255.255.255.0 == 192.0.2.0", "1,2,3,4,6"},
		{"ipv6.addr == 2001:db8::/32", "5"},
		{"ipv6.src > 2001:db8::", "5"},
		{"eth.src == 02:00:00:00:00:02", "2"},
		{"eth.src == 0200.0000.0002 || eth.src == 02-00-00-00-00-02", "2"},
		{"eth.dst[0] & 1", "7"},
		{"eth.src[-1] == 01", "1,3,4,5,6,7"},
		{"eth.src contains 00:02", "2"},
		{"ip.proto == UDP", "4,6"},
		{"ip.proto in {ICMP, TCP}", "1,2,3,6"},
		{"eth.type == 0x0806", "7"},
		{"udp.payload == \"ABCDEFGH\"", "4"},
		{"udp.payload[0-2] == 41:42:43", "4"},
		{"udp.payload[1,3-5,7:] == \"BDEFH\"", "4"},
		{"udp.payload[0:3][1] == \"B\"", "4"},
		{"udp.payload[8:]", ""},
		{"udp.payload > 41", "4,5"},
		{"udp.payload >= 41:42:43:44:45:46:47:48", "4"},
		{"udp contains \"ABC\"", "4"},
		{"udp[8:3] == \"ABC\"", ""},
		{"udp.payload contains \"\\x41\\102C\"", "4"},
		{"udp.payload contains 7a:00", "5"},
		{"udp.payload matches \"^a.*h$\"", "4"},
		{"udp.payload matches \"(?-i)^a\"", ""},
		{"udp.payload ~ r\"\\x00\"", "5"},
		{"frame[0:6] == ff:ff:ff:ff:ff:ff", "7"},
		{"frame contains \"GET\"", "3"},
		{"tcp contains \"GET\"", "3"},
		{"tcp.port in {80, 443, 8000..8080}", "1,2,3"},
		{"tcp.port in {1..79}", ""},
		{"tcp.port not in {80}", "4,5,6,7"},
		{"ip.addr in {192.0.2.2 .. 192.0.2.9}", "1,2,3,4,6"},
		{"len(udp.payload) == 8", "4"},
		{"len(tcp) > 20", "1,2"},
		{"count(ip.addr) == 4", "6"},
		{"count(udp.port) == 0", ""},
		{"string(ip.src) matches \"^192\\\\.\"", "1,2,3,4,6"},
		{"string(tcp.port) == \"80\"", "1,2,3"},
		{"upper(frame.protocols) contains \"ICMP\"", "6"},
		{"ip.src#2 == 192.0.2.1", "6"},
		{"ip.src#[2-3]", "6"},
		{"frame.number in {2..3, 7}", "2,3,7"},
		{"frame.time == \"2023-11-14 22:13:20\"", "1"},
		{"frame.time > \"2023-11-14T23:13:21+01:00\"", "6,7"},
		{"frame.time >= \"Nov 14, 2023 22:13:21.5 UTC\"", "7"},
		{"frame.time_relative in {0.25..0.5}", "2,3"},
		{"frame.time_relative > 1250ms", "7"},
		{"tcp ^^ frame.number == 1", "2,3"},
		{"tcp xor tcp", ""},
		{"not not tcp and not (ip and tcp.port == 40000)", ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sonde_filter *filter = make(cases[i].text);
		struct sonde_filter *again = make(sonde_filter_text(filter));

		if (strcmp(passing(filter), cases[i].frames) != 0)
			fail_msg("%s: %s, not %s", cases[i].text, passing(filter),
				 cases[i].frames);
		assert_string_equal(passing(again), cases[i].frames);
		assert_string_equal(sonde_filter_text(again), sonde_filter_text(filter));
		sonde_filter_free(filter);
		sonde_filter_free(again);
	}
}

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		size_t at, length;
		const char *hint; /* part of it */
	} cases[] = {
		{"tcp.prot == 80", 0, 8, "tcp.port"},
		{"tcp.port == 99999", 12, 5, ""},
		{"tcp.port == -1", 12, 2, ""},
		{"tcp.port == \"80\"", 12, 4, "quotes"},
		{"tcp.port = 80", 9, 1, "=="},
		{"tcp.port == 80 AND ip", 15, 3, "and"},
		{"tcp.port == 80 tcp", 15, 3, ""},
		{"tcp.port ==", 11, 0, ""},
		{"80 == tcp.port", 0, 2, ""},
		{"tcp &&", 6, 0, ""},
		{"(tcp", 0, 1, ""},
		{"tcp)", 3, 1, ""},
		{"()", 1, 1, ""},
		{"tcp.flags.syn == true", 17, 4, "True"},
		{"ip.src == 192.0.2", 10, 7, "192.0.2.1"},
		{"ip.src == 192.0.2.1/33", 10, 12, ""},
		{"ip.src == ipv6.src", 10, 8, ""},
		{"ip.src contains 01", 0, 6, "string(ip.src)"},
		{"eth.src == 02:00:00", 11, 8, "six bytes"},
		{"udp.payload == XYZ", 15, 3, "47:45:54"},
		{"udp.payload contains \"A", 21, 2, ""},
		{"udp.payload contains \"\\q\"", 22, 2, "twice"},
		{"udp.payload matches \"((\"", 20, 4, ""},
		{"udp.payload matches ABC", 20, 3, "double quotes"},
		{"udp.payload[3-1] == 41", 12, 3, ""},
		{"udp.payload[0:0] == 41", 12, 3, ""},
		{"udp.payload[0", 13, 0, ""},
		{"tcp.port[0] == 00", 0, 8, ""},
		{"tcp.flags.syn & 1", 0, 13, "&&"},
		{"lower(tcp.port) == \"x\"", 6, 8, ""},
		{"lowr(tcp.port) == \"x\"", 0, 4, "lower()"},
		{"len(tcp)", 0, 8, "compare"},
		{"tcp.port in 80", 12, 2, "braces"},
		{"tcp.port in {80", 15, 0, ""},
		{"ip.src#0 == 192.0.2.1", 6, 2, ""},
		{"frame.time == \"yesterday\"", 14, 11, "2026"},
		{"frame.time_relative > soon", 22, 4, "250ms"},
		{"tcp.analysis.retransmission == 1", 0, 27, "alone"},
		{"tcp.port == 80 \xc3\xa4", 15, 2, ""},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct sonde_filter_means means = {.regex = sonde_regex_pcre2()};
		struct sonde_filter_place place = {0};
		struct sonde_filter *filter = NULL;
		struct sonde_error err;

		if (sonde_filter_new(cases[i].text, &means, &filter, &place, &err) !=
		    -EINVAL)
			fail_msg("%s is accepted", cases[i].text);
		if (place.at != cases[i].at || place.length != cases[i].length)
			fail_msg("%s: at %zu+%zu: %s", cases[i].text, place.at,
				 place.length, err.reason);
		assert_string_equal(err.operation, "filter");
		assert_int_equal(err.kind, SONDE_ERROR_USAGE);
		if (!strstr(err.hint, cases[i].hint))
			fail_msg("%s: the hint is %s", cases[i].text, err.hint);
	}
}

static void test_limits(void **state)
{
	static char text[LONG + 1];
	struct sonde_filter *filter;
	struct sonde_error err;

	(void)state;
	memset(text, '(', LONG);
	assert_int_equal(sonde_filter_new(text, NULL, &filter, NULL, &err), -EINVAL);
	text[1000] = '\0';
	assert_int_equal(sonde_filter_new(text, NULL, &filter, NULL, &err), -EINVAL);
	assert_non_null(strstr(err.reason, "nested"));
	memset(text, '!', LONG);
	text[1000] = '\0';
	assert_int_equal(sonde_filter_new(text, NULL, &filter, NULL, &err), -EINVAL);
	/* As many as fit. */
	memset(text, '!', 254);
	memcpy(text + 254, "tcp", 4);
	filter = make(text);
	assert_string_equal(passing(filter), "1,2,3");
	sonde_filter_free(filter);
	/* Many tests, one after the other. */
	text[0] = '\0';
	for (size_t i = 0; i < 3000; i++)
		memcpy(text + 20 * i, "tcp.port == 80 and  ", 21);
	memcpy(text + 60000, "tcp", 4);
	filter = make(text);
	assert_string_equal(passing(filter), "1,2,3");
	sonde_filter_free(filter);
}

static void test_means(void **state)
{
	struct sonde_filter_means means = {.utc_offset_s = two_hours};
	struct sonde_filter *filter;
	struct sonde_error err;

	(void)state;
	assert_int_equal(
		sonde_filter_new("frame matches \"x\"", &means, &filter, NULL, &err),
		-EINVAL);
	assert_int_equal(sonde_filter_new("frame.time == \"2023-11-15 00:13:20\"", &means,
					  &filter, NULL, &err),
			 0);
	assert_string_equal(passing(filter), "1");
	sonde_filter_free(filter);
	filter = make("tcp.port  eq 80&&not(udp)||string ( ip.src )~\"a\"");
	assert_string_equal(
		sonde_filter_text(filter),
		"tcp.port == 80 && not (udp) || string(ip.src) matches \"a\"");
	sonde_filter_free(filter);
	sonde_filter_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passing),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_means),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
