/* Storage of messages in pieces; see part_store.h. */
#include "dissect/part_store.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"

static struct parted *at(const struct part_store *store, uint32_t number)
{
	return &store->messages[number % LIMIT_DISSECT_PARTED];
}

static size_t cost_of(size_t size, size_t parts)
{
	return size + parts * sizeof(struct part);
}

void part_store_remove(struct part_store *store, struct parted *message)
{
	store->held -= cost_of(message->size, message->part_count);
	array_free(message->bytes);
	array_free(message->parts);
	*message = (struct parted){0};
}

void part_store_done(struct part_store *store)
{
	if (!store->messages)
		return;
	for (uint32_t i = 0; i < LIMIT_DISSECT_PARTED; i++)
		part_store_remove(store, at(store, i));
	array_free(store->messages);
	*store = (struct part_store){0};
}

struct parted *part_store_begin(struct part_store *store, uint64_t owner,
				uint16_t *ret_place)
{
	struct parted *message;

	if (!store->messages) {
		store->messages =
			array_new(LIMIT_DISSECT_PARTED, sizeof(*store->messages));
		if (!store->messages)
			return NULL;
	}
	message = at(store, store->begun);
	part_store_remove(store, message);
	message->is_used = true;
	message->owner = owner;
	*ret_place = (uint16_t)(store->begun % LIMIT_DISSECT_PARTED + 1);
	store->begun++;
	if (store->begun - store->oldest > LIMIT_DISSECT_PARTED)
		store->oldest = store->begun - LIMIT_DISSECT_PARTED;
	return message;
}

struct parted *part_store_find(const struct part_store *store, uint64_t owner,
			       uint16_t place)
{
	struct parted *message;

	if (!place || !store->messages)
		return NULL;
	message = at(store, place - 1u);
	return message->is_used && message->owner == owner ? message : NULL;
}

/* Forgets the oldest ones until there is room for n bytes more. */
static void make_room(struct part_store *store, size_t n)
{
	while (store->oldest != store->begun &&
	       store->held + n > LIMIT_DISSECT_PARTED_BYTES)
		part_store_remove(store, at(store, store->oldest++));
}

int part_store_append(struct part_store *store, struct parted *message,
		      const uint8_t *bytes, size_t n, uint32_t frame)
{
	if (message->size + n > LIMIT_DISSECT_PARTED_MESSAGE)
		return -ENOSPC;
	make_room(store, cost_of(n, 1));
	if (!message->is_used) /* it was the oldest */
		return -ENOSPC;
	if (array_reserve(&message->bytes, &message->capacity, message->size + n, 1) <
		    0 ||
	    array_reserve(&message->parts, &message->part_capacity,
			  message->part_count + 1, sizeof(*message->parts)) < 0)
		return -ENOMEM;
	memcpy(message->bytes + message->size, bytes, n);
	message->size += n;
	message->parts[message->part_count++] = (struct part){frame, (uint32_t)n};
	store->held += cost_of(n, 1);
	return 0;
}
