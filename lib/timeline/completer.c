/* What completed a call, kind of call by kind.
 *
 * A wait that goes on with a call of its own statement (connect, EINPROGRESS, poll) is
 * held against the moment when that call was entered: for the one who wrote the line it
 * is the connect that waits. */
#include "timeline/completer.h"

#include <errno.h>
#include <string.h>

#include "timeline/local.h"
#include "timeline/moment.h"
#include "timeline/ready.h"
#include "timeline/ready_local.h"

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
		return verdict_reach(join, call, call->enter_ns, READY_OWN_SIDE);
	verdict.packet = ready_connect(join, call, call->result < 0, call->exit_ns);
	if (verdict.packet != READY_NOT_SEEN)
		return verdict;
	/* The first send will do it (TCP_FASTOPEN_CONNECT). */
	if (call->result == 0 && opens_later(join, call))
		return (struct verdict){SONDE_NO, SONDE_WHY_NOT_BLOCKED, 0, 0, true};
	/* No route, or no neighbour answered: this machine's own word. */
	if (call->result < 0 && call->result != -ECONNREFUSED &&
	    call->result != -ECONNRESET)
		return verdict_reach(join, call, call->enter_ns, READY_OWN_SIDE);
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
	verdict = verdict_among(completer->join, &completer->among, call, since_ns, best);
	/* The answer to a SYN cannot have been there before the call that sent it. */
	if (verdict.why == SONDE_WHY_MAYBE && unfinished &&
	    unfinished->kind == SONDE_CALL_CONNECT) {
		verdict.blocked = SONDE_YES;
		verdict.why = SONDE_WHY_NONE;
	}
	/* Before the one that it goes on with, it may have waited in that one. */
	if (!unfinished || verdict.blocked == SONDE_UNKNOWN)
		verdict = verdict_heed_scheduler(call, verdict);
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
	return verdict_among(completer->join, &completer->among, call, call->enter_ns,
			     ready);
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

const struct sonde_call *completer_interrupted_before(const struct completer *completer,
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

struct verdict completer_judge(struct completer *completer, const struct sonde_call *call)
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
		return verdict_heed_scheduler(call, (struct verdict){SONDE_UNKNOWN,
								     SONDE_WHY_NO_PACKETS,
								     0, 0, true});

	switch (call->kind) {
	case SONDE_CALL_CONNECT:
		return complete_connect(completer, call);
	case SONDE_CALL_ACCEPT:
	case SONDE_CALL_RECEIVE: {
		const struct sonde_call *before =
			completer_interrupted_before(completer, call);
		uint32_t ready = call->kind == SONDE_CALL_ACCEPT
					 ? find_accepted(join, call, &completer->among)
					 : ready_receive(join, call, &completer->among);

		verdict =
			verdict_among(completer->join, &completer->among, call,
				      before ? before->enter_ns : call->enter_ns, ready);
		/* It may have waited in the one before. */
		return before && verdict.blocked != SONDE_UNKNOWN
			       ? verdict
			       : verdict_heed_scheduler(call, verdict);
	}
	default:
		return complete_wait(completer, call);
	}
}
