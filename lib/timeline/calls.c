/* Questions about one recorded call, and the calls in order. */
#include "timeline/calls.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/array.h"
#include "base/sort.h"

/* The kernel's own results of a call that a signal broke off: a tracer sees them, the
 * program does not. */
enum { RESTART_SYS = 512, RESTART_NO_INTERRUPT, RESTART_NO_HANDLER, RESTART_BLOCK = 516 };

const struct sonde_call *call_at(const struct sonde_recording *recording, uint32_t call)
{
	if (!call || call > recording->call_count)
		return NULL;
	return &recording->calls[call - 1];
}

const struct sonde_socket *socket_at(const struct sonde_recording *recording,
				     uint32_t socket)
{
	if (!socket || socket > recording->socket_count)
		return NULL;
	return &recording->sockets[socket - 1];
}

const struct sonde_stack *stack_at(const struct sonde_recording *recording,
				   uint32_t stack)
{
	if (!stack || stack > recording->stack_count)
		return NULL;
	return &recording->stacks[stack - 1];
}

uint32_t call_place(const struct sonde_recording *recording,
		    const struct sonde_call *call)
{
	const struct sonde_stack *stack = stack_at(recording, call->stack);

	if (!stack || stack->user_place > recording->place_count)
		return 0;
	return stack->user_place;
}

bool call_returned(const struct sonde_call *call)
{
	return call->exit_ns != 0;
}

bool call_was_interrupted(const struct sonde_call *call)
{
	if (!call_returned(call))
		return false;
	return call->result == -EINTR || call->result == -RESTART_SYS ||
	       call->result == -RESTART_NO_INTERRUPT ||
	       call->result == -RESTART_NO_HANDLER || call->result == -RESTART_BLOCK;
}

bool call_is_unfinished(const struct sonde_call *call)
{
	if (!call_returned(call))
		return false;
	if (call_was_interrupted(call))
		return true;
	/* On a blocking socket this is SO_RCVTIMEO's: the end of the statement. */
	if (call->result == -EAGAIN)
		return call->flags & SONDE_CALL_NONBLOCKING;
	if (call->kind == SONDE_CALL_CONNECT)
		return call->result == -EINPROGRESS || call->result == -EALREADY;
	return call->kind == SONDE_CALL_SEND && call->result > 0 &&
	       (uint64_t)call->result < call->length;
}

bool call_can_wait(const struct sonde_recording *recording, const struct sonde_call *call)
{
	const struct sonde_socket *socket = socket_at(recording, call->socket);

	if (call->flags & SONDE_CALL_NONBLOCKING)
		return false;
	switch (call->kind) {
	case SONDE_CALL_CONNECT:
		/* On a datagram socket it only notes the address. */
		return !socket || (socket->kind != SONDE_SOCKET_UDP &&
				   socket->kind != SONDE_SOCKET_UNIX_DATAGRAM);
	case SONDE_CALL_WAIT:
		return call->timeout_ns != 0;
	case SONDE_CALL_ACCEPT:
	case SONDE_CALL_RECEIVE:
		return true;
	default:
		return false;
	}
}

const struct sonde_watched *call_watches(const struct sonde_call *call, uint32_t socket)
{
	if (!socket)
		return NULL;
	for (uint32_t i = 0; i < call->watched_count; i++)
		if (call->watched[i].socket == socket)
			return &call->watched[i];
	return NULL;
}

int64_t call_bytes(const struct sonde_call *call)
{
	if (!call_returned(call) || call->result <= 0)
		return 0;
	return call->result; /* of several messages, too: the tracer adds them up */
}

int64_t call_end_ns(const struct sonde_call *call)
{
	return call_returned(call) ? call->exit_ns : INT64_MAX;
}

bool call_ends_stream(const struct sonde_call *call)
{
	return call->kind == SONDE_CALL_SHUTDOWN && call_returned(call) &&
	       call->result >= 0 && (call->how == SHUT_WR || call->how == SHUT_RDWR);
}

static int by_enter(const void *left, const void *right, void *recording_)
{
	const struct sonde_recording *recording = recording_;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	int64_t a_ns = recording->calls[a - 1].enter_ns;
	int64_t b_ns = recording->calls[b - 1].enter_ns;

	if (a_ns != b_ns)
		return a_ns < b_ns ? -1 : 1;
	return a < b ? -1 : a > b;
}

uint32_t call_index_since(const struct sonde_recording *recording,
			  const struct call_index *index, uint32_t socket, int64_t at_ns)
{
	uint32_t low = index->socket_begin[socket];
	uint32_t high = index->socket_begin[socket + 1];

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (call_at(recording, index->of_socket[middle])->enter_ns < at_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

int call_index_init(const struct sonde_recording *recording, struct call_index *ret)
{
	struct call_index index = {0};
	uint32_t count = recording->call_count, *at = NULL;
	bool sorted = true;
	int error = -ENOMEM;

	index.by_enter = array_new((size_t)count + 1, sizeof(*index.by_enter));
	index.of_socket = array_new((size_t)count + 1, sizeof(*index.of_socket));
	index.socket_begin = array_new((size_t)recording->socket_count + 2,
				       sizeof(*index.socket_begin));
	at = array_new((size_t)recording->socket_count + 1, sizeof(*at));
	if (!index.by_enter || !index.of_socket || !index.socket_begin || !at)
		goto out;
	for (uint32_t i = 0; i < count; i++) {
		index.by_enter[i] = i + 1;
		if (i && recording->calls[i - 1].enter_ns > recording->calls[i].enter_ns)
			sorted = false;
	}
	if (!sorted) {
		void *context = NULL;

		memcpy(&context, &recording, sizeof(context));
		if (sort_nearly(index.by_enter, count, sizeof(*index.by_enter), by_enter,
				context) < 0)
			goto out;
	}
	for (uint32_t i = 0; i < count; i++)
		if (socket_at(recording, recording->calls[i].socket))
			index.socket_begin[recording->calls[i].socket + 1]++;
	for (uint32_t i = 1; i <= recording->socket_count; i++) {
		at[i] = index.socket_begin[i];
		index.socket_begin[i + 1] += index.socket_begin[i];
	}
	for (uint32_t i = 0; i < count; i++) {
		const struct sonde_call *call = &recording->calls[index.by_enter[i] - 1];

		if (socket_at(recording, call->socket))
			index.of_socket[at[call->socket]++] = call->call;
	}
	*ret = index;
	index = (struct call_index){0};
	error = 0;
out:
	array_free(at);
	call_index_done(&index);
	return error;
}

void call_index_done(struct call_index *index)
{
	array_free(index->by_enter);
	array_free(index->of_socket);
	array_free(index->socket_begin);
	*index = (struct call_index){0};
}
