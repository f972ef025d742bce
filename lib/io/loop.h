/* One epoll loop for many descriptors: readiness, deadlines, and an end of life that no
 * event can reach behind.
 *
 * An object of the loop is a descriptor (or none: a deadline alone), a kind and a pointer
 * to what its owner keeps.  The loop calls the functions of its kind:
 *
 *	ready	the descriptor has what was watched for, or EPOLLERR or EPOLLHUP
 *	late	its deadline has passed; it has none any more
 *	free	it was closed in this turn, and nothing will ask for it again
 *
 * Times are of CLOCK_MONOTONIC. */
#ifndef IO_LOOP_H
#define IO_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LOOP_NEVER INT64_MAX
#define LOOP_KINDS 256

struct loop_kind {
	const char *name;
	bool borrowed; /* its descriptor is its owner's: never closed here */
	void (*ready)(void *context, void *object, uint32_t events);
	void (*late)(void *context, void *object);
	void (*free)(void *context, void *object); /* NULL: nothing to free */
};

struct loop;

/* kinds[0..count) and context are borrowed for the loop's life. */
int loop_new(const struct loop_kind *kinds, size_t count, void *context,
	     struct loop **ret);
/* Closes and frees every object. */
void loop_free(struct loop *loop);

/* Takes fd (-1 none) and the object, and watches for events (EPOLLIN, EPOLLOUT).
 * Returns its slot >= 0; on failure nothing is taken. */
int loop_add(struct loop *loop, unsigned kind, int fd, uint32_t events, void *object);
/* Changes what is watched for; asks the kernel only if it is another.  0 or -errno. */
int loop_watch(struct loop *loop, int slot, uint32_t events);
/* The same also where the events stay as they are: with EPOLLET what is there by now is told
 * once more. */
int loop_watch_anew(struct loop *loop, int slot, uint32_t events);
/* Watching costs the kernel something at each packet that comes and goes.  A descriptor that
 * is known to have more can be made hot: its `ready` is called in every turn, unasked, and
 * turns do not wait, until it has nothing more and is cooled.  -ENOSPC: too many are;
 * a cold one is watched, so this may fail and be tried again. */
int loop_heat(struct loop *loop, int slot);
int loop_cool(struct loop *loop, int slot);
/* The one deadline of an object; LOOP_NEVER takes it away. */
void loop_set_deadline(struct loop *loop, int slot, int64_t at_ns);
/* Closes its descriptor now; free() follows at the end of the turn. */
void loop_close(struct loop *loop, int slot);

/* Before it waits, asks again and again for so long; 0 not at all. */
void loop_set_busy(struct loop *loop, int64_t busy_ns);

/* The moment of the turn: when its events were fetched. */
int64_t loop_now_ns(const struct loop *loop);

/* Waits until something is ready or late, but not beyond until_ns, and calls all that it
 * concerns.  0 or -errno. */
int loop_turn(struct loop *loop, int64_t until_ns);

#endif
