/* One receive taken for one message.  TCP is a stream: what was sent in one call may arrive
 * in several receives, and what was sent in several may arrive in one.
 *
 * A program that reads on until it has the message, or that splits what it has read, does
 * right, and its calls look much the same.  So what counts is the outcome: bytes of a
 * message that were there and were never read, or a peer that waits in vain for the answer
 * to a message that arrived together with another one. */
#include "finding/finding.h"

/* The sends of one socket, or its receives, in order, as ranges of the stream. */
struct cursor {
	const struct finding_facts *facts;
	const uint32_t *calls;
	size_t count, at;
	enum sonde_call_kind kind;
	const struct sonde_call *call; /* the current one */
	int64_t from, to;
};

static void cursor_init(struct cursor *cursor, const struct finding_facts *facts,
			uint32_t socket, enum sonde_call_kind kind)
{
	*cursor = (struct cursor){.facts = facts, .kind = kind};
	cursor->count = fact_calls(facts, socket, &cursor->calls);
}

/* The next call that moved bytes. */
static bool cursor_next(struct cursor *cursor)
{
	while (cursor->at < cursor->count) {
		uint32_t number = cursor->calls[cursor->at++];
		const struct sonde_call *call =
			&cursor->facts->recording->calls[number - 1];

		if (call->kind != cursor->kind || (call->flags & SONDE_CALL_PEEK) ||
		    call_bytes(call) <= 0)
			continue;
		cursor->call = call;
		cursor->from = cursor->to;
		cursor->to += call_bytes(call);
		return true;
	}
	return false;
}

static unsigned count_moving(const struct finding_facts *facts, uint32_t socket,
			     enum sonde_call_kind kind)
{
	struct cursor cursor;
	unsigned count = 0;

	cursor_init(&cursor, facts, socket, kind);
	while (cursor_next(&cursor))
		count++;
	return count;
}

/* The send whose bytes the offset lies in the middle of. */
static const struct sonde_call *find_cut_send(const struct finding_facts *facts,
					      uint32_t socket, int64_t offset,
					      int64_t *ret_left)
{
	struct cursor sends;

	cursor_init(&sends, facts, socket, SONDE_CALL_SEND);
	while (cursor_next(&sends)) {
		if (sends.from < offset && offset < sends.to) {
			*ret_left = sends.to - offset;
			return sends.call;
		}
	}
	return NULL;
}

static void find_split(const struct finding_facts *facts, struct finding_list *list,
		       uint32_t stream, uint32_t sender, uint32_t receiver)
{
	const struct sonde_socket *socket = &facts->recording->sockets[receiver - 1];
	const struct sonde_call *send, *receive = NULL;
	int64_t arrived, taken, left;
	struct sonde_finding *finding;
	struct cursor receives;

	cursor_init(&receives, facts, receiver, SONDE_CALL_RECEIVE);
	while (cursor_next(&receives))
		receive = receives.call;
	/* Whoever never read, or was ended, had no chance to. */
	if (!receive || fact_was_ended(facts, socket->program))
		return;
	if (!fact_unread(facts, receiver, INT64_MAX, &arrived, &taken) ||
	    arrived <= taken)
		return;
	send = find_cut_send(facts, sender, taken, &left);
	if (!send)
		return;
	finding = finding_add(facts, list, "message-split", SONDE_ERROR, stream,
			      fact_statement(facts, receive->call));
	finding_statement(finding, fact_statement(facts, send->call));
	finding_packet(finding, fact_packet_of(facts, receive->call));
	finding_why(
		finding,
		"This receive got %lld of the %lld bytes of one send; the other %lld "
		"bytes were never read. TCP is a stream: one receive need not bring a "
		"whole message.",
		(long long)(call_bytes(send) - left), (long long)call_bytes(send),
		(long long)left);
	finding_remedy(finding, "Receive in a loop until the message is complete: by its "
				"length, or by its end mark.");
}

/* The first receive that brought bytes of more than one send. */
static const struct sonde_call *find_merging(const struct finding_facts *facts,
					     uint32_t sender, uint32_t receiver,
					     unsigned *ret_sends)
{
	struct cursor sends, receives;
	bool has_send;

	cursor_init(&receives, facts, receiver, SONDE_CALL_RECEIVE);
	cursor_init(&sends, facts, sender, SONDE_CALL_SEND);
	has_send = cursor_next(&sends);
	while (cursor_next(&receives)) {
		unsigned touched = 0;

		while (has_send && sends.to <= receives.from)
			has_send = cursor_next(&sends);
		while (has_send && sends.from < receives.to) {
			touched++;
			if (sends.to > receives.to)
				break; /* the next receive has some of it, too */
			has_send = cursor_next(&sends);
		}
		if (touched > 1) {
			*ret_sends = touched;
			return receives.call;
		}
	}
	return NULL;
}

static void say_merged(const struct finding_facts *facts, struct finding_list *list,
		       uint32_t stream, const struct sonde_call *receive, unsigned sends,
		       const struct sonde_call *waiting)
{
	struct sonde_finding *finding =
		finding_add(facts, list, "messages-merged", SONDE_ERROR, stream,
			    fact_statement(facts, receive->call));

	finding_statement(finding, fact_statement(facts, waiting->call));
	finding_packet(finding, fact_packet_of(facts, receive->call));
	finding_why(finding,
		    "This receive brought the bytes of %u sends at once, and they were "
		    "taken for one message: %s waits in vain for what belongs to the "
		    "other%s. TCP is a stream without message borders.",
		    sends, fact_program(facts, waiting->program), sends > 2 ? "s" : "");
	finding_remedy(finding,
		       "Keep what was received in a buffer, and take one message "
		       "after the other out of it before receiving again.");
}

static void find_merged(const struct finding_facts *facts, struct finding_list *list,
			uint32_t stream, uint32_t sender, uint32_t receiver)
{
	unsigned sends = count_moving(facts, sender, SONDE_CALL_SEND);
	unsigned receives = count_moving(facts, receiver, SONDE_CALL_RECEIVE);
	unsigned answers = count_moving(facts, receiver, SONDE_CALL_SEND);
	unsigned answered = count_moving(facts, sender, SONDE_CALL_RECEIVE);
	unsigned merged = 0;
	const struct sonde_call *receive, *waiting;

	if (sends < 2 || receives >= sends ||
	    (!fact_vain(facts, sender) && !fact_vain(facts, receiver)))
		return;
	receive = find_merging(facts, sender, receiver, &merged);
	if (!receive)
		return;
	/* A server that answers once for each receive, and a client that waits for the
	 * missing answer ... */
	waiting = fact_vain(facts, sender);
	if (waiting && answers && answers == receives && answered <= answers) {
		say_merged(facts, list, stream, receive, merged, waiting);
		return;
	}
	/* ... or a client that got all the answers and counts receives. */
	waiting = fact_vain(facts, receiver);
	if (waiting && answers == sends && !fact_vain(facts, sender) &&
	    waiting->enter_ns > receive->enter_ns)
		say_merged(facts, list, stream, receive, merged, waiting);
}

void finding_message(const struct finding_facts *facts, struct finding_list *list)
{
	for (uint32_t i = 0; i < fact_connection_count(facts); i++) {
		const struct fact_connection it = fact_connection(facts, i);
		uint32_t client = it.client, server = it.server;

		if (it.kind != SONDE_SOCKET_TCP || !client || !server ||
		    !fact_is_single(facts, client) || !fact_is_single(facts, server))
			continue;
		/* NOLINTNEXTLINE(readability-suspicious-call-argument): one sends. */
		find_split(facts, list, it.stream, client, server);
		/* NOLINTNEXTLINE(readability-suspicious-call-argument): the other way. */
		find_split(facts, list, it.stream, server, client);
		/* NOLINTNEXTLINE(readability-suspicious-call-argument): one sends. */
		find_merged(facts, list, it.stream, client, server);
		/* NOLINTNEXTLINE(readability-suspicious-call-argument): the other way. */
		find_merged(facts, list, it.stream, server, client);
	}
}
