/* Datagrams that several calls can have sent, or received: told by content, else all that
 * fit are candidates. */
#include "story.h"

enum { READERS = 3 };

struct place {
	struct story story;
	struct sonde_address client, server;
	uint32_t client_socket, server_socket;
};

static void begin(struct place *place)
{
	*place = (struct place){.client = story_address("10.0.0.1", 6000),
				.server = story_address("10.0.0.2", 53)};
	story_begin(&place->story);
	place->client_socket =
		story_datagram(&place->story, CLIENT, &place->client, NULL);
	place->server_socket =
		story_datagram(&place->story, SERVER, &place->server, NULL);
}

static uint32_t arrive(struct place *place, int64_t at_us, uint64_t content)
{
	uint32_t packet =
		story_udp(&place->story, at_us, &place->client, &place->server, 4);

	place->story.recording->packets[packet - 1].payload_hash = content;
	return packet;
}

static uint32_t receive(struct place *place, unsigned thread, int64_t enter_us,
			int64_t exit_us, uint64_t content)
{
	return CALL(&place->story, SERVER, "recvfrom", enter_us, exit_us, 4, .line = 91,
		    .thread = thread, .socket = place->server_socket,
		    .address = &place->client, .length = 512, .content = content);
}

/* Exactly these packets may have completed the call, in the edges and in the table; the
 * list ends with 0. */
static void check_among(const struct story *story, uint32_t call, const uint32_t *packets)
{
	uint32_t count = 0, edges = 0, rows = 0;

	for (; packets[count]; count++) {
		const struct sonde_edge *edge =
			edge_of(story, SONDE_EDGE_COMPLETED, packets[count], call);

		assert_non_null(edge);
		assert_false(edge->exact);
	}
	for (uint32_t i = 0; i < story->timeline.edge_count; i++)
		edges += story->timeline.edges[i].kind == SONDE_EDGE_COMPLETED &&
			 story->timeline.edges[i].call == call;
	assert_int_equal(edges, count);
	for (uint32_t i = 0; i < story->tables.completed_count; i++) {
		const struct sonde_completed_row *row = &story->tables.completed[i];

		if (row->call != call)
			continue;
		assert_false(row->exact);
		assert_int_equal(row->packet, packets[rows]);
		rows++;
	}
	assert_int_equal(rows, count);
	assert_true(story->timeline.call_unsure[call - 1]);
}
#define AMONG(story, call, ...)                                                          \
	check_among(story, call, (const uint32_t[]){__VA_ARGS__, 0})

/* The one that returns first took the last: its content says so. */
static void test_by_content(void **state)
{
	struct place place;
	uint32_t calls[READERS];

	(void)state;
	begin(&place);
	for (unsigned i = 0; i < READERS; i++)
		calls[i] = receive(&place, i + 1, 50 + i, 200 + i, 100 + READERS - i);
	for (unsigned i = 0; i < READERS; i++)
		arrive(&place, 100 + i, 101 + i);
	story_end(&place.story);
	for (unsigned i = 0; i < READERS; i++) {
		check_completed(&place.story, calls[i], READERS - i);
		assert_false(place.story.timeline.call_unsure[calls[i] - 1]);
	}
	story_done(&place.story);
}

/* One of which the rest was cut off returns first: it would fit any, but the other one's
 * content is that of the first. */
static void test_cut(void **state)
{
	struct place place;
	uint32_t cut, whole;

	(void)state;
	begin(&place);
	cut = CALL(&place.story, SERVER, "recvfrom", 50, 200, 2, .line = 91, .thread = 1,
		   .socket = place.server_socket, .address = &place.client, .length = 2,
		   .content = 3);
	whole = receive(&place, 2, 51, 201, 7);
	arrive(&place, 100, 7);
	arrive(&place, 101, 9);
	story_end(&place.story);
	check_completed(&place.story, whole, 1);
	check_completed(&place.story, cut, 2);
	story_done(&place.story);
}

static uint32_t give(struct place *place, unsigned thread, int64_t enter_us,
		     int64_t exit_us, uint64_t content)
{
	return CALL(&place->story, CLIENT, "sendto", enter_us, exit_us, 4, .line = 81,
		    .thread = thread, .socket = place->client_socket,
		    .address = &place->server, .content = content);
}

/* Two threads send at once: which one came first into the queue is not known from which one
 * was seen first.  What was cut may be either; so may it be among several receivers. */
static void test_queued_otherwise(void **state)
{
	(void)state;
	for (unsigned readers = 1; readers <= 2; readers++) {
		struct place place;
		uint32_t cut;

		begin(&place);
		cut = CALL(&place.story, SERVER, "recvfrom", 50, 200, 2, .line = 91,
			   .thread = 1, .socket = place.server_socket,
			   .address = &place.client, .length = 2, .content = 3);
		give(&place, 1, 100, 140, 7);
		give(&place, 2, 101, 141, 9);
		arrive(&place, 110, 7);
		arrive(&place, 111, 9);
		/* One thread's come in order, and these behind those that have returned. */
		give(&place, 2, 190, 210, 8);
		arrive(&place, 195, 8);
		CALL(&place.story, SERVER, "recvfrom", 220, 230, 2, .line = 91,
		     .thread = readers, .socket = place.server_socket,
		     .address = &place.client, .length = 2, .content = 3);
		story_end(&place.story);
		AMONG(&place.story, cut, 1, 2);
		story_done(&place.story);
	}
}

/* The contents tell in which order they were queued: none is lost. */
static void test_queued_otherwise_by_content(void **state)
{
	struct place place;
	uint32_t first, second;

	(void)state;
	begin(&place);
	first = receive(&place, 1, 50, 112, 9);
	give(&place, 1, 100, 140, 7);
	give(&place, 2, 101, 141, 9);
	arrive(&place, 110, 7);
	arrive(&place, 111, 9);
	second = receive(&place, 1, 200, 210, 7);
	story_end(&place.story);
	check_completed(&place.story, first, 2);
	check_verdict(&place.story, second, SONDE_NO, SONDE_WHY_NOT_BLOCKED, 1);
	story_done(&place.story);
}

/* Two are alike, the third is not: it is nobody else's. */
static void test_alike(void **state)
{
	struct place place;
	uint32_t calls[READERS];

	(void)state;
	begin(&place);
	for (unsigned i = 0; i < READERS; i++)
		calls[i] = receive(&place, i + 1, 50 + i, 200 + i, i == 1 ? 9 : 7);
	arrive(&place, 100, 7);
	arrive(&place, 101, 7);
	arrive(&place, 102, 9);
	story_end(&place.story);
	check_completed(&place.story, calls[1], 3);
	AMONG(&place.story, calls[0], 1, 2);
	AMONG(&place.story, calls[2], 1, 2);
	story_done(&place.story);
}

/* One waits all the time while the other takes one after the other: where the first came
 * into the queue is not known, and each of the others has its place or the next. */
static void test_long_one(void **state)
{
	struct place place;
	uint32_t slow, quick[3];

	(void)state;
	begin(&place);
	slow = receive(&place, 1, 50, 900, 7);
	for (unsigned i = 0; i < 3; i++)
		quick[i] = receive(&place, 2, 60 + 200 * i, 150 + 200 * i, 7);
	for (unsigned i = 0; i < 3; i++)
		arrive(&place, 100 + 200 * i, 7);
	arrive(&place, 800, 7);
	story_end(&place.story);
	/* The second had not come yet. */
	check_completed(&place.story, quick[0], 1);
	check_completed(&place.story, quick[1], 2);
	check_completed(&place.story, quick[2], 3);
	check_completed(&place.story, slow, 4);
	story_done(&place.story);

	begin(&place);
	slow = receive(&place, 1, 50, 900, 7);
	for (unsigned i = 0; i < 3; i++)
		quick[i] = receive(&place, 2, 130 + 200 * i, 150 + 200 * i, 7);
	for (unsigned i = 0; i < 4; i++)
		arrive(&place, 100 + i, 7);
	story_end(&place.story);
	AMONG(&place.story, slow, 1, 2, 3, 4);
	/* All were there before any of these was entered. */
	assert_int_equal(place.story.timeline.call_blocked[quick[0] - 1], SONDE_NO);
	assert_true(place.story.timeline.call_unsure[quick[0] - 1]);
	story_done(&place.story);
}

/* Without contents, the kernel drops what did not fit into its queue. */
static void test_dropped(void **state)
{
	struct place place;
	uint32_t first, second;

	(void)state;
	begin(&place);
	for (uint64_t i = 1; i <= 9; i++)
		arrive(&place, 100 + (int64_t)i, i);
	first = receive(&place, 1, 200, 210, 1);
	second = receive(&place, 1, 220, 230, 9);
	story_end(&place.story);
	check_verdict(&place.story, first, SONDE_NO, SONDE_WHY_NOT_BLOCKED, 1);
	check_verdict(&place.story, second, SONDE_NO, SONDE_WHY_NOT_BLOCKED, 9);
	story_done(&place.story);
}

/* More than can be named: none is. */
static void test_too_many(void **state)
{
	enum { MANY = 70 };
	struct place place;
	uint32_t slow;

	(void)state;
	begin(&place);
	slow = receive(&place, 1, 50, 9000, 7);
	for (unsigned i = 0; i < MANY; i++)
		receive(&place, 2, 1000 + 20 * i, 1010 + 20 * i, 7);
	for (unsigned i = 0; i <= MANY; i++)
		arrive(&place, 100 + i, 7);
	story_end(&place.story);
	check_verdict(&place.story, slow, SONDE_UNKNOWN, SONDE_WHY_PACKET_NOT_SEEN, 0);
	story_done(&place.story);
}

/* Two wait for one socket: both are woken by the datagram that was next, and one gets it;
 * a third waits while another receives. */
static void test_waits(void **state)
{
	struct place place;
	uint32_t polls[3];

	(void)state;
	begin(&place);
	for (unsigned i = 0; i < 2; i++)
		polls[i] = CALL(&place.story, SERVER, "poll", 50 + i, 120 + i, 1,
				.line = 90, .thread = i + 1,
				.watched = {{place.server_socket, SONDE_READY_READ,
					     SONDE_READY_READ}});
	arrive(&place, 110, 7);
	receive(&place, 1, 130, 140, 7);
	CALL(&place.story, SERVER, "recvfrom", 131, 141, -EAGAIN, .line = 91, .thread = 2,
	     .socket = place.server_socket, .length = 512,
	     .flags = SONDE_CALL_NONBLOCKING);
	polls[2] = CALL(
		&place.story, SERVER, "poll", 205, 320, 1, .line = 90, .thread = 2,
		.watched = {{place.server_socket, SONDE_READY_READ, SONDE_READY_READ}});
	receive(&place, 1, 200, 330, 7);
	receive(&place, 2, 325, 331, 7);
	arrive(&place, 300, 7);
	arrive(&place, 301, 7);
	story_end(&place.story);
	check_completed(&place.story, polls[0], 1);
	check_completed(&place.story, polls[1], 1);
	AMONG(&place.story, polls[2], 2, 3);
	story_done(&place.story);
}

static uint32_t poll_beside(struct place *place, unsigned thread, int64_t enter_us,
			    int64_t exit_us)
{
	return CALL(
		&place->story, SERVER, "poll", enter_us, exit_us, 1, .line = 90,
		.thread = thread,
		.watched = {{place->server_socket, SONDE_READY_READ, SONDE_READY_READ}});
}

/* One thread receives, one datagram after the other, while two wait: the first to come
 * ended the shorter wait, though the receive that got it was entered before the wait; the
 * longer one may have been woken too late for it, and slept on. */
static void test_waits_beside_a_receiver(void **state)
{
	struct place place;
	uint32_t longer, shorter;

	(void)state;
	begin(&place);
	receive(&place, 1, 40, 150, 7);
	longer = poll_beside(&place, 3, 45, 260);
	shorter = poll_beside(&place, 2, 50, 120);
	CALL(&place.story, SERVER, "recvfrom", 130, 131, -EAGAIN, .line = 91, .thread = 2,
	     .socket = place.server_socket, .length = 512,
	     .flags = SONDE_CALL_NONBLOCKING);
	receive(&place, 1, 180, 210, 7);
	receive(&place, 3, 270, 280, 7);
	arrive(&place, 100, 7);
	arrive(&place, 200, 7);
	arrive(&place, 250, 7);
	story_end(&place.story);
	check_completed(&place.story, shorter, 1);
	AMONG(&place.story, longer, 1, 2, 3);
	story_done(&place.story);
}

/* Two sockets with one port: who received from where tells whose a packet is, and the
 * answers come from that socket. */
static void test_same_port(void **state)
{
	struct place place;
	struct sonde_address other = story_address("10.0.0.1", 6001);
	uint32_t second, calls[2], answer, packet;

	(void)state;
	begin(&place);
	second = story_datagram(&place.story, SERVER, &place.server, NULL);
	calls[0] = receive(&place, 1, 50, 130, 0);
	calls[1] = CALL(&place.story, SERVER, "recvfrom", 51, 140, 4, .line = 92,
			.thread = 2, .socket = second, .address = &other, .length = 512);
	story_udp(&place.story, 110, &other, &place.server, 4);
	arrive(&place, 120, 0);
	answer = CALL(&place.story, SERVER, "sendto", 150, 160, 9, .line = 93,
		      .thread = 2, .socket = second, .address = &other);
	packet = story_udp(&place.story, 155, &place.server, &other, 9);
	story_end(&place.story);
	check_completed(&place.story, calls[0], 2);
	check_completed(&place.story, calls[1], 1);
	check_sent(&place.story, packet, answer, SONDE_DATA);
	assert_int_equal(place_of(&place.story, 1)->receiver, second);
	assert_int_equal(place_of(&place.story, 2)->receiver, place.server_socket);
	assert_int_equal(place_of(&place.story, packet)->sender, second);
	assert_int_equal(place.story.timeline.streams[0].server_socket, second);
	assert_int_equal(place.story.timeline.streams[1].server_socket,
			 place.server_socket);
	story_done(&place.story);
}

/* Sends at once: by content; and what is left over when the others are settled. */
static void test_sends(void **state)
{
	struct place place;
	uint32_t one, two, three, early, late;

	(void)state;
	begin(&place);
	one = give(&place, 1, 100, 200, 1);
	two = give(&place, 2, 101, 201, 2);
	three = give(&place, 3, 102, 202, 2);
	arrive(&place, 150, 2);
	arrive(&place, 160, 1);
	arrive(&place, 170, 2);
	early = give(&place, 1, 300, 340, 0);
	late = give(&place, 2, 320, 400, 0);
	arrive(&place, 330, 0);
	arrive(&place, 350, 0);
	story_end(&place.story);
	check_sent(&place.story, 2, one, SONDE_DATA);
	for (uint32_t packet = 1; packet <= 3; packet += 2) {
		assert_int_equal(count_edges(&place.story, SONDE_EDGE_SENT, packet), 2);
		assert_false(edge_of(&place.story, SONDE_EDGE_SENT, packet, two)->exact);
		assert_false(
			edge_of(&place.story, SONDE_EDGE_SENT, packet, three)->exact);
	}
	/* When the last one left, `early` had returned. */
	check_sent(&place.story, 5, late, SONDE_DATA);
	check_sent(&place.story, 4, early, SONDE_DATA);
	story_done(&place.story);
}

/* The queue of a Unix datagram socket, with two readers. */
static void test_unix(void **state)
{
	struct story story;
	struct sonde_socket socket = {
		.program = SERVER,
		.kind = SONDE_SOCKET_UNIX_DATAGRAM,
	};
	uint32_t writer, reader, calls[4], gifts[4];

	(void)state;
	story_begin(&story);
	socket.opened_ns = story.recording->started_ns;
	reader = (uint32_t)sonde_recording_add_socket(story.recording, &socket);
	writer = (uint32_t)sonde_recording_add_socket(story.recording, &socket);
	story.recording->sockets[reader - 1].peer_socket = writer;
	story.recording->sockets[writer - 1].peer_socket = reader;
	/* Crosswise, and then alike. */
	for (unsigned i = 0; i < 4; i++) {
		const uint64_t taken[] = {2, 1, 3, 3}, given[] = {1, 2, 3, 3};
		int64_t base_us = 1000 * (i / 2);

		calls[i] = CALL(&story, SERVER, "read", base_us + 50 + i,
				base_us + 200 + i, 4, .line = 91, .thread = 1 + i % 2,
				.socket = reader, .length = 512, .content = taken[i]);
		gifts[i] = CALL(&story, CLIENT, "write", base_us + 100 + 10 * i,
				base_us + 105 + 10 * i, 4, .line = 81, .socket = writer,
				.content = given[i]);
	}
	story_end(&story);
	for (uint32_t i = 0; i < story.timeline.edge_count; i++) {
		const struct sonde_edge *edge = &story.timeline.edges[i];
		bool is_sure = edge->call == calls[0] || edge->call == calls[1];

		assert_int_equal(edge->exact, is_sure);
		if (is_sure)
			assert_int_equal(edge->by_call,
					 edge->call == calls[0] ? gifts[1] : gifts[0]);
		else
			assert_true(edge->by_call == gifts[2] ||
				    edge->by_call == gifts[3]);
	}
	/* Taken and completed: one each, then two each. */
	assert_int_equal(story.timeline.edge_count, 2 * (1 + 1 + 2 + 2));
	story_done(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_by_content),
		cmocka_unit_test(test_queued_otherwise),
		cmocka_unit_test(test_queued_otherwise_by_content),
		cmocka_unit_test(test_alike),
		cmocka_unit_test(test_long_one),
		cmocka_unit_test(test_dropped),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_waits),
		cmocka_unit_test(test_waits_beside_a_receiver),
		cmocka_unit_test(test_same_port),
		cmocka_unit_test(test_sends),
		cmocka_unit_test(test_unix),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
