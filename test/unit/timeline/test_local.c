/* Unix sockets and pipes: calls joined to calls. */
#include "story.h"

struct ends {
	uint32_t reader, writer;
};

static uint32_t add_socket(struct story *story, uint32_t program, uint8_t kind,
			   uint8_t pipe_end)
{
	const struct sonde_socket socket = {
		.program = program,
		.kind = kind,
		.pipe_end = pipe_end,
		.opened_ns = story->recording->started_ns,
	};
	int number = sonde_recording_add_socket(story->recording, &socket);

	assert_true(number > 0);
	return (uint32_t)number;
}

static struct ends story_pipe(struct story *story)
{
	struct ends ends = {
		.reader = add_socket(story, SERVER, SONDE_SOCKET_PIPE, SONDE_PIPE_READ),
		.writer = add_socket(story, CLIENT, SONDE_SOCKET_PIPE, SONDE_PIPE_WRITE),
	};

	story->recording->sockets[ends.reader - 1].peer_socket = ends.writer;
	story->recording->sockets[ends.writer - 1].peer_socket = ends.reader;
	return ends;
}

static const struct sonde_edge *taken(const struct story *story, uint32_t call,
				      uint32_t by_call)
{
	for (uint32_t i = 0; i < story->timeline.edge_count; i++) {
		const struct sonde_edge *edge = &story->timeline.edges[i];

		if (edge->kind == SONDE_EDGE_TAKEN && edge->call == call &&
		    edge->by_call == by_call)
			return edge;
	}
	return NULL;
}

static unsigned count_taken(const struct story *story)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < story->timeline.edge_count; i++)
		count += story->timeline.edges[i].kind == SONDE_EDGE_TAKEN;
	return count;
}

static void check_by(const struct story *story, uint32_t call, enum sonde_answer blocked,
		     uint32_t by_call)
{
	assert_int_equal(story->timeline.call_blocked[call - 1], blocked);
	assert_int_equal(story->timeline.call_by[call - 1], by_call);
	assert_int_equal(story->timeline.call_packet[call - 1], 0);
}

static uint32_t give(struct story *story, const struct ends *ends, int64_t enter_us,
		     int64_t exit_us, int64_t bytes)
{
	return CALL(story, CLIENT, "write", enter_us, exit_us, bytes, .line = 80,
		    .socket = ends->writer);
}

static uint32_t take(struct story *story, const struct ends *ends, int64_t enter_us,
		     int64_t exit_us, int64_t bytes)
{
	return CALL(story, SERVER, "read", enter_us, exit_us, bytes, .line = 90,
		    .socket = ends->reader, .length = 100);
}

static void test_bytes(void **state)
{
	struct story story;
	struct ends ends;
	uint32_t first, one, two, second, third, end, close;

	(void)state;
	story_begin(&story);
	ends = story_pipe(&story);
	first = take(&story, &ends, 100, 220, 5);
	one = give(&story, &ends, 200, 210, 5);
	two = give(&story, &ends, 300, 310, 7);
	second = take(&story, &ends, 400, 405, 4);
	third = take(&story, &ends, 410, 415, 3);
	end = take(&story, &ends, 420, 520, 0);
	close = CALL(&story, CLIENT, "close", 500, 505, 0, .line = 81,
		     .flags = SONDE_CALL_LAST_REFERENCE, .socket = ends.writer);
	story_closed_by(&story, ends.writer, close);
	story_end(&story);
	check_by(&story, first, SONDE_YES, one);
	check_by(&story, second, SONDE_NO, two);
	check_by(&story, third, SONDE_NO, two);
	check_by(&story, end, SONDE_YES, close);
	assert_int_equal(count_taken(&story), 3);
	assert_int_equal(taken(&story, first, one)->to, 5);
	assert_true(taken(&story, second, two)->exact);
	assert_int_equal(taken(&story, third, two)->from, 0);
	assert_int_equal(taken(&story, third, two)->to, 3);
	assert_int_equal(story.timeline.stream_count, 1);
	assert_int_equal(story.timeline.streams[0].taken_count, 3);
	assert_int_equal(story.tables.taken_count, 3);
	story_done(&story);
}

/* One read takes what two writes gave. */
static void test_two_givers(void **state)
{
	struct story story;
	struct ends ends;
	uint32_t one, two, read;

	(void)state;
	story_begin(&story);
	ends = story_pipe(&story);
	one = give(&story, &ends, 100, 105, 3);
	two = give(&story, &ends, 110, 115, 4);
	read = take(&story, &ends, 200, 205, 7);
	story_end(&story);
	assert_int_equal(taken(&story, read, one)->from, 0);
	assert_int_equal(taken(&story, read, one)->to, 3);
	assert_int_equal(taken(&story, read, two)->from, 3);
	assert_int_equal(taken(&story, read, two)->to, 7);
	check_by(&story, read, SONDE_NO, one);
	story_done(&story);
}

/* Two that write at once: either may have been first. */
static void test_writers_at_once(void **state)
{
	struct story story;
	struct ends ends;
	uint32_t one, two, read, last;

	(void)state;
	story_begin(&story);
	ends = story_pipe(&story);
	one = CALL(&story, CLIENT, "write", 100, 150, 5, .line = 80, .thread = 1,
		   .socket = ends.writer);
	two = CALL(&story, CLIENT, "write", 110, 140, 5, .line = 81, .thread = 2,
		   .socket = ends.writer);
	read = take(&story, &ends, 200, 205, 5);
	last = take(&story, &ends, 210, 215, 5);
	story_end(&story);
	assert_false(taken(&story, read, one)->exact);
	assert_false(taken(&story, read, two)->exact);
	assert_false(taken(&story, last, one)->exact);
	assert_false(taken(&story, last, two)->exact);
	story_done(&story);
}

/* More came out than went in: somebody else writes, and nothing is certain. */
static void test_contradiction(void **state)
{
	struct story story;
	struct ends ends;
	uint32_t read;

	(void)state;
	story_begin(&story);
	ends = story_pipe(&story);
	give(&story, &ends, 100, 105, 3);
	read = take(&story, &ends, 200, 205, 7);
	story_end(&story);
	assert_int_equal(count_taken(&story), 0);
	assert_int_equal(story.timeline.call_by[read - 1], 0);
	/* It never had a packet that could have been missed. */
	assert_int_equal(story.timeline.call_why[read - 1], SONDE_WHY_CALL_NOT_SEEN);
	story_done(&story);

	/* It came out before it went in. */
	story_begin(&story);
	ends = story_pipe(&story);
	take(&story, &ends, 100, 105, 3);
	give(&story, &ends, 200, 205, 3);
	story_end(&story);
	assert_int_equal(count_taken(&story), 0);
	story_done(&story);
}

/* The write waits for room, and the read that makes it lets it go on. */
static void test_room(void **state)
{
	struct story story;
	struct ends ends;
	uint32_t more, read, quick;

	(void)state;
	story_begin(&story);
	ends = story_pipe(&story);
	give(&story, &ends, 100, 105, 65536);
	more = CALL(&story, CLIENT, "write", 110, 310, 10, .line = 82,
		    .flags = SONDE_CALL_SLEPT, .socket = ends.writer);
	read = CALL(&story, SERVER, "read", 300, 315, 65536, .line = 90, .length = 65536,
		    .socket = ends.reader);
	quick = CALL(&story, CLIENT, "write", 400, 5000, 10, .line = 83,
		     .flags = SONDE_CALL_STAYED, .socket = ends.writer);
	story_end(&story);
	check_by(&story, more, SONDE_YES, read);
	check_by(&story, quick, SONDE_NO, 0);
	story_done(&story);
}

/* Within the margin the scheduler decides, and where it says nothing, nobody does. */
static void test_margin(void **state)
{
	struct story story;
	struct ends ends;
	uint32_t slept, stayed, maybe, one, two, three;

	(void)state;
	story_begin(&story);
	ends = story_pipe(&story);
	slept = CALL(&story, SERVER, "read", 100, 120, 1, .line = 90, .length = 1,
		     .flags = SONDE_CALL_SLEPT, .socket = ends.reader);
	one = give(&story, &ends, 105, 108, 1);
	stayed = CALL(&story, SERVER, "read", 200, 220, 1, .line = 90, .length = 1,
		      .flags = SONDE_CALL_STAYED, .socket = ends.reader);
	two = give(&story, &ends, 205, 208, 1);
	maybe = CALL(&story, SERVER, "read", 300, 320, 1, .line = 90, .length = 1,
		     .socket = ends.reader);
	three = give(&story, &ends, 305, 308, 1);
	story_end(&story);
	check_by(&story, slept, SONDE_YES, one);
	check_by(&story, stayed, SONDE_NO, two);
	check_by(&story, maybe, SONDE_UNKNOWN, three);
	story_done(&story);
}

/* The end came while a signal had broken the call off: the one that repeats it finds it
 * there, and still it is what the statement waited for. */
static void test_interrupted(void **state)
{
	struct story story;
	struct ends ends;
	uint32_t again, close, poll, give_late, first;

	(void)state;
	story_begin(&story);
	ends = story_pipe(&story);
	first = CALL(&story, SERVER, "poll", 100, 160, -EINTR, .line = 89,
		     .flags = SONDE_CALL_SLEPT,
		     .watched = {{ends.reader, SONDE_READY_READ, 0}});
	give_late = give(&story, &ends, 150, 155, 3);
	poll = CALL(&story, SERVER, "poll", 200, 205, 1, .line = 89,
		    .flags = SONDE_CALL_STAYED | SONDE_CALL_RESUMED,
		    .watched = {{ends.reader, SONDE_READY_READ, SONDE_READY_READ}});
	take(&story, &ends, 210, 215, 3);
	CALL(&story, SERVER, "read", 300, 360, -512, .line = 91, .length = 100,
	     .flags = SONDE_CALL_SLEPT, .socket = ends.reader);
	close = CALL(&story, CLIENT, "close", 350, 355, 0, .line = 81,
		     .flags = SONDE_CALL_LAST_REFERENCE, .socket = ends.writer);
	again = CALL(&story, SERVER, "read", 400, 405, 0, .line = 91, .length = 100,
		     .flags = SONDE_CALL_STAYED, .socket = ends.reader);
	story_closed_by(&story, ends.writer, close);
	story_end(&story);
	assert_int_equal(statement_of(&story, first), statement_of(&story, poll));
	check_by(&story, poll, SONDE_YES, give_late);
	check_by(&story, again, SONDE_YES, close);
	story_done(&story);
}

/* A message is taken whole, or cut; what is longer than what was sent is none of them. */
static void test_messages(void **state)
{
	struct story story;
	uint32_t a, b, one, two, cut, next;

	(void)state;
	story_begin(&story);
	a = add_socket(&story, CLIENT, SONDE_SOCKET_UNIX_SEQPACKET, 0);
	b = add_socket(&story, SERVER, SONDE_SOCKET_UNIX_SEQPACKET, 0);
	story.recording->sockets[a - 1].peer_socket = b;
	story.recording->sockets[b - 1].peer_socket = a;
	one = CALL(&story, CLIENT, "sendto", 100, 105, 10, .line = 80, .socket = a);
	two = CALL(&story, CLIENT, "sendto", 110, 115, 4, .line = 80, .socket = a);
	cut = CALL(&story, SERVER, "recvfrom", 200, 205, 6, .line = 90, .length = 6,
		   .socket = b);
	next = CALL(&story, SERVER, "recvfrom", 210, 215, 4, .line = 90, .length = 100,
		    .socket = b);
	story_end(&story);
	assert_int_equal(taken(&story, cut, one)->to, 6);
	assert_int_equal(taken(&story, next, two)->to, 4);
	assert_int_equal(count_taken(&story), 2);
	story_done(&story);
}

/* The ladder has an arrow for each edge, and one for the end. */
static void test_ladder(void **state)
{
	struct story story;
	struct ends ends;
	struct sonde_ladder ladder;
	uint32_t read, write, arrows = 0, ends_seen = 0;

	(void)state;
	story_begin(&story);
	ends = story_pipe(&story);
	read = take(&story, &ends, 100, 220, 5);
	write = give(&story, &ends, 200, 210, 5);
	story_end(&story);
	assert_int_equal(sonde_ladder_build(&story.timeline, 1, NULL, &ladder), 0);
	assert_int_equal(ladder.lanes[0].socket, ends.writer);
	assert_int_equal(ladder.lanes[0].program, CLIENT);
	assert_int_equal(ladder.lanes[1].program, SERVER);
	for (uint32_t i = 0; i < ladder.row_count; i++) {
		const struct sonde_ladder_row *row = &ladder.rows[i];

		ends_seen += row->kind == SONDE_LADDER_END;
		if (row->kind != SONDE_LADDER_PASS)
			continue;
		arrows++;
		assert_true(row->completes);
		assert_int_equal(row->lane, 0);
		assert_int_equal(row->to_lane, 1);
		assert_int_equal(story.timeline.edges[row->edge - 1].call, read);
		assert_int_equal(story.timeline.edges[row->edge - 1].by_call, write);
		assert_int_equal(story.timeline.edges[row->edge - 1].kind,
				 SONDE_EDGE_TAKEN);
		assert_int_equal(ends_seen, 0);
	}
	assert_int_equal(arrows, 1);
	sonde_ladder_done(&ladder);
	story_done(&story);
}

/* Both pipes have something by the time poll() returns: its edge lies in the stream of the one
 * that was written to first, which is not the first that it watches. */
static void test_wait_for_two(void **state)
{
	struct story story;
	struct ends first, second;
	uint32_t wait, by;
	const struct sonde_edge *edge = NULL;

	(void)state;
	story_begin(&story);
	first = story_pipe(&story);
	second = story_pipe(&story);
	wait = CALL(&story, SERVER, "poll", 50, 200, 2, .line = 89,
		    .flags = SONDE_CALL_SLEPT,
		    .watched = {{second.reader, SONDE_READY_READ, SONDE_READY_READ},
				{first.reader, SONDE_READY_READ, SONDE_READY_READ}});
	by = give(&story, &first, 100, 105, 7);
	give(&story, &second, 110, 115, 7);
	take(&story, &first, 210, 212, 7);
	take(&story, &second, 220, 222, 7);
	story_end(&story);
	check_by(&story, wait, SONDE_YES, by);
	for (uint32_t i = 0; i < story.timeline.edge_count; i++)
		if (story.timeline.edges[i].call == wait)
			edge = &story.timeline.edges[i];
	assert_non_null(edge);
	assert_int_not_equal(edge->stream, 0);
	assert_int_equal(story.timeline.streams[edge->stream - 1].client_socket ==
					 first.writer ||
				 story.timeline.streams[edge->stream - 1].client_socket ==
					 first.reader,
			 1);
	story_done(&story);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wait_for_two),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_two_givers),
		cmocka_unit_test(test_writers_at_once),
		cmocka_unit_test(test_contradiction),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_margin),
		cmocka_unit_test(test_messages),
		cmocka_unit_test(test_interrupted),
		cmocka_unit_test(test_ladder),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
