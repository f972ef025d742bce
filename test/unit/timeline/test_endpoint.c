/* Which socket a stream belongs to, and what is not known of one. */
#include "story.h"

#define READ SONDE_READY_READ
#define WRITE SONDE_READY_WRITE

/* The socket was there before the tracing began: what had passed is not known. */
static void test_inherited(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);
	uint32_t socket, got, poll, data;

	(void)state;
	story_begin(&story);
	socket = story_connecting(&story, &wire);
	story.recording->sockets[socket - 1].is_inherited = true;
	story_handshake(&story, &wire, 100);
	CALL(&story, CLIENT, "sendto", 200, 220, 5, .line = 82, .socket = socket);
	data = story_tcp(&story, &wire, 210, '>', "PA", 1, 1, 5);
	poll = CALL(&story, CLIENT, "poll", 230, 320, 1, .line = 83,
		    .watched = {{socket, READ, READ}});
	got = CALL(&story, CLIENT, "recvfrom", 325, 330, 5, .line = 84, .socket = socket);
	story_tcp(&story, &wire, 310, '<', "PA", 1, 6, 5);
	story_end(&story);
	assert_int_equal(story.timeline.streams[0].client_socket, socket);
	check_not_sent(&story, data, SONDE_WHY_NOT_SEEN);
	check_verdict(&story, poll, SONDE_UNKNOWN, SONDE_WHY_PACKET_NOT_SEEN, 0);
	check_verdict(&story, got, SONDE_UNKNOWN, SONDE_WHY_PACKET_NOT_SEEN, 0);
	story_done(&story);
}

/* Of two streams on its addresses it is the one that lived when it was seen. */
static void test_inherited_of_two(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);
	uint32_t socket;

	(void)state;
	story_begin(&story);
	story_handshake(&story, &wire, 100);
	wire.client_isn += 5000;
	story_handshake(&story, &wire, 1000);
	socket = story_connecting(&story, &wire);
	story.recording->sockets[socket - 1].is_inherited = true;
	story.recording->sockets[socket - 1].opened_ns = 900 * 1000;
	story_end(&story);
	assert_int_equal(story.timeline.stream_count, 2);
	assert_int_equal(story.timeline.streams[0].client_socket, 0);
	assert_int_equal(story.timeline.streams[1].client_socket, socket);
	story_done(&story);
}

/* Two sockets that do not know their own addresses call one server at once. */
static void test_ambiguous_connects(void **state)
{
	struct story story;
	struct wire one = story_wire(5000), two = story_wire(5001);
	uint32_t sockets[2], first;

	(void)state;
	story_begin(&story);
	for (int i = 0; i < 2; i++) {
		sockets[i] = story_connecting(&story, &one);
		story.recording->sockets[sockets[i] - 1].local =
			(struct sonde_address){0};
	}
	first = CALL(&story, CLIENT, "connect", 100, 200, 0, .line = 81, .thread = 1,
		     .socket = sockets[0], .address = &one.server);
	CALL(&story, CLIENT, "connect", 105, 205, 0, .line = 81, .thread = 2,
	     .socket = sockets[1], .address = &one.server);
	story_tcp(&story, &one, 110, '>', "S", 0, 0, 0);
	story_tcp(&story, &two, 115, '>', "S", 0, 0, 0);
	story_end(&story);
	assert_int_equal(story.timeline.streams[0].client_socket, 0);
	assert_int_equal(story.timeline.streams[1].client_socket, 0);
	check_not_sent(&story, 1, SONDE_WHY_NOT_TRACED);
	check_verdict(&story, first, SONDE_YES, SONDE_WHY_PACKET_NOT_SEEN, 0);
	story_done(&story);
}

/* The SYN of a socket that knows its address was not captured; another program's to the
 * same server, at the same time, is not taken for it. */
static void test_not_another_ones_syn(void **state)
{
	struct story story;
	struct wire own = story_wire(5000), foreign = story_wire(5001);
	uint32_t socket;

	(void)state;
	story_begin(&story);
	socket = story_connecting(&story, &own);
	CALL(&story, CLIENT, "connect", 100, 200, 0, .line = 81, .socket = socket,
	     .address = &own.server);
	story_tcp(&story, &foreign, 110, '>', "S", 0, 0, 0);
	story_end(&story);
	assert_int_equal(story.timeline.streams[0].client_socket, 0);
	check_not_sent(&story, 1, SONDE_WHY_NOT_TRACED);
	story_done(&story);
}

/* The first attempt was captured, the second was not: the answer to the first is none to
 * the second. */
static void test_second_attempt_not_captured(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);
	uint32_t socket, second;

	(void)state;
	story_begin(&story);
	socket = story_connecting(&story, &wire);
	CALL(&story, CLIENT, "connect", 100, 150, -ECONNREFUSED, .line = 81,
	     .socket = socket, .address = &wire.server);
	story_tcp(&story, &wire, 110, '>', "S", 0, 0, 0);
	story_tcp(&story, &wire, 120, '<', "RA", 0, 1, 0);
	second = CALL(&story, CLIENT, "connect", 200, 250, -ECONNREFUSED, .line = 82,
		      .socket = socket, .address = &wire.server);
	story_end(&story);
	check_verdict(&story, second, SONDE_YES, SONDE_WHY_PACKET_NOT_SEEN, 0);
	story_done(&story);
}

/* connect() to 0.0.0.0 reaches the loopback address. */
static void test_connect_to_any(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);
	struct sonde_address any = story_address("0.0.0.0", 80);
	uint32_t socket, connect;

	(void)state;
	story_begin(&story);
	wire.client = story_address("127.0.0.1", 5000);
	wire.server = story_address("127.0.0.1", 80);
	socket = story_connecting(&story, &wire);
	story.recording->sockets[socket - 1].local = (struct sonde_address){0};
	connect = CALL(&story, CLIENT, "connect", 100, 200, 0, .line = 81,
		       .socket = socket, .address = &any);
	story_handshake(&story, &wire, 110);
	story_end(&story);
	check_sent(&story, 1, connect, SONDE_SYN);
	check_completed(&story, connect, 2);
	story_done(&story);
}

/* Who listened: not our socket if the SYN left this machine, or if it was refused. */
static void test_listener(void **state)
{
	struct story story;
	struct wire here = story_wire(5000), away = story_wire(5001),
		    refused = story_wire(5002), late = story_wire(5003);
	uint32_t listener, packet;

	(void)state;
	story_begin(&story);
	listener = story_listener(&story);
	story.recording->sockets[listener - 1].opened_ns = 50 * 1000;
	story.recording->sockets[listener - 1].closed_ns = 400 * 1000;
	story_handshake(&story, &here, 100);
	packet = story_tcp(&story, &away, 200, '>', "S", 0, 0, 0);
	story.recording->packets[packet - 1].is_outgoing = true;
	story_tcp(&story, &refused, 300, '>', "S", 0, 0, 0);
	story_tcp(&story, &refused, 305, '<', "RA", 0, 1, 0);
	story_tcp(&story, &late, 500, '>', "S", 0, 0, 0);
	story_end(&story);
	assert_int_equal(story.timeline.streams[0].listening_socket, listener);
	assert_int_equal(story.timeline.streams[0].server_socket, 0);
	assert_int_equal(story.timeline.streams[1].listening_socket, 0);
	assert_int_equal(story.timeline.streams[2].listening_socket, 0);
	assert_int_equal(story.timeline.streams[3].listening_socket, 0);
	story_done(&story);
}

/* A stream that began after the accept had returned is another one. */
static void test_accepted_before_reuse(void **state)
{
	struct story story;
	struct talk talk;
	struct wire again;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	again = talk.wire;
	again.client_isn += 70000;
	story_handshake(&story, &again, 1000);
	story_end(&story);
	assert_int_equal(story.timeline.streams[0].server_socket, talk.server);
	assert_int_equal(story.timeline.streams[1].server_socket, 0);
	story_done(&story);
}

static uint32_t middle(struct story *story, uint32_t sent, uint64_t dropped)
{
	struct wire wire = story_wire(5000);
	uint32_t socket, send;

	story_begin(story);
	story->recording->calls_dropped = dropped;
	socket = story_connecting(story, &wire);
	CALL(story, CLIENT, "connect", 100, 150, 0, .line = 81, .socket = socket,
	     .address = &wire.server);
	send = CALL(story, CLIENT, "sendto", 400, 410, sent, .line = 82,
		    .socket = socket);
	story_tcp(story, &wire, 405, '>', "PA", 501, 4009, 7);
	story_tcp(story, &wire, 505, '>', "FA", 508, 4009, 0);
	story_end(story);
	return send;
}

/* The end of a stream anchors it only if the calls account for what was captured. */
static void test_end_does_not_fit(void **state)
{
	struct story story;

	(void)state;
	check_sent(&story, 1, middle(&story, 7, 0), SONDE_DATA);
	story_done(&story);
	middle(&story, 5, 0);
	check_not_sent(&story, 1, SONDE_WHY_NOT_SEEN);
	story_done(&story);
	middle(&story, 7, 1);
	check_not_sent(&story, 1, SONDE_WHY_NOT_SEEN);
	story_done(&story);
}

/* The reader read to the end: so it is known what its receives got. */
static void test_anchored_by_reader(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);
	uint32_t socket, got, end;

	(void)state;
	story_begin(&story);
	socket = story_connecting(&story, &wire);
	CALL(&story, CLIENT, "connect", 100, 150, 0, .line = 81, .socket = socket,
	     .address = &wire.server);
	CALL(&story, CLIENT, "recvfrom", 200, 250, 100, .line = 82, .socket = socket);
	got = CALL(&story, CLIENT, "recvfrom", 260, 420, 50, .line = 82,
		   .socket = socket);
	story_tcp(&story, &wire, 400, '<', "PA", 101, 1, 50);
	end = CALL(&story, CLIENT, "recvfrom", 430, 520, 0, .line = 82, .socket = socket);
	story_tcp(&story, &wire, 500, '<', "FA", 151, 1, 0);
	story_end(&story);
	check_completed(&story, got, 1);
	check_completed(&story, end, 2);
	story_done(&story);
}

/* Waits that end with the connection. */
static void test_wait_for_the_end(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t reset, shut, last, shutdown;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	reset = CALL(&story, CLIENT, "poll", 200, 320, 1, .line = 82,
		     .watched = {{talk.client, READ,
				  READ | SONDE_READY_ERROR | SONDE_READY_HANGUP}});
	last = story_tcp(&story, &talk.wire, 310, '<', "RA", 1, 1, 0);
	shutdown = CALL(&story, SERVER, "shutdown", 400, 410, 0, .line = 92, .how = 2,
			.socket = talk.server);
	shut = CALL(&story, SERVER, "poll", 420, 425, 1, .line = 93,
		    .watched = {{talk.server, READ, READ | SONDE_READY_HANGUP}});
	story_end(&story);
	check_completed(&story, reset, last);
	check_verdict(&story, shut, SONDE_NO, SONDE_WHY_NOT_BLOCKED, 0);
	assert_int_equal(story.timeline.call_by[shut - 1], shutdown);
	story_done(&story);
}

/* The end of a stream that was captured from the middle on is seen all the same. */
static void test_hangup_in_the_middle(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);
	uint32_t socket, poll;

	(void)state;
	story_begin(&story);
	socket = story_connecting(&story, &wire);
	CALL(&story, CLIENT, "connect", 100, 150, 0, .line = 81, .socket = socket,
	     .address = &wire.server);
	poll = CALL(&story, CLIENT, "poll", 200, 320, 1, .line = 82,
		    .watched = {{socket, READ, READ | SONDE_READY_HANGUP}});
	story_tcp(&story, &wire, 310, '<', "FA", 9000, 1, 0);
	story_end(&story);
	check_completed(&story, poll, 1);
	story_done(&story);
}

/* An edge-triggered epoll waits although something is unread. */
static void test_edge_triggered(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t level, edge, slow;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	story_tcp(&story, &talk.wire, 200, '<', "PA", 1, 1, 5);
	level = CALL(&story, CLIENT, "epoll_wait", 300, 310, 1, .line = 82,
		     .watched = {{talk.client, READ, READ}});
	edge = CALL(&story, CLIENT, "epoll_wait", 400, 90400, 1, .line = 83,
		    .watched = {{talk.client, READ, READ}});
	story_tcp(&story, &talk.wire, 90300, '<', "PA", 6, 1, 5);
	/* Long, but never asleep. */
	slow = CALL(&story, CLIENT, "epoll_wait", 91000, 95000, 1, .line = 84,
		    .watched = {{talk.client, READ, READ}}, .flags = SONDE_CALL_STAYED);
	story_end(&story);
	check_verdict(&story, slow, SONDE_NO, SONDE_WHY_NOT_BLOCKED, 4);
	check_verdict(&story, level, SONDE_NO, SONDE_WHY_NOT_BLOCKED, 4);
	check_verdict(&story, edge, SONDE_UNKNOWN, SONDE_WHY_PACKET_NOT_SEEN, 0);
	story_done(&story);
}

/* Once the connection stands, a wait for room is not a wait for the SYN-ACK. */
static void test_connected_before(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);
	uint32_t socket, first, second, limited;

	(void)state;
	story_begin(&story);
	socket = story_connecting(&story, &wire);
	CALL(&story, CLIENT, "connect", 100, 120, -EINPROGRESS, .line = 81,
	     .socket = socket, .address = &wire.server, .flags = SONDE_CALL_NONBLOCKING);
	story_handshake(&story, &wire, 110);
	first = CALL(&story, CLIENT, "select", 300, 310, 1, .line = 82,
		     .watched = {{socket, WRITE, WRITE}});
	second = CALL(&story, CLIENT, "select", 400, 410, 1, .line = 83,
		      .watched = {{socket, WRITE, WRITE}});
	/* SO_SNDTIMEO. */
	limited = CALL(&story, CLIENT, "sendto", 500, 5500, -EAGAIN, .line = 84,
		       .socket = socket);
	story_end(&story);
	check_verdict(&story, first, SONDE_NO, SONDE_WHY_NOT_BLOCKED, 2);
	check_verdict(&story, second, SONDE_NO, SONDE_WHY_NOT_BLOCKED, 0);
	check_verdict(&story, limited, SONDE_YES, SONDE_WHY_TIMED_OUT, 0);
	story_done(&story);
}

/* Both ends call each other at once (RFC 9293, 3.5): one stream. */
static void test_simultaneous_open(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);

	(void)state;
	story_begin(&story);
	story_tcp(&story, &wire, 100, '>', "S", 0, 0, 0);
	story_tcp(&story, &wire, 101, '<', "S", 0, 0, 0);
	story_tcp(&story, &wire, 102, '>', "SA", 0, 1, 0);
	story_tcp(&story, &wire, 103, '<', "SA", 0, 1, 0);
	/* The ports again, and of this one only the answer was captured. */
	wire.client_isn += 9000;
	wire.server_isn += 9000;
	story_tcp(&story, &wire, 900, '<', "SA", 0, 1, 0);
	story_end(&story);
	assert_int_equal(story.timeline.stream_count, 2);
	assert_int_equal(story.timeline.streams[0].packet_count, 4);
	assert_int_equal(story.timeline.streams[1].client.port, 5000);
	assert_int_equal(place_of(&story, 5)->direction, 1);
	story_done(&story);

	/* A SYN without an answer, then an answer to another SYN. */
	story_begin(&story);
	story_tcp(&story, &wire, 100, '>', "S", 0, 0, 0);
	wire.client_isn += 9000;
	story_tcp(&story, &wire, 900, '<', "SA", 0, 1, 0);
	story_end(&story);
	assert_int_equal(story.timeline.stream_count, 2);
	story_done(&story);
}

/* The acknowledgement that made room is none from before the send. */
static void test_room_before(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t send;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	story_tcp(&story, &talk.wire, 900, '<', "A", 1, 1, 0);
	send = CALL(&story, CLIENT, "sendto", 1000, 4000, 5000, .line = 82,
		    .socket = talk.client);
	story_end(&story);
	check_verdict(&story, send, SONDE_UNKNOWN, SONDE_WHY_PACKET_NOT_SEEN, 0);
	story_done(&story);
}

/* A few bytes after everything was acknowledged: there was room, however long the machine
 * took for it.  With something on its way, it may have waited. */
static void test_slow_send(void **state)
{
	(void)state;
	for (unsigned is_acked = 0; is_acked <= 1; is_acked++) {
		struct story story;
		struct talk talk;
		uint32_t slow, ack;

		story_begin(&story);
		talk = story_talk(&story, 5000, 100);
		CALL(&story, CLIENT, "sendto", 300, 310, 10, .line = 81,
		     .socket = talk.client);
		story_tcp(&story, &talk.wire, 305, '>', "PA", 1, 1, 10);
		story_tcp(&story, &talk.wire, 350, '<', "A", 1, is_acked ? 11 : 6, 0);
		slow = CALL(&story, CLIENT, "sendto", 1000, 9000, 20, .line = 82,
			    .socket = talk.client);
		story_tcp(&story, &talk.wire, 1010, '>', "PA", 11, 1, 20);
		ack = story_tcp(&story, &talk.wire, 8500, '<', "A", 1, 31, 0);
		story_end(&story);
		if (is_acked)
			check_verdict(&story, slow, SONDE_NO, SONDE_WHY_BUFFERED, 0);
		else
			check_completed(&story, slow, ack);
		story_done(&story);
	}
}

/* TCP_FASTOPEN: the first send opens the connection, and with a cookie its bytes come with
 * the SYN, which ends the accept.  Without one it waits as a connect does. */
static void test_fast_open(void **state)
{
	(void)state;
	for (unsigned has_cookie = 0; has_cookie <= 1; has_cookie++) {
		struct story story;
		struct wire wire = story_wire(5000);
		uint32_t listener, client, server, accept, send, syn, data;

		story_begin(&story);
		listener = story_listener(&story);
		client = story_connecting(&story, &wire);
		server = story_accepted(&story, &wire);
		accept = CALL(&story, SERVER, "accept4", 50, 240, 5, .line = 91,
			      .socket = listener, .new_socket = server);
		story_accepted_by(&story, server, accept);
		send = CALL(&story, CLIENT, "sendto", 100, 200, 5, .line = 81,
			    .socket = client, .address = &wire.server);
		syn = story_tcp(&story, &wire, 110, '>', "S", 0, 0, 5 * has_cookie);
		story_tcp(&story, &wire, 120, '<', "SA", 0, 1 + 5 * has_cookie, 0);
		data = has_cookie ? story_tcp(&story, &wire, 130, '>', "A", 6, 1, 0)
				  : story_tcp(&story, &wire, 130, '>', "PA", 1, 1, 5);
		story_end(&story);
		assert_int_equal(story.timeline.stream_count, 1);
		check_sent(&story, syn, send, SONDE_SYN);
		check_bytes(&story, has_cookie ? syn : data, send, 0, 5);
		check_completed(&story, accept, has_cookie ? syn : data);
		if (has_cookie)
			check_verdict(&story, send, SONDE_NO, SONDE_WHY_BUFFERED, 0);
		else
			check_completed(&story, send, 2);
		story_done(&story);
	}
}

/* TCP_FASTOPEN_CONNECT: the connect only remembers whom. */
static void test_opened_later(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);
	uint32_t client, connect, send;

	(void)state;
	story_begin(&story);
	client = story_connecting(&story, &wire);
	story.recording->sockets[client - 1].peer = (struct sonde_address){0};
	connect = CALL(&story, CLIENT, "connect", 100, 105, 0, .line = 81,
		       .socket = client, .address = &wire.server);
	send = CALL(&story, CLIENT, "sendto", 300, 320, 5, .line = 82, .socket = client);
	story_tcp(&story, &wire, 310, '>', "S", 0, 0, 5);
	story_tcp(&story, &wire, 330, '<', "SA", 0, 6, 0);
	story_end(&story);
	check_sent(&story, 1, send, SONDE_SYN);
	check_bytes(&story, 1, send, 0, 5);
	check_verdict(&story, connect, SONDE_NO, SONDE_WHY_AT_ONCE, 0);
	story_done(&story);
}

/* TCP_DEFER_ACCEPT: a bare ACK is not heeded; data is, or an ACK to the SYN-ACK that was
 * repeated. */
static void test_deferred(void **state)
{
	(void)state;
	for (unsigned is_repeated = 0; is_repeated <= 1; is_repeated++) {
		struct story story;
		struct talk talk;
		uint32_t packet;

		story_begin(&story);
		talk = story_talk(&story, 5000, 100);
		story.recording->sockets[talk.listener - 1].defers_accept = true;
		story.recording->calls[talk.accept - 1].exit_ns += INT64_C(1100000000);
		if (is_repeated) {
			story_tcp(&story, &talk.wire, 1000200, '<', "SA", 0, 1, 0);
			packet =
				story_tcp(&story, &talk.wire, 1000210, '>', "A", 1, 1, 0);
		} else {
			packet = story_tcp(&story, &talk.wire, 1000200, '>', "PA", 1, 1,
					   5);
		}
		story_end(&story);
		check_completed(&story, talk.accept, packet);
		story_done(&story);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_inherited),
		cmocka_unit_test(test_inherited_of_two),
		cmocka_unit_test(test_ambiguous_connects),
		cmocka_unit_test(test_not_another_ones_syn),
		cmocka_unit_test(test_second_attempt_not_captured),
		cmocka_unit_test(test_connect_to_any),
		cmocka_unit_test(test_listener),
		cmocka_unit_test(test_accepted_before_reuse),
		cmocka_unit_test(test_end_does_not_fit),
		cmocka_unit_test(test_anchored_by_reader),
		cmocka_unit_test(test_wait_for_the_end),
		cmocka_unit_test(test_hangup_in_the_middle),
		cmocka_unit_test(test_edge_triggered),
		cmocka_unit_test(test_connected_before),
		cmocka_unit_test(test_simultaneous_open),
		cmocka_unit_test(test_room_before),
		cmocka_unit_test(test_slow_send),
		cmocka_unit_test(test_fast_open),
		cmocka_unit_test(test_opened_later),
		cmocka_unit_test(test_deferred),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
