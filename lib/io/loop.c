/* The epoll loop.
 *
 * An event says where it belongs by {kind, slot, generation} in epoll's 64 bits, never by
 * a pointer.  epoll hands out events in batches; the handling of one may close the object
 * of another in the same batch.  Therefore a closed object keeps its slot and its memory
 * until the turn is over, its later events are dropped because it is closed, and those
 * of a slot that was given away again because their generation is an older one.
 *
 * Deadlines are a binary heap of slots; each slot knows its place in it, so that moving a
 * deadline costs a few comparisons and no search. */
#include "io/loop.h"

#include <assert.h>
#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"

enum {
	EVENTS_PER_TURN = 256,
	NOT_IN_HEAP = -1,
	GENERATION_BITS = 24,
	HOT_MOST = 8,
};

enum slot_state { SLOT_FREE = 0, SLOT_OPEN, SLOT_CLOSED };

/* As long as a cache line, so that few slots lie on two. */
struct slot {
	void *object;
	int64_t deadline_ns;
	int fd;
	int heap_at;
	int next; /* of the free ones, or of those closed in this turn; -1 ends */
	uint32_t events;
	uint32_t generation;
	uint8_t kind;
	uint8_t state;
	bool hot;
	uint8_t unused[25];
};
_Static_assert(sizeof(struct slot) == 64, "not a cache line");

struct loop {
	int epoll_fd;
	const struct loop_kind *kinds;
	size_t kind_count;
	void *context;
	int64_t now_ns;
	int64_t busy_ns;
	struct slot *slots;
	size_t slot_capacity;
	int slot_count;
	int first_free;
	int first_closed;
	int *heap; /* of slots, the earliest deadline on top */
	size_t heap_capacity;
	int heap_count;
	int hot[HOT_MOST]; /* slots */
	int hot_count;
	struct epoll_event ready[EVENTS_PER_TURN];
};

static uint64_t pack(const struct slot *slot, int at)
{
	return (uint64_t)slot->kind << 56 | (uint64_t)slot->generation << 32 |
	       (uint32_t)at;
}

/* --- the heap */

static void put(struct loop *loop, int at, int slot)
{
	loop->heap[at] = slot;
	loop->slots[slot].heap_at = at;
}

static bool is_earlier(const struct loop *loop, int a, int b)
{
	return loop->slots[a].deadline_ns < loop->slots[b].deadline_ns;
}

static void sift_up(struct loop *loop, int at)
{
	int slot = loop->heap[at];

	for (; at > 0 && is_earlier(loop, slot, loop->heap[(at - 1) / 2]);
	     at = (at - 1) / 2)
		put(loop, at, loop->heap[(at - 1) / 2]);
	put(loop, at, slot);
}

static void sift_down(struct loop *loop, int at)
{
	int slot = loop->heap[at];

	for (;;) {
		int child = 2 * at + 1;
		if (child >= loop->heap_count)
			break;
		if (child + 1 < loop->heap_count &&
		    is_earlier(loop, loop->heap[child + 1], loop->heap[child]))
			child++;
		if (!is_earlier(loop, loop->heap[child], slot))
			break;
		put(loop, at, loop->heap[child]);
		at = child;
	}
	put(loop, at, slot);
}

static void heap_remove(struct loop *loop, int slot)
{
	int at = loop->slots[slot].heap_at;
	int last = loop->heap[--loop->heap_count];

	loop->slots[slot].heap_at = NOT_IN_HEAP;
	if (last == slot)
		return;
	put(loop, at, last);
	sift_up(loop, at);
	sift_down(loop, loop->slots[last].heap_at);
}

void loop_set_deadline(struct loop *loop, int slot, int64_t at_ns)
{
	struct slot *mine = &loop->slots[slot];

	if (at_ns == LOOP_NEVER) {
		if (mine->heap_at != NOT_IN_HEAP)
			heap_remove(loop, slot);
		return;
	}
	mine->deadline_ns = at_ns;
	if (mine->heap_at == NOT_IN_HEAP)
		put(loop, loop->heap_count++, slot);
	sift_up(loop, mine->heap_at);
	sift_down(loop, mine->heap_at);
}

/* --- objects */

int loop_new(const struct loop_kind *kinds, size_t count, void *context,
	     struct loop **ret)
{
	struct loop *loop = array_new(1, sizeof(*loop));

	if (!loop)
		return -ENOMEM;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0) {
		int r = -errno;
		array_free(loop);
		return r;
	}
	loop->kinds = kinds;
	loop->kind_count = count;
	loop->context = context;
	loop->first_free = -1;
	loop->first_closed = -1;
	loop->now_ns = clock_monotonic_ns();
	*ret = loop;
	return 0;
}

static void free_closed(struct loop *loop)
{
	while (loop->first_closed >= 0) {
		int at = loop->first_closed;
		struct slot *slot = &loop->slots[at];
		const struct loop_kind *kind = &loop->kinds[slot->kind];
		void *object = slot->object;

		loop->first_closed = slot->next;
		slot->state = SLOT_FREE;
		slot->object = NULL;
		slot->generation = (slot->generation + 1) & ((1u << GENERATION_BITS) - 1);
		slot->next = loop->first_free;
		loop->first_free = at;
		if (kind->free)
			kind->free(loop->context, object);
	}
}

void loop_free(struct loop *loop)
{
	if (!loop)
		return;
	for (int i = 0; i < loop->slot_count; i++) {
		if (loop->slots[i].state == SLOT_OPEN)
			loop_close(loop, i);
	}
	free_closed(loop);
	close(loop->epoll_fd);
	array_free(loop->heap);
	array_free(loop->slots);
	array_free(loop);
}

/* A slot that nobody uses, and room for its deadline, which therefore cannot fail. */
static int find_slot(struct loop *loop)
{
	if (loop->first_free >= 0)
		return loop->first_free;
	size_t count = (size_t)loop->slot_count + 1;
	int r = array_reserve(&loop->slots, &loop->slot_capacity, count,
			      sizeof(*loop->slots));
	if (r == 0)
		r = array_reserve(&loop->heap, &loop->heap_capacity, count,
				  sizeof(*loop->heap));
	if (r < 0)
		return r;
	int at = loop->slot_count++;
	loop->slots[at].next = -1;
	loop->first_free = at;
	return at;
}

int loop_add(struct loop *loop, unsigned kind, int fd, uint32_t events, void *object)
{
	assert(kind < loop->kind_count);
	int at = find_slot(loop);
	if (at < 0)
		return at;
	struct slot *slot = &loop->slots[at];
	slot->kind = (uint8_t)kind;
	if (fd >= 0) {
		struct epoll_event event = {.events = events};
		event.data.u64 = pack(slot, at);
		if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, fd, &event) < 0)
			return -errno;
	}
	loop->first_free = slot->next;
	slot->next = -1;
	slot->object = object;
	slot->fd = fd;
	slot->events = events;
	slot->heap_at = NOT_IN_HEAP;
	slot->state = SLOT_OPEN;
	return at;
}

int loop_watch(struct loop *loop, int at, uint32_t events)
{
	if (loop->slots[at].events == events)
		return 0;
	return loop_watch_anew(loop, at, events);
}

int loop_watch_anew(struct loop *loop, int at, uint32_t events)
{
	struct slot *slot = &loop->slots[at];
	struct epoll_event event = {.events = events};

	event.data.u64 = pack(slot, at);
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, slot->fd, &event) < 0)
		return -errno;
	slot->events = events;
	return 0;
}

int loop_heat(struct loop *loop, int at)
{
	if (loop->slots[at].hot)
		return 0;
	if (loop->hot_count == HOT_MOST)
		return -ENOSPC;
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, loop->slots[at].fd, NULL) < 0)
		return -errno;
	loop->slots[at].hot = true;
	loop->hot[loop->hot_count++] = at;
	return 0;
}

static void forget_heat(struct loop *loop, int at)
{
	int i = 0;

	while (loop->hot[i] != at)
		i++;
	loop->hot[i] = loop->hot[--loop->hot_count];
	loop->slots[at].hot = false;
}

int loop_cool(struct loop *loop, int at)
{
	struct slot *slot = &loop->slots[at];
	struct epoll_event event = {.events = slot->events};

	if (!slot->hot)
		return 0;
	event.data.u64 = pack(slot, at);
	if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, slot->fd, &event) < 0)
		return -errno;
	forget_heat(loop, at);
	return 0;
}

void loop_close(struct loop *loop, int at)
{
	struct slot *slot = &loop->slots[at];

	if (slot->state != SLOT_OPEN)
		return;
	loop_set_deadline(loop, at, LOOP_NEVER);
	if (slot->hot)
		forget_heat(loop, at);
	if (slot->fd >= 0) {
		/* A borrowed one lives on, and would go on being reported. */
		if (loop->kinds[slot->kind].borrowed)
			epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, slot->fd, NULL);
		else
			close(slot->fd);
	}
	slot->fd = -1;
	slot->state = SLOT_CLOSED;
	slot->next = loop->first_closed;
	loop->first_closed = at;
}

/* --- a turn */

int64_t loop_now_ns(const struct loop *loop)
{
	return loop->now_ns;
}

/* Until a deadline is due, or until_ns. */
static int64_t next_ns(const struct loop *loop, int64_t until_ns)
{
	if (loop->heap_count > 0 && loop->slots[loop->heap[0]].deadline_ns < until_ns)
		return loop->slots[loop->heap[0]].deadline_ns;
	return until_ns;
}

/* Rounded up: waking too early would mean waking twice. */
static int timeout_ms(const struct loop *loop, int64_t until_ns)
{
	if (loop->hot_count > 0)
		return 0;
	until_ns = next_ns(loop, until_ns);
	if (until_ns == LOOP_NEVER)
		return -1;
	int64_t left_ns = until_ns - clock_monotonic_ns();
	if (left_ns <= 0)
		return 0;
	if (left_ns > 3600 * NS_PER_S)
		left_ns = 3600 * NS_PER_S;
	return (int)((left_ns + NS_PER_MS - 1) / NS_PER_MS);
}

/* Asking costs a core, and saves the time that waking up takes. */
static int spin(struct loop *loop, int64_t until_ns)
{
	int64_t now_ns = clock_monotonic_ns();
	int64_t end_ns = next_ns(loop, until_ns);
	int count;

	if (end_ns - now_ns > loop->busy_ns)
		end_ns = now_ns + loop->busy_ns;
	do {
		count = epoll_wait(loop->epoll_fd, loop->ready, EVENTS_PER_TURN, 0);
	} while (count == 0 && clock_monotonic_ns() < end_ns);
	return count;
}

void loop_set_busy(struct loop *loop, int64_t busy_ns)
{
	loop->busy_ns = busy_ns;
}

static struct slot *slot_of(const struct loop *loop, int event)
{
	return &loop->slots[(uint32_t)loop->ready[event].data.u64];
}

/* Of many objects none is near when its event comes: the processor is told beforehand.  The
 * slot has to be there first, to know its object.  (A closed one has none, or a stale one;
 * nothing is read here.) */
static void call_near(const struct loop *loop, int event, int count)
{
	enum { LINE = 64 };

	if (event + 2 < count)
		__builtin_prefetch(slot_of(loop, event + 2));
	if (event + 1 < count) {
		/* A number: an object may be none, or end before. */
		uintptr_t object = (uintptr_t)slot_of(loop, event + 1)->object;
		__builtin_prefetch((const void *)object);
		__builtin_prefetch((const void *)(object + LINE));
	}
}

static void call_ready(struct loop *loop, int count)
{
	for (int i = 0; i < count; i++) {
		uint64_t where = loop->ready[i].data.u64;
		struct slot *slot = slot_of(loop, i);

		call_near(loop, i, count);

		if (slot->state != SLOT_OPEN || pack(slot, (int)(uint32_t)where) != where)
			continue;
		loop->kinds[slot->kind].ready(loop->context, slot->object,
					      loop->ready[i].events);
	}
}

/* One that is cooled, or closed, gives its place to the last. */
static void call_hot(struct loop *loop)
{
	for (int i = 0; i < loop->hot_count;) {
		int at = loop->hot[i];
		struct slot *slot = &loop->slots[at];

		loop->kinds[slot->kind].ready(loop->context, slot->object, slot->events);
		if (i < loop->hot_count && loop->hot[i] == at)
			i++;
	}
}

static void call_late(struct loop *loop)
{
	while (loop->heap_count > 0) {
		struct slot *slot = &loop->slots[loop->heap[0]];

		if (slot->deadline_ns > loop->now_ns)
			break;
		heap_remove(loop, loop->heap[0]);
		loop->kinds[slot->kind].late(loop->context, slot->object);
	}
}

int loop_turn(struct loop *loop, int64_t until_ns)
{
	bool spins = loop->busy_ns > 0 && loop->hot_count == 0;
	int count = spins ? spin(loop, until_ns) : 0;

	if (count == 0)
		count = epoll_wait(loop->epoll_fd, loop->ready, EVENTS_PER_TURN,
				   timeout_ms(loop, until_ns));

	if (count < 0 && errno != EINTR)
		return -errno;
	loop->now_ns = clock_monotonic_ns();
	call_ready(loop, count);
	call_hot(loop);
	call_late(loop);
	free_closed(loop);
	return 0;
}
