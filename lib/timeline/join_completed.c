/* Which packet completed each blocking call, and whether it blocked at all.
 *
 * ready.c says which packet the call waited for; here its time is held against the moment
 * of entering.  A packet that came later than that had to be waited for; one that came
 * earlier had not; within the tracer's margin the times cannot tell, and nothing is
 * guessed.  Where the tracer saw what the scheduler did, that decides: who kept its
 * processor did not wait, however late it got there; who gave it up did.
 *
 * A wait that goes on with a call of its own statement (connect, EINPROGRESS, poll) is
 * held against the moment when that call was entered: for the one who wrote the line it
 * is the connect that waits. */
#include "timeline/ready.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "timeline/moment.h"

struct completer {
	struct join *join;
	uint32_t *unfinished; /* [statement - 1]: the telling call to go on with */
	uint32_t *connecting; /* [socket - 1]: the connect in progress */
};

struct verdict {
	enum sonde_answer blocked;
	enum sonde_why why;
	uint32_t packet;
	bool exact;
};

static struct verdict judge(const struct join *join, const struct sonde_call *call,
			    int64_t since_ns, uint32_t ready)
{
	int64_t margin_ns = join_margin_ns(join);
	struct verdict verdict = {SONDE_UNKNOWN, SONDE_WHY_PACKET_NOT_SEEN, 0, true};
	int64_t at_ns;

	switch (ready) {
	case READY_NOT_SEEN:
		return verdict;
	case READY_WITHOUT_PACKET:
		return (struct verdict){SONDE_NO, SONDE_WHY_NOT_BLOCKED, 0, true};
	case READY_OWN_SIDE:
		verdict.why = SONDE_WHY_OWN_SIDE;
		if (moment_minus(call->exit_ns, call->enter_ns) <= margin_ns)
			verdict.blocked = SONDE_NO;
		return verdict;
	default:
		break;
	}
	at_ns = join_packet(join, ready)->at_ns;
	verdict.packet = ready;
	if (at_ns > moment_plus(since_ns, margin_ns)) {
		verdict.blocked = SONDE_YES;
		verdict.why = SONDE_WHY_NONE;
	} else if (at_ns < moment_minus(since_ns, margin_ns)) {
		verdict.blocked = SONDE_NO;
		verdict.why = SONDE_WHY_NOT_BLOCKED;
	} else {
		verdict.why = SONDE_WHY_MAYBE;
	}
	return verdict;
}

/* What the scheduler saw is more than what two clocks can tell. */
static struct verdict heed_scheduler(const struct sonde_call *call,
				     struct verdict verdict)
{
	if (call->flags & SONDE_CALL_STAYED) {
		verdict.blocked = SONDE_NO;
		verdict.why = SONDE_WHY_NOT_BLOCKED;
	} else if ((call->flags & SONDE_CALL_SLEPT) && verdict.blocked == SONDE_UNKNOWN) {
		verdict.blocked = SONDE_YES;
		if (verdict.why == SONDE_WHY_MAYBE)
			verdict.why = SONDE_WHY_NONE;
	}
	return verdict;
}

static bool has_timed_out(const struct sonde_call *call)
{
	switch (call->kind) {
	case SONDE_CALL_WAIT:
		return call->result == 0;
	case SONDE_CALL_CONNECT:
		return call->result == -EINPROGRESS || call->result == -ETIMEDOUT;
	default:
		return call->result == -EAGAIN || call->result == -ETIMEDOUT;
	}
}

/* Errors that something from outside brings; all others are found on the way in. */
static bool is_from_outside(int64_t result)
{
	switch (result) {
	case -ECONNRESET:
	case -ECONNREFUSED:
	case -ECONNABORTED:
	case -EPIPE:
	case -EHOSTUNREACH:
	case -ENETUNREACH:
	case -ENETDOWN:
	case -EHOSTDOWN:
	case -ENOPROTOOPT:
	case -EPROTO:
		return true;
	default:
		return false;
	}
}

/* On a blocking socket both ends of a connect, good and bad, need an answer. */
static struct verdict complete_connect(const struct join *join,
				       const struct sonde_call *call)
{
	const struct sonde_socket *socket = socket_at(join->recording, call->socket);
	struct verdict verdict = {SONDE_YES, SONDE_WHY_NONE, 0, true};

	if (!socket || socket->kind != SONDE_SOCKET_TCP)
		return judge(join, call, call->enter_ns, READY_OWN_SIDE);
	verdict.packet = ready_connect(join, call, call->result < 0, call->exit_ns);
	if (verdict.packet != READY_NOT_SEEN)
		return verdict;
	/* No route, or no neighbour answered: this machine's own word. */
	if (call->result < 0 && call->result != -ECONNREFUSED &&
	    call->result != -ECONNRESET)
		return judge(join, call, call->enter_ns, READY_OWN_SIDE);
	verdict.why = SONDE_WHY_PACKET_NOT_SEEN;
	return verdict;
}

static struct verdict complete_wait(const struct completer *completer,
				    const struct sonde_call *call)
{
	const struct join *join = completer->join;
	const struct sonde_call *unfinished = call_at(
		join->recording,
		completer->unfinished[join->timeline->statement_of_call[call->call - 1] -
				      1]);
	int64_t since_ns = unfinished ? unfinished->enter_ns : call->enter_ns;
	uint32_t best = READY_NOT_SEEN;
	struct verdict verdict;
	bool is_without = false, is_own = true;

	for (uint32_t i = 0; i < call->watched_count; i++) {
		const struct sonde_watched *watched = &call->watched[i];
		const struct sonde_socket *socket =
			socket_at(join->recording, watched->socket);
		uint32_t ready;

		if (!watched->ready)
			continue;
		ready = ready_watched(join, call, watched,
				      socket ? completer->connecting[watched->socket - 1]
					     : 0);
		if (ready != READY_OWN_SIDE)
			is_own = false;
		if (ready == READY_WITHOUT_PACKET)
			is_without = true;
		else if (ready != READY_NOT_SEEN && ready != READY_OWN_SIDE &&
			 (best == READY_NOT_SEEN || ready < best))
			best = ready;
	}
	if (is_without)
		best = READY_WITHOUT_PACKET;
	else if (best == READY_NOT_SEEN && is_own &&
		 !(call->flags & SONDE_CALL_WATCH_CUT))
		best = READY_OWN_SIDE;
	verdict = judge(join, call, since_ns, best);
	/* The answer to a SYN cannot have been there before the call that sent it. */
	if (verdict.why == SONDE_WHY_MAYBE && unfinished &&
	    unfinished->kind == SONDE_CALL_CONNECT) {
		verdict.blocked = SONDE_YES;
		verdict.why = SONDE_WHY_NONE;
	}
	/* Before the one that it goes on with, it may have waited in that one. */
	if (!unfinished || verdict.blocked == SONDE_UNKNOWN)
		verdict = heed_scheduler(call, verdict);
	/* An edge-triggered epoll waits although there is something to read; one that took
	 * long without giving up its processor was merely slow. */
	if (verdict.blocked == SONDE_NO && !(call->flags & SONDE_CALL_STAYED) &&
	    call->name && !strncmp(call->name, "epoll", 5) &&
	    moment_minus(call->exit_ns, call->enter_ns) > READY_SLOW_NS)
		return (struct verdict){SONDE_UNKNOWN, SONDE_WHY_PACKET_NOT_SEEN, 0,
					true};
	return verdict;
}

static struct verdict complete_send(const struct join *join,
				    const struct sonde_call *call)
{
	const struct sonde_socket *socket = socket_at(join->recording, call->socket);
	const struct verdict no = {SONDE_NO, SONDE_WHY_NOT_BLOCKED, 0, true};
	struct verdict verdict;

	if ((call->flags & SONDE_CALL_NONBLOCKING) || !socket)
		return no;
	if (!call_returned(call))
		return (struct verdict){SONDE_YES, SONDE_WHY_STILL_WAITING, 0, true};
	if (call->result == -EAGAIN)
		return (struct verdict){SONDE_YES, SONDE_WHY_TIMED_OUT, 0, true};
	if (call_was_interrupted(call))
		return (struct verdict){SONDE_YES, SONDE_WHY_INTERRUPTED, 0, true};
	if (call->result < 0 || socket->kind != SONDE_SOCKET_TCP)
		return no;
	if (moment_minus(call->exit_ns, call->enter_ns) <= READY_SLOW_NS)
		return no;
	if (!join->recording->has_packets)
		return (struct verdict){SONDE_UNKNOWN, SONDE_WHY_NO_PACKETS, 0, true};
	verdict = judge(join, call, call->enter_ns,
			ready_room(join, call->socket, call->enter_ns, call->exit_ns));
	return verdict;
}

/* The packet that was there already, for a call that would not have waited. */
static struct verdict complete_without_waiting(const struct join *join,
					       const struct sonde_call *call)
{
	struct verdict verdict = {SONDE_NO, SONDE_WHY_NOT_BLOCKED, 0, true};
	uint32_t ready = READY_NOT_SEEN;

	if (call_returned(call) && (call->result >= 0 || is_from_outside(call->result))) {
		if (call->kind == SONDE_CALL_ACCEPT)
			ready = ready_accept(join, call);
		else if (call->kind == SONDE_CALL_RECEIVE)
			ready = ready_receive(join, call, &verdict.exact);
	}
	if (join_packet(join, ready))
		verdict.packet = ready;
	return verdict;
}

static bool is_internet(const struct join *join, const struct sonde_call *call)
{
	const struct sonde_socket *socket = socket_at(join->recording, call->socket);

	/* A wait on several has no socket of its own. */
	return !socket || socket->kind == SONDE_SOCKET_TCP ||
	       socket->kind == SONDE_SOCKET_UDP;
}

static struct verdict complete(const struct completer *completer,
			       const struct sonde_call *call)
{
	const struct join *join = completer->join;
	struct verdict verdict;

	switch (call->kind) {
	case SONDE_CALL_CONNECT:
	case SONDE_CALL_ACCEPT:
	case SONDE_CALL_RECEIVE:
	case SONDE_CALL_WAIT:
		break;
	case SONDE_CALL_SEND:
		return complete_send(join, call);
	default:
		return (struct verdict){SONDE_NO, SONDE_WHY_NONE, 0, true};
	}
	if (!call_can_wait(join->recording, call))
		return complete_without_waiting(join, call);
	if (!call_returned(call))
		return (struct verdict){SONDE_YES, SONDE_WHY_STILL_WAITING, 0, true};
	if (call_was_interrupted(call))
		return (struct verdict){SONDE_YES, SONDE_WHY_INTERRUPTED, 0, true};
	if (has_timed_out(call))
		return (struct verdict){SONDE_YES, SONDE_WHY_TIMED_OUT, 0, true};
	if (call->result < 0 && !is_from_outside(call->result))
		return (struct verdict){SONDE_NO, SONDE_WHY_NOT_BLOCKED, 0, true};
	if (!join->recording->has_packets && is_internet(join, call))
		return heed_scheduler(
			call,
			(struct verdict){SONDE_UNKNOWN, SONDE_WHY_NO_PACKETS, 0, true});

	switch (call->kind) {
	case SONDE_CALL_CONNECT:
		return complete_connect(join, call);
	case SONDE_CALL_ACCEPT:
		verdict = judge(join, call, call->enter_ns,
				is_internet(join, call) ? ready_accept(join, call)
							: READY_OWN_SIDE);
		return heed_scheduler(call, verdict);
	case SONDE_CALL_RECEIVE: {
		bool exact;
		uint32_t ready = ready_receive(join, call, &exact);

		verdict = judge(join, call, call->enter_ns, ready);
		verdict.exact = exact;
		return heed_scheduler(call, verdict);
	}
	default:
		return complete_wait(completer, call);
	}
}

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
	uint32_t statement = completer->join->timeline->statement_of_call[call->call - 1];

	if (call->kind == SONDE_CALL_CONNECT || call->kind == SONDE_CALL_ACCEPT ||
	    call->kind == SONDE_CALL_RECEIVE)
		completer->unfinished[statement - 1] =
			call_is_unfinished(call) ? call->call : 0;
}

static int write_verdict(struct join *join, const struct sonde_call *call,
			 const struct verdict *verdict)
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
	};

	timeline->call_blocked[at] = (uint8_t)verdict->blocked;
	timeline->call_why[at] = (uint8_t)verdict->why;
	timeline->call_packet[at] = verdict->packet;
	if (verdict->blocked == SONDE_YES)
		statement->blocked = SONDE_YES;
	else if (verdict->blocked == SONDE_UNKNOWN && statement->blocked == SONDE_NO)
		statement->blocked = SONDE_UNKNOWN;
	if (verdict->blocked != SONDE_YES || !verdict->packet)
		return 0;
	return join_add_call_edge(join, &edge);
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
	completer.unfinished = array_new((size_t)timeline->statement_count + 1,
					 sizeof(*completer.unfinished));
	completer.connecting = array_new((size_t)recording->socket_count + 1,
					 sizeof(*completer.connecting));
	if (!timeline->call_blocked || !timeline->call_why || !timeline->call_packet ||
	    !completer.unfinished || !completer.connecting)
		goto out;
	for (uint32_t i = 0; i < recording->call_count; i++) {
		const struct sonde_call *call =
			call_at(recording, join->calls.by_enter[i]);
		const struct verdict verdict = complete(&completer, call);

		if (write_verdict(join, call, &verdict) < 0)
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
