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
#include "timeline/local.h"
#include "timeline/moment.h"
#include "timeline/ready_local.h"

struct completer {
	struct join *join;
	uint32_t *unfinished; /* [statement - 1]: the telling call to go on with */
	uint32_t *connecting; /* [socket - 1]: the connect in progress */
	/* Of the call that is looked at: what else may have completed it. */
	struct candidates among, of_socket;
};

struct verdict {
	enum sonde_answer blocked;
	enum sonde_why why;
	uint32_t packet;
	uint32_t by_call;
	bool exact;
};

/* A call did it, some time between its entry and its return. */
static struct verdict judge_call(const struct join *join, const struct sonde_call *by,
				 int64_t since_ns)
{
	struct verdict verdict = {.by_call = by->call, .exact = true};

	if (by->enter_ns > moment_plus(since_ns, join_margin_ns(join))) {
		verdict.blocked = SONDE_YES;
	} else if (call_end_ns(by) < since_ns) {
		verdict.blocked = SONDE_NO;
		verdict.why = SONDE_WHY_NOT_BLOCKED;
	} else {
		verdict.blocked = SONDE_UNKNOWN;
		verdict.why = SONDE_WHY_MAYBE;
	}
	return verdict;
}

static struct verdict judge(const struct join *join, const struct sonde_call *call,
			    int64_t since_ns, uint32_t ready)
{
	int64_t margin_ns = join_margin_ns(join);
	struct verdict verdict = {SONDE_UNKNOWN, SONDE_WHY_PACKET_NOT_SEEN, 0, 0, true};
	const struct sonde_call *by = ready_call(join, ready);
	int64_t at_ns;

	if (by)
		return judge_call(join, by, since_ns);
	switch (ready) {
	case READY_NOT_SEEN:
		return verdict;
	case READY_WITHOUT_PACKET:
		return (struct verdict){SONDE_NO, SONDE_WHY_NOT_BLOCKED, 0, 0, true};
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

/* One of several: whether it waited is known where it is the same for all. */
static struct verdict judge_among(const struct completer *completer,
				  const struct sonde_call *call, int64_t since_ns,
				  uint32_t ready)
{
	const struct candidates *among = &completer->among;
	struct verdict verdict = judge(completer->join, call, since_ns, ready);

	verdict.exact = among->is_exact;
	for (uint32_t i = 0; i < among->count; i++) {
		struct verdict other =
			judge(completer->join, call, since_ns, among->numbers[i]);

		if (other.blocked == verdict.blocked)
			continue;
		verdict.blocked = SONDE_UNKNOWN;
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

/* A send to a Unix socket or pipe and a connect to one wait only where there is no room:
 * the scheduler knows.  Where it cannot tell, one that went on while room was made for it
 * may have waited. */
static struct verdict complete_local(struct completer *completer,
				     const struct sonde_call *call)
{
	const struct join *join = completer->join;
	struct verdict verdict = {SONDE_NO, SONDE_WHY_NOT_BLOCKED, 0, 0, true};
	bool is_send = call->kind == SONDE_CALL_SEND;
	uint32_t ready;

	if (call->flags & SONDE_CALL_STAYED)
		return verdict;
	ready = is_send ? ready_local_room(join, call, &completer->among)
			: ready_local_connect(join, call, &completer->among);
	/* It may have slept for another reason, such as a lock. */
	if (ready == READY_NOT_SEEN)
		return verdict;
	if (!(call->flags & SONDE_CALL_SLEPT)) {
		const struct sonde_call *by = ready_call(join, ready);

		if (by &&
		    by->enter_ns > moment_plus(call->enter_ns, join_margin_ns(join)))
			return (struct verdict){SONDE_UNKNOWN, SONDE_WHY_MAYBE, 0, 0,
						true};
		return verdict;
	}
	verdict.blocked = SONDE_YES;
	verdict.why = SONDE_WHY_NONE;
	verdict.by_call = ready_call(join, ready)->call;
	verdict.exact = completer->among.is_exact;
	return verdict;
}

static bool opens_later(const struct join *join, const struct sonde_call *connect)
{
	uint32_t side = join->first_side[connect->socket - 1];
	const struct sonde_call *origin =
		side ? call_at(join->recording, join_side(join, side - 1)->origin) : NULL;

	return origin && origin->kind == SONDE_CALL_SEND &&
	       origin->enter_ns >= connect->exit_ns;
}

/* On a blocking socket both ends of a connect, good and bad, need an answer. */
static struct verdict complete_connect(struct completer *completer,
				       const struct sonde_call *call)
{
	const struct join *join = completer->join;
	const struct sonde_socket *socket = socket_at(join->recording, call->socket);
	struct verdict verdict = {SONDE_YES, SONDE_WHY_NONE, 0, 0, true};

	if (socket && local_is_kind(socket->kind))
		return complete_local(completer, call);
	if (!socket || socket->kind != SONDE_SOCKET_TCP)
		return judge(join, call, call->enter_ns, READY_OWN_SIDE);
	verdict.packet = ready_connect(join, call, call->result < 0, call->exit_ns);
	if (verdict.packet != READY_NOT_SEEN)
		return verdict;
	/* The first send will do it (TCP_FASTOPEN_CONNECT). */
	if (call->result == 0 && opens_later(join, call))
		return (struct verdict){SONDE_NO, SONDE_WHY_NOT_BLOCKED, 0, 0, true};
	/* No route, or no neighbour answered: this machine's own word. */
	if (call->result < 0 && call->result != -ECONNREFUSED &&
	    call->result != -ECONNRESET)
		return judge(join, call, call->enter_ns, READY_OWN_SIDE);
	verdict.why = SONDE_WHY_PACKET_NOT_SEEN;
	return verdict;
}

static void copy_candidates(struct candidates *to, const struct candidates *from)
{
	to->is_exact = from->is_exact;
	to->count = from->count;
	memcpy(to->numbers, from->numbers, from->count * sizeof(from->numbers[0]));
}

static struct verdict complete_wait(struct completer *completer,
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
		candidates_begin(&completer->of_socket);
		ready = ready_watched(join, call, watched,
				      socket ? completer->connecting[watched->socket - 1]
					     : 0,
				      &completer->of_socket);
		if (ready != READY_OWN_SIDE)
			is_own = false;
		if (ready == READY_WITHOUT_PACKET)
			is_without = true;
		else if (ready != READY_NOT_SEEN && ready != READY_OWN_SIDE &&
			 (best == READY_NOT_SEEN ||
			  ready_at_ns(join, ready) < ready_at_ns(join, best))) {
			best = ready;
			copy_candidates(&completer->among, &completer->of_socket);
		}
	}
	if (is_without)
		best = READY_WITHOUT_PACKET;
	else if (best == READY_NOT_SEEN && is_own &&
		 !(call->flags & SONDE_CALL_WATCH_CUT))
		best = READY_OWN_SIDE;
	if (best >= READY_OWN_SIDE || best == READY_NOT_SEEN)
		candidates_begin(&completer->among);
	verdict = judge_among(completer, call, since_ns, best);
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
		return (struct verdict){SONDE_UNKNOWN, SONDE_WHY_PACKET_NOT_SEEN, 0, 0,
					true};
	return verdict;
}

/* The SYN-ACK for which a send waited that opened the connection without a cookie, and so
 * had to do what connect does. */
static uint32_t fast_open(const struct join *join, const struct sonde_call *call)
{
	const struct sonde_packet *syn;
	uint32_t stream;
	unsigned which;

	if (!join_socket_stream(join, call->socket, call->enter_ns, &stream, &which) ||
	    join_state(join, stream)->sides[which].origin != call->call)
		return READY_NOT_SEEN;
	syn = join_packet(join, join_state(join, stream)->sides[which].syn);
	if (!syn || syn->decoded.payload_length)
		return READY_NOT_SEEN;
	return ready_connect(join, call, false, call->exit_ns);
}

static struct verdict complete_send(struct completer *completer,
				    const struct sonde_call *call)
{
	const struct join *join = completer->join;
	const struct sonde_socket *socket = socket_at(join->recording, call->socket);
	const struct verdict no = {SONDE_NO, SONDE_WHY_NOT_BLOCKED, 0, 0, true};
	uint32_t ready;

	if ((call->flags & SONDE_CALL_NONBLOCKING) || !socket)
		return no;
	if (!call_returned(call))
		return (struct verdict){SONDE_YES, SONDE_WHY_STILL_WAITING, 0, 0, true};
	if (call->result == -EAGAIN)
		return (struct verdict){SONDE_YES, SONDE_WHY_TIMED_OUT, 0, 0, true};
	if (call_was_interrupted(call))
		return (struct verdict){SONDE_YES, SONDE_WHY_INTERRUPTED, 0, 0, true};
	if (call->result < 0)
		return no;
	if (local_is_kind(socket->kind))
		return complete_local(completer, call);
	if (socket->kind != SONDE_SOCKET_TCP)
		return no;
	ready = fast_open(join, call);
	if (ready != READY_NOT_SEEN)
		return (struct verdict){SONDE_YES, SONDE_WHY_NONE, ready, 0, true};
	if (moment_minus(call->exit_ns, call->enter_ns) <= READY_SLOW_NS)
		return no;
	if (!join->recording->has_packets)
		return (struct verdict){SONDE_UNKNOWN, SONDE_WHY_NO_PACKETS, 0, 0, true};
	if (!ready_may_be_full(join, call))
		return no;
	ready = ready_room(join, call->socket, call->enter_ns, call->exit_ns,
			   &completer->among);
	return judge_among(completer, call, call->enter_ns, ready);
}

static uint32_t find_accepted(const struct join *join, const struct sonde_call *call,
			      struct candidates *among)
{
	return local_has(join, call->socket) ? ready_local_accept(join, call, among)
					     : ready_accept(join, call);
}

/* The packet that was there already, for a call that would not have waited. */
static struct verdict complete_without_waiting(struct completer *completer,
					       const struct sonde_call *call)
{
	const struct join *join = completer->join;
	struct verdict verdict = {SONDE_NO, SONDE_WHY_NOT_BLOCKED, 0, 0, true};
	uint32_t ready = READY_NOT_SEEN;

	if (call_returned(call) && (call->result >= 0 || is_from_outside(call->result))) {
		if (call->kind == SONDE_CALL_ACCEPT)
			ready = find_accepted(join, call, &completer->among);
		else if (call->kind == SONDE_CALL_RECEIVE)
			ready = ready_receive(join, call, &completer->among);
	}
	verdict.exact = completer->among.is_exact;
	if (join_packet(join, ready))
		verdict.packet = ready;
	else if (ready_call(join, ready))
		verdict.by_call = ready_call(join, ready)->call;
	return verdict;
}

/* Whether packets could tell what ended the call. */
static bool is_internet(const struct join *join, const struct sonde_call *call)
{
	const struct sonde_socket *socket = socket_at(join->recording, call->socket);
	bool any_ready = false;

	if (socket)
		return socket->kind == SONDE_SOCKET_TCP ||
		       socket->kind == SONDE_SOCKET_UDP;
	for (uint32_t i = 0; i < call->watched_count; i++) {
		const struct sonde_watched *watched = &call->watched[i];

		if (!watched->ready)
			continue;
		any_ready = true;
		if (!local_has(join, watched->socket))
			return true;
	}
	return !any_ready;
}

/* The same call before this one, which a signal broke off and which this one repeats: what
 * came in between was waited for as well. */
static const struct sonde_call *interrupted_before(const struct completer *completer,
						   const struct sonde_call *call)
{
	const struct join *join = completer->join;
	uint32_t statement = join->timeline->statement_of_call[call->call - 1];
	const struct sonde_call *before =
		call_at(join->recording, completer->unfinished[statement - 1]);

	if (!before || before->kind != call->kind || before->socket != call->socket ||
	    !call_was_interrupted(before))
		return NULL;
	return before;
}

static struct verdict complete(struct completer *completer, const struct sonde_call *call)
{
	const struct join *join = completer->join;
	struct verdict verdict;

	candidates_begin(&completer->among);
	switch (call->kind) {
	case SONDE_CALL_CONNECT:
	case SONDE_CALL_ACCEPT:
	case SONDE_CALL_RECEIVE:
	case SONDE_CALL_WAIT:
		break;
	case SONDE_CALL_SEND:
		return complete_send(completer, call);
	default:
		return (struct verdict){SONDE_NO, SONDE_WHY_NONE, 0, 0, true};
	}
	if (!call_can_wait(join->recording, call))
		return complete_without_waiting(completer, call);
	if (!call_returned(call))
		return (struct verdict){SONDE_YES, SONDE_WHY_STILL_WAITING, 0, 0, true};
	if (call_was_interrupted(call))
		return (struct verdict){SONDE_YES, SONDE_WHY_INTERRUPTED, 0, 0, true};
	if (has_timed_out(call))
		return (struct verdict){SONDE_YES, SONDE_WHY_TIMED_OUT, 0, 0, true};
	if (call->result < 0 && !is_from_outside(call->result))
		return (struct verdict){SONDE_NO, SONDE_WHY_NOT_BLOCKED, 0, 0, true};
	if (!join->recording->has_packets && is_internet(join, call))
		return heed_scheduler(call,
				      (struct verdict){SONDE_UNKNOWN,
						       SONDE_WHY_NO_PACKETS, 0, 0, true});

	switch (call->kind) {
	case SONDE_CALL_CONNECT:
		return complete_connect(completer, call);
	case SONDE_CALL_ACCEPT:
	case SONDE_CALL_RECEIVE: {
		const struct sonde_call *before = interrupted_before(completer, call);
		uint32_t ready = call->kind == SONDE_CALL_ACCEPT
					 ? find_accepted(join, call, &completer->among)
					 : ready_receive(join, call, &completer->among);

		verdict = judge_among(completer, call,
				      before ? before->enter_ns : call->enter_ns, ready);
		/* It may have waited in the one before. */
		return before && verdict.blocked != SONDE_UNKNOWN
			       ? verdict
			       : heed_scheduler(call, verdict);
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
	const struct join *join = completer->join;
	uint32_t statement = join->timeline->statement_of_call[call->call - 1];
	uint32_t *unfinished = &completer->unfinished[statement - 1];
	const struct sonde_call *before = call_at(join->recording, *unfinished);

	if (call->kind == SONDE_CALL_CONNECT || call->kind == SONDE_CALL_ACCEPT ||
	    call->kind == SONDE_CALL_RECEIVE) {
		/* One that is repeated keeps the moment of its first begin. */
		if (!interrupted_before(completer, call) || !call_was_interrupted(call))
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
	timeline->call_why[at] = (uint8_t)verdict->why;
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
		const struct verdict verdict = complete(&completer, call);

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
