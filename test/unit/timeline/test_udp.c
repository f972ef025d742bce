/* Datagrams: who sent each, who got it. */
#include "story.h"

struct pair {
	struct sonde_address client, server, any;
	uint32_t client_socket, server_socket;
};

static struct pair begin(struct story *story)
{
	struct pair pair = {.client = story_address("10.0.0.1", 6000),
			    .server = story_address("10.0.0.2", 53),
			    .any = story_address("0.0.0.0", 53)};

	story_begin(story);
	pair.client_socket = story_datagram(story, CLIENT, &pair.client, NULL);
	pair.server_socket = story_datagram(story, SERVER, &pair.any, NULL);
	return pair;
}

static void test_question_and_answer(void **state)
{
	struct story story;
	struct pair pair = begin(&story);
	uint32_t heard, ask, answer, got;

	(void)state;
	heard = CALL(&story, SERVER, "recvfrom", 50, 130, 4, .line = 91,
		     .socket = pair.server_socket, .address = &pair.client,
		     .length = 512);
	ask = CALL(&story, CLIENT, "sendto", 100, 120, 4, .line = 81,
		   .socket = pair.client_socket, .address = &pair.server);
	story_udp(&story, 110, &pair.client, &pair.server, 4);
	got = CALL(&story, CLIENT, "recvfrom", 140, 230, 6, .line = 82,
		   .socket = pair.client_socket, .address = &pair.server, .length = 512);
	answer = CALL(&story, SERVER, "sendto", 200, 220, 6, .line = 92,
		      .socket = pair.server_socket, .address = &pair.client);
	story_udp(&story, 210, &pair.server, &pair.client, 6);
	story_end(&story);

	assert_int_equal(story.timeline.stream_count, 1);
	assert_int_equal(story.timeline.streams[0].kind, SONDE_SOCKET_UDP);
	assert_int_equal(story.timeline.streams[0].client_socket, pair.client_socket);
	assert_int_equal(story.timeline.streams[0].server_socket, pair.server_socket);
	check_sent(&story, 1, ask, SONDE_DATA);
	check_bytes(&story, 1, ask, 0, 4);
	check_sent(&story, 2, answer, SONDE_DATA);
	check_completed(&story, heard, 1);
	check_completed(&story, got, 2);
	assert_int_equal(place_of(&story, 2)->sender, pair.server_socket);
	assert_int_equal(place_of(&story, 2)->receiver, pair.client_socket);
	assert_int_equal(place_of(&story, 2)->direction, 1);
	story_done(&story);
}

/* A socket that is connected only later, and then to somebody else: before that it talks
 * to anybody, after it to that one alone. */
static void test_connected_late(void **state)
{
	struct story story;
	struct pair pair = begin(&story);
	struct sonde_address other = story_address("10.0.0.2", 54);
	struct sonde_address third = story_address("10.0.0.2", 55);
	struct sonde_address none = {0};
	uint32_t late = story_datagram(&story, CLIENT, &pair.client, &third);
	uint32_t ask, got, first, second, parted;

	(void)state;
	/* The only socket of that port. */
	story.recording->sockets[pair.client_socket - 1].local.port = 6999;
	ask = CALL(&story, CLIENT, "sendto", 100, 120, 4, .line = 81, .socket = late,
		   .address = &pair.server);
	story_udp(&story, 110, &pair.client, &pair.server, 4);
	got = CALL(&story, CLIENT, "recvfrom", 140, 230, 6, .line = 82, .socket = late,
		   .address = &pair.server, .length = 512);
	story_udp(&story, 210, &pair.server, &pair.client, 6);
	CALL(&story, CLIENT, "connect", 300, 310, 0, .line = 83, .socket = late,
	     .address = &other);
	first = CALL(&story, CLIENT, "sendto", 320, 340, 5, .line = 84, .socket = late);
	story_udp(&story, 330, &pair.client, &other, 5);
	CALL(&story, CLIENT, "connect", 400, 410, 0, .line = 85, .socket = late,
	     .address = &third);
	second = CALL(&story, CLIENT, "sendto", 420, 440, 5, .line = 86, .socket = late);
	story_udp(&story, 430, &pair.client, &third, 5);
	/* From the one before, it is none of its own now. */
	story_udp(&story, 450, &other, &pair.client, 7);
	CALL(&story, CLIENT, "connect", 500, 510, 0, .line = 87, .socket = late,
	     .address = &none);
	parted = CALL(&story, CLIENT, "sendto", 520, 540, 4, .line = 88, .socket = late,
		      .address = &pair.server);
	story_udp(&story, 530, &pair.client, &pair.server, 4);
	story_end(&story);

	check_sent(&story, 1, ask, SONDE_DATA);
	check_completed(&story, got, 2);
	check_sent(&story, 3, first, SONDE_DATA);
	check_sent(&story, 4, second, SONDE_DATA);
	assert_int_equal(place_of(&story, 5)->receiver, 0);
	check_sent(&story, 6, parted, SONDE_DATA);
	story_done(&story);
}

/* Two clients at once, one datagram dropped, one cut to the buffer. */
static void test_order_of_arrival(void **state)
{
	struct story story;
	struct pair pair = begin(&story);
	struct sonde_address second = story_address("10.0.0.1", 6001);
	uint32_t one, two, three;

	(void)state;
	story_udp(&story, 100, &pair.client, &pair.server, 10);
	story_udp(&story, 110, &second, &pair.server, 10);
	story_udp(&story, 120, &pair.client, &pair.server, 11);
	story_udp(&story, 130, &pair.client, &pair.server, 2000);
	one = CALL(&story, SERVER, "recvfrom", 200, 210, 10, .line = 91,
		   .socket = pair.server_socket, .address = &pair.client, .length = 512);
	/* The one from the second client was dropped. */
	two = CALL(&story, SERVER, "recvfrom", 220, 230, 11, .line = 91,
		   .socket = pair.server_socket, .address = &pair.client, .length = 512);
	three = CALL(&story, SERVER, "recvfrom", 240, 250, 512, .line = 91,
		     .socket = pair.server_socket, .address = &pair.client,
		     .length = 512);
	CALL(&story, SERVER, "recvfrom", 260, NEVER, 0, .line = 91,
	     .socket = pair.server_socket);
	story_end(&story);
	assert_int_equal(story.timeline.stream_count, 2);
	check_verdict(&story, one, SONDE_NO, SONDE_WHY_NOT_BLOCKED, 1);
	check_verdict(&story, two, SONDE_NO, SONDE_WHY_NOT_BLOCKED, 3);
	check_verdict(&story, three, SONDE_NO, SONDE_WHY_NOT_BLOCKED, 4);
	check_verdict(&story, three + 1, SONDE_YES, SONDE_WHY_STILL_WAITING, 0);
	/* No sendto was recorded on the client's socket; the second's is not traced. */
	check_not_sent(&story, 1, SONDE_WHY_NOT_SEEN);
	check_not_sent(&story, 2, SONDE_WHY_NOT_TRACED);
	story_done(&story);
}

/* Under a timeout: poll + recvfrom; and a look ahead that takes nothing. */
static void test_wait_and_peek(void **state)
{
	struct story story;
	struct pair pair = begin(&story);
	uint32_t poll, peek;

	(void)state;
	poll = CALL(
		&story, SERVER, "poll", 50, 130, 1, .line = 91, .timeout_ms = 100,
		.watched = {{pair.server_socket, SONDE_READY_READ, SONDE_READY_READ}});
	story_udp(&story, 110, &pair.client, &pair.server, 4);
	CALL(&story, SERVER, "recvfrom", 140, 150, 4, .line = 91,
	     .socket = pair.server_socket, .flags = SONDE_CALL_NONBLOCKING,
	     .length = 512);
	peek = CALL(&story, SERVER, "recvfrom", 160, 230, 5, .line = 92,
		    .socket = pair.server_socket, .flags = SONDE_CALL_PEEK,
		    .length = 512);
	story_udp(&story, 220, &pair.client, &pair.server, 5);
	CALL(&story, SERVER, "recvfrom", 300, 310, 5, .line = 93,
	     .socket = pair.server_socket, .length = 512);
	story_end(&story);
	check_together(&story, poll, poll + 1);
	check_completed(&story, poll, 1);
	check_completed(&story, peek, 2);
	check_verdict(&story, peek + 1, SONDE_NO, SONDE_WHY_NOT_BLOCKED, 2);
	story_done(&story);
}

/* A connected socket among others on its port; a port that nobody asked for. */
static void test_which_socket(void **state)
{
	struct story story;
	struct pair pair = begin(&story);
	struct sonde_address home = story_address("10.0.0.2", 53);
	struct sonde_address other = story_address("10.0.0.1", 6001);
	uint32_t special, unnamed, got, send;

	(void)state;
	special = story_datagram(&story, SERVER, &home, &pair.client);
	unnamed = story_datagram(&story, CLIENT, NULL, NULL);
	got = CALL(&story, SERVER, "recvfrom", 50, 130, 4, .line = 91, .socket = special,
		   .length = 512);
	story_udp(&story, 110, &pair.client, &pair.server, 4);
	send = CALL(&story, CLIENT, "sendto", 200, 220, 9, .line = 81, .socket = unnamed,
		    .address = &pair.server);
	story_udp(&story, 210, &other, &pair.server, 9);
	story_end(&story);
	check_completed(&story, got, 1);
	assert_int_equal(place_of(&story, 1)->receiver, special);
	check_sent(&story, 2, send, SONDE_DATA);
	assert_int_equal(place_of(&story, 2)->sender, unnamed);
	assert_int_equal(place_of(&story, 2)->receiver, pair.server_socket);
	story_done(&story);
}

/* Two threads send alike at once: either may be meant. */
static void test_alike(void **state)
{
	struct story story;
	struct pair pair = begin(&story);
	uint32_t one, two;

	(void)state;
	one = CALL(&story, CLIENT, "sendto", 100, 150, 9, .line = 81, .thread = 1,
		   .socket = pair.client_socket, .address = &pair.server);
	two = CALL(&story, CLIENT, "sendto", 105, 155, 9, .line = 81, .thread = 2,
		   .socket = pair.client_socket, .address = &pair.server);
	story_udp(&story, 120, &pair.client, &pair.server, 9);
	story_udp(&story, 130, &pair.client, &pair.server, 9);
	story_end(&story);
	for (uint32_t packet = 1; packet <= 2; packet++) {
		assert_int_equal(count_edges(&story, SONDE_EDGE_SENT, packet), 2);
		assert_false(edge_of(&story, SONDE_EDGE_SENT, packet, one)->exact);
		assert_false(edge_of(&story, SONDE_EDGE_SENT, packet, two)->exact);
	}
	story_done(&story);
}

static void test_port_unreachable(void **state)
{
	struct story story;
	struct wire wire = story_wire(6000);
	uint32_t socket, connect, send, got;

	(void)state;
	story_begin(&story);
	socket = story_datagram(&story, CLIENT, &wire.client, &wire.server);
	connect = CALL(&story, CLIENT, "connect", 50, 60, 0, .line = 80, .socket = socket,
		       .address = &wire.server);
	send = CALL(&story, CLIENT, "sendto", 100, 120, 9, .line = 81, .socket = socket);
	story_udp(&story, 110, &wire.client, &wire.server, 9);
	got = CALL(&story, CLIENT, "recvfrom", 130, 230, -ECONNREFUSED, .line = 82,
		   .socket = socket);
	story_icmp(&story, &wire, 220, SONDE_PACKET_UDP);
	story_end(&story);
	check_sent(&story, 1, send, SONDE_DATA);
	check_not_sent(&story, 2, SONDE_WHY_KERNEL_ICMP);
	check_completed(&story, got, 2);
	assert_false(statement_at(&story, statement_of(&story, connect))->can_block);
	story_done(&story);
}

static void test_many_at_once(void **state)
{
	struct story story;
	struct pair pair = begin(&story);
	uint32_t many;

	(void)state;
	many = CALL(&story, CLIENT, "sendmmsg", 100, 150, 3, .line = 81, .datagrams = 3,
		    .socket = pair.client_socket);
	for (uint32_t i = 0; i < 3; i++)
		story_udp(&story, 110 + i, &pair.client, &pair.server, 10 + i);
	CALL(&story, SERVER, "recvmmsg", 200, 210, 2, .line = 91, .datagrams = 2,
	     .socket = pair.server_socket);
	CALL(&story, SERVER, "recvfrom", 220, 230, 12, .line = 92,
	     .socket = pair.server_socket, .length = 512);
	story_end(&story);
	for (uint32_t i = 1; i <= 3; i++)
		check_sent(&story, i, many, SONDE_DATA);
	check_verdict(&story, many + 1, SONDE_NO, SONDE_WHY_NOT_BLOCKED, 1);
	check_verdict(&story, many + 2, SONDE_NO, SONDE_WHY_NOT_BLOCKED, 3);
	story_done(&story);
}

/* A port that passes from one socket to the next; a send that left late, when the
 * neighbour's address was known. */
static void test_port_passes_on(void **state)
{
	struct story story;
	struct pair pair = begin(&story);
	uint32_t heir, late;

	(void)state;
	story.recording->sockets[pair.client_socket - 1].closed_ns = 500 * 1000;
	heir = story_datagram(&story, CLIENT, &pair.client, NULL);
	story.recording->sockets[heir - 1].opened_ns = 600 * 1000;
	late = CALL(&story, CLIENT, "sendto", 100, 120, 9, .line = 81,
		    .socket = pair.client_socket, .address = &pair.server);
	story_udp(&story, 300, &pair.client, &pair.server, 9);
	CALL(&story, CLIENT, "sendto", 700, 720, 9, .line = 82, .socket = heir,
	     .address = &pair.server);
	story_udp(&story, 710, &pair.client, &pair.server, 9);
	story_end(&story);
	assert_int_equal(edge_of(&story, SONDE_EDGE_SENT, 1, 0)->call, late);
	assert_false(edge_of(&story, SONDE_EDGE_SENT, 1, 0)->exact);
	check_sent(&story, 2, late + 1, SONDE_DATA);
	assert_int_equal(place_of(&story, 1)->sender, pair.client_socket);
	assert_int_equal(place_of(&story, 2)->sender, heir);
	story_done(&story);
}

/* Two threads wait on one socket.  When one has come back before the next datagram, it is
 * known which it got; where both datagrams were there before either came back, it is not,
 * unless they differ. */
static void test_threads(void **state)
{
	struct story story;
	struct pair pair = begin(&story);
	uint32_t calls[6];

	(void)state;
	for (unsigned i = 0; i < 6; i++) {
		const int64_t enter_us = 50 + 1000 * (i / 2);
		const int64_t exit_us[] = {130, 230, 1330, 1331, 2330, 2331};
		const int64_t length = i == 5 ? 7 : 4;

		calls[i] = CALL(&story, SERVER, "recvfrom", enter_us, exit_us[i], length,
				.line = 91, .thread = 1 + i % 2,
				.socket = pair.server_socket, .address = &pair.client,
				.length = 512);
	}
	story_udp(&story, 110, &pair.client, &pair.server, 4);
	story_udp(&story, 210, &pair.client, &pair.server, 4);
	story_udp(&story, 1310, &pair.client, &pair.server, 4);
	story_udp(&story, 1311, &pair.client, &pair.server, 4);
	story_udp(&story, 2310, &pair.client, &pair.server, 4);
	story_udp(&story, 2311, &pair.client, &pair.server, 7);
	story_end(&story);
	for (unsigned i = 0; i < 6; i++) {
		const struct sonde_edge *edge =
			edge_of(&story, SONDE_EDGE_COMPLETED, i + 1, calls[i]);
		const struct sonde_edge *other =
			edge_of(&story, SONDE_EDGE_COMPLETED, (i ^ 1) + 1, calls[i]);

		assert_non_null(edge);
		assert_int_equal(edge->exact, i / 2 != 1);
		assert_int_equal(other != NULL, i / 2 == 1);
		assert_true(!other || !other->exact);
	}
	story_done(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_question_and_answer),
		cmocka_unit_test(test_connected_late),
		cmocka_unit_test(test_order_of_arrival),
		cmocka_unit_test(test_wait_and_peek),
		cmocka_unit_test(test_which_socket),
		cmocka_unit_test(test_alike),
		cmocka_unit_test(test_port_unreachable),
		cmocka_unit_test(test_many_at_once),
		cmocka_unit_test(test_port_passes_on),
		cmocka_unit_test(test_threads),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
