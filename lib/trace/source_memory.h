/* Another process's memory, read from outside.
 *
 * A thread that stops twice at nearly the same place is asked for nearly the same bytes.
 * So each reading notes which spans it used, and the next one of that thread fetches all
 * of them by one system call before it begins; what turns out to lie elsewhere is fetched
 * as it is met.  The one who reads need not know: he sees fresh bytes either way. */
#ifndef TRACE_SOURCE_MEMORY_H
#define TRACE_SOURCE_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct memory_span {
	uint64_t address;
	size_t length;
};

struct memory_spans {
	struct memory_span *items; /* owned */
	size_t count, capacity;
};

struct memory {
	pid_t tid;
	struct memory_spans used;    /* in this reading so far */
	struct memory_spans fetched; /* ahead; their bytes lie one after the other: */
	uint8_t *bytes;              /* owned */
	size_t capacity;
	size_t next, next_at; /* the fetched span after the last one that was asked for,
				 and where its bytes are */
	uint64_t system_calls;
};

/* The caller zeroes it before the first use. */
void memory_done(struct memory *memory);

/* Starts a reading of the process of thread tid, fetching *expected ahead. */
void memory_begin(struct memory *memory, pid_t tid, const struct memory_spans *expected);
/* Ends it: what was used becomes *ret_used (swapped: the old content is kept as room). */
void memory_end(struct memory *memory, struct memory_spans *ret_used);

/* Copies n bytes from there, or returns -EFAULT and leaves *ret undefined. */
int memory_read(struct memory *memory, uint64_t address, void *ret, size_t n);

/* May that be the address of an object: canonical, of a user process, aligned? */
bool memory_is_object(uint64_t address);

void memory_spans_done(struct memory_spans *spans);

#endif
