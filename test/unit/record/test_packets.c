/* Packets from the ring to the recording: whose they are, and what is counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/clock.h"
#include "base/content.h"
#include "base/limits.h"
#include "record/packets.h"

enum { TRACED = 5000, OTHER = 6000, FIRST_NS = 1000 };

struct sample {
	struct packets packets;
	struct capture_file file;
};

static int make_sample(void **context)
{
	static struct sample sample;

	sample = (struct sample){.file = {.fd = -1, .read_fd = -1}};
	sample.packets.recording = sonde_recording_new();
	sample.packets.file = &sample.file;
	sample.packets.ring_fd = -1;
	*context = &sample;
	if (!sample.packets.recording)
		return -1;
	return said_new(&sample.packets.said);
}

static int remove_sample(void **context)
{
	struct sample *sample = *context;

	packets_done(&sample->packets);
	capture_file_close(&sample->file);
	sonde_recording_free(sample->packets.recording);
	return 0;
}

/* A UDP datagram from 127.0.0.1:OTHER to 127.0.0.1:port, padded to n bytes. */
static struct ring_packet datagram(uint16_t port, int64_t at_ns, uint32_t n)
{
	static uint8_t bytes[LIMIT_SNAP_BYTES];
	static const uint8_t start[] = {
		0x45, 0,   0, 29, 0, 0,   0,   0, 64, 17,         0,
		0,    127, 0, 0,  1, 127, 0,   0, 1,  OTHER >> 8, OTHER & 0xff,
		0,    0,   0, 9,  0, 0,   'q',
	};

	memset(bytes, 0, sizeof(bytes));
	memcpy(bytes, start, sizeof(start));
	bytes[22] = (uint8_t)(port >> 8);
	bytes[23] = (uint8_t)port;
	return (struct ring_packet){
		.at_ns = at_ns,
		.captured_length = n,
		.wire_length = n,
		.bytes = bytes,
		.interface_index = 1,
		.link = SONDE_LINK_RAW,
	};
}

static void take(struct sample *sample, uint16_t port, int64_t at_ns)
{
	struct ring_packet packet = datagram(port, at_ns, 29);

	packets_take(&sample->packets, &packet);
}

static void trace_socket(struct sample *sample)
{
	struct sonde_socket socket = {
		.kind = SONDE_SOCKET_UDP,
		.local = {.family = SONDE_FAMILY_INET, .port = TRACED},
	};

	socket.local.bytes[0] = 127;
	socket.local.bytes[3] = 1;
	assert_int_equal(flows_add_socket(&sample->packets.flows, &socket), 0);
}

static void in_a_namespace_all_are_theirs(void **context)
{
	struct sample *sample = *context;

	sample->packets.is_isolated = true;
	take(sample, TRACED, FIRST_NS);
	take(sample, OTHER, FIRST_NS + 1);
	assert_int_equal(sample->packets.recording->packet_count, 2);
	assert_int_equal(packets_patience_ms(&sample->packets), -1);
}

static void a_socket_may_be_told_after_its_packet(void **context)
{
	struct sample *sample = *context;
	const struct sonde_recording *recording = sample->packets.recording;

	take(sample, TRACED, FIRST_NS);
	take(sample, OTHER, FIRST_NS + 1);
	packets_judge(&sample->packets, FIRST_NS + 2);
	assert_int_equal(recording->packet_count, 0);
	assert_int_equal(recording->packets_foreign, 0);
	assert_in_range(packets_patience_ms(&sample->packets), 1, 1000);
	trace_socket(sample);
	packets_judge(&sample->packets, FIRST_NS + 3);
	assert_int_equal(recording->packet_count, 1);
	assert_int_equal(recording->packets[0].at_ns, FIRST_NS);
	assert_int_equal(recording->packets[0].decoded.dst.port, TRACED);
	assert_int_equal(recording->packets[0].decoded.payload_captured, 1);
	assert_true(recording->packets[0].payload_hash == content_hash("q", 1));
	/* The other one is of nobody, once nothing can come about it any more. */
	assert_int_equal(recording->packets_foreign, 0);
	packets_judge(&sample->packets, FIRST_NS + LIMIT_HELD_MS * NS_PER_MS + 1);
	assert_int_equal(recording->packets_foreign, 1);
	assert_int_equal(recording->packet_count, 1);
	assert_int_equal(packets_patience_ms(&sample->packets), -1);
}

static void the_end_decides(void **context)
{
	struct sample *sample = *context;

	take(sample, OTHER, INT64_MAX - 1);
	packets_judge(&sample->packets, INT64_MAX);
	assert_int_equal(sample->packets.recording->packets_foreign, 0);
	packets_end(&sample->packets);
	assert_int_equal(sample->packets.recording->packets_foreign, 1);
}

static void what_is_held_has_a_limit(void **context)
{
	struct sample *sample = *context;
	const struct sonde_recording *recording = sample->packets.recording;
	struct ring_packet large = datagram(OTHER, FIRST_NS, LIMIT_SNAP_BYTES);
	uint64_t fit = LIMIT_HELD_BYTES / (LIMIT_SNAP_BYTES + sizeof(large));

	for (int i = 0; i < 200; i++)
		packets_take(&sample->packets, &large);
	assert_int_equal(recording->packets_foreign, 200 - fit);
	assert_true(sample->packets.held.capacity < 4 * (size_t)LIMIT_HELD_BYTES);
	trace_socket(sample);
	take(sample, TRACED, FIRST_NS);
	packets_end(&sample->packets);
	assert_int_equal(recording->packets_foreign, 200);
	assert_int_equal(recording->packet_count, 1);
}

static void more_interfaces_than_are_kept(void **context)
{
	struct sample *sample = *context;
	const struct sonde_recording *recording = sample->packets.recording;

	sample->packets.is_isolated = true;
	for (int i = 0; i < LIMIT_INTERFACES + 6; i++) {
		struct ring_packet packet = datagram(TRACED, FIRST_NS + i, 29);

		packet.interface_index = i + 1;
		packets_take(&sample->packets, &packet);
	}
	assert_int_equal(recording->packet_count, LIMIT_INTERFACES);
	assert_int_equal(recording->packets_dropped, 6);
	assert_int_equal(recording->note_count, 1);
	assert_non_null(strstr(recording->notes[0].text, "more interfaces"));
}

static void what_never_came_is_dropped(void **context)
{
	struct sample *sample = *context;
	const struct sonde_recording *recording = sample->packets.recording;
	struct ring_counts before = {.received = 110, .dropped = 10, .read = 50};
	struct ring_counts after = {.received = 130, .dropped = 12, .read = 100};

	/* All of those that were due came; of the others nobody knows yet. */
	packets_count_lost(&sample->packets, &before, &after);
	assert_int_equal(recording->packets_dropped, 12);
	assert_int_equal(recording->note_count, 1);
	assert_non_null(strstr(recording->notes[0].text, "dropped 12 of 130 packets"));
	assert_non_null(strstr(recording->notes[0].hint, "--pin"));
	after.read = 97;
	packets_count_lost(&sample->packets, &before, &after);
	assert_int_equal(recording->packets_dropped, 12 + 12 + 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_a_namespace_all_are_theirs,
						make_sample, remove_sample),
		cmocka_unit_test_setup_teardown(a_socket_may_be_told_after_its_packet,
						make_sample, remove_sample),
		cmocka_unit_test_setup_teardown(the_end_decides, make_sample,
						remove_sample),
		cmocka_unit_test_setup_teardown(what_is_held_has_a_limit, make_sample,
						remove_sample),
		cmocka_unit_test_setup_teardown(more_interfaces_than_are_kept,
						make_sample, remove_sample),
		cmocka_unit_test_setup_teardown(what_never_came_is_dropped, make_sample,
						remove_sample),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
