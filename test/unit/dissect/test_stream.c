/* Messages over TCP: whole, cut at every byte, byte by byte, out of order and with numbers
 * that wrap, the same message comes out, once, in the frame of its last byte. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sonde/dissect.h>
#include <sonde/filter.h>

#include "dissect/state.h"

enum { HEADERS = 40 };

struct feed {
	struct sonde_dissector *dissector;
	uint32_t start, frame;
	unsigned messages;           /* so far, of the protocol asked for */
	char value[64];              /* of the last one */
	struct sonde_filter *filter; /* NULL none */
	bool passes;                 /* the last frame */
};

static void feed_init(struct feed *feed, uint32_t start)
{
	*feed = (struct feed){.start = start};
	assert_int_equal(sonde_dissector_new(&feed->dissector), 0);
	sonde_dissector_want_all(feed->dissector);
	sonde_dissector_want_columns(feed->dissector);
}

static void feed_done(struct feed *feed)
{
	sonde_dissector_free(feed->dissector);
}

static void put32(uint8_t *to, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> (24 - 8 * i));
}

/* Bytes [at, at + n) of the stream; port 80, 53, 443. */
static void give(struct feed *feed, uint16_t port, const char *bytes, size_t at, size_t n,
		 uint8_t flags, const char *protocol, const char *field)
{
	struct sonde_dissection found;
	struct sonde_frame frame = {.link = SONDE_LINK_RAW};
	uint8_t *packet = calloc(1, HEADERS + n);

	assert_non_null(packet);
	packet[0] = 0x45;
	packet[2] = (uint8_t)((HEADERS + n) >> 8);
	packet[3] = (uint8_t)(HEADERS + n);
	packet[8] = 64;
	packet[9] = 6;
	put32(packet + 12, 0x0a000001);
	put32(packet + 16, 0x0a000002);
	packet[20] = 0x80;
	packet[22] = (uint8_t)(port >> 8);
	packet[23] = (uint8_t)port;
	put32(packet + 24, feed->start + (flags & SONDE_TCP_SYN ? 0 : 1) + (uint32_t)at);
	packet[32] = 0x50;
	packet[33] = flags;
	packet[34] = 0x20;
	if (n)
		memcpy(packet + HEADERS, bytes + at, n);
	frame.number = ++feed->frame;
	frame.bytes = packet;
	frame.captured_length = frame.wire_length = (uint32_t)(HEADERS + n);
	frame.at_ns = feed->frame;
	assert_int_equal(sonde_dissect(feed->dissector, &frame, &found), 0);
	if (feed->filter)
		feed->passes = sonde_filter_match(feed->filter, &found) == 1;
	for (size_t i = 0; i < found.field_count; i++) {
		const struct sonde_field *one = &found.fields[i];
		const char *name = sonde_field_info(one->field)->name;

		if (strcmp(name, protocol) == 0)
			feed->messages++;
		if (strcmp(name, field) == 0) {
			assert_true(one->value.data.size < sizeof(feed->value));
			memcpy(feed->value, one->value.data.bytes, one->value.data.size);
			feed->value[one->value.data.size] = '\0';
		}
	}
	free(packet);
}

static const struct {
	uint16_t port;
	const char *protocol, *field, *value;
	const char *bytes;
	size_t n;
} samples[] = {
#define BYTES(text) text, sizeof(text) - 1
	{80, "http", "http.request.uri", "/a?b",
	 BYTES("POST /a?b HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\nbody")},
	{80, "http", "http.file_data", "hello, you",
	 BYTES("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
	       "5\r\nhello\r\n5;x=y\r\n, you\r\n0\r\n\r\n")},
	{53, "dns", "dns.qry.name", "a.example.org",
	 BYTES("\0\x1f\0\1\1\0\0\1\0\0\0\0\0\0\1a\7example\3org\0\0\1\0\1")},
	{443, "tls", "tls.handshake.extensions_server_name", "h.org",
	 BYTES("\x16\3\1\0\x3d\1\0\0\x39\3\3"
	       "01234567890123456789012345678901"
	       "\0\0\2\x13\1\1\0\0\x0e\0\0\0\x0a\0\x08\0\0\x05h.org")},
};
enum { SAMPLES = sizeof(samples) / sizeof(samples[0]) };

static void check(const struct feed *feed, size_t sample)
{
	assert_int_equal(feed->messages, 1);
	assert_string_equal(feed->value, samples[sample].value);
}

static void give_sample(struct feed *feed, size_t sample, size_t at, size_t n)
{
	give(feed, samples[sample].port, samples[sample].bytes, at, n,
	     SONDE_TCP_ACK | SONDE_TCP_PSH, samples[sample].protocol,
	     samples[sample].field);
}

static void test_whole(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		struct feed feed;

		feed_init(&feed, 1000);
		give_sample(&feed, i, 0, samples[i].n);
		check(&feed, i);
		feed_done(&feed);
	}
}

/* In two, in that order and the other; numbers wrap within. */
static void test_cut_everywhere(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		for (size_t cut = 1; cut < samples[i].n; cut++) {
			struct feed feed;
			uint32_t start = 0xffffffffu - (uint32_t)(cut / 2);

			feed_init(&feed, start);
			give_sample(&feed, i, 0, cut);
			assert_int_equal(feed.messages, 0);
			give_sample(&feed, i, cut, samples[i].n - cut);
			check(&feed, i);
			feed_done(&feed);

			feed_init(&feed, start);
			give(&feed, samples[i].port, "", 0, 0, SONDE_TCP_SYN, "", "");
			give_sample(&feed, i, cut, samples[i].n - cut);
			assert_int_equal(feed.messages, 0);
			give_sample(&feed, i, 0, cut);
			check(&feed, i);
			feed_done(&feed);
		}
	}
}

/* With every byte sent twice, the second time with its neighbour. */
static void test_byte_by_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < SAMPLES; i++) {
		struct feed feed;

		feed_init(&feed, 0xfffffff8);
		for (size_t at = 0; at < samples[i].n; at++) {
			assert_int_equal(feed.messages, 0);
			give_sample(&feed, i, at, 1);
			if (at > 0 && at + 1 < samples[i].n)
				give_sample(&feed, i, at - 1, 2);
		}
		check(&feed, i);
		feed_done(&feed);
	}
}

/* A response without a length ends with its connection. */
static void test_until_close(void **state)
{
	static const char reply[] = "HTTP/1.0 200 OK\r\n\r\nall of it";
	struct feed feed;

	(void)state;
	feed_init(&feed, 7);
	give(&feed, 80, reply, 0, sizeof(reply) - 1, SONDE_TCP_ACK, "http",
	     "http.file_data");
	assert_int_equal(feed.messages, 0);
	give(&feed, 80, reply, sizeof(reply) - 1, 0, SONDE_TCP_ACK | SONDE_TCP_FIN,
	     "http", "http.file_data");
	assert_int_equal(feed.messages, 1);
	assert_string_equal(feed.value, "all of it");
	feed_done(&feed);
}

/* Thousands of messages that come early, in one segment: what is put together of them
 * takes no more memory than they do, but for a factor. */
static void test_many_early(void **state)
{
	enum { RECORD = 5, RECORDS = 12000 };
	struct feed feed;
	char *bytes = calloc(RECORDS, RECORD);
	size_t kept = 0;

	(void)state;
	assert_non_null(bytes);
	for (size_t i = 0; i < RECORDS; i++)
		memcpy(bytes + i * RECORD, "\x17\3\3\0\0", RECORD);
	feed_init(&feed, 1000);
	give(&feed, 443, "", 0, 0, SONDE_TCP_SYN, "", "");
	give(&feed, 443, bytes, RECORD, (RECORDS - 1) * RECORD, SONDE_TCP_ACK, "tls",
	     "tls.none");
	assert_int_equal(feed.messages, 0);
	give(&feed, 443, bytes, 0, RECORD, SONDE_TCP_ACK, "tls", "tls.none");
	assert_in_range(feed.messages, 1000, RECORDS); /* as many as fields may be */
	for (size_t i = 0; i < feed.dissector->keep.chunk_count; i++)
		kept += feed.dissector->keep.sizes[i];
	assert_in_range(kept, RECORDS * RECORD, 16 * RECORDS * RECORD);
	feed_done(&feed);
	free(bytes);
}

/* Of several messages that were put together, the first has those behind it in what it
 * carries, though they came later. */
static void test_search_behind(void **state)
{
	static const char records[] = "\x17\3\3\0\5first"
				      "\x17\3\3\0\6second"
				      "\x17\3\3\0\5third";
	static const struct {
		const char *text;
		bool passes;
	} cases[] = {
		{"tls#2 contains \"second\"", true},
		{"tls#2 contains \"third\"", true},
		{"tls#3 contains \"third\"", true},
		{"tls#3 contains \"second\"", false},
		{"tls#2 contains \"thirdX\"", false},
	};
	const struct sonde_filter_means means = {0};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct feed feed;

		feed_init(&feed, 1000);
		assert_int_equal(
			sonde_filter_new(cases[i].text, &means, &feed.filter, NULL, NULL),
			0);
		give(&feed, 443, "", 0, 0, SONDE_TCP_SYN, "", "");
		give(&feed, 443, records, 10, sizeof(records) - 11, SONDE_TCP_ACK, "tls",
		     "tls.none");
		give(&feed, 443, records, 0, 10, SONDE_TCP_ACK, "tls", "tls.none");
		assert_int_equal(feed.messages, 3);
		assert_int_equal(feed.passes, cases[i].passes);
		sonde_filter_free(feed.filter);
		feed_done(&feed);
	}
}

/* A connection whose ports are used again gives back what it had under way. */
static void test_ports_again(void **state)
{
	struct feed feed;

	(void)state;
	feed_init(&feed, 1000);
	for (int i = 0; i < 5; i++) {
		feed.start += 10000;
		give(&feed, 80, "", 0, 0, SONDE_TCP_SYN, "", "");
		give(&feed, 80, "GET / HTTP/1.1\r\n", 0, 16, SONDE_TCP_ACK, "http", "");
		assert_int_equal(feed.dissector->streams.count, 1);
		assert_int_equal(feed.dissector->streams.held, 16);
	}
	assert_int_equal(feed.dissector->tcp_flows.count, 5);
	feed_done(&feed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_cut_everywhere),
		cmocka_unit_test(test_byte_by_byte),
		cmocka_unit_test(test_until_close),
		cmocka_unit_test(test_many_early),
		cmocka_unit_test(test_search_behind),
		cmocka_unit_test(test_ports_again),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
