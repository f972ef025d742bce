/* Another process's memory, read from outside; see the header. */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/uio.h>

#include "base/array.h"
#include "trace/source_memory.h"

/* No user process has addresses above (x86-64 with five levels, arm64 with 52 bits), and
 * none has objects in the first page. */
#define HIGHEST_ADDRESS (UINT64_C(1) << 56)
#define LOWEST_ADDRESS UINT64_C(4096)

/* More than that is not fetched ahead: it is not worth a guess. */
enum { AHEAD_BYTES = 1 << 18, AHEAD_SPANS = 512 };
static_assert(AHEAD_SPANS <= IOV_MAX, "one call fetches them");

static bool is_range(uint64_t address, size_t n)
{
	return address >= LOWEST_ADDRESS && address < HIGHEST_ADDRESS &&
	       n < HIGHEST_ADDRESS - address;
}

bool memory_is_object(uint64_t address)
{
	return is_range(address, 1) && address % sizeof(void *) == 0;
}

static void note(struct memory_spans *spans, uint64_t address, size_t n)
{
	if (spans->count >= AHEAD_SPANS ||
	    array_reserve(&spans->items, &spans->capacity, spans->count + 1,
			  sizeof(*spans->items)) < 0)
		return; /* then it will not be fetched ahead, no more */
	spans->items[spans->count++] = (struct memory_span){address, n};
}

static struct iovec remote_span(const struct memory_span *span)
{
	/* An address of another process: it is never followed here. */
	return (struct iovec){.iov_base = (void *)(uintptr_t)span->address,
			      .iov_len = span->length};
}

void memory_begin(struct memory *memory, pid_t tid, const struct memory_spans *expected)
{
	struct iovec remote[AHEAD_SPANS];
	size_t wanted = 0, count = 0;

	memory->tid = tid;
	memory->used.count = 0;
	memory->fetched.count = 0;
	memory->next = memory->next_at = 0;
	for (size_t i = 0; i < expected->count; i++) {
		const struct memory_span *span = &expected->items[i];
		if (count == AHEAD_SPANS || span->length > AHEAD_BYTES - wanted)
			break;
		remote[count++] = remote_span(span);
		wanted += span->length;
	}
	if (count == 0 || array_reserve(&memory->bytes, &memory->capacity, wanted, 1) < 0)
		return;
	struct iovec local = {.iov_base = memory->bytes, .iov_len = wanted};
	memory->system_calls++;
	ssize_t n = process_vm_readv(tid, &local, 1, remote, count, 0);
	/* It stops where memory has gone; what came before is good. */
	size_t left = n > 0 ? (size_t)n : 0;
	for (size_t i = 0; i < count && expected->items[i].length <= left; i++) {
		note(&memory->fetched, expected->items[i].address,
		     expected->items[i].length);
		left -= expected->items[i].length;
	}
}

void memory_end(struct memory *memory, struct memory_spans *ret_used)
{
	struct memory_spans old = *ret_used;

	*ret_used = memory->used;
	memory->used = old;
}

/* The bytes of the range if they were fetched ahead.  Readings are alike, so the search
 * begins after the span that was found last. */
static const uint8_t *find(struct memory *memory, uint64_t address, size_t n)
{
	const struct memory_spans *fetched = &memory->fetched;

	for (size_t tried = 0; tried < fetched->count; tried++) {
		if (memory->next == fetched->count)
			memory->next = memory->next_at = 0;
		const struct memory_span *span = &fetched->items[memory->next];
		const uint8_t *bytes = memory->bytes + memory->next_at;
		memory->next++;
		memory->next_at += span->length;
		if (address >= span->address && address - span->address <= span->length &&
		    n <= span->length - (address - span->address))
			return bytes + (address - span->address);
	}
	return NULL;
}

int memory_read(struct memory *memory, uint64_t address, void *ret, size_t n)
{
	if (!is_range(address, n))
		return -EFAULT;
	const uint8_t *bytes = find(memory, address, n);
	if (bytes) {
		memcpy(ret, bytes, n);
	} else {
		struct memory_span span = {address, n};
		struct iovec local = {.iov_base = ret, .iov_len = n};
		struct iovec remote = remote_span(&span);
		memory->system_calls++;
		if (process_vm_readv(memory->tid, &local, 1, &remote, 1, 0) != (ssize_t)n)
			return -EFAULT;
	}
	note(&memory->used, address, n);
	return 0;
}

void memory_spans_done(struct memory_spans *spans)
{
	array_free(spans->items);
	*spans = (struct memory_spans){0};
}

void memory_done(struct memory *memory)
{
	memory_spans_done(&memory->used);
	memory_spans_done(&memory->fetched);
	array_free(memory->bytes);
	*memory = (struct memory){0};
}
