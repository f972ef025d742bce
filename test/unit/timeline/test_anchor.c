/* Connections that were there before: what the tracer saw under way when it first looked
 * gives the program's bytes their place among the packets. */
#include "story.h"

enum { LOOKED_US = 200 };

struct before {
	struct story story;
	struct wire wire;
	uint32_t socket;
};

/* A socket of the client's that was there, with that much under way. */
static void begin(struct before *before, uint32_t unread, uint32_t unsent,
		  uint32_t in_flight)
{
	struct sonde_socket *socket;

	story_begin(&before->story);
	before->wire = story_wire(5000);
	before->socket = story_connecting(&before->story, &before->wire);
	socket = &before->story.recording->sockets[before->socket - 1];
	socket->is_inherited = true;
	socket->looked_ns = socket->opened_ns + LOOKED_US * INT64_C(1000);
	socket->unread = unread;
	socket->unsent = unsent;
	socket->in_flight = in_flight;
}

static uint32_t send_at(struct before *before, int64_t at_us, int64_t bytes)
{
	return CALL(&before->story, CLIENT, "sendto", at_us, at_us + 5, bytes, .line = 80,
		    .socket = before->socket);
}

static void test_nothing_under_way(void **state)
{
	struct before before;
	uint32_t send, packet, receive, answer;

	(void)state;
	begin(&before, 0, 0, 0);
	send = send_at(&before, 300, 10);
	packet = story_tcp(&before.story, &before.wire, 303, '>', "PA", 501, 901, 10);
	receive = CALL(&before.story, CLIENT, "recvfrom", 320, 420, 6, .line = 81,
		       .socket = before.socket);
	answer = story_tcp(&before.story, &before.wire, 400, '<', "PA", 901, 511, 6);
	story_end(&before.story);
	check_bytes(&before.story, packet, send, 0, 10);
	check_completed(&before.story, receive, answer);
	story_done(&before.story);
}

static void test_captured_before(void **state)
{
	struct before before;
	uint32_t send, old, packet;

	(void)state;
	begin(&before, 0, 0, 0);
	old = story_tcp(&before.story, &before.wire, 100, '>', "PA", 481, 901, 20);
	send = send_at(&before, 300, 10);
	packet = story_tcp(&before.story, &before.wire, 303, '>', "PA", 501, 901, 10);
	story_end(&before.story);
	check_not_sent(&before.story, old, SONDE_WHY_NOT_SEEN);
	check_bytes(&before.story, packet, send, 0, 10);
	story_done(&before.story);
}

static void test_unread(void **state)
{
	struct before before;
	uint32_t first, second, packet;

	(void)state;
	begin(&before, 5, 0, 0);
	first = CALL(&before.story, CLIENT, "recvfrom", 300, 305, 5, .line = 81,
		     .socket = before.socket);
	second = CALL(&before.story, CLIENT, "recvfrom", 320, 420, 6, .line = 82,
		      .socket = before.socket);
	packet = story_tcp(&before.story, &before.wire, 400, '<', "PA", 901, 511, 6);
	story_end(&before.story);
	check_completed(&before.story, second, packet);
	/* Its packet came before the capture. */
	assert_int_equal(before.story.timeline.call_packet[first - 1], 0);
	story_done(&before.story);
}

static void test_unsent(void **state)
{
	struct before before;
	uint32_t send, old, packet;

	(void)state;
	begin(&before, 0, 7, 0);
	send = send_at(&before, 300, 10);
	old = story_tcp(&before.story, &before.wire, 330, '>', "PA", 501, 901, 7);
	packet = story_tcp(&before.story, &before.wire, 340, '>', "PA", 508, 901, 10);
	story_end(&before.story);
	check_not_sent(&before.story, old, SONDE_WHY_NOT_SEEN);
	check_bytes(&before.story, packet, send, 0, 10);
	story_done(&before.story);
}

/* The first packet may repeat what was in flight: nothing is said, rather than a wrong
 * send; a bare acknowledgement cannot, and tells. */
static void test_in_flight(void **state)
{
	struct before before;
	uint32_t send, packet;

	(void)state;
	begin(&before, 0, 0, 4);
	send_at(&before, 300, 10);
	packet = story_tcp(&before.story, &before.wire, 303, '>', "PA", 497, 901, 4);
	story_end(&before.story);
	check_not_sent(&before.story, packet, SONDE_WHY_NOT_SEEN);
	story_done(&before.story);

	begin(&before, 0, 0, 4);
	story_tcp(&before.story, &before.wire, 270, '>', "A", 501, 901, 0);
	send = send_at(&before, 300, 10);
	packet = story_tcp(&before.story, &before.wire, 303, '>', "PA", 501, 901, 10);
	story_end(&before.story);
	check_bytes(&before.story, packet, send, 0, 10);
	story_done(&before.story);
}

/* What arrives at that very moment may have been counted, or not. */
static void test_just_then(void **state)
{
	struct before before;
	uint32_t receive;

	(void)state;
	begin(&before, 0, 0, 0);
	story_tcp(&before.story, &before.wire, LOOKED_US + MARGIN_US / 2, '<', "PA", 901,
		  511, 6);
	receive = CALL(&before.story, CLIENT, "recvfrom", 300, 305, 6, .line = 81,
		       .socket = before.socket);
	story_end(&before.story);
	assert_int_equal(before.story.timeline.call_packet[receive - 1], 0);
	story_done(&before.story);
}

/* An urgent byte that nobody asked for is not received: what comes behind it is.  Where it was
 * received, nothing moves. */
static void test_urgent(void **state)
{
	(void)state;
	for (int is_read = 0; is_read <= 1; is_read++) {
		struct story story;
		struct talk talk;
		uint32_t first, second, urgent, rest, end;

		story_begin(&story);
		talk = story_talk(&story, 5000, 100);
		first = CALL(&story, SERVER, "recvfrom", 250, 330, 5, .line = 91,
			     .socket = talk.server, .length = 100);
		story_tcp(&story, &talk.wire, 310, '>', "PA", 1, 1, 5);
		second = CALL(&story, SERVER, "recvfrom", 350, is_read ? 430 : 530,
			      is_read ? 1 : 4, .line = 92, .socket = talk.server,
			      .length = 100);
		urgent = story_tcp(&story, &talk.wire, 410, '>', "UPA", 6, 1, 1);
		rest = story_tcp(&story, &talk.wire, 510, '>', "PA", 7, 1, 4);
		if (is_read)
			CALL(&story, SERVER, "recvfrom", 540, 545, 4, .line = 93,
			     .socket = talk.server, .length = 100);
		end = CALL(&story, SERVER, "recvfrom", 550, 730, 0, .line = 94,
			   .socket = talk.server, .length = 100);
		story_tcp(&story, &talk.wire, 710, '>', "FA", 11, 1, 0);
		story_end(&story);
		check_completed(&story, first, urgent - 1);
		check_completed(&story, second, is_read ? urgent : rest);
		check_completed(&story, end, rest + 1);
		story_done(&story);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_urgent),
		cmocka_unit_test(test_nothing_under_way),
		cmocka_unit_test(test_captured_before),
		cmocka_unit_test(test_unread),
		cmocka_unit_test(test_unsent),
		cmocka_unit_test(test_in_flight),
		cmocka_unit_test(test_just_then),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
