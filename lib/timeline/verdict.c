/* Whether a call waited: the time of what made it ready is held against the moment of
 * entering.  A packet that came later than that had to be waited for; one that came earlier
 * had not; within the tracer's margin the times cannot tell, and nothing is guessed.  Where
 * the tracer saw what the scheduler did, that decides: who kept its processor did not wait,
 * however late it got there; who gave it up did. */
#include "timeline/verdict.h"

#include "timeline/local.h"
#include "timeline/moment.h"
#include "timeline/ready.h"

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

struct verdict verdict_reach(const struct join *join, const struct sonde_call *call,
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

struct verdict verdict_among(const struct join *join, const struct candidates *among,
			     const struct sonde_call *call, int64_t since_ns,
			     uint32_t ready)
{
	struct verdict verdict = verdict_reach(join, call, since_ns, ready);

	verdict.exact = among->is_exact;
	for (uint32_t i = 0; i < among->count; i++) {
		struct verdict other =
			verdict_reach(join, call, since_ns, among->numbers[i]);

		if (other.blocked == verdict.blocked)
			continue;
		verdict.blocked = SONDE_UNKNOWN;
		verdict.why = SONDE_WHY_MAYBE;
	}
	return verdict;
}

struct verdict verdict_heed_scheduler(const struct sonde_call *call,
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

/* A socket that sends packets which are not joined: ICMP, raw IP, SCTP. */
static bool is_unjoined(const struct join *join, uint32_t number)
{
	const struct sonde_socket *socket = socket_at(join->recording, number);

	return socket && socket->kind == SONDE_SOCKET_OTHER &&
	       (socket->family == SONDE_FAMILY_INET ||
		socket->family == SONDE_FAMILY_INET6);
}

static bool asks_unjoined(const struct join *join, const struct sonde_call *call)
{
	if (call->socket)
		return is_unjoined(join, call->socket);
	for (uint32_t i = 0; i < call->watched_count; i++)
		if (call->watched[i].ready && is_unjoined(join, call->watched[i].socket))
			return true;
	return false;
}

/* All that it was about has no packets: another call did it. */
static bool asks_local(const struct join *join, const struct sonde_call *call)
{
	bool any_ready = false;

	if (call->socket)
		return local_has(join, call->socket);
	for (uint32_t i = 0; i < call->watched_count; i++) {
		if (!call->watched[i].ready)
			continue;
		any_ready = true;
		if (!local_has(join, call->watched[i].socket))
			return false;
	}
	return any_ready;
}

enum sonde_why verdict_why(const struct join *join, const struct sonde_call *call,
			   const struct verdict *verdict)
{
	if (verdict->why == SONDE_WHY_PACKET_NOT_SEEN && asks_local(join, call))
		return SONDE_WHY_CALL_NOT_SEEN;
	if (verdict->why == SONDE_WHY_OWN_SIDE && asks_unjoined(join, call))
		return SONDE_WHY_NOT_JOINED;
	if (verdict->why != SONDE_WHY_NOT_BLOCKED || verdict->packet || verdict->by_call)
		return verdict->why;
	if (call->result < 0)
		return SONDE_WHY_AT_ONCE;
	switch (call->kind) {
	case SONDE_CALL_SEND:
		return SONDE_WHY_BUFFERED;
	case SONDE_CALL_ACCEPT:
	case SONDE_CALL_RECEIVE:
		return SONDE_WHY_NOT_BLOCKED;
	case SONDE_CALL_WAIT:
		return call->result ? SONDE_WHY_NOT_BLOCKED : SONDE_WHY_AT_ONCE;
	default:
		return SONDE_WHY_AT_ONCE;
	}
}
