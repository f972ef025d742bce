/* Blocking statement -> the packet that completed it, where packets were lost on the way or
 * by the capture, or came again. */
#include "story.h"

/* The third packet of the handshake was not captured: the first data stands for it. */
static void test_lost_handshake_ack(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);
	uint32_t listener, server, accept;

	(void)state;
	story_begin(&story);
	listener = story_listener(&story);
	server = story_accepted(&story, &wire);
	accept = CALL(&story, SERVER, "accept4", 50, 400, 5, .line = 91,
		      .socket = listener, .new_socket = server);
	story_accepted_by(&story, server, accept);
	story_tcp(&story, &wire, 110, '>', "S", 0, 0, 0);
	story_tcp(&story, &wire, 120, '<', "SA", 0, 1, 0);
	story_tcp(&story, &wire, 390, '>', "PA", 1, 1, 10);
	story_end(&story);
	check_completed(&story, accept, 3);
	assert_false(place_of(&story, 3)->is_handshake_ack);
	story_done(&story);
}

/* The accept queue was full: the first ACK was thrown away, a later one counted. */
static void test_repeated_syn_ack(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);
	uint32_t listener, server, accept;

	(void)state;
	story_begin(&story);
	listener = story_listener(&story);
	server = story_accepted(&story, &wire);
	accept = CALL(&story, SERVER, "accept4", 50, 1000150, 5, .line = 91,
		      .socket = listener, .new_socket = server);
	story_accepted_by(&story, server, accept);
	story_handshake(&story, &wire, 110);
	story_tcp(&story, &wire, 1000120, '<', "SA", 0, 1, 0);
	story_tcp(&story, &wire, 1000130, '>', "A", 1, 1, 0);
	story_end(&story);
	assert_true(place_of(&story, 4)->is_retransmission);
	check_completed(&story, accept, 5);
	story_done(&story);
}

/* SYN and SYN-ACK were both sent again, and the answer to that SYN crossed the ACK. */
static void test_crossing_syn_ack(void **state)
{
	struct story story;
	struct wire wire = story_wire(5000);
	uint32_t listener, server, accept;

	(void)state;
	story_begin(&story);
	listener = story_listener(&story);
	server = story_accepted(&story, &wire);
	accept = CALL(&story, SERVER, "accept4", 50, 1000250, 5, .line = 91,
		      .socket = listener, .new_socket = server);
	story_accepted_by(&story, server, accept);
	story_tcp(&story, &wire, 110, '>', "S", 0, 0, 0);
	story_tcp(&story, &wire, 120, '<', "SA", 0, 1, 0);
	story_tcp(&story, &wire, 1000120, '<', "SA", 0, 1, 0);
	story_tcp(&story, &wire, 1000130, '>', "S", 0, 0, 0);
	story_tcp(&story, &wire, 1000140, '>', "A", 1, 1, 0);
	story_tcp(&story, &wire, 1000150, '<', "SA", 0, 1, 0);
	story_tcp(&story, &wire, 1000160, '>', "A", 1, 1, 0);
	story_end(&story);
	check_completed(&story, accept, 5);
	story_done(&story);
}

/* A segment was lost on its way: what came behind it could be read only with its copy. */
static void test_gap(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t one, two, three, data;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	one = CALL(&story, SERVER, "recvfrom", 210, 310, 10, .line = 92,
		   .socket = talk.server);
	data = story_tcp(&story, &talk.wire, 300, '>', "PA", 1, 1, 10);
	two = CALL(&story, SERVER, "recvfrom", 320, 200420, 10, .line = 92,
		   .socket = talk.server);
	story_tcp(&story, &talk.wire, 400, '>', "PA", 21, 1, 10);
	story_tcp(&story, &talk.wire, 200410, '>', "PA", 11, 1, 10);
	three = CALL(&story, SERVER, "recvfrom", 200600, 200610, 10, .line = 92,
		     .socket = talk.server);
	story_end(&story);
	check_completed(&story, one, data);
	check_completed(&story, two, data + 2);
	check_verdict(&story, three, SONDE_NO, SONDE_WHY_NOT_BLOCKED, data + 2);
	assert_false(place_of(&story, data + 2)->is_retransmission);
	story_done(&story);
}

/* The first copy was captured and then lost: nobody acknowledged it. */
static void test_lost_behind_the_capture(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t lost, late, data;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	lost = CALL(&story, SERVER, "recvfrom", 210, 200320, 10, .line = 92,
		    .socket = talk.server);
	data = story_tcp(&story, &talk.wire, 300, '>', "PA", 1, 1, 10);
	story_tcp(&story, &talk.wire, 200310, '>', "PA", 1, 1, 10);
	story_tcp(&story, &talk.wire, 200312, '<', "A", 1, 11, 0);
	/* Sent again in vain: it had been acknowledged. */
	late = CALL(&story, SERVER, "recvfrom", 300000, 400020, 10, .line = 92,
		    .socket = talk.server);
	story_tcp(&story, &talk.wire, 300300, '>', "PA", 11, 1, 10);
	story_tcp(&story, &talk.wire, 300310, '<', "A", 1, 21, 0);
	story_tcp(&story, &talk.wire, 400000, '>', "PA", 11, 1, 10);
	story_end(&story);
	check_completed(&story, lost, data + 1);
	check_completed(&story, late, data + 3);
	story_done(&story);
}

/* Acknowledged, but never captured. */
static void test_dropped_by_capture(void **state)
{
	struct story story;
	struct talk talk;
	uint32_t one, two, data;

	(void)state;
	story_begin(&story);
	talk = story_talk(&story, 5000, 100);
	one = CALL(&story, SERVER, "recvfrom", 210, 310, 10, .line = 92,
		   .socket = talk.server);
	story_tcp(&story, &talk.wire, 305, '<', "A", 1, 11, 0);
	two = CALL(&story, SERVER, "recvfrom", 320, 410, 10, .line = 92,
		   .socket = talk.server);
	data = story_tcp(&story, &talk.wire, 400, '>', "PA", 11, 1, 10);
	story_end(&story);
	check_verdict(&story, one, SONDE_UNKNOWN, SONDE_WHY_PACKET_NOT_SEEN, 0);
	check_completed(&story, two, data);
	story_done(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lost_handshake_ack),
		cmocka_unit_test(test_repeated_syn_ack),
		cmocka_unit_test(test_crossing_syn_ack),
		cmocka_unit_test(test_gap),
		cmocka_unit_test(test_lost_behind_the_capture),
		cmocka_unit_test(test_dropped_by_capture),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
