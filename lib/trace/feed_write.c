/* The tracer's end of the feed. */
#include "trace/feed_record.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/limits.h"

void feed_init(struct feed *feed, int fd)
{
	feed->fd = fd;
	feed->used = 0;
	feed->error = 0;
}

void feed_flush(struct feed *feed)
{
	size_t at = 0;

	while (!feed->error && at < feed->used) {
		ssize_t n = write(feed->fd, feed->buffer + at, feed->used - at);

		if (n > 0)
			at += (size_t)n;
		else if (errno != EINTR)
			feed->error = -errno;
	}
	feed->used = 0;
}

/* Begins a record that will take at most FEED_RECORD_BYTES. */
static struct feed_header *begin(struct feed *feed, enum feed_kind kind)
{
	struct feed_header *header;

	if (feed->used + FEED_RECORD_BYTES > sizeof(feed->buffer))
		feed_flush(feed);
	header = (struct feed_header *)(void *)(feed->buffer + feed->used);
	header->kind = kind;
	header->length = sizeof(*header);
	return header;
}

static void put(struct feed_header *header, const void *bytes, size_t n)
{
	/* Every string and array is cut by its owner long before this. */
	if (header->length + n > FEED_RECORD_BYTES)
		n = FEED_RECORD_BYTES - header->length;
	if (n == 0)
		return;
	memcpy((uint8_t *)header + header->length, bytes, n);
	header->length += (uint32_t)n;
}

static void put_string(struct feed_header *header, const char *string)
{
	uint32_t n = string ? (uint32_t)strnlen(string, LIMIT_PATH) : FEED_NO_STRING;

	put(header, &n, sizeof(n));
	if (string)
		put(header, string, n);
}

static void end(struct feed *feed, struct feed_header *header)
{
	header->length = (header->length + 7) & ~7U;
	feed->used += header->length;
}

void feed_program(struct feed *feed, const struct sonde_program *program)
{
	struct feed_header *header = begin(feed, FEED_PROGRAM);

	put(header, program, sizeof(*program));
	put_string(header, program->name);
	put_string(header, program->interpreter);
	for (uint32_t i = 0; i < program->argument_count; i++)
		put_string(header, program->arguments[i]);
	end(feed, header);
}

void feed_program_lines(struct feed *feed, uint32_t program, enum sonde_lines lines,
			const char *interpreter)
{
	struct feed_header *header = begin(feed, FEED_PROGRAM_LINES);
	uint32_t value = lines;

	put(header, &program, sizeof(program));
	put(header, &value, sizeof(value));
	put_string(header, interpreter);
	end(feed, header);
}

void feed_program_end(struct feed *feed, const struct sonde_program *program)
{
	struct feed_header *header = begin(feed, FEED_PROGRAM_END);

	put(header, program, sizeof(*program));
	end(feed, header);
}

static void put_socket(struct feed *feed, enum feed_kind kind,
		       const struct sonde_socket *socket)
{
	struct feed_header *header = begin(feed, kind);

	put(header, socket, sizeof(*socket));
	put_string(header, socket->name);
	end(feed, header);
}

void feed_socket(struct feed *feed, const struct sonde_socket *socket)
{
	put_socket(feed, FEED_SOCKET, socket);
}

void feed_socket_state(struct feed *feed, const struct sonde_socket *socket)
{
	put_socket(feed, FEED_SOCKET_STATE, socket);
}

void feed_place(struct feed *feed, const struct sonde_place *place)
{
	struct feed_header *header = begin(feed, FEED_PLACE);

	put(header, place, sizeof(*place));
	put_string(header, place->file);
	put_string(header, place->function);
	put_string(header, place->text);
	end(feed, header);
}

void feed_stack(struct feed *feed, const struct sonde_stack *stack)
{
	struct feed_header *header = begin(feed, FEED_STACK);

	put(header, stack, sizeof(*stack));
	put(header, stack->places, stack->place_count * sizeof(stack->places[0]));
	end(feed, header);
}

void feed_holder(struct feed *feed, const struct sonde_holder *holder)
{
	struct feed_header *header = begin(feed, FEED_HOLDER);

	put(header, holder, sizeof(*holder));
	put_string(header, holder->name);
	put_string(header, holder->path);
	end(feed, header);
}

static struct feed_header *put_call(struct feed *feed, enum feed_kind kind,
				    const struct sonde_call *call)
{
	struct feed_header *header = begin(feed, kind);

	put(header, call, sizeof(*call));
	put(header, call->watched, call->watched_count * sizeof(call->watched[0]));
	end(feed, header);
	return header;
}

int64_t *feed_call(struct feed *feed, const struct sonde_call *call)
{
	struct feed_header *header = put_call(feed, FEED_CALL, call);
	struct sonde_call *copy = (struct sonde_call *)(void *)(header + 1);

	return &copy->enter_ns;
}

void feed_return(struct feed *feed, const struct sonde_call *call)
{
	put_call(feed, FEED_RETURN, call);
}

void feed_note(struct feed *feed, enum sonde_severity severity, const char *text,
	       const char *hint)
{
	struct feed_header *header = begin(feed, FEED_NOTE);
	uint32_t value = severity;

	put(header, &value, sizeof(value));
	put_string(header, text);
	put_string(header, hint);
	end(feed, header);
}

static void put_value(struct feed *feed, enum feed_kind kind, uint64_t value)
{
	struct feed_header *header = begin(feed, kind);

	put(header, &value, sizeof(value));
	end(feed, header);
}

void feed_calls_dropped(struct feed *feed, uint64_t count)
{
	put_value(feed, FEED_CALLS_DROPPED, count);
}

void feed_cost(struct feed *feed, uint64_t stops, int64_t held_ns)
{
	struct feed_header *header = begin(feed, FEED_COST);

	put(header, &stops, sizeof(stops));
	put(header, &held_ns, sizeof(held_ns));
	end(feed, header);
}

void feed_main_program(struct feed *feed, uint32_t program)
{
	put_value(feed, FEED_MAIN_PROGRAM, program);
}

void feed_main_status(struct feed *feed, int status)
{
	put_value(feed, FEED_MAIN_STATUS, (uint32_t)status);
}

void feed_started(struct feed *feed)
{
	put_value(feed, FEED_STARTED, 0);
}

void feed_failure(struct feed *feed, int code, const struct sonde_error *error)
{
	struct feed_header *header = begin(feed, FEED_FAILURE);

	put(header, &code, sizeof(code));
	put(header, error, sizeof(*error));
	end(feed, header);
}
