/* The loop: what is ready is called, what was closed is not, deadlines come in order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/clock.h"
#include "io/loop.h"

enum { KIND_PIPE = 0, KIND_TIMER, KIND_BORROWED, KINDS };

/* Those of the tests are static: the loop frees them after the test has returned. */
struct object {
	int slot;
	int fd;
	int calls;
	int freed;
	int lates;
	int64_t again_ns; /* a new deadline when it is late; 0 none */
	struct object *closes;
	bool adds; /* something new, where another was closed in this turn */
};

struct world {
	struct loop *loop;
	int order[64];
	int order_count;
	struct object added;
	int added_fd;
};

static void ready(void *context, void *object, uint32_t events)
{
	struct world *world = context;
	struct object *mine = object;

	assert_true(events & (EPOLLIN | EPOLLOUT | EPOLLHUP));
	mine->calls++;
	if (mine->closes) {
		loop_close(world->loop, mine->closes->slot);
		assert_int_equal(mine->closes->freed, 0);
		mine->closes = NULL;
	}
	if (mine->adds) {
		mine->adds = false;
		world->added.slot = loop_add(world->loop, KIND_PIPE, world->added_fd,
					     EPOLLIN, &world->added);
		assert_true(world->added.slot >= 0);
	}
}

static void late(void *context, void *object)
{
	struct world *world = context;
	struct object *mine = object;

	world->order[world->order_count++] = mine->slot;
	mine->lates++;
	if (mine->again_ns)
		loop_set_deadline(world->loop, mine->slot, mine->again_ns);
	mine->again_ns = 0;
}

static void count_free(void *context, void *object)
{
	struct object *mine = object;

	(void)context;
	mine->freed++;
}

static const struct loop_kind kinds[KINDS] = {
	[KIND_PIPE] = {.name = "pipe", .ready = ready, .late = late, .free = count_free},
	[KIND_TIMER] = {.name = "timer", .late = late, .free = count_free},
	[KIND_BORROWED] = {.name = "borrowed", .borrowed = true, .ready = ready},
};

static int start(void **state)
{
	static struct world world;

	memset(&world, 0, sizeof(world));
	world.added_fd = -1;
	*state = &world;
	return loop_new(kinds, KINDS, &world, &world.loop);
}

static int end(void **state)
{
	struct world *world = *state;

	loop_free(world->loop);
	return 0;
}

/* A pipe with a byte in it: always ready.  Returns its writing end. */
static int full_pipe(struct world *world, struct object *object)
{
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	object->fd = fds[0];
	object->slot = loop_add(world->loop, KIND_PIPE, fds[0], EPOLLIN, object);
	assert_true(object->slot >= 0);
	return fds[1];
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static void turn(struct world *world)
{
	assert_int_equal(loop_turn(world->loop, 0), 0);
}

static void calls_what_is_ready_and_only_while_it_is_watched(void **state)
{
	struct world *world = *state;
	static struct object object;
	int other = full_pipe(world, &object);

	turn(world);
	turn(world);
	assert_int_equal(object.calls, 2);
	assert_int_equal(loop_watch(world->loop, object.slot, 0), 0);
	turn(world);
	assert_int_equal(object.calls, 2);
	assert_int_equal(loop_watch(world->loop, object.slot, EPOLLIN), 0);
	turn(world);
	assert_int_equal(object.calls, 3);
	close(other);
}

static void tells_once_until_it_is_watched_anew(void **state)
{
	struct world *world = *state;
	const uint32_t once = (uint32_t)EPOLLIN | (uint32_t)EPOLLET;
	static struct object object;
	int other = full_pipe(world, &object);

	assert_int_equal(loop_watch(world->loop, object.slot, once), 0);
	turn(world);
	turn(world);
	assert_int_equal(object.calls, 1);
	assert_int_equal(loop_watch(world->loop, object.slot, once), 0);
	turn(world);
	assert_int_equal(object.calls, 1);
	assert_int_equal(loop_watch_anew(world->loop, object.slot, once), 0);
	turn(world);
	assert_int_equal(object.calls, 2);
	close(other);
}

static void calls_the_hot_ones_unasked(void **state)
{
	struct world *world = *state;
	static struct object a, b, timer;
	int to_a = full_pipe(world, &a), to_b = full_pipe(world, &b);
	char byte;

	assert_int_equal(read(a.fd, &byte, 1), 1);
	assert_int_equal(read(b.fd, &byte, 1), 1);
	turn(world);
	assert_int_equal(a.calls + b.calls, 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(loop_heat(world->loop, a.slot), 0);
		assert_int_equal(loop_heat(world->loop, b.slot), 0);
	}
	/* It does not wait, and deadlines are kept. */
	timer.slot = loop_add(world->loop, KIND_TIMER, -1, 0, &timer);
	loop_set_deadline(world->loop, timer.slot, clock_monotonic_ns());
	assert_int_equal(loop_turn(world->loop, LOOP_NEVER), 0);
	assert_int_equal(a.calls, 1);
	assert_int_equal(b.calls, 1);
	assert_int_equal(timer.lates, 1);

	assert_int_equal(loop_cool(world->loop, a.slot), 0);
	assert_int_equal(loop_cool(world->loop, a.slot), 0);
	turn(world);
	assert_int_equal(a.calls, 1);
	assert_int_equal(b.calls, 2);
	assert_int_equal(write(to_a, "x", 1), 1);
	turn(world);
	assert_int_equal(a.calls, 2);

	/* Both hot, and the one closes the other. */
	assert_int_equal(loop_heat(world->loop, a.slot), 0);
	a.closes = &b;
	b.closes = &a;
	turn(world);
	assert_int_equal(a.freed + b.freed, 1);
	assert_int_equal(a.calls + b.calls, 6);
	turn(world);
	assert_int_equal(a.calls + b.calls, 7);
	close(to_a);
	close(to_b);
}

/* Two are ready in one batch; the first to be called closes the other. */
static void never_calls_what_was_closed_in_the_same_turn(void **state)
{
	struct world *world = *state;
	static struct object a, b;
	int to_a = full_pipe(world, &a), to_b = full_pipe(world, &b);

	a.closes = &b;
	b.closes = &a;
	turn(world);
	assert_int_equal(a.calls + b.calls, 1);
	assert_int_equal(a.freed + b.freed, 1);
	assert_int_equal(a.freed, b.calls);
	assert_false(is_open(a.freed ? a.fd : b.fd));
	assert_true(is_open(a.freed ? b.fd : a.fd));
	close(to_a);
	close(to_b);
}

/* The descriptor's number is used again within the turn; the slot is not, and the old
 * event does not reach the new object. */
static void gives_a_slot_away_only_after_the_turn(void **state)
{
	struct world *world = *state;
	static struct object a, b, c;
	int fds[2];
	int to_a = full_pipe(world, &a), to_b = full_pipe(world, &b);

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	world->added_fd = fds[0];
	a.closes = &b;
	a.adds = true;
	b.closes = &a;
	b.adds = true;
	turn(world);
	assert_int_equal(a.calls + b.calls, 1);
	assert_int_equal(world->added.calls, 0);
	assert_int_not_equal(world->added.slot, a.slot);
	assert_int_not_equal(world->added.slot, b.slot);

	int to_c = full_pipe(world, &c);
	assert_int_equal(c.slot, a.freed ? a.slot : b.slot);
	turn(world);
	assert_int_equal(c.calls, 1);
	close(fds[1]);
	close(to_a);
	close(to_b);
	close(to_c);
}

static void leaves_a_borrowed_descriptor_open(void **state)
{
	struct world *world = *state;
	static struct object object;
	int fds[2];

	assert_int_equal(pipe2(fds, O_CLOEXEC | O_NONBLOCK), 0);
	assert_int_equal(write(fds[1], "x", 1), 1);
	int slot = loop_add(world->loop, KIND_BORROWED, fds[0], EPOLLIN, &object);
	assert_true(slot >= 0);
	turn(world);
	assert_int_equal(object.calls, 1);
	loop_close(world->loop, slot);
	turn(world);
	assert_int_equal(object.calls, 1);
	assert_true(is_open(fds[0]));
	close(fds[0]);
	close(fds[1]);
}

static void takes_nothing_when_it_fails(void **state)
{
	struct world *world = *state;
	static struct object object;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

	/* epoll does not take files that are always ready. */
	assert_int_equal(loop_add(world->loop, KIND_PIPE, fd, EPOLLIN, &object), -EPERM);
	assert_true(is_open(fd));
	turn(world);
	assert_int_equal(object.freed, 0);
	close(fd);
}

static void fires_deadlines_in_order_and_once(void **state)
{
	struct world *world = *state;
	enum { TIMERS = 40 };
	static struct object timers[TIMERS];
	int64_t now = clock_monotonic_ns();

	memset(timers, 0, sizeof(timers));
	for (int i = 0; i < TIMERS; i++) {
		timers[i].slot = loop_add(world->loop, KIND_TIMER, -1, 0, &timers[i]);
		assert_int_equal(timers[i].slot, i);
	}
	/* Set in a mixed order, some of them moved to and fro; all have passed. */
	for (int i = 0; i < TIMERS; i++) {
		int at = i * 7 % TIMERS;
		loop_set_deadline(world->loop, at, now + NS_PER_S * (40 - at));
		loop_set_deadline(world->loop, at, now - NS_PER_S + at);
	}
	loop_set_deadline(world->loop, 5, LOOP_NEVER);
	loop_set_deadline(world->loop, 6, LOOP_NEVER);
	loop_set_deadline(world->loop, 6, LOOP_NEVER);
	loop_close(world->loop, 9);
	loop_set_deadline(world->loop, 39, now + 3600 * NS_PER_S);
	turn(world);
	assert_int_equal(timers[9].freed, 1);
	assert_int_equal(world->order_count, TIMERS - 4);
	for (int i = 1; i < world->order_count; i++)
		assert_true(world->order[i - 1] < world->order[i]);
	turn(world);
	assert_int_equal(world->order_count, TIMERS - 4);
}

static void sleeps_until_a_deadline_and_no_longer(void **state)
{
	struct world *world = *state;
	static struct object timer;
	int64_t before = clock_monotonic_ns();

	timer.slot = loop_add(world->loop, KIND_TIMER, -1, 0, &timer);
	loop_set_deadline(world->loop, timer.slot, before + 20 * NS_PER_MS);
	timer.again_ns = before + 40 * NS_PER_MS;
	while (timer.lates < 2)
		assert_int_equal(loop_turn(world->loop, LOOP_NEVER), 0);
	int64_t took = clock_monotonic_ns() - before;
	assert_true(took >= 40 * NS_PER_MS);
	assert_true(took < 60 * NS_PER_S);

	before = clock_monotonic_ns();
	assert_int_equal(loop_turn(world->loop, before + 20 * NS_PER_MS), 0);
	assert_true(clock_monotonic_ns() - before >= 20 * NS_PER_MS);
}

static void frees_everything_at_its_end(void **state)
{
	struct world *world = *state;
	static struct object a, b;
	int to_a = full_pipe(world, &a), to_b = full_pipe(world, &b);

	loop_close(world->loop, a.slot);
	loop_free(world->loop);
	world->loop = NULL;
	assert_int_equal(a.freed, 1);
	assert_int_equal(b.freed, 1);
	assert_false(is_open(b.fd));
	close(to_a);
	close(to_b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			calls_what_is_ready_and_only_while_it_is_watched, start, end),
		cmocka_unit_test_setup_teardown(tells_once_until_it_is_watched_anew,
						start, end),
		cmocka_unit_test_setup_teardown(calls_the_hot_ones_unasked, start, end),
		cmocka_unit_test_setup_teardown(
			never_calls_what_was_closed_in_the_same_turn, start, end),
		cmocka_unit_test_setup_teardown(gives_a_slot_away_only_after_the_turn,
						start, end),
		cmocka_unit_test_setup_teardown(leaves_a_borrowed_descriptor_open, start,
						end),
		cmocka_unit_test_setup_teardown(takes_nothing_when_it_fails, start, end),
		cmocka_unit_test_setup_teardown(fires_deadlines_in_order_and_once, start,
						end),
		cmocka_unit_test_setup_teardown(sleeps_until_a_deadline_and_no_longer,
						start, end),
		cmocka_unit_test_setup_teardown(frees_everything_at_its_end, start, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
