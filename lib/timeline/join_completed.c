/* Which packet completed each blocking call, and whether it blocked at all.
 *
 * The calls are asked in order of entering (completer.c); what is found is written down and
 * becomes edges, and what a later call goes on with is kept. */
#include "timeline/completer.h"

#include <errno.h>

#include "base/array.h"
#include "timeline/calls.h"
#include "timeline/ready.h"

static void follow_connect(const struct completer *completer,
			   const struct sonde_call *call)
{
	const struct sonde_recording *recording = completer->join->recording;

	if (socket_at(recording, call->socket)) {
		uint32_t *connecting = &completer->connecting[call->socket - 1];

		if (call->kind == SONDE_CALL_CONNECT && call_returned(call) &&
		    call->result == -EINPROGRESS)
			*connecting = call->call;
		else if ((call->kind == SONDE_CALL_SEND ||
			  call->kind == SONDE_CALL_RECEIVE) &&
			 call->result >= 0)
			*connecting = 0;
	}
	if (call->kind != SONDE_CALL_WAIT)
		return;
	for (uint32_t i = 0; i < call->watched_count; i++)
		if (call->watched[i].ready &&
		    socket_at(recording, call->watched[i].socket))
			completer->connecting[call->watched[i].socket - 1] = 0;
}

static void follow_statement(const struct completer *completer,
			     const struct sonde_call *call)
{
	const struct join *join = completer->join;
	uint32_t statement = join->timeline->statement_of_call[call->call - 1];
	uint32_t *unfinished = &completer->unfinished[statement - 1];
	const struct sonde_call *before = call_at(join->recording, *unfinished);

	if (call->kind == SONDE_CALL_CONNECT || call->kind == SONDE_CALL_ACCEPT ||
	    call->kind == SONDE_CALL_RECEIVE) {
		/* One that is repeated keeps the moment of its first begin. */
		if (!completer_interrupted_before(completer, call) ||
		    !call_was_interrupted(call))
			*unfinished = call_is_unfinished(call) ? call->call : 0;
	} else if (call->kind == SONDE_CALL_WAIT &&
		   (!before || before->kind == SONDE_CALL_WAIT)) {
		if (!call_was_interrupted(call))
			*unfinished = 0;
		else if (!before)
			*unfinished = call->call;
	}
}

/* An edge for each of the candidates, where there are several. */
static int add_edges(struct join *join, const struct sonde_edge *edge,
		     const struct candidates *among)
{
	if (!among->count)
		return join_add_call_edge(join, edge);
	for (uint32_t i = 0; i < among->count; i++) {
		const struct sonde_call *by = ready_call(join, among->numbers[i]);
		struct sonde_edge one = *edge;

		one.packet = by ? 0 : among->numbers[i];
		one.by_call = by ? by->call : 0;
		one.by_statement =
			by ? join->timeline->statement_of_call[by->call - 1] : 0;
		if (join_add_call_edge(join, &one) < 0)
			return -ENOMEM;
	}
	return 0;
}

static int write_verdict(struct join *join, const struct sonde_call *call,
			 const struct verdict *verdict, const struct candidates *among)
{
	struct sonde_timeline *timeline = join->timeline;
	uint32_t at = call->call - 1;
	struct sonde_statement *statement =
		&timeline->statements[timeline->statement_of_call[at] - 1];
	const struct sonde_edge edge = {
		.kind = SONDE_EDGE_COMPLETED,
		.exact = verdict->exact,
		.statement = statement->statement,
		.call = call->call,
		.packet = verdict->packet,
		.by_call = verdict->by_call,
		.by_statement =
			verdict->by_call
				? timeline->statement_of_call[verdict->by_call - 1]
				: 0,
	};

	timeline->call_blocked[at] = (uint8_t)verdict->blocked;
	timeline->call_why[at] = (uint8_t)verdict_why(join, call, verdict);
	timeline->call_packet[at] = verdict->packet;
	timeline->call_by[at] = verdict->by_call;
	timeline->call_unsure[at] = !verdict->exact;
	if (verdict->blocked == SONDE_YES)
		statement->blocked = SONDE_YES;
	else if (verdict->blocked == SONDE_UNKNOWN && statement->blocked == SONDE_NO)
		statement->blocked = SONDE_UNKNOWN;
	if (verdict->blocked != SONDE_YES || (!verdict->packet && !verdict->by_call))
		return 0;
	return add_edges(join, &edge, among);
}

int completed_join(struct join *join)
{
	const struct sonde_recording *recording = join->recording;
	struct sonde_timeline *timeline = join->timeline;
	size_t count = (size_t)recording->call_count + 1;
	struct completer completer = {.join = join};
	int error = -ENOMEM;

	timeline->call_blocked = array_new(count, sizeof(*timeline->call_blocked));
	timeline->call_why = array_new(count, sizeof(*timeline->call_why));
	timeline->call_packet = array_new(count, sizeof(*timeline->call_packet));
	timeline->call_by = array_new(count, sizeof(*timeline->call_by));
	timeline->call_unsure = array_new(count, sizeof(*timeline->call_unsure));
	completer.unfinished = array_new((size_t)timeline->statement_count + 1,
					 sizeof(*completer.unfinished));
	completer.connecting = array_new((size_t)recording->socket_count + 1,
					 sizeof(*completer.connecting));
	if (!timeline->call_blocked || !timeline->call_why || !timeline->call_packet ||
	    !timeline->call_by || !timeline->call_unsure || !completer.unfinished ||
	    !completer.connecting)
		goto out;
	for (uint32_t i = 0; i < recording->call_count; i++) {
		const struct sonde_call *call =
			call_at(recording, join->calls.by_enter[i]);
		const struct verdict verdict = completer_judge(&completer, call);

		if (write_verdict(join, call, &verdict, &completer.among) < 0)
			goto out;
		follow_connect(&completer, call);
		follow_statement(&completer, call);
	}
	error = 0;
out:
	array_free(completer.unfinished);
	array_free(completer.connecting);
	return error;
}
