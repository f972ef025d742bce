/* The pipe from the tracer's process to the one that keeps the recording: records of a
 * kind, a length and a body, in the machine's own layout (both ends are the same
 * program).
 *
 * The writer gathers records and writes them when there are many, when the tracer is
 * idle, or when told to: a record that says which addresses a socket has must be out
 * before the program goes on, so that the reader knows the socket when its first packet
 * comes. */
#ifndef TRACE_FEED_H
#define TRACE_FEED_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <sonde/error.h>
#include <sonde/recording.h>

enum { FEED_BUFFER_BYTES = 1 << 16, FEED_RECORD_BYTES = 1 << 15 };

struct feed {
	int fd; /* blocking */
	size_t used;
	int error; /* sticky: the reader is gone */
	_Alignas(8) uint8_t buffer[FEED_BUFFER_BYTES];
};

void feed_init(struct feed *feed, int fd);
void feed_flush(struct feed *feed);

/* What has numbers is numbered by the tracer, in the order in which it is fed. */
void feed_program(struct feed *feed, const struct sonde_program *program);
void feed_program_lines(struct feed *feed, uint32_t program, enum sonde_lines lines,
			const char *interpreter);
void feed_program_end(struct feed *feed, const struct sonde_program *program);
void feed_socket(struct feed *feed, const struct sonde_socket *socket);
/* The same socket, with what has changed since. */
void feed_socket_state(struct feed *feed, const struct sonde_socket *socket);
void feed_place(struct feed *feed, const struct sonde_place *place);
void feed_stack(struct feed *feed, const struct sonde_stack *stack);
void feed_holder(struct feed *feed, const struct sonde_holder *holder);
/* Returns where the record's enter_ns lies in the buffer, to be stamped at the last
 * moment before the flush or the next record; NULL where nothing can be fed any more. */
int64_t *feed_call(struct feed *feed, const struct sonde_call *call);
/* The same call, returned: times, result, flags, new_socket, datagrams, address and the
 * watched sockets. */
void feed_return(struct feed *feed, const struct sonde_call *call);
void feed_note(struct feed *feed, enum sonde_severity severity, const char *text,
	       const char *hint);
void feed_calls_dropped(struct feed *feed, uint64_t count);
void feed_cost(struct feed *feed, uint64_t stops, int64_t held_ns);
/* The main program, and how it ended, as waitpid(2) tells. */
void feed_main_program(struct feed *feed, uint32_t program);
void feed_main_status(struct feed *feed, int status);
/* The tracer gives up; code is what sonde_trace_start() or _wait() returns. */
void feed_failure(struct feed *feed, int code, const struct sonde_error *error);
/* All programs of the command line have been started (or the last has failed to). */
void feed_started(struct feed *feed);

/* ---- the other end ---- */

struct feed_state {
	struct sonde_recording *recording; /* borrowed */
	int main_status;                   /* -1 until known */
	bool is_started;
	bool said_notes; /* that there are more notes than are kept */
	int failure;     /* 0 or the code of feed_failure() */
	struct sonde_error error;
	/* Told of each record that may matter to others; NULL none. */
	void (*on_socket)(void *context, const struct sonde_socket *socket);
	void (*on_call)(void *context, const struct sonde_call *call);   /* it enters */
	void (*on_return)(void *context, const struct sonde_call *call); /* it is whole */
	void *context;
};

/* Takes whole records from bytes[0..n) into the recording; returns how many bytes it
 * used, or a negative errno (-EPROTO: no record of ours). */
ssize_t feed_take(struct feed_state *state, const uint8_t *bytes, size_t n);

#endif
