/* Sockets that were closed too early, or not at all. */
#include "finding/finding.h"

/* Whoever gets back to its loop has forgotten the socket. */
enum { WAITS = 2 };

static void find_reset(const struct finding_facts *facts, struct finding_list *list,
		       uint32_t socket)
{
	const struct sonde_socket *it = &facts->recording->sockets[socket - 1];
	const struct sonde_call *close = call_at(facts->recording, it->closed_by);
	struct sonde_finding *finding;
	int64_t arrived, taken;
	const uint32_t *packets;
	uint32_t stream, reset = 0;
	unsigned side;
	size_t count;

	if (!close || fact_was_ended(facts, close->program))
		return;
	stream = fact_stream(facts, socket, &side);
	count = stream ? fact_packets(facts, stream, &packets) : 0;
	for (size_t i = 0; i < count && !reset; i++)
		if (fact_place(facts, packets[i])->direction == side &&
		    fact_sender(facts, packets[i], SONDE_RST) == close->call)
			reset = packets[i];
	if (!reset || !fact_unread(facts, socket, close->enter_ns, &arrived, &taken) ||
	    arrived <= taken)
		return;
	finding = finding_add(facts, list, "reset-by-unread-input", SONDE_WARNING, stream,
			      fact_statement(facts, close->call));
	finding_packet(finding, reset);
	finding_why(
		finding,
		"The socket was closed with %lld received bytes that nobody read: the "
		"kernel sends RST instead of FIN, and the peer may lose data that was "
		"on its way to it.",
		(long long)(arrived - taken));
	finding_remedy(finding, "Read until the end (0 bytes) before closing; or "
				"shutdown(SHUT_WR) first, then read the rest.");
}

/* The receive that reported the end of the peer's stream; NULL. */
static const struct sonde_call *find_end(const struct finding_facts *facts,
					 uint32_t socket)
{
	const uint32_t *calls;
	size_t count = fact_calls(facts, socket, &calls);

	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];

		if (call->kind == SONDE_CALL_RECEIVE && call_returned(call) &&
		    call->result == 0 && call->length)
			return call;
	}
	return NULL;
}

/* The thread that saw the end waited for something else since, again and again, with the
 * socket still open.  Waiting for ever counts for good. */
static bool is_left_open(const struct finding_facts *facts, uint32_t socket,
			 const struct sonde_call *end)
{
	const struct sonde_socket *it = &facts->recording->sockets[socket - 1];
	const struct sonde_call *call = end;
	unsigned waits = 0;

	while ((call = call_at(facts->recording, facts->next_of_thread[call->call]))) {
		if (it->closed_ns && it->closed_ns <= call->enter_ns)
			return false;
		if (call->socket == socket && call->kind == SONDE_CALL_CLOSE)
			return false;
		if (call->socket == socket || call->kind == SONDE_CALL_CONNECT ||
		    !call_can_wait(facts->recording, call))
			continue;
		if (++waits >= WAITS || !call_returned(call))
			return true;
	}
	return false;
}

static void find_leak(const struct finding_facts *facts, struct finding_list *list,
		      uint32_t socket)
{
	const struct sonde_socket *it = &facts->recording->sockets[socket - 1];
	const struct sonde_call *accept = call_at(facts->recording, it->accepted_by);
	const struct sonde_call *end = accept ? find_end(facts, socket) : NULL;
	struct sonde_finding *finding;
	unsigned side = 0;

	if (!end || !is_left_open(facts, socket, end))
		return;
	finding = finding_add(facts, list, "descriptor-leak", SONDE_WARNING,
			      fact_stream(facts, socket, &side),
			      fact_statement(facts, accept->call));
	finding_statement(finding, fact_statement(facts, end->call));
	finding_why(
		finding,
		"The connection that was accepted here stayed open: its client left, "
		"the receive returned 0 bytes, and the program went on to others. The "
		"socket is in CLOSE_WAIT, its descriptor (%d) in use.",
		it->fd);
	finding_remedy(finding, "Close the socket on every way out of its handler (in "
				"Python: with connection: ...).");
}

void finding_close(const struct finding_facts *facts, struct finding_list *list)
{
	for (uint32_t i = 1; i <= facts->recording->socket_count; i++) {
		if (facts->recording->sockets[i - 1].kind != SONDE_SOCKET_TCP)
			continue;
		find_reset(facts, list, i);
		find_leak(facts, list, i);
	}
}
