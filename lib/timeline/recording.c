/* The recording: arrays of what was observed, and the strings they point to.
 *
 * The arrays grow and may move; what they point to (strings, places of a stack, watched
 * sockets, arguments) lies in an arena of chunks that never move and go together at the
 * end.  Equal strings are kept once: a file's name returns with each of its lines. */
#include <sonde/recording.h>

#include <errno.h>
#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"

#define CHUNK_BYTES ((size_t)64 << 10)

struct chunk {
	struct chunk *next;
	size_t used, size;
	alignas(16) unsigned char bytes[];
};

struct sonde_store {
	struct chunk *chunks;
	const char **strings; /* a hash table, open addressing */
	size_t slot_count;    /* a power of two */
	size_t string_count;
	size_t program_room, socket_room, place_room, stack_room, call_room,
		interface_room, packet_room, saying_room, note_room, holder_room;
};

static void *store_take(struct sonde_store *store, size_t size)
{
	struct chunk *chunk = store->chunks;
	void *taken;

	size = (size + 7) & ~(size_t)7;
	if (!chunk || chunk->size - chunk->used < size) {
		size_t room = size > CHUNK_BYTES / 4 ? size : CHUNK_BYTES;

		chunk = array_new(1, sizeof(*chunk) + room);
		if (!chunk)
			return NULL;
		chunk->size = room;
		if (store->chunks && room == size) {
			/* A big one of its own: the one begun stays in use. */
			chunk->next = store->chunks->next;
			store->chunks->next = chunk;
		} else {
			chunk->next = store->chunks;
			store->chunks = chunk;
		}
	}
	taken = chunk->bytes + chunk->used;
	chunk->used += size;
	return taken;
}

/* *values of count elements becomes the store's own copy.  NULL stays NULL. */
static int store_copy(struct sonde_store *store, const void **values, size_t count,
		      size_t size)
{
	void *copy;

	if (!count || !*values) {
		*values = NULL;
		return 0;
	}
	copy = store_take(store, count * size);
	if (!copy)
		return -ENOMEM;
	memcpy(copy, *values, count * size);
	*values = copy;
	return 0;
}

static size_t hash_string(const char *text)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (; *text; text++)
		hash = (hash ^ (unsigned char)*text) * 0x100000001b3u;
	return (size_t)(hash ^ hash >> 32);
}

static const char **find_slot(const char **strings, size_t slot_count, const char *text)
{
	size_t slot = hash_string(text) & (slot_count - 1);

	while (strings[slot] && strcmp(strings[slot], text) != 0)
		slot = (slot + 1) & (slot_count - 1);
	return &strings[slot];
}

static int grow_strings(struct sonde_store *store)
{
	size_t count = store->slot_count ? store->slot_count * 2 : 256;
	const char **strings = array_new(count, sizeof(*strings));

	if (!strings)
		return -ENOMEM;
	for (size_t i = 0; i < store->slot_count; i++)
		if (store->strings[i])
			*find_slot(strings, count, store->strings[i]) = store->strings[i];
	array_free(store->strings);
	store->strings = strings;
	store->slot_count = count;
	return 0;
}

/* *text becomes the store's own copy.  NULL stays NULL. */
static int store_string(struct sonde_store *store, const char **text)
{
	const char **slot;
	const void *copy = *text;

	if (!*text)
		return 0;
	if (store->string_count * 2 >= store->slot_count && grow_strings(store) < 0)
		return -ENOMEM;
	slot = find_slot(store->strings, store->slot_count, *text);
	if (!*slot) {
		if (store_copy(store, &copy, strlen(*text) + 1, 1) < 0)
			return -ENOMEM;
		*slot = copy;
		store->string_count++;
	}
	*text = *slot;
	return 0;
}

/* Makes room for one more element and returns it, or NULL with the reason in *ret_error.
 * `array` is the address of the array's pointer. */
static void *next_element(void *array, uint32_t count, size_t *room, size_t size,
			  uint32_t limit, int *ret_error)
{
	unsigned char *elements;

	*ret_error = -E2BIG;
	if (count >= limit)
		return NULL;
	*ret_error = array_reserve(array, room, (size_t)count + 1, size);
	if (*ret_error < 0)
		return NULL;
	memcpy(&elements, array, sizeof(elements));
	return elements + (size_t)count * size;
}

struct sonde_recording *sonde_recording_new(void)
{
	struct sonde_recording *recording = array_new(1, sizeof(*recording));

	if (!recording)
		return NULL;
	recording->store = array_new(1, sizeof(*recording->store));
	if (!recording->store) {
		array_free(recording);
		return NULL;
	}
	return recording;
}

void sonde_recording_free(struct sonde_recording *recording)
{
	struct chunk *chunk, *next;

	if (!recording)
		return;
	for (chunk = recording->store->chunks; chunk; chunk = next) {
		next = chunk->next;
		array_free(chunk);
	}
	array_free(recording->store->strings);
	array_free(recording->store);
	array_free(recording->programs);
	array_free(recording->sockets);
	array_free(recording->places);
	array_free(recording->stacks);
	array_free(recording->holders);
	array_free(recording->calls);
	array_free(recording->interfaces);
	array_free(recording->packets);
	array_free(recording->sayings);
	array_free(recording->notes);
	array_free(recording);
}

static int copy_arguments(struct sonde_store *store, struct sonde_program *program)
{
	const char **arguments;

	if (program->argument_count > LIMIT_ARGUMENTS)
		program->argument_count = LIMIT_ARGUMENTS;
	if (!program->arguments)
		program->argument_count = 0;
	if (!program->argument_count) {
		program->arguments = NULL;
		return 0;
	}
	arguments = store_take(store, program->argument_count * sizeof(*arguments));
	if (!arguments)
		return -ENOMEM;
	for (uint32_t i = 0; i < program->argument_count; i++) {
		arguments[i] = program->arguments[i];
		if (store_string(store, &arguments[i]) < 0)
			return -ENOMEM;
	}
	program->arguments = arguments;
	return 0;
}

int sonde_recording_add_program(struct sonde_recording *recording,
				const struct sonde_program *program)
{
	struct sonde_store *store = recording->store;
	struct sonde_program copy = *program, *element;
	int error;

	element =
		next_element(&recording->programs, recording->program_count,
			     &store->program_room, sizeof(copy), LIMIT_PROGRAMS, &error);
	if (!element)
		return error;
	if (store_string(store, &copy.name) < 0 ||
	    store_string(store, &copy.interpreter) < 0 ||
	    copy_arguments(store, &copy) < 0)
		return -ENOMEM;
	copy.program = ++recording->program_count;
	*element = copy;
	return (int)copy.program;
}

int sonde_recording_add_socket(struct sonde_recording *recording,
			       const struct sonde_socket *socket)
{
	struct sonde_socket copy = *socket, *element;
	int error;

	element = next_element(&recording->sockets, recording->socket_count,
			       &recording->store->socket_room, sizeof(copy),
			       LIMIT_SOCKETS, &error);
	if (!element)
		return error;
	if (store_string(recording->store, &copy.name) < 0)
		return -ENOMEM;
	copy.socket = ++recording->socket_count;
	*element = copy;
	return (int)copy.socket;
}

int sonde_recording_set_socket(struct sonde_recording *recording,
			       const struct sonde_socket *socket)
{
	struct sonde_socket copy = *socket;

	if (!copy.socket || copy.socket > recording->socket_count)
		return -EINVAL;
	if (store_string(recording->store, &copy.name) < 0)
		return -ENOMEM;
	recording->sockets[copy.socket - 1] = copy;
	return 0;
}

int sonde_recording_add_place(struct sonde_recording *recording,
			      const struct sonde_place *place)
{
	struct sonde_store *store = recording->store;
	struct sonde_place copy = *place, *element;
	int error;

	element = next_element(&recording->places, recording->place_count,
			       &store->place_room, sizeof(copy), LIMIT_PLACES, &error);
	if (!element)
		return error;
	if (store_string(store, &copy.file) < 0 ||
	    store_string(store, &copy.function) < 0 ||
	    store_string(store, &copy.text) < 0)
		return -ENOMEM;
	copy.place = ++recording->place_count;
	*element = copy;
	return (int)copy.place;
}

int sonde_recording_add_stack(struct sonde_recording *recording,
			      const struct sonde_stack *stack)
{
	struct sonde_store *store = recording->store;
	struct sonde_stack copy = *stack, *element;
	const void *places = stack->places;
	int error;

	element = next_element(&recording->stacks, recording->stack_count,
			       &store->stack_room, sizeof(copy), LIMIT_STACKS, &error);
	if (!element)
		return error;
	if (!places)
		copy.place_count = 0;
	if (copy.place_count > LIMIT_STACK_DEPTH) {
		copy.place_count = LIMIT_STACK_DEPTH;
		copy.is_cut = true;
	}
	if (store_copy(store, &places, copy.place_count, sizeof(*copy.places)) < 0)
		return -ENOMEM;
	copy.places = places;
	copy.stack = ++recording->stack_count;
	*element = copy;
	return (int)copy.stack;
}

int sonde_recording_add_holder(struct sonde_recording *recording,
			       const struct sonde_holder *holder)
{
	struct sonde_store *store = recording->store;
	struct sonde_holder copy = *holder, *element;
	int error;

	element = next_element(&recording->holders, recording->holder_count,
			       &store->holder_room, sizeof(copy), LIMIT_HOLDERS, &error);
	if (!element)
		return error;
	if (store_string(store, &copy.name) < 0 || store_string(store, &copy.path) < 0)
		return -ENOMEM;
	copy.holder = ++recording->holder_count;
	*element = copy;
	return (int)copy.holder;
}

static int copy_watched(struct sonde_store *store, struct sonde_call *call,
			const struct sonde_watched *watched, uint32_t watched_count)
{
	const void *copy = watched;

	if (!watched)
		watched_count = 0;
	if (watched_count > LIMIT_WATCHED) {
		watched_count = LIMIT_WATCHED;
		call->flags |= SONDE_CALL_WATCH_CUT;
	}
	if (store_copy(store, &copy, watched_count, sizeof(*watched)) < 0)
		return -ENOMEM;
	call->watched = copy;
	call->watched_count = watched_count;
	return 0;
}

int sonde_recording_add_call(struct sonde_recording *recording,
			     const struct sonde_call *call)
{
	struct sonde_store *store = recording->store;
	struct sonde_call copy = *call, *element;
	int error;

	element = next_element(&recording->calls, recording->call_count,
			       &store->call_room, sizeof(copy), LIMIT_CALLS, &error);
	if (!element)
		return error;
	if (store_string(store, &copy.name) < 0 ||
	    copy_watched(store, &copy, call->watched, call->watched_count) < 0)
		return -ENOMEM;
	copy.call = ++recording->call_count;
	*element = copy;
	return (int)copy.call;
}

int sonde_recording_set_interpreter(struct sonde_recording *recording, uint32_t program,
				    const char *interpreter)
{
	const char *copy = interpreter;
	int error = store_string(recording->store, &copy);

	if (error >= 0)
		recording->programs[program - 1].interpreter = copy;
	return error;
}

int sonde_recording_set_watched(struct sonde_recording *recording, uint32_t call,
				const struct sonde_watched *watched,
				uint32_t watched_count)
{
	struct sonde_call *element;

	if (!call || call > recording->call_count)
		return -EINVAL;
	element = &recording->calls[call - 1];
	/* The usual case: the same sockets, or some of them, with what is ready. */
	if (watched_count && watched_count <= element->watched_count) {
		struct sonde_watched *own;

		memcpy(&own, &element->watched, sizeof(own));
		memmove(own, watched, watched_count * sizeof(*own));
		element->watched_count = watched_count;
		return 0;
	}
	return copy_watched(recording->store, element, watched, watched_count);
}

int sonde_recording_add_interface(struct sonde_recording *recording,
				  const struct sonde_interface *interface)
{
	struct sonde_store *store = recording->store;
	struct sonde_interface copy = *interface, *element;
	int error;

	element = next_element(&recording->interfaces, recording->interface_count,
			       &store->interface_room, sizeof(copy), LIMIT_INTERFACES,
			       &error);
	if (!element)
		return error;
	if (store_string(store, &copy.name) < 0)
		return -ENOMEM;
	copy.interface = ++recording->interface_count;
	*element = copy;
	return (int)copy.interface;
}

int sonde_recording_add_packet(struct sonde_recording *recording,
			       const struct sonde_packet *packet)
{
	struct sonde_packet *element;
	int error;

	element = next_element(&recording->packets, recording->packet_count,
			       &recording->store->packet_room, sizeof(*element),
			       LIMIT_PACKETS, &error);
	if (!element)
		return error;
	*element = *packet;
	element->packet = ++recording->packet_count;
	return (int)element->packet;
}

int sonde_recording_add_saying(struct sonde_recording *recording,
			       const struct sonde_saying *saying)
{
	struct sonde_store *store = recording->store;
	struct sonde_saying copy = *saying, *element;
	int error;

	element = next_element(&recording->sayings, recording->saying_count,
			       &store->saying_room, sizeof(copy), LIMIT_SAYINGS, &error);
	if (!element)
		return error;
	if (store_string(store, &copy.in) < 0 || store_string(store, &copy.text) < 0 ||
	    store_string(store, &copy.more) < 0)
		return -ENOMEM;
	*element = copy;
	return (int)++recording->saying_count;
}

int sonde_recording_add_note(struct sonde_recording *recording,
			     enum sonde_severity severity, const char *text,
			     const char *hint)
{
	struct sonde_store *store = recording->store;
	struct sonde_note copy = {.severity = severity, .text = text, .hint = hint};
	struct sonde_note *element;
	int error;

	element = next_element(&recording->notes, recording->note_count,
			       &store->note_room, sizeof(copy), LIMIT_NOTES, &error);
	if (!element)
		return error;
	if (store_string(store, &copy.text) < 0 || store_string(store, &copy.hint) < 0)
		return -ENOMEM;
	*element = copy;
	return (int)++recording->note_count;
}

bool sonde_recording_has_secrets(const struct sonde_recording *recording)
{
	for (uint32_t i = 0; i < recording->saying_count; i++)
		if (recording->sayings[i].kind == SONDE_SAYS_PASSWORD)
			return true;
	return false;
}

static int by_time(const void *left, const void *right)
{
	const struct sonde_packet *a = left, *b = right;

	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns ? -1 : 1;
	return a->packet < b->packet ? -1 : a->packet > b->packet;
}

void sonde_recording_seal(struct sonde_recording *recording)
{
	bool sorted = true;

	for (uint32_t i = 1; i < recording->packet_count && sorted; i++)
		sorted = recording->packets[i - 1].at_ns <= recording->packets[i].at_ns;
	if (!sorted)
		qsort(recording->packets, recording->packet_count,
		      sizeof(*recording->packets), by_time);
	for (uint32_t i = 0; i < recording->packet_count; i++)
		recording->packets[i].packet = i + 1;
}
