/* Calls -> statements. */
#include "story.h"

#include "base/limits.h"

#define READ SONDE_READY_READ
#define WRITE SONDE_READY_WRITE
#define SOFT SONDE_CALL_NONBLOCKING

static uint32_t a_socket(struct story *story)
{
	struct wire wire = story_wire(5000);

	return story_connecting(story, &wire);
}

/* recv() under a timeout: poll + recvfrom. */
static void test_timeout_receive(void **state)
{
	struct story story;
	uint32_t socket, poll, receive, again;
	const struct sonde_statement *statement;

	(void)state;
	story_begin(&story);
	socket = a_socket(&story);
	poll = CALL(&story, CLIENT, "poll", 100, 200, 1, .line = 7, .timeout_ms = 1000,
		    .watched = {{socket, READ, READ}});
	receive = CALL(&story, CLIENT, "recvfrom", 210, 220, 5, .line = 7,
		       .socket = socket, .flags = SOFT);
	/* Once more in the loop. */
	again = CALL(&story, CLIENT, "poll", 300, 400, 1, .line = 7, .timeout_ms = 1000,
		     .watched = {{socket, READ, READ}});
	CALL(&story, CLIENT, "recvfrom", 410, 420, 5, .line = 7, .socket = socket,
	     .flags = SOFT);
	story_end(&story);

	check_together(&story, poll, receive);
	check_together(&story, again, again + 1);
	assert_int_equal(story.timeline.statement_count, 2);
	statement = statement_at(&story, statement_of(&story, poll));
	assert_int_equal(statement->principal, receive);
	assert_int_equal(statement->socket, socket);
	assert_true(statement->can_block);
	assert_int_equal(statement->enter_ns, 100000);
	assert_int_equal(statement->exit_ns, 220000);
	assert_int_equal(story.recording->places[statement->place - 1].line, 7);
	story_done(&story);
}

/* A wake-up in vain: poll, recvfrom EAGAIN, poll, recvfrom. */
static void test_receive_tries_again(void **state)
{
	struct story story;
	uint32_t socket, poll;

	(void)state;
	story_begin(&story);
	socket = a_socket(&story);
	poll = CALL(&story, CLIENT, "poll", 100, 200, 1, .line = 7,
		    .watched = {{socket, READ, READ}});
	CALL(&story, CLIENT, "recvfrom", 210, 220, -EAGAIN, .line = 7, .socket = socket,
	     .flags = SOFT);
	CALL(&story, CLIENT, "poll", 230, 300, 1, .line = 7,
	     .watched = {{socket, READ, READ}});
	CALL(&story, CLIENT, "recvfrom", 310, 320, 5, .line = 7, .socket = socket,
	     .flags = SOFT);
	story_end(&story);
	check_together(&story, poll, poll + 3);
	assert_int_equal(statement_at(&story, 1)->principal, poll + 3);
	story_done(&story);
}

/* The program itself asks again and again: a statement each time. */
static void test_busy_loop(void **state)
{
	struct story story;
	uint32_t socket, first;

	(void)state;
	story_begin(&story);
	socket = a_socket(&story);
	first = CALL(&story, CLIENT, "recvfrom", 100, 110, -EAGAIN, .line = 7,
		     .socket = socket, .flags = SOFT);
	CALL(&story, CLIENT, "recvfrom", 120, 130, -EAGAIN, .line = 7, .socket = socket,
	     .flags = SOFT);
	story_end(&story);
	check_apart(&story, first, first + 1);
	assert_false(statement_at(&story, 1)->can_block);
	story_done(&story);
}

/* SO_RCVTIMEO: -EAGAIN on a blocking socket is an end. */
static void test_receive_timeout_option(void **state)
{
	struct story story;
	uint32_t socket, first;

	(void)state;
	story_begin(&story);
	socket = a_socket(&story);
	first = CALL(&story, CLIENT, "recvfrom", 100, 2000, -EAGAIN, .line = 7,
		     .socket = socket);
	CALL(&story, CLIENT, "poll", 2010, 2020, 1, .line = 7,
	     .watched = {{socket, READ, READ}});
	story_end(&story);
	check_apart(&story, first, first + 1);
	story_done(&story);
}

static void test_timeout_connect(void **state)
{
	struct story story;
	uint32_t socket, connect;
	const struct sonde_statement *statement;

	(void)state;
	story_begin(&story);
	socket = a_socket(&story);
	connect = CALL(&story, CLIENT, "connect", 100, 110, -EINPROGRESS, .line = 7,
		       .socket = socket, .flags = SOFT);
	CALL(&story, CLIENT, "poll", 120, 200, 1, .line = 7,
	     .watched = {{socket, WRITE, WRITE}});
	CALL(&story, CLIENT, "getsockopt", 210, 220, 0, .line = 7, .socket = socket);
	/* The next connect of the loop, though at the same place, is another one. */
	CALL(&story, CLIENT, "connect", 300, 310, -EINPROGRESS, .line = 7,
	     .socket = socket, .flags = SOFT);
	story_end(&story);
	check_together(&story, connect, connect + 2);
	check_apart(&story, connect, connect + 3);
	statement = statement_at(&story, 1);
	assert_int_equal(statement->principal, connect);
	assert_true(statement->can_block);
	/* Alone it would not block. */
	assert_false(statement_at(&story, 2)->can_block);
	story_done(&story);
}

/* create_connection(): socket, setsockopt, connect from several lines of socket.py. */
static void test_create_connection(void **state)
{
	struct story story;
	uint32_t socket, first, second;

	(void)state;
	story_begin(&story);
	socket = a_socket(&story);
	first = CALL(&story, CLIENT, "socket", 100, 110, 3, .line = 7, .inner = 833,
		     .new_socket = socket);
	CALL(&story, CLIENT, "setsockopt", 120, 130, 0, .line = 7, .inner = 835,
	     .socket = socket);
	CALL(&story, CLIENT, "setsockopt", 132, 134, 0, .line = 7, .inner = 836,
	     .socket = socket);
	CALL(&story, CLIENT, "connect", 140, 190, -ECONNREFUSED, .line = 7, .inner = 838,
	     .socket = socket);
	/* The next address of the list. */
	second = CALL(&story, CLIENT, "socket", 200, 210, 3, .line = 7, .inner = 833,
		      .new_socket = socket);
	CALL(&story, CLIENT, "connect", 240, 290, 0, .line = 7, .inner = 838,
	     .socket = socket);
	story_end(&story);
	check_together(&story, first, first + 3);
	check_together(&story, second, second + 1);
	assert_int_equal(statement_at(&story, 1)->principal, first + 3);
	story_done(&story);
}

/* accept() in CPython: poll, accept4, getsockname, ioctl. */
static void test_accept_with_trailers(void **state)
{
	struct story story;
	uint32_t listener, socket, poll, accept;
	struct wire wire = story_wire(5000);

	(void)state;
	story_begin(&story);
	listener = story_listener(&story);
	socket = story_accepted(&story, &wire);
	poll = CALL(&story, SERVER, "poll", 100, 200, 1, .line = 7,
		    .watched = {{listener, READ, READ}});
	accept = CALL(&story, SERVER, "accept4", 210, 220, 5, .line = 7,
		      .socket = listener, .new_socket = socket, .flags = SOFT);
	CALL(&story, SERVER, "getsockname", 230, 240, 0, .line = 7, .socket = socket);
	CALL(&story, SERVER, "ioctl", 250, 260, 0, .line = 7, .socket = socket);
	CALL(&story, SERVER, "accept4", 300, NEVER, 0, .line = 7, .socket = listener);
	story_end(&story);
	check_together(&story, poll, poll + 3);
	assert_int_equal(statement_at(&story, 1)->principal, accept);
	assert_int_equal(statement_at(&story, 1)->socket, listener);
	check_apart(&story, accept, accept + 3);
	assert_int_equal(statement_at(&story, 2)->exit_ns, 0);
	story_done(&story);
}

static void test_loops(void **state)
{
	struct story story;
	uint32_t socket, send, select, option;

	(void)state;
	story_begin(&story);
	socket = a_socket(&story);
	send = CALL(&story, CLIENT, "sendto", 100, 110, 5, .line = 7, .socket = socket);
	CALL(&story, CLIENT, "sendto", 120, 130, 5, .line = 7, .socket = socket);
	select = CALL(&story, CLIENT, "select", 200, 210, 1, .line = 8,
		      .watched = {{socket, READ, READ}});
	CALL(&story, CLIENT, "select", 220, 230, 1, .line = 8,
	     .watched = {{socket, READ, READ}});
	option = CALL(&story, CLIENT, "setsockopt", 300, 310, 0, .line = 9,
		      .socket = socket);
	CALL(&story, CLIENT, "setsockopt", 320, 330, 0, .line = 9, .socket = socket);
	story_end(&story);
	check_apart(&story, send, send + 1);
	check_apart(&story, select, select + 1);
	check_apart(&story, option, option + 1);
	assert_int_equal(story.timeline.statement_count, 6);
	story_done(&story);
}

/* sendall() of more than the buffer takes. */
static void test_short_send(void **state)
{
	struct story story;
	uint32_t socket, first, other;

	(void)state;
	story_begin(&story);
	socket = a_socket(&story);
	first = CALL(&story, CLIENT, "sendto", 100, 110, 600, .line = 7, .socket = socket,
		     .flags = SOFT, .buffer = 0x5000, .length = 1000);
	CALL(&story, CLIENT, "poll", 120, 180, 1, .line = 7,
	     .watched = {{socket, WRITE, WRITE}});
	CALL(&story, CLIENT, "sendto", 190, 200, 400, .line = 7, .socket = socket,
	     .flags = SOFT, .buffer = 0x5000 + 600, .length = 400);
	/* A short count that the program ignores: what follows is another message. */
	other = CALL(&story, CLIENT, "sendto", 300, 310, 600, .line = 8, .socket = socket,
		     .flags = SOFT, .buffer = 0x7000, .length = 1000);
	CALL(&story, CLIENT, "poll", 320, 380, 1, .line = 8,
	     .watched = {{socket, WRITE, WRITE}});
	CALL(&story, CLIENT, "sendto", 390, 400, 1000, .line = 8, .socket = socket,
	     .flags = SOFT, .buffer = 0x9000, .length = 1000);
	story_end(&story);
	check_together(&story, first, first + 2);
	check_apart(&story, other, other + 1);
	check_together(&story, other + 1, other + 2);
	assert_false(statement_at(&story, 1)->can_block);
	story_done(&story);
}

static void test_interrupted(void **state)
{
	struct story story;
	uint32_t socket, poll, receive;

	(void)state;
	story_begin(&story);
	socket = a_socket(&story);
	poll = CALL(&story, CLIENT, "poll", 100, 200, -EINTR, .line = 7,
		    .watched = {{socket, READ, 0}});
	CALL(&story, CLIENT, "poll", 210, 300, 1, .line = 7,
	     .watched = {{socket, READ, READ}});
	CALL(&story, CLIENT, "recvfrom", 310, 320, 5, .line = 7, .socket = socket,
	     .flags = SOFT);
	receive = CALL(&story, CLIENT, "recvfrom", 400, 500, -512, .line = 8,
		       .socket = socket);
	CALL(&story, CLIENT, "recvfrom", 510, 600, 5, .line = 8, .socket = socket);
	story_end(&story);
	check_together(&story, poll, poll + 2);
	check_together(&story, receive, receive + 1);
	story_done(&story);
}

/* A wait for one socket is not joined by a call on another one. */
static void test_wait_for_another(void **state)
{
	struct story story;
	uint32_t one, two, poll;

	(void)state;
	story_begin(&story);
	one = a_socket(&story);
	two = a_socket(&story);
	poll = CALL(&story, CLIENT, "poll", 100, 200, 1, .line = 7,
		    .watched = {{one, READ, READ}});
	CALL(&story, CLIENT, "recvfrom", 210, 220, 5, .line = 7, .socket = two);
	/* In vain: what follows did not wait for it. */
	CALL(&story, CLIENT, "poll", 300, 400, 0, .line = 8, .watched = {{one, READ, 0}});
	CALL(&story, CLIENT, "recvfrom", 410, 420, 5, .line = 8, .socket = one);
	story_end(&story);
	check_apart(&story, poll, poll + 1);
	check_apart(&story, poll + 2, poll + 3);
	story_done(&story);
}

static void test_places(void **state)
{
	struct story story;
	uint32_t socket, poll;

	(void)state;
	story_begin(&story);
	socket = a_socket(&story);
	/* Other line, other caller, other thread, no line at all. */
	poll = CALL(&story, CLIENT, "poll", 100, 200, 1, .line = 7,
		    .watched = {{socket, READ, READ}});
	CALL(&story, CLIENT, "recvfrom", 210, 220, 5, .line = 8, .socket = socket);
	CALL(&story, CLIENT, "poll", 300, 400, 1, .line = 7, .caller = 20,
	     .watched = {{socket, READ, READ}});
	CALL(&story, CLIENT, "recvfrom", 410, 420, 5, .line = 7, .caller = 21,
	     .socket = socket);
	CALL(&story, CLIENT, "poll", 500, 600, 1, .line = 7, .thread = 1,
	     .watched = {{socket, READ, READ}});
	CALL(&story, CLIENT, "recvfrom", 610, 620, 5, .line = 7, .thread = 2,
	     .socket = socket);
	CALL(&story, CLIENT, "poll", 700, 800, 1, .line = 0,
	     .watched = {{socket, READ, READ}});
	CALL(&story, CLIENT, "recvfrom", 810, 820, 5, .line = 0, .socket = socket);
	story_end(&story);
	for (uint32_t i = 0; i < 8; i += 2)
		check_apart(&story, poll + i, poll + i + 1);
	assert_int_equal(story.timeline.statement_count, 8);
	assert_int_equal(story.timeline.calls_without_line, 2);
	story_done(&story);
}

/* The stacks must agree as far as they are known: a recursion is another statement, a
 * stack that was cut may be the same one. */
static void test_depth(void **state)
{
	struct story story;
	uint32_t socket, poll;

	(void)state;
	story_begin(&story);
	socket = a_socket(&story);
	poll = CALL(&story, CLIENT, "poll", 100, 200, 1, .line = 7,
		    .watched = {{socket, READ, READ}});
	CALL(&story, CLIENT, "recvfrom", 210, 220, 5, .line = 7, .caller = 20,
	     .socket = socket);
	CALL(&story, CLIENT, "poll", 300, 400, 1, .line = 8,
	     .watched = {{socket, READ, READ}});
	story.recording->stacks[story.recording->stack_count - 1].is_cut = true;
	CALL(&story, CLIENT, "recvfrom", 410, 420, 5, .line = 8, .caller = 20,
	     .socket = socket);
	story_end(&story);
	check_apart(&story, poll, poll + 1);
	check_together(&story, poll + 2, poll + 3);
	story_done(&story);
}

/* Options from many instructions of a library: at some point it is enough. */
static void test_many_options(void **state)
{
	struct story story;
	uint32_t socket, first;

	(void)state;
	story_begin(&story);
	socket = a_socket(&story);
	first = CALL(&story, CLIENT, "socket", 100, 110, 3, .line = 7,
		     .new_socket = socket);
	for (int i = 0; i < LIMIT_STATEMENT_OPTIONS + 10; i++)
		CALL(&story, CLIENT, i % 2 ? "getsockopt" : "setsockopt", 200 + 10 * i,
		     205 + 10 * i, 0, .line = 7, .inner = 900 + i / 2, .socket = socket);
	story_end(&story);
	assert_int_equal(statement_at(&story, 1)->call_count,
			 LIMIT_STATEMENT_OPTIONS + 1);
	check_apart(&story, first, first + LIMIT_STATEMENT_OPTIONS + 5);
	story_done(&story);
}

/* Two threads at the same line, their calls mixed. */
static void test_threads_mixed(void **state)
{
	struct story story;
	uint32_t one, two, poll;

	(void)state;
	story_begin(&story);
	one = a_socket(&story);
	two = a_socket(&story);
	poll = CALL(&story, CLIENT, "poll", 100, 200, 1, .line = 7, .thread = 1,
		    .watched = {{one, READ, READ}});
	CALL(&story, CLIENT, "poll", 110, 210, 1, .line = 7, .thread = 2,
	     .watched = {{two, READ, READ}});
	CALL(&story, CLIENT, "recvfrom", 220, 230, 5, .line = 7, .thread = 1,
	     .socket = one);
	CALL(&story, CLIENT, "recvfrom", 225, 235, 5, .line = 7, .thread = 2,
	     .socket = two);
	story_end(&story);
	assert_int_equal(statement_of(&story, poll), statement_of(&story, poll + 2));
	assert_int_equal(statement_of(&story, poll + 1), statement_of(&story, poll + 3));
	assert_int_equal(story.timeline.next_call[poll - 1], poll + 2);
	assert_int_equal(story.timeline.statement_count, 2);
	story_done(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_timeout_receive),
		cmocka_unit_test(test_receive_tries_again),
		cmocka_unit_test(test_busy_loop),
		cmocka_unit_test(test_receive_timeout_option),
		cmocka_unit_test(test_timeout_connect),
		cmocka_unit_test(test_create_connection),
		cmocka_unit_test(test_accept_with_trailers),
		cmocka_unit_test(test_loops),
		cmocka_unit_test(test_short_send),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_wait_for_another),
		cmocka_unit_test(test_places),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_many_options),
		cmocka_unit_test(test_threads_mixed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
