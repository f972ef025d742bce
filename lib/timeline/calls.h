/* Questions about one recorded call, and the orders in which the join walks them.
 *
 * A recording may come from a file: every number in it is looked up with care, and one
 * that is out of range counts as 0. */
#ifndef TIMELINE_CALLS_H
#define TIMELINE_CALLS_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/recording.h>

/* NULL for 0 and for numbers that do not exist. */
const struct sonde_call *call_at(const struct sonde_recording *recording, uint32_t call);
const struct sonde_socket *socket_at(const struct sonde_recording *recording,
				     uint32_t socket);
const struct sonde_stack *stack_at(const struct sonde_recording *recording,
				   uint32_t stack);
/* The place of the user's statement that made the call; 0: no source line. */
uint32_t call_place(const struct sonde_recording *recording,
		    const struct sonde_call *call);

bool call_returned(const struct sonde_call *call);
/* A signal broke it off; the library or the kernel begins it again. */
bool call_was_interrupted(const struct sonde_call *call);
/* The call gave up for now, and another one will go on with it. */
bool call_is_unfinished(const struct sonde_call *call);
/* It may wait for something to arrive. */
bool call_can_wait(const struct sonde_recording *recording,
		   const struct sonde_call *call);
/* The entry of a wait for that socket; NULL. */
const struct sonde_watched *call_watches(const struct sonde_call *call, uint32_t socket);
/* Bytes that a successful send or receive moved in a stream. */
int64_t call_bytes(const struct sonde_call *call);
/* exit_ns, or the end of time for a call that never came back. */
int64_t call_end_ns(const struct sonde_call *call);
/* A shutdown that sends a FIN. */
bool call_ends_stream(const struct sonde_call *call);

/* Call numbers in order of entering, and those on each socket in the same order. */
struct call_index {
	uint32_t *by_enter;
	uint32_t *of_socket;
	uint32_t *socket_begin; /* [socket]: of_socket[begin[s]..begin[s + 1]) */
};

/* Where in of_socket the socket's calls begin that enter at at_ns or later. */
uint32_t call_index_since(const struct sonde_recording *recording,
			  const struct call_index *index, uint32_t socket, int64_t at_ns);
int call_index_init(const struct sonde_recording *recording, struct call_index *ret);
void call_index_done(struct call_index *index);

#endif
