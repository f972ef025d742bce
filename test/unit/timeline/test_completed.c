/* Blocking statement -> the packet that completed it, or the reason why there is none. */
#include "story.h"

#define READ SONDE_READY_READ
#define WRITE SONDE_READY_WRITE
#define SOFT SONDE_CALL_NONBLOCKING

static const struct sonde_completed_row *row_of(const struct story *story, uint32_t call)
{
	for (uint32_t i = 0; i < story->tables.completed_count; i++)
		if (story->tables.completed[i].statement == statement_of(story, call))
			return &story->tables.completed[i];
	return NULL;
}

/* connect and recv of CPython under a timeout, accept and recv at the other end. */
static void test_python_with_timeout(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);
	uint32_t listener, client, server, connect, accept, wait, send, got, data;

	(void)state;
	story_begin(&story);
	listener = story_listener(&story);
	client = story_connecting(&story, &wire);
	server = story_accepted(&story, &wire);
	accept = CALL(&story, SERVER, "poll", 50, 160, 1, .line = 91, .timeout_ms = 1000,
		      .watched = {{listener, READ, READ}});
	connect = CALL(&story, CLIENT, "connect", 100, 130, -EINPROGRESS, .line = 81,
		       .socket = client, .address = &wire.server, .flags = SOFT);
	story_tcp(&story, &wire, 110, '>', "S", 0, 0, 0);
	/* On one machine the answer is there before connect returns. */
	story_tcp(&story, &wire, 125, '<', "SA", 0, 1, 0);
	story_tcp(&story, &wire, 126, '>', "A", 1, 1, 0);
	CALL(&story, CLIENT, "poll", 200, 210, 1, .line = 81, .timeout_ms = 1000,
	     .watched = {{client, WRITE, WRITE}});
	CALL(&story, CLIENT, "getsockopt", 220, 225, 0, .line = 81, .socket = client);
	CALL(&story, SERVER, "accept4", 230, 240, 5, .line = 91, .socket = listener,
	     .new_socket = server, .flags = SOFT);
	story_accepted_by(&story, server, accept + 4);
	wait = CALL(&story, CLIENT, "poll", 300, 500, 1, .line = 82, .timeout_ms = 1000,
		    .watched = {{client, READ, READ}});
	send = CALL(&story, SERVER, "poll", 380, 385, 1, .line = 92, .timeout_ms = 1000,
		    .watched = {{server, WRITE, WRITE}});
	CALL(&story, SERVER, "sendto", 390, 410, 6, .line = 92, .socket = server,
	     .flags = SOFT);
	data = story_tcp(&story, &wire, 400, '<', "PA", 1, 1, 6);
	got = CALL(&story, CLIENT, "recvfrom", 510, 520, 6, .line = 82, .socket = client,
		   .flags = SOFT);
	story_end(&story);

	check_together(&story, connect, connect + 2);
	check_completed(&story, connect + 1, 2);
	check_completed(&story, accept, 3);
	check_verdict(&story, accept + 4, SONDE_NO, SONDE_WHY_NOT_BLOCKED, 3);
	check_completed(&story, wait, data);
	check_verdict(&story, got, SONDE_NO, SONDE_WHY_NOT_BLOCKED, data);
	check_verdict(&story, send, SONDE_NO, SONDE_WHY_NOT_BLOCKED, 0);
	assert_int_equal(row_of(&story, connect)->packet, 2);
	assert_int_equal(row_of(&story, connect)->blocked, SONDE_YES);
	assert_int_equal(row_of(&story, accept)->packet, 3);
	assert_int_equal(row_of(&story, wait)->packet, data);
	assert_int_equal(row_of(&story, wait)->call, wait);
	assert_int_equal(row_of(&story, wait)->waited_ns, 220000);
	assert_null(row_of(&story, send));
	assert_int_equal(story.tables.completed_count, 3);
	story_done(&story);
}

/* However fast the answer to a SYN comes, within the margin too: who connects waits. */
static void test_fast_connect(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);
	uint32_t client, connect;

	(void)state;
	story_begin(&story);
	client = story_connecting(&story, &wire);
	connect = CALL(&story, CLIENT, "connect", 100, 115, -EINPROGRESS, .line = 81,
		       .socket = client, .address = &wire.server, .flags = SOFT);
	story_tcp(&story, &wire, 105, '>', "S", 0, 0, 0);
	story_tcp(&story, &wire, 110, '<', "SA", 0, 1, 0);
	story_tcp(&story, &wire, 112, '>', "A", 1, 1, 0);
	CALL(&story, CLIENT, "poll", 130, 135, 1, .line = 81, .timeout_ms = 1000,
	     .watched = {{client, WRITE, WRITE}});
	story_end(&story);

	check_together(&story, connect, connect + 1);
	check_completed(&story, connect + 1, 2);
	assert_int_equal(row_of(&story, connect)->packet, 2);
	assert_int_equal(row_of(&story, connect)->blocked, SONDE_YES);
	story_done(&story);
}

/* The data was there already; within the margin it cannot be told. */
static void test_not_blocked(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t early, close, data;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	data = story_tcp(&story, &talk.wire, 300, '>', "PA", 1, 1, 5);
	early = CALL(&story, SERVER, "recvfrom", 400, 410, 5, .line = 92,
		     .socket = talk.server);
	story_tcp(&story, &talk.wire, 500, '>', "PA", 6, 1, 5);
	close = CALL(&story, SERVER, "recvfrom", 510, 530, 5, .line = 92,
		     .socket = talk.server);
	story_end(&story);

	check_verdict(&story, early, SONDE_NO, SONDE_WHY_NOT_BLOCKED, data);
	check_verdict(&story, close, SONDE_UNKNOWN, SONDE_WHY_MAYBE, data + 1);
	assert_int_equal(row_of(&story, early)->packet, data);
	assert_int_equal(row_of(&story, close)->blocked, SONDE_UNKNOWN);
	story_done(&story);
}

/* What the scheduler did decides where the times cannot, and over them. */
static void test_slept(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t stayed, slept, late, data;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	data = story_tcp(&story, &talk.wire, 500, '>', "PA", 1, 1, 5);
	stayed = CALL(&story, SERVER, "recvfrom", 490, 530, 5, .line = 92,
		      .socket = talk.server, .flags = SONDE_CALL_STAYED);
	story_tcp(&story, &talk.wire, 600, '>', "PA", 6, 1, 5);
	slept = CALL(&story, SERVER, "recvfrom", 590, 630, 5, .line = 92,
		     .socket = talk.server, .flags = SONDE_CALL_SLEPT);
	/* Held up on its way in, it found there what had come meanwhile. */
	story_tcp(&story, &talk.wire, 900, '>', "PA", 11, 1, 5);
	late = CALL(&story, SERVER, "recvfrom", 700, 1000, 5, .line = 92,
		    .socket = talk.server, .flags = SONDE_CALL_STAYED);
	story_end(&story);

	check_verdict(&story, stayed, SONDE_NO, SONDE_WHY_NOT_BLOCKED, data);
	check_verdict(&story, slept, SONDE_YES, SONDE_WHY_NONE, data + 1);
	check_completed(&story, slept, data + 1);
	check_verdict(&story, late, SONDE_NO, SONDE_WHY_NOT_BLOCKED, data + 2);
	story_done(&story);
}

/* Several requests in one segment, read one by one. */
static void test_pipelined(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t one, two, three, data;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	one = CALL(&story, SERVER, "recvfrom", 210, 310, 10, .line = 92,
		   .socket = talk.server, .length = 10);
	data = story_tcp(&story, &talk.wire, 300, '>', "PA", 1, 1, 25);
	two = CALL(&story, SERVER, "recvfrom", 400, 410, 10, .line = 92,
		   .socket = talk.server, .length = 10);
	story_tcp(&story, &talk.wire, 500, '>', "PA", 26, 1, 5);
	three = CALL(&story, SERVER, "recvfrom", 600, 610, 10, .line = 92,
		     .socket = talk.server, .length = 10);
	story_end(&story);

	check_completed(&story, one, data);
	check_verdict(&story, two, SONDE_NO, SONDE_WHY_NOT_BLOCKED, data);
	check_verdict(&story, three, SONDE_NO, SONDE_WHY_NOT_BLOCKED, data);
	story_done(&story);
}

static void test_requests_in_a_loop(void **state)
{
	struct story story;
	struct talk talk;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	for (int i = 0; i < 5; i++) {
		int64_t at = 1000 * (i + 1);
		uint32_t from = (uint32_t)(1 + 10 * i);

		CALL(&story, SERVER, "recvfrom", at, at + 210, 10, .line = 92,
		     .socket = talk.server, .length = 1024);
		CALL(&story, CLIENT, "sendto", at + 190, at + 205, 10, .line = 82,
		     .socket = talk.client);
		story_tcp(&story, &talk.wire, at + 200, '>', "PA", from, 1, 10);
	}
	story_end(&story);
	for (uint32_t i = 0; i < 5; i++) {
		check_completed(&story, talk.connect + 1 + 2 * i, 4 + i);
		check_sent(&story, 4 + i, talk.connect + 2 + 2 * i, SONDE_DATA);
	}
	assert_int_equal(story.timeline.statement_count, 12);
	story_done(&story);
}

static void test_wait_all(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t all, any, data;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	all = CALL(&story, SERVER, "recvfrom", 210, 420, 20, .line = 92,
		   .socket = talk.server, .flags = SONDE_CALL_WAIT_ALL);
	data = story_tcp(&story, &talk.wire, 300, '>', "PA", 1, 1, 10);
	story_tcp(&story, &talk.wire, 410, '>', "PA", 11, 1, 15);
	any = CALL(&story, SERVER, "recvfrom", 500, 510, 3, .line = 93,
		   .socket = talk.server, .flags = SONDE_CALL_PEEK);
	CALL(&story, SERVER, "recvfrom", 520, 530, 5, .line = 93, .socket = talk.server);
	story_end(&story);
	check_completed(&story, all, data + 1);
	check_verdict(&story, any, SONDE_NO, SONDE_WHY_NOT_BLOCKED, data + 1);
	check_verdict(&story, any + 1, SONDE_NO, SONDE_WHY_NOT_BLOCKED, data + 1);
	story_done(&story);
}

static void test_end_of_stream(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t waits, again, own, shutdown, late, interrupted;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	waits = CALL(&story, SERVER, "recvfrom", 210, 310, 0, .line = 92,
		     .socket = talk.server);
	story_tcp(&story, &talk.wire, 300, '>', "FA", 1, 1, 0);
	again = CALL(&story, SERVER, "recvfrom", 400, 405, 0, .line = 92,
		     .socket = talk.server);
	/* The client has shut its own reading half. */
	late = CALL(&story, CLIENT, "recvfrom", 430, 520, 0, .line = 86, .thread = 2,
		    .socket = talk.client);
	shutdown = CALL(&story, CLIENT, "shutdown", 500, 510, 0, .line = 84, .how = 0,
			.socket = talk.client);
	own = CALL(&story, CLIENT, "recvfrom", 520, 525, 0, .line = 85,
		   .socket = talk.client);
	story_end(&story);
	check_completed(&story, waits, 4);
	check_verdict(&story, again, SONDE_NO, SONDE_WHY_NOT_BLOCKED, 4);
	/* Both say which call it was: one waited for it, the other came after it. */
	check_verdict(&story, own, SONDE_NO, SONDE_WHY_NOT_BLOCKED, 0);
	assert_int_equal(story.timeline.call_by[own - 1], shutdown);
	assert_int_equal(story.timeline.call_blocked[late - 1], SONDE_YES);
	assert_int_equal(story.timeline.call_by[late - 1], shutdown);
	interrupted = edge_of(&story, SONDE_EDGE_COMPLETED, 0, late)->by_statement;
	assert_int_equal(interrupted, statement_of(&story, shutdown));
	story_done(&story);
}

/* One acknowledgement made room: it is that one, however late the caller got a processor.
 * Of two it may be either. */
static void test_room_late(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t wait, either, made, first;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	CALL(&story, CLIENT, "sendto", 300, 310, 2000, .line = 80, .socket = talk.client,
	     .flags = SONDE_CALL_NONBLOCKING);
	story_tcp(&story, &talk.wire, 305, '>', "PA", 1, 1, 2000);
	story_tcp(&story, &talk.wire, 350, '<', "A", 1, 1, 0);
	wait = CALL(&story, CLIENT, "poll", 400, 6000, 1, .line = 81,
		    .flags = SONDE_CALL_SLEPT,
		    .watched = {{talk.client, SONDE_READY_WRITE, SONDE_READY_WRITE}});
	made = story_tcp(&story, &talk.wire, 3000, '<', "A", 1, 1001, 0);
	either = CALL(&story, CLIENT, "poll", 6100, 20000, 1, .line = 82,
		      .flags = SONDE_CALL_SLEPT,
		      .watched = {{talk.client, SONDE_READY_WRITE, SONDE_READY_WRITE}});
	first = story_tcp(&story, &talk.wire, 8000, '<', "A", 1, 1501, 0);
	story_tcp(&story, &talk.wire, 9000, '<', "A", 1, 2001, 0);
	story_end(&story);
	check_completed(&story, wait, made);
	assert_true(edge_of(&story, SONDE_EDGE_COMPLETED, made, wait)->exact);
	check_verdict(&story, either, SONDE_YES, SONDE_WHY_NONE, first);
	assert_false(edge_of(&story, SONDE_EDGE_COMPLETED, first, either)->exact);
	story_done(&story);
}

static void test_no_return(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t waits, limited, interrupted, poll;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	story.recording->ended_ns = 9000000;
	limited = CALL(&story, CLIENT, "recvfrom", 210, 2210, -EAGAIN, .line = 82,
		       .socket = talk.client);
	poll = CALL(&story, CLIENT, "poll", 3000, 4000, 0, .line = 83, .timeout_ms = 1,
		    .watched = {{talk.client, READ, 0}});
	interrupted = CALL(&story, CLIENT, "recvfrom", 5000, 5500, -EINTR, .line = 84,
			   .socket = talk.client);
	waits = CALL(&story, SERVER, "recvfrom", 210, NEVER, 0, .line = 92,
		     .socket = talk.server);
	story_end(&story);
	check_verdict(&story, limited, SONDE_YES, SONDE_WHY_TIMED_OUT, 0);
	check_verdict(&story, poll, SONDE_YES, SONDE_WHY_TIMED_OUT, 0);
	check_verdict(&story, interrupted, SONDE_YES, SONDE_WHY_INTERRUPTED, 0);
	check_verdict(&story, waits, SONDE_YES, SONDE_WHY_STILL_WAITING, 0);
	assert_int_equal(row_of(&story, waits)->waited_ns, 9000000 - 210000);
	assert_int_equal(row_of(&story, waits)->why, SONDE_WHY_STILL_WAITING);
	story_done(&story);
}

static void test_without_packets(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);
	uint32_t socket, connect, got, zero;

	(void)state;
	story_begin(&story);
	story.recording->has_packets = false;
	socket = story_connecting(&story, &wire);
	connect = CALL(&story, CLIENT, "connect", 100, 5000, 0, .line = 81,
		       .socket = socket, .address = &wire.server);
	got = CALL(&story, CLIENT, "recvfrom", 6000, 9000, 10, .line = 82,
		   .socket = socket);
	zero = CALL(&story, CLIENT, "recvfrom", 9100, 9110, -EAGAIN, .line = 83,
		    .socket = socket, .flags = SOFT);
	story_end(&story);
	check_verdict(&story, connect, SONDE_UNKNOWN, SONDE_WHY_NO_PACKETS, 0);
	check_verdict(&story, got, SONDE_UNKNOWN, SONDE_WHY_NO_PACKETS, 0);
	check_verdict(&story, zero, SONDE_NO, SONDE_WHY_AT_ONCE, 0);
	assert_int_equal(story.timeline.stream_count, 0);
	assert_int_equal(story.tables.sent_count, 0);
	assert_int_equal(story.tables.completed_count, 2);
	story_done(&story);
}

static void test_blocked_send(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t quick, slow, odd, data;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	quick = CALL(&story, CLIENT, "sendto", 300, 320, 10, .line = 82,
		     .socket = talk.client);
	data = story_tcp(&story, &talk.wire, 310, '>', "PA", 1, 1, 10);
	slow = CALL(&story, CLIENT, "sendto", 400, 90400, 5000, .line = 83,
		    .socket = talk.client);
	story_tcp(&story, &talk.wire, 50000, '<', "A", 1, 11, 0);
	story_tcp(&story, &talk.wire, 90350, '<', "A", 1, 11, 0);
	odd = CALL(&story, CLIENT, "sendto", 100000, 190400, 10, .line = 84,
		   .socket = talk.client);
	story_end(&story);
	check_verdict(&story, quick, SONDE_NO, SONDE_WHY_BUFFERED, 0);
	check_completed(&story, slow, data + 2);
	check_verdict(&story, odd, SONDE_UNKNOWN, SONDE_WHY_PACKET_NOT_SEEN, 0);
	assert_null(row_of(&story, quick));
	assert_int_equal(row_of(&story, slow)->packet, data + 2);
	assert_null(row_of(&story, odd));
	story_done(&story);
}

/* A select over two sockets: the first packet that made one of them ready. */
static void test_wait_on_several(void **state)
{
	struct story story;
	struct talk one, two;
	uint32_t wait, idle, data;

	(void)state;
	story_begin(&story);
	one = story_talk(&story, 5000, 100);
	two.wire = story_wire(5001);
	two.server = story_accepted(&story, &two.wire);
	two.accept = CALL(&story, SERVER, "accept4", 200, 290, 6, .line = 91,
			  .socket = one.listener, .new_socket = two.server);
	story_accepted_by(&story, two.server, two.accept);
	story_handshake(&story, &two.wire, 250);
	wait = CALL(&story, SERVER, "select", 300, 430, 2, .line = 95,
		    .watched = {{one.server, READ, READ},
				{two.server, READ, READ},
				{one.listener, READ, 0}});
	data = story_tcp(&story, &two.wire, 400, '>', "PA", 1, 1, 5);
	story_tcp(&story, &one.wire, 410, '>', "PA", 1, 1, 5);
	/* A timer or a pipe woke it: nothing of a socket. */
	idle = CALL(&story, SERVER, "select", 500, 800, 1, .line = 96,
		    .watched = {{one.listener, READ, 0}});
	story_end(&story);
	check_completed(&story, wait, data);
	check_verdict(&story, idle, SONDE_UNKNOWN, SONDE_WHY_OWN_SIDE, 0);
	assert_true(statement_at(&story, statement_of(&story, wait))->can_block);
	story_done(&story);
}

static void test_unreachable(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);
	uint32_t socket, other, connect, nowhere;

	(void)state;
	story_begin(&story);
	socket = story_connecting(&story, &wire);
	other = story_connecting(&story, &wire);
	story.recording->sockets[other - 1].local = (struct sonde_address){0};
	connect = CALL(&story, CLIENT, "connect", 100, 250, -EHOSTUNREACH, .line = 81,
		       .socket = socket, .address = &wire.server);
	story_tcp(&story, &wire, 110, '>', "S", 0, 0, 0);
	story_icmp(&story, &wire, 240, SONDE_PACKET_TCP);
	nowhere = CALL(&story, CLIENT, "connect", 300, 305, -ENETUNREACH, .line = 82,
		       .socket = other, .address = &wire.server);
	story_end(&story);
	check_sent(&story, 1, connect, SONDE_SYN);
	check_completed(&story, connect, 2);
	check_not_sent(&story, 2, SONDE_WHY_KERNEL_ICMP);
	check_verdict(&story, nowhere, SONDE_NO, SONDE_WHY_OWN_SIDE, 0);
	story_done(&story);
}

/* Two threads read one socket: one of them came back before the second packet, so it has
 * the first; for the other the packet is one of several. */
static void test_two_readers(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t one, two, data;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	one = CALL(&story, SERVER, "recvfrom", 210, 420, 10, .line = 92, .thread = 1,
		   .socket = talk.server);
	two = CALL(&story, SERVER, "recvfrom", 220, 320, 10, .line = 92, .thread = 2,
		   .socket = talk.server);
	data = story_tcp(&story, &talk.wire, 310, '>', "PA", 1, 1, 10);
	story_tcp(&story, &talk.wire, 410, '>', "PA", 11, 1, 10);
	story_end(&story);
	check_verdict(&story, two, SONDE_YES, SONDE_WHY_NONE, data);
	check_verdict(&story, one, SONDE_YES, SONDE_WHY_NONE, data + 1);
	assert_true(edge_of(&story, SONDE_EDGE_COMPLETED, data, two)->exact);
	assert_false(edge_of(&story, SONDE_EDGE_COMPLETED, data, one)->exact);
	assert_false(edge_of(&story, SONDE_EDGE_COMPLETED, data + 1, one)->exact);
	story_done(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_python_with_timeout),
		cmocka_unit_test(test_fast_connect),
		cmocka_unit_test(test_not_blocked),
		cmocka_unit_test(test_slept),
		cmocka_unit_test(test_pipelined),
		cmocka_unit_test(test_requests_in_a_loop),
		cmocka_unit_test(test_wait_all),
		cmocka_unit_test(test_end_of_stream),
		cmocka_unit_test(test_room_late),
		cmocka_unit_test(test_no_return),
		cmocka_unit_test(test_without_packets),
		cmocka_unit_test(test_blocked_send),
		cmocka_unit_test(test_wait_on_several),
		cmocka_unit_test(test_unreachable),
		cmocka_unit_test(test_two_readers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
