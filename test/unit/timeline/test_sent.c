/* Packet -> statement: whose bytes, SYN, FIN and RST a packet carries. */
#include "story.h"

static void test_whole_conversation(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t ask, asked, heard, answer, answered, got, close, fin, end, close2, fin2;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	heard = CALL(&story, SERVER, "recvfrom", 210, 340, 5, .line = 92,
		     .socket = talk.server, .length = 1024);
	ask = CALL(&story, CLIENT, "sendto", 300, 320, 5, .line = 82,
		   .socket = talk.client);
	asked = story_tcp(&story, &talk.wire, 310, '>', "PA", 1, 1, 5);
	story_tcp(&story, &talk.wire, 312, '<', "A", 1, 6, 0);
	got = CALL(&story, CLIENT, "recvfrom", 330, 440, 7, .line = 83,
		   .socket = talk.client, .length = 1024);
	answer = CALL(&story, SERVER, "sendto", 400, 420, 7, .line = 93,
		      .socket = talk.server);
	answered = story_tcp(&story, &talk.wire, 410, '<', "PA", 1, 6, 7);
	story_tcp(&story, &talk.wire, 412, '>', "A", 6, 8, 0);
	end = CALL(&story, SERVER, "recvfrom", 450, 540, 0, .line = 92,
		   .socket = talk.server, .length = 1024);
	close = CALL(&story, CLIENT, "close", 500, 520, 0, .line = 84,
		     .socket = talk.client, .flags = SONDE_CALL_LAST_REFERENCE);
	fin = story_tcp(&story, &talk.wire, 510, '>', "FA", 6, 8, 0);
	close2 = CALL(&story, SERVER, "close", 600, 620, 0, .line = 94,
		      .socket = talk.server, .flags = SONDE_CALL_LAST_REFERENCE);
	fin2 = story_tcp(&story, &talk.wire, 610, '<', "FA", 8, 7, 0);
	story_tcp(&story, &talk.wire, 612, '>', "A", 7, 9, 0);
	story_end(&story);

	assert_int_equal(story.timeline.stream_count, 1);
	assert_int_equal(story.timeline.streams[0].client_socket, talk.client);
	assert_int_equal(story.timeline.streams[0].server_socket, talk.server);
	assert_int_equal(story.timeline.streams[0].listening_socket, talk.listener);
	check_sent(&story, 1, talk.connect, SONDE_SYN);
	check_not_sent(&story, 2, SONDE_WHY_KERNEL_SYN_ACK);
	check_not_sent(&story, 3, SONDE_WHY_KERNEL_ACK);
	assert_true(place_of(&story, 3)->is_handshake_ack);
	check_sent(&story, asked, ask, SONDE_DATA);
	check_bytes(&story, asked, ask, 0, 5);
	check_not_sent(&story, asked + 1, SONDE_WHY_KERNEL_ACK);
	assert_false(place_of(&story, asked + 1)->is_handshake_ack);
	check_sent(&story, answered, answer, SONDE_DATA);
	check_sent(&story, fin, close, SONDE_FIN);
	check_sent(&story, fin2, close2, SONDE_FIN);
	assert_int_equal(story.timeline.packets_mapped, 5);
	assert_int_equal(place_of(&story, asked)->sender, talk.client);
	assert_int_equal(place_of(&story, asked)->receiver, talk.server);
	assert_int_equal(place_of(&story, asked)->seq, 1);
	assert_int_equal(place_of(&story, asked)->ack, 1);
	assert_int_equal(place_of(&story, fin2)->direction, 1);

	check_completed(&story, talk.connect, 2);
	check_completed(&story, talk.accept, 3);
	check_completed(&story, heard, asked);
	check_completed(&story, got, answered);
	check_completed(&story, end, fin);
	check_verdict(&story, close, SONDE_NO, SONDE_WHY_NONE, 0);
	check_verdict(&story, ask, SONDE_NO, SONDE_WHY_BUFFERED, 0);
	assert_int_equal(story.tables.sent_count, story.recording->packet_count);
	assert_int_equal(story.tables.completed_count, 5);
	story_done(&story);
}

static void test_one_send_in_segments(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t send, later, first;
	const struct sonde_edge *edge;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	send = CALL(&story, CLIENT, "sendto", 300, 320, 3000, .line = 82,
		    .socket = talk.client);
	first = story_tcp(&story, &talk.wire, 310, '>', "A", 1, 1, 1460);
	story_tcp(&story, &talk.wire, 311, '>', "A", 1461, 1, 1460);
	later = CALL(&story, CLIENT, "sendto", 330, 340, 100, .line = 82,
		     .socket = talk.client);
	story_tcp(&story, &talk.wire, 400, '<', "A", 1, 2921, 0);
	/* Nagle: the rest of one send and all of the next leave together. */
	story_tcp(&story, &talk.wire, 410, '>', "PA", 2921, 1, 180);
	story_end(&story);

	check_bytes(&story, first, send, 0, 1460);
	check_bytes(&story, first + 1, send, 0, 1460);
	check_bytes(&story, first + 3, send, 0, 80);
	check_bytes(&story, first + 3, later, 80, 180);
	assert_int_equal(count_edges(&story, SONDE_EDGE_SENT, first + 3), 2);
	check_apart(&story, send, later);
	edge = edge_of(&story, SONDE_EDGE_RELEASED, first, 0);
	assert_int_equal(edge->release, SONDE_BY_CALL);
	assert_int_equal(edge->call, send);
	edge = edge_of(&story, SONDE_EDGE_RELEASED, first + 3, 0);
	assert_int_equal(edge->release, SONDE_BY_PACKET);
	assert_int_equal(edge->by_packet, first + 2);
	story_done(&story);
}

/* sendmmsg and recvmmsg on a stream: their bytes count, and what comes behind them has its
 * place. */
static void test_messages_of_a_stream(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t messages, later, got, first;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	got = CALL(&story, SERVER, "recvmmsg", 250, 330, 3, .line = 91,
		   .socket = talk.server, .datagrams = 1);
	messages = CALL(&story, CLIENT, "sendmmsg", 300, 320, 7, .line = 82,
			.socket = talk.client, .datagrams = 2);
	first = story_tcp(&story, &talk.wire, 310, '>', "PA", 1, 1, 3);
	story_tcp(&story, &talk.wire, 311, '>', "PA", 4, 1, 4);
	later = CALL(&story, CLIENT, "sendto", 340, 360, 4, .line = 83,
		     .socket = talk.client);
	story_tcp(&story, &talk.wire, 350, '>', "PA", 8, 1, 4);
	/* As the tracer has them: messages have no length beforehand. */
	story.recording->calls[messages - 1].length = 0;
	story.recording->calls[got - 1].length = 0;
	story_end(&story);

	check_bytes(&story, first, messages, 0, 3);
	check_bytes(&story, first + 1, messages, 0, 4);
	check_bytes(&story, first + 2, later, 0, 4);
	check_completed(&story, got, first);
	story_done(&story);
}

static void test_fin_on_data(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t send, shutdown, packet;
	const struct sonde_edge *edge;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	send = CALL(&story, CLIENT, "sendto", 300, 310, 10, .line = 82,
		    .socket = talk.client);
	/* Corked: nothing leaves before the end of the stream is known. */
	shutdown = CALL(&story, CLIENT, "shutdown", 320, 340, 0, .line = 83, .how = 1,
			.socket = talk.client);
	packet = story_tcp(&story, &talk.wire, 330, '>', "FPA", 1, 1, 10);
	CALL(&story, CLIENT, "close", 350, 360, 0, .line = 84, .socket = talk.client,
	     .flags = SONDE_CALL_LAST_REFERENCE);
	story_end(&story);

	check_sent(&story, packet, send, SONDE_DATA);
	check_sent(&story, packet, shutdown, SONDE_FIN);
	edge = edge_of(&story, SONDE_EDGE_RELEASED, packet, 0);
	assert_int_equal(edge->release, SONDE_BY_CALL);
	assert_int_equal(edge->call, shutdown);
	assert_int_equal(story.tables.sent_count, 5);
	story_done(&story);
}

/* The end of the process closes: the socket names the exit as what closed it. */
static void test_exit_without_close(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t end, fin;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	end = CALL(&story, CLIENT, "exit_group", 300, NEVER, 0, .line = 0);
	story_closed_by(&story, talk.client, end);
	story.recording->programs[CLIENT - 1].ended_ns = 330 * 1000;
	fin = story_tcp(&story, &talk.wire, 320, '>', "FA", 1, 1, 0);
	story_end(&story);

	check_sent(&story, fin, end, SONDE_FIN);
	assert_int_equal(edge_of(&story, SONDE_EDGE_RELEASED, fin, 0)->release,
			 SONDE_BY_CALL);
	/* An end has no line of its own: that it has none is nothing to tell. */
	assert_int_equal(story.timeline.calls_without_line, 0);
	assert_false(statement_at(&story, statement_of(&story, end))->can_block);
	story_done(&story);
}

static void test_reset_on_unread_input(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t send, close, reset, failed;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	send = CALL(&story, CLIENT, "sendto", 300, 320, 5, .line = 82,
		    .socket = talk.client);
	story_tcp(&story, &talk.wire, 310, '>', "PA", 1, 1, 5);
	failed = CALL(&story, CLIENT, "recvfrom", 330, 430, -ECONNRESET, .line = 83,
		      .socket = talk.client);
	close = CALL(&story, SERVER, "close", 400, 420, 0, .line = 94,
		     .socket = talk.server, .flags = SONDE_CALL_LAST_REFERENCE);
	reset = story_tcp(&story, &talk.wire, 410, '<', "RA", 1, 6, 0);
	story_end(&story);

	check_sent(&story, reset, close, SONDE_RST);
	check_completed(&story, failed, reset);
	(void)send;
	story_done(&story);
}

/* Nobody accepted the connection: the end of the listening socket resets it. */
static void test_reset_by_listener(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000), late = story_wire(5001);
	uint32_t listener, client, close, reset, answer;

	(void)state;
	story_begin(&story);
	listener = story_listener(&story);
	client = story_connecting(&story, &wire);
	CALL(&story, CLIENT, "connect", 100, 150, 0, .line = 81, .socket = client,
	     .address = &wire.server);
	story_handshake(&story, &wire, 110);
	client = story_connecting(&story, &late);
	CALL(&story, CLIENT, "connect", 200, 250, 0, .line = 82, .socket = client,
	     .address = &late.server);
	story_handshake(&story, &late, 210);
	close = CALL(&story, SERVER, "close", 400, 420, 0, .line = 94, .socket = listener,
		     .flags = SONDE_CALL_LAST_REFERENCE);
	story_closed_by(&story, listener, close);
	reset = story_tcp(&story, &wire, 410, '<', "RA", 1, 1, 0);
	CALL(&story, CLIENT, "sendto", 500, 520, 5, .line = 83, .socket = client);
	story_tcp(&story, &late, 510, '>', "PA", 1, 1, 5);
	answer = story_tcp(&story, &late, 512, '<', "R", 1, 0, 0);
	story_end(&story);

	check_sent(&story, reset, close, SONDE_RST);
	check_not_sent(&story, answer, SONDE_WHY_KERNEL_RESET);
	story_done(&story);
}

static void test_reset_after_fin(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t close, fin;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	close = CALL(&story, SERVER, "close", 400, 500, 0, .line = 94,
		     .socket = talk.server, .flags = SONDE_CALL_LAST_REFERENCE);
	fin = story_tcp(&story, &talk.wire, 410, '<', "FA", 1, 1, 0);
	CALL(&story, CLIENT, "sendto", 420, 440, 5, .line = 82, .socket = talk.client);
	story_tcp(&story, &talk.wire, 430, '>', "PA", 1, 2, 5);
	story_tcp(&story, &talk.wire, 432, '<', "R", 2, 0, 0);
	story_end(&story);

	check_sent(&story, fin, close, SONDE_FIN);
	check_not_sent(&story, fin + 2, SONDE_WHY_KERNEL_RESET);
	story_done(&story);
}

static void test_refused(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);
	uint32_t socket, connect;

	(void)state;
	story_begin(&story);
	socket = story_connecting(&story, &wire);
	/* A refused socket has lost its own address. */
	story.recording->sockets[socket - 1].local = (struct sonde_address){0};
	story.recording->sockets[socket - 1].peer = (struct sonde_address){0};
	connect = CALL(&story, CLIENT, "connect", 100, 150, -ECONNREFUSED, .line = 81,
		       .socket = socket, .address = &wire.server);
	story_tcp(&story, &wire, 110, '>', "S", 0, 0, 0);
	wire.server_isn = 0;
	story_tcp(&story, &wire, 120, '<', "RA", 0, 1, 0);
	story_end(&story);

	check_sent(&story, 1, connect, SONDE_SYN);
	check_not_sent(&story, 2, SONDE_WHY_KERNEL_RESET);
	check_completed(&story, connect, 2);
	story_done(&story);
}

static void test_retransmission(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);
	uint32_t socket, connect, send, data;

	(void)state;
	story_begin(&story);
	socket = story_connecting(&story, &wire);
	connect = CALL(&story, CLIENT, "connect", 100, 2000200, 0, .line = 81,
		       .socket = socket, .address = &wire.server);
	story_tcp(&story, &wire, 110, '>', "S", 0, 0, 0);
	story_tcp(&story, &wire, 1000110, '>', "S", 0, 0, 0);
	story_tcp(&story, &wire, 2000150, '<', "SA", 0, 1, 0);
	story_tcp(&story, &wire, 2000160, '>', "A", 1, 1, 0);
	send = CALL(&story, CLIENT, "sendto", 2000300, 2000320, 8, .line = 82,
		    .socket = socket);
	data = story_tcp(&story, &wire, 2000310, '>', "PA", 1, 1, 8);
	story_tcp(&story, &wire, 2200310, '>', "PA", 1, 1, 8);
	story_end(&story);

	check_sent(&story, 1, connect, SONDE_SYN);
	check_sent(&story, 2, connect, SONDE_SYN);
	assert_false(place_of(&story, 1)->is_retransmission);
	assert_true(place_of(&story, 2)->is_retransmission);
	assert_int_equal(edge_of(&story, SONDE_EDGE_RELEASED, 1, 0)->release,
			 SONDE_BY_CALL);
	assert_int_equal(edge_of(&story, SONDE_EDGE_RELEASED, 2, 0)->release,
			 SONDE_BY_TIMER);
	check_completed(&story, connect, 3);
	check_sent(&story, data, send, SONDE_DATA);
	check_sent(&story, data + 1, send, SONDE_DATA);
	assert_true(place_of(&story, data + 1)->is_retransmission);
	assert_int_equal(edge_of(&story, SONDE_EDGE_RELEASED, data + 1, 0)->release,
			 SONDE_BY_TIMER);
	/* The other side is not traced. */
	check_not_sent(&story, 3, SONDE_WHY_KERNEL_SYN_ACK);
	story_done(&story);
}

static void test_untraced_peer(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);
	uint32_t socket;

	(void)state;
	story_begin(&story);
	socket = story_connecting(&story, &wire);
	CALL(&story, CLIENT, "connect", 100, 150, 0, .line = 81, .socket = socket,
	     .address = &wire.server);
	story_handshake(&story, &wire, 110);
	story_tcp(&story, &wire, 200, '<', "PA", 1, 1, 40);
	story_tcp(&story, &wire, 210, '<', "FA", 41, 1, 0);
	story_tcp(&story, &wire, 220, '<', "R", 42, 0, 0);
	story_end(&story);

	check_not_sent(&story, 4, SONDE_WHY_NOT_TRACED);
	check_not_sent(&story, 5, SONDE_WHY_NOT_TRACED);
	check_not_sent(&story, 6, SONDE_WHY_NOT_TRACED);
	assert_int_equal(place_of(&story, 4)->receiver, socket);
	story_done(&story);
}

/* The same ports once more, after the first connection has ended. */
static void test_port_reuse(void **state)
{
	struct story story;
	struct talk first, second;
	uint32_t send, data;

	(void)state;
	story_begin(&story);
	first = story_talk(&story, 5000, 100);
	CALL(&story, CLIENT, "close", 300, 310, 0, .line = 84, .socket = first.client,
	     .flags = SONDE_CALL_LAST_REFERENCE);
	story_tcp(&story, &first.wire, 305, '>', "RA", 1, 1, 0);
	second.wire = story_wire(5000);
	second.wire.client_isn += 70000;
	second.wire.server_isn += 90000;
	second.client = story_connecting(&story, &second.wire);
	second.connect = CALL(&story, CLIENT, "connect", 1000, 1040, 0, .line = 81,
			      .socket = second.client, .address = &second.wire.server);
	story_handshake(&story, &second.wire, 1010);
	send = CALL(&story, CLIENT, "sendto", 1100, 1120, 6, .line = 82,
		    .socket = second.client);
	data = story_tcp(&story, &second.wire, 1110, '>', "PA", 1, 1, 6);
	story_end(&story);

	assert_int_equal(story.timeline.stream_count, 2);
	assert_int_equal(place_of(&story, 4)->stream, 1);
	assert_int_equal(place_of(&story, 5)->stream, 2);
	assert_int_equal(story.timeline.streams[0].client_socket, first.client);
	assert_int_equal(story.timeline.streams[1].client_socket, second.client);
	check_sent(&story, 1, first.connect, SONDE_SYN);
	check_sent(&story, 5, second.connect, SONDE_SYN);
	check_completed(&story, second.connect, 6);
	check_sent(&story, data, send, SONDE_DATA);
	story_done(&story);
}

/* Sequence numbers pass 2^32 on both sides. */
static void test_wrap(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);
	uint32_t socket, before, across, got, data;

	(void)state;
	story_begin(&story);
	wire.client_isn = UINT32_MAX - 10;
	wire.server_isn = UINT32_MAX;
	socket = story_connecting(&story, &wire);
	CALL(&story, CLIENT, "connect", 100, 150, 0, .line = 81, .socket = socket,
	     .address = &wire.server);
	story_handshake(&story, &wire, 110);
	before =
		CALL(&story, CLIENT, "sendto", 200, 210, 8, .line = 82, .socket = socket);
	data = story_tcp(&story, &wire, 205, '>', "PA", 1, 1, 8);
	across = CALL(&story, CLIENT, "sendto", 220, 230, 20, .line = 82,
		      .socket = socket);
	story_tcp(&story, &wire, 225, '>', "PA", 9, 1, 20);
	got = CALL(&story, CLIENT, "recvfrom", 240, 340, 4, .line = 83, .socket = socket);
	story_tcp(&story, &wire, 300, '<', "PA", 1, 29, 4);
	story_end(&story);

	check_bytes(&story, data, before, 0, 8);
	check_bytes(&story, data + 1, across, 0, 20);
	assert_int_equal(place_of(&story, data + 1)->seq, 9);
	assert_int_equal(place_of(&story, data + 2)->ack, 29);
	assert_false(place_of(&story, data + 1)->is_retransmission);
	check_completed(&story, got, data + 2);
	story_done(&story);
}

/* Two threads send at once: whose bytes are whose cannot be told. */
static void test_two_threads(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t before, one, two, after, data;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	before = CALL(&story, CLIENT, "sendto", 300, 310, 10, .line = 82,
		      .socket = talk.client);
	data = story_tcp(&story, &talk.wire, 305, '>', "PA", 1, 1, 10);
	one = CALL(&story, CLIENT, "sendto", 400, 500, 1000, .line = 83, .thread = 1,
		   .socket = talk.client);
	story_tcp(&story, &talk.wire, 410, '>', "PA", 11, 1, 500);
	two = CALL(&story, CLIENT, "sendto", 450, 520, 1000, .line = 83, .thread = 2,
		   .socket = talk.client);
	story_tcp(&story, &talk.wire, 510, '>', "PA", 511, 1, 1500);
	after = CALL(&story, CLIENT, "sendto", 600, 620, 10, .line = 84,
		     .socket = talk.client);
	story_tcp(&story, &talk.wire, 610, '>', "PA", 2011, 1, 10);
	story_end(&story);

	check_sent(&story, data, before, SONDE_DATA);
	/* It left before the second was entered. */
	check_sent(&story, data + 1, one, SONDE_DATA);
	assert_int_equal(count_edges(&story, SONDE_EDGE_SENT, data + 2), 2);
	assert_false(edge_of(&story, SONDE_EDGE_SENT, data + 2, one)->exact);
	assert_false(edge_of(&story, SONDE_EDGE_SENT, data + 2, two)->exact);
	check_sent(&story, data + 3, after, SONDE_DATA);
	assert_int_equal(story.tables.sent_count, 8);
	story_done(&story);
}

/* One long send, and short ones of another thread while it waits for room: its bytes may
 * lie before, between and behind theirs. */
static void test_long_send_among_short(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t longest, data;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	longest = CALL(&story, CLIENT, "sendto", 300, 900, 1000, .line = 83, .thread = 1,
		       .socket = talk.client);
	for (int i = 0; i < 6; i++)
		CALL(&story, CLIENT, "sendto", 310 + 20 * i, 320 + 20 * i, 10, .line = 84,
		     .thread = 2, .socket = talk.client);
	data = story_tcp(&story, &talk.wire, 850, '>', "PA", 1, 1, 1045);
	story_tcp(&story, &talk.wire, 860, '>', "PA", 1046, 1, 15);
	story_end(&story);
	assert_int_equal(count_edges(&story, SONDE_EDGE_SENT, data), 7);
	assert_non_null(edge_of(&story, SONDE_EDGE_SENT, data + 1, longest));
	assert_false(edge_of(&story, SONDE_EDGE_SENT, data, longest)->exact);
	story_done(&story);
}

/* The capture began while the connection was open: nothing is made up. */
static void test_capture_from_the_middle(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);
	uint32_t socket, got;

	(void)state;
	story_begin(&story);
	socket = story_connecting(&story, &wire);
	CALL(&story, CLIENT, "connect", 100, 150, 0, .line = 81, .socket = socket,
	     .address = &wire.server);
	CALL(&story, CLIENT, "sendto", 200, 210, 500, .line = 82, .socket = socket);
	got = CALL(&story, CLIENT, "recvfrom", 290, 340, 9, .line = 83, .socket = socket);
	story_tcp(&story, &wire, 300, '<', "PA", 4000, 501, 9);
	CALL(&story, CLIENT, "sendto", 400, 410, 7, .line = 82, .socket = socket);
	story_tcp(&story, &wire, 405, '>', "PA", 501, 4009, 7);
	story_end(&story);

	assert_int_equal(story.timeline.streams[0].client_socket, socket);
	assert_int_equal(place_of(&story, 1)->direction, 1);
	check_not_sent(&story, 1, SONDE_WHY_NOT_TRACED);
	check_not_sent(&story, 2, SONDE_WHY_NOT_SEEN);
	check_verdict(&story, got, SONDE_UNKNOWN, SONDE_WHY_PACKET_NOT_SEEN, 0);
	story_done(&story);
}

/* ... but the end of the stream tells where all before it lies. */
static void test_middle_anchored_by_fin(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);
	uint32_t socket, send, close;

	(void)state;
	story_begin(&story);
	socket = story_connecting(&story, &wire);
	CALL(&story, CLIENT, "connect", 100, 150, 0, .line = 81, .socket = socket,
	     .address = &wire.server);
	CALL(&story, CLIENT, "sendto", 200, 210, 500, .line = 82, .socket = socket);
	send = CALL(&story, CLIENT, "sendto", 400, 410, 7, .line = 82, .socket = socket);
	story_tcp(&story, &wire, 405, '>', "PA", 501, 4009, 7);
	close = CALL(&story, CLIENT, "close", 500, 510, 0, .line = 84, .socket = socket,
		     .flags = SONDE_CALL_LAST_REFERENCE);
	story_tcp(&story, &wire, 505, '>', "FA", 508, 4009, 0);
	story_end(&story);

	check_sent(&story, 1, send, SONDE_DATA);
	check_sent(&story, 2, close, SONDE_FIN);
	story_done(&story);
}

/* Sends that were not recorded: the bytes beyond have no statement, the others are not
 * certain. */
static void test_missing_calls(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t send, data;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	send = CALL(&story, CLIENT, "sendto", 300, 310, 10, .line = 82,
		    .socket = talk.client);
	data = story_tcp(&story, &talk.wire, 305, '>', "PA", 1, 1, 10);
	story_tcp(&story, &talk.wire, 405, '>', "PA", 11, 1, 10);
	story_end(&story);

	assert_non_null(edge_of(&story, SONDE_EDGE_SENT, data, send));
	assert_false(edge_of(&story, SONDE_EDGE_SENT, data, send)->exact);
	check_not_sent(&story, data + 1, SONDE_WHY_NOT_SEEN);
	story_done(&story);
}

static void test_probe(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t data;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	CALL(&story, CLIENT, "sendto", 300, 310, 10, .line = 82, .socket = talk.client);
	data = story_tcp(&story, &talk.wire, 305, '>', "PA", 1, 1, 10);
	story_tcp(&story, &talk.wire, 306, '<', "A", 1, 11, 0);
	story_tcp(&story, &talk.wire, 7200306, '>', "A", 10, 1, 0);
	story_tcp(&story, &talk.wire, 7200308, '<', "A", 1, 11, 0);
	story_end(&story);

	check_not_sent(&story, data + 2, SONDE_WHY_KERNEL_PROBE);
	assert_false(place_of(&story, data + 2)->is_retransmission);
	check_not_sent(&story, data + 3, SONDE_WHY_KERNEL_ACK);
	story_done(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole_conversation),
		cmocka_unit_test(test_one_send_in_segments),
		cmocka_unit_test(test_messages_of_a_stream),
		cmocka_unit_test(test_fin_on_data),
		cmocka_unit_test(test_exit_without_close),
		cmocka_unit_test(test_reset_on_unread_input),
		cmocka_unit_test(test_reset_by_listener),
		cmocka_unit_test(test_reset_after_fin),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_retransmission),
		cmocka_unit_test(test_untraced_peer),
		cmocka_unit_test(test_port_reuse),
		cmocka_unit_test(test_wrap),
		cmocka_unit_test(test_two_threads),
		cmocka_unit_test(test_long_send_among_short),
		cmocka_unit_test(test_capture_from_the_middle),
		cmocka_unit_test(test_middle_anchored_by_fin),
		cmocka_unit_test(test_missing_calls),
		cmocka_unit_test(test_probe),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
