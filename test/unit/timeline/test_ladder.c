/* The ladder of one stream, as text: a row a line.
 *
 *	0 |81   lane 0: the statement of line 81 begins
 *	0 '81   it ends
 *	0 =81   both
 *	> 4     packet 4 to the right; "> 4 !92" it completes the statement of line 92
 *	...     idle */
#include "story.h"

#include <stdio.h>

static void check_ladder(const struct story *story, uint32_t stream,
			 const struct sonde_ladder_options *options, const char *wanted)
{
	static const char marks[] = "|'=";
	struct sonde_ladder ladder;
	char text[4096] = "";
	size_t n = 0;

	assert_int_equal(sonde_ladder_build(&story->timeline, stream, options, &ladder),
			 0);
	for (uint32_t i = 0; i < ladder.row_count; i++) {
		const struct sonde_ladder_row *row = &ladder.rows[i];
		uint32_t statement = row->kind == SONDE_LADDER_PACKET ? row->completed
								      : row->statement;
		uint32_t place = statement ? statement_at(story, statement)->place : 0;
		int line = place ? story->recording->places[place - 1].line : 0;

		switch (row->kind) {
		case SONDE_LADDER_GAP:
			n += (size_t)snprintf(text + n, sizeof(text) - n, "...\n");
			break;
		case SONDE_LADDER_PACKET:
			assert_int_equal(row->completes, row->completed != 0);
			assert_int_equal(row->to_lane, !row->lane);
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%c %u",
					      row->lane ? '<' : '>', row->packet);
			if (row->completes)
				n += (size_t)snprintf(text + n, sizeof(text) - n, " !%d",
						      line);
			n += (size_t)snprintf(text + n, sizeof(text) - n, "\n");
			break;
		default:
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%u %c%d\n",
					      row->lane, marks[row->kind], line);
		}
	}
	assert_string_equal(text, wanted);
	sonde_ladder_done(&ladder);
}

static void test_conversation(void **state)
{
	struct story story;
	struct talk talk;
	struct sonde_ladder ladder;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	CALL(&story, SERVER, "bind", 10, 20, 0, .line = 89, .socket = talk.listener);
	CALL(&story, SERVER, "listen", 30, 40, 0, .line = 90, .socket = talk.listener);
	CALL(&story, SERVER, "recvfrom", 210, 340, 5, .line = 92, .socket = talk.server);
	CALL(&story, CLIENT, "sendto", 300, 320, 5, .line = 82, .socket = talk.client);
	story_tcp(&story, &talk.wire, 310, '>', "PA", 1, 1, 5);
	story_tcp(&story, &talk.wire, 312, '<', "A", 1, 6, 0);
	CALL(&story, CLIENT, "close", 5000, 5020, 0, .line = 84, .socket = talk.client,
	     .flags = SONDE_CALL_LAST_REFERENCE);
	story_tcp(&story, &talk.wire, 5010, '>', "FA", 6, 1, 0);
	CALL(&story, SERVER, "accept4", 5100, NEVER, 0, .line = 91,
	     .socket = talk.listener);
	story_end(&story);

	check_ladder(&story, 1, &(struct sonde_ladder_options){.fold_gap_ns = 1000000},
		     "1 =89\n"
		     "1 =90\n"
		     "1 |91\n"
		     "0 |81\n"
		     "> 1\n"
		     "< 2 !81\n"
		     "> 3 !91\n"
		     "0 '81\n"
		     "1 '91\n"
		     "1 |92\n"
		     "0 |82\n"
		     "> 4 !92\n"
		     "0 '82\n"
		     "1 '92\n"
		     "...\n"
		     "0 |84\n"
		     "> 6\n"
		     "0 '84\n");
	assert_int_equal(sonde_ladder_build(&story.timeline, 1, NULL, &ladder), 0);
	assert_int_equal(ladder.acks_folded, 1);
	assert_int_equal(ladder.lanes[0].socket, talk.client);
	assert_int_equal(ladder.lanes[1].socket, talk.server);
	assert_int_equal(ladder.lanes[1].program, SERVER);
	assert_int_equal(ladder.lanes[0].address.port, 5000);
	sonde_ladder_done(&ladder);
	assert_int_equal(
		sonde_ladder_build(&story.timeline, 1,
				   &(struct sonde_ladder_options){.all_acks = true},
				   &ladder),
		0);
	assert_int_equal(ladder.acks_folded, 0);
	assert_int_equal(ladder.row_count, 18);
	sonde_ladder_done(&ladder);
	assert_int_equal(sonde_ladder_build(&story.timeline, 2, NULL, &ladder), -EINVAL);
	assert_int_equal(sonde_ladder_build(&story.timeline, 0, NULL, &ladder), -EINVAL);
	story_done(&story);
}

/* Cause before effect at one and the same time, and within the margin against it. */
static void test_order(void **state)
{
	struct story story;
	struct talk talk;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	CALL(&story, SERVER, "recvfrom", 250, 310, 5, .line = 92, .socket = talk.server);
	CALL(&story, CLIENT, "sendto", 310, 320, 5, .line = 82, .socket = talk.client);
	story_tcp(&story, &talk.wire, 310, '>', "PA", 1, 1, 5);
	story_tcp(&story, &talk.wire, 400, '>', "PA", 6, 1, 5);
	CALL(&story, CLIENT, "sendto", 410, 420, 5, .line = 83, .socket = talk.client);
	story_end(&story);
	check_ladder(&story, 1, NULL,
		     "1 |91\n"
		     "0 |81\n"
		     "> 1\n"
		     "< 2 !81\n"
		     "> 3 !91\n"
		     "0 '81\n"
		     "1 '91\n"
		     "1 |92\n"
		     "0 |82\n"
		     "> 4 !92\n"
		     "1 '92\n"
		     "0 '82\n"
		     "0 |83\n"
		     "> 5\n"
		     "0 '83\n");
	story_done(&story);
}

/* The second connection of a server shows its own accept and nothing of the first. */
static void test_second_connection(void **state)
{
	struct story story;
	struct talk one, two;
	uint32_t end;

	(void)state;
	story_begin(&story);
	one = story_talk(&story, 5000, 100);
	CALL(&story, SERVER, "listen", 90, 95, 0, .line = 90, .socket = one.listener);
	two.wire = story_wire(5001);
	two.client = story_connecting(&story, &two.wire);
	two.server = story_accepted(&story, &two.wire);
	two.accept =
		CALL(&story, SERVER, "poll", 200, 390, 1, .line = 91,
		     .watched = {{one.listener, SONDE_READY_READ, SONDE_READY_READ}});
	CALL(&story, SERVER, "accept4", 400, 410, 6, .line = 91, .socket = one.listener,
	     .new_socket = two.server);
	story_accepted_by(&story, two.server, two.accept + 1);
	CALL(&story, CLIENT, "connect", 300, 370, 0, .line = 81, .socket = two.client,
	     .address = &two.wire.server);
	story_handshake(&story, &two.wire, 310);
	end = CALL(&story, CLIENT, "exit_group", 500, NEVER, 0, .line = 0);
	story.recording->sockets[one.client - 1].closed_by = end;
	story.recording->sockets[two.client - 1].closed_by = end;
	story_tcp(&story, &one.wire, 510, '>', "FA", 1, 1, 0);
	story_tcp(&story, &two.wire, 520, '>', "FA", 1, 1, 0);
	story_end(&story);
	check_ladder(&story, 1, NULL,
		     "1 =90\n"
		     "1 |91\n"
		     "0 |81\n"
		     "> 1\n"
		     "< 2 !81\n"
		     "> 3 !91\n"
		     "0 '81\n"
		     "1 '91\n"
		     "0 |0\n"
		     "> 7\n");
	check_ladder(&story, 2, NULL,
		     "1 |91\n"
		     "0 |81\n"
		     "> 4\n"
		     "< 5 !81\n"
		     "> 6 !91\n"
		     "0 '81\n"
		     "1 '91\n"
		     "0 |0\n"
		     "> 8\n");
	story_done(&story);
}

static void test_refused(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);
	struct sonde_ladder ladder;
	uint32_t socket;

	(void)state;
	story_begin(&story);
	socket = story_connecting(&story, &wire);
	CALL(&story, CLIENT, "connect", 100, 250, -ECONNREFUSED, .line = 81,
	     .socket = socket, .address = &wire.server);
	story_tcp(&story, &wire, 110, '>', "S", 0, 0, 0);
	story_icmp(&story, &wire, 240, SONDE_PACKET_TCP);
	CALL(&story, CLIENT, "close", 300, 310, 0, .line = 82, .socket = socket);
	story_end(&story);
	check_ladder(&story, 1, NULL, "0 |81\n> 1\n< 2 !81\n0 '81\n0 =82\n");
	assert_int_equal(sonde_ladder_build(&story.timeline, 1, NULL, &ladder), 0);
	assert_int_equal(ladder.lanes[1].socket, 0);
	assert_int_equal(ladder.lanes[1].address.port, 80);
	sonde_ladder_done(&ladder);
	story_done(&story);
}

/* A socket that is refused and then calls again: each ladder has its own connect. */
static void test_two_attempts(void **state)
{
	struct story story;
	struct wire first = story_wire(5000), second = story_wire(5001);
	uint32_t socket;

	(void)state;
	story_begin(&story);
	socket = story_connecting(&story, &second);
	CALL(&story, CLIENT, "connect", 100, 150, -ECONNREFUSED, .line = 81,
	     .socket = socket, .address = &first.server);
	story_tcp(&story, &first, 110, '>', "S", 0, 0, 0);
	first.server_isn = 0;
	story_tcp(&story, &first, 120, '<', "RA", 0, 1, 0);
	CALL(&story, CLIENT, "connect", 200, 250, 0, .line = 82, .socket = socket,
	     .address = &second.server);
	story_handshake(&story, &second, 210);
	CALL(&story, CLIENT, "sendto", 300, 320, 4, .line = 83, .socket = socket);
	story_tcp(&story, &second, 310, '>', "PA", 1, 1, 4);
	story_end(&story);
	check_ladder(&story, 1, NULL, "0 |81\n> 1\n< 2 !81\n0 '81\n");
	check_ladder(&story, 2, NULL,
		     "0 |82\n> 3\n< 4 !82\n> 5\n0 '82\n0 |83\n> 6\n0 '83\n");
	story_done(&story);
}

static void test_datagrams(void **state)
{
	struct story story;
	struct sonde_address any = story_address("0.0.0.0", 53);
	struct sonde_address home = story_address("10.0.0.2", 53);
	struct sonde_address one = story_address("10.0.0.1", 6001);
	struct sonde_address two = story_address("10.0.0.1", 6002);
	uint32_t server, client, other;

	(void)state;
	story_begin(&story);
	server = story_datagram(&story, SERVER, &any, NULL);
	client = story_datagram(&story, CLIENT, &one, NULL);
	other = story_datagram(&story, CLIENT, &two, NULL);
	CALL(&story, SERVER, "bind", 10, 20, 0, .line = 90, .socket = server);
	CALL(&story, SERVER, "recvfrom", 30, 130, 4, .line = 91, .socket = server,
	     .address = &one, .length = 512);
	CALL(&story, CLIENT, "sendto", 100, 120, 4, .line = 81, .socket = client,
	     .address = &home);
	story_udp(&story, 110, &one, &home, 4);
	CALL(&story, CLIENT, "recvfrom", 140, 240, 6, .line = 82, .socket = client,
	     .address = &home, .length = 512);
	CALL(&story, SERVER, "sendto", 200, 220, 6, .line = 92, .socket = server,
	     .address = &one);
	story_udp(&story, 210, &home, &one, 6);
	CALL(&story, SERVER, "recvfrom", 300, 430, 5, .line = 91, .socket = server,
	     .address = &two, .length = 512);
	CALL(&story, CLIENT, "sendto", 400, 420, 5, .line = 81, .socket = other,
	     .address = &home);
	story_udp(&story, 410, &two, &home, 5);
	story_end(&story);
	check_ladder(&story, 1, NULL,
		     "1 =90\n"
		     "1 |91\n"
		     "0 |81\n"
		     "> 1 !91\n"
		     "0 '81\n"
		     "1 '91\n"
		     "0 |82\n"
		     "1 |92\n"
		     "< 2 !82\n"
		     "1 '92\n"
		     "0 '82\n");
	check_ladder(&story, 2, NULL, "1 |91\n0 |81\n> 3 !91\n0 '81\n1 '91\n");
	story_done(&story);
}

/* A socket that asks one server, then connects to another, where nobody listens. */
static void test_datagram_socket_connects(void **state)
{
	struct story story;
	struct wire wire = story_wire(6001);
	struct sonde_address home = story_address("10.0.0.2", 53);
	uint32_t socket;

	(void)state;
	story_begin(&story);
	socket = story_datagram(&story, CLIENT, &wire.client, &wire.server);
	CALL(&story, CLIENT, "sendto", 100, 120, 4, .line = 81, .socket = socket,
	     .address = &home);
	story_udp(&story, 110, &wire.client, &home, 4);
	CALL(&story, CLIENT, "connect", 200, 210, 0, .line = 82, .socket = socket,
	     .address = &wire.server);
	CALL(&story, CLIENT, "sendto", 300, 320, 6, .line = 83, .socket = socket);
	story_udp(&story, 310, &wire.client, &wire.server, 6);
	story_icmp(&story, &wire, 315, SONDE_PACKET_UDP);
	CALL(&story, CLIENT, "poll", 400, 410, 1, .line = 84,
	     .watched = {
		     {socket, SONDE_READY_READ, SONDE_READY_READ | SONDE_READY_ERROR}});
	CALL(&story, CLIENT, "recvfrom", 420, 430, -ECONNREFUSED, .line = 84,
	     .socket = socket, .flags = SONDE_CALL_NONBLOCKING);
	story_end(&story);
	check_ladder(&story, 1, NULL, "0 |81\n> 1\n0 '81\n");
	check_ladder(&story, 2, NULL, "0 =82\n0 |83\n> 2\n< 3\n0 '83\n0 =84\n");
	assert_int_equal(story.tables.completed_count, 1);
	assert_int_equal(story.tables.completed[0].packet, 3);
	assert_int_equal(story.tables.completed[0].why, SONDE_WHY_NOT_BLOCKED);
	story_done(&story);
}

/* One wait for two sockets, in an event loop: what was read from one of them is no
 * business of the other one. */
static void test_event_loop(void **state)
{
	struct story story;
	struct talk one, two;

	(void)state;
	story_begin(&story);
	one = story_talk(&story, 5000, 100);
	two.wire = story_wire(5001);
	two.server = story_accepted(&story, &two.wire);
	two.accept = CALL(&story, SERVER, "accept4", 200, 290, 6, .line = 91,
			  .socket = one.listener, .new_socket = two.server);
	story_accepted_by(&story, two.server, two.accept);
	story_handshake(&story, &two.wire, 250);
	CALL(&story, SERVER, "epoll_wait", 300, 420, 2, .line = 95,
	     .watched = {{one.server, SONDE_READY_READ, SONDE_READY_READ},
			 {two.server, SONDE_READY_READ, SONDE_READY_READ}});
	story_tcp(&story, &one.wire, 400, '>', "PA", 1, 1, 5);
	story_tcp(&story, &two.wire, 405, '>', "PA", 1, 1, 6);
	CALL(&story, SERVER, "recvfrom", 430, 440, 5, .line = 95, .socket = one.server);
	CALL(&story, SERVER, "recvfrom", 450, 460, 6, .line = 95, .socket = two.server);
	CALL(&story, SERVER, "epoll_wait", 500, 600, 0, .line = 95, .timeout_ms = 1,
	     .watched = {{one.server, SONDE_READY_READ, 0},
			 {two.server, SONDE_READY_READ, 0}});
	/* Ready for the first one alone. */
	CALL(&story, SERVER, "select", 700, 710, 1, .line = 96,
	     .watched = {{one.server, SONDE_READY_READ, SONDE_READY_READ},
			 {two.server, SONDE_READY_READ, 0}});
	story_end(&story);
	check_ladder(&story, 2, NULL,
		     "1 |91\n> 4\n< 5\n> 6 !91\n1 '91\n> 8\n1 =95\n1 =95\n");
	story_done(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_conversation),
		cmocka_unit_test(test_order),
		cmocka_unit_test(test_second_connection),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_two_attempts),
		cmocka_unit_test(test_datagrams),
		cmocka_unit_test(test_event_loop),
		cmocka_unit_test(test_datagram_socket_connects),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
