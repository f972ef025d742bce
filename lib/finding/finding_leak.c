/* Sockets that nobody closes after their peer has left: they stay in CLOSE_WAIT, and each
 * holds a descriptor.
 *
 * One that is open for a while longer is no leak, and pools keep some that may be dead.  So
 * what counts is a program that got back to its loop and has forgotten the socket: a
 * server that accepts the next ones, a client that connects again and again. */
#include "finding/finding.h"

enum {
	WAITS = 2,   /* elsewhere, after the peer left */
	CLIENTS = 3, /* connections of one statement that are left open */
};

/* The thread of that call waited for something else since then, again and again, with the
 * socket still open.  Waiting for ever counts for good. */
static bool is_left_open(const struct finding_facts *facts, uint32_t socket,
			 const struct sonde_call *last, int64_t since_ns)
{
	const struct sonde_socket *it = &facts->recording->sockets[socket - 1];
	const struct sonde_call *call = last;
	unsigned waits = 0;

	while ((call = call_at(facts->recording, facts->next_of_thread[call->call]))) {
		if (it->closed_ns && it->closed_ns <= call->enter_ns)
			return false;
		if (call->socket == socket && call->kind == SONDE_CALL_CLOSE)
			return false;
		if (call->socket == socket || call->kind == SONDE_CALL_CONNECT ||
		    call->enter_ns < since_ns || !call_can_wait(facts->recording, call))
			continue;
		if (++waits >= WAITS || !call_returned(call))
			return true;
	}
	return false;
}

/* Half of it is still of use: a proxy hands on what others have to say. */
static bool is_used_later(const struct finding_facts *facts, uint32_t socket,
			  const struct sonde_call *end)
{
	const uint32_t *calls;
	size_t count = fact_calls(facts, socket, &calls);

	for (size_t i = count; i-- > 0;) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];

		if (call->enter_ns > end->enter_ns &&
		    (call->kind == SONDE_CALL_SEND || call->kind == SONDE_CALL_SHUTDOWN))
			return true;
	}
	return false;
}

/* When the peer's FIN came, or, without packets, the peer was closed; 0: it did not. */
static int64_t left_ns(const struct finding_facts *facts, uint32_t socket,
		       uint32_t *ret_packet)
{
	unsigned side;
	uint32_t stream = fact_stream(facts, socket, &side);
	const uint32_t *packets;
	size_t count = stream ? fact_packets(facts, stream, &packets) : 0;

	for (size_t i = 0; i < count; i++) {
		const struct sonde_packet *packet = fact_packet(facts, packets[i]);

		if (fact_place(facts, packets[i])->direction != side &&
		    (packet->decoded.tcp_flags & SONDE_TCP_FIN)) {
			*ret_packet = packets[i];
			return packet->at_ns;
		}
	}
	if (facts->peer[socket])
		return facts->recording->sockets[facts->peer[socket] - 1].closed_ns;
	return 0;
}

/* The last call on a socket that nobody touched, nor asked about, from since_ns on, when
 * its peer left, until it was closed; NULL: somebody did. */
static const struct sonde_call *last_touch(const struct finding_facts *facts,
					   uint32_t socket, int64_t since_ns)
{
	const struct sonde_recording *recording = facts->recording;
	const struct sonde_socket *it = &recording->sockets[socket - 1];
	const struct sonde_call *last = NULL;
	const uint32_t *calls;
	size_t count = fact_calls(facts, socket, &calls);

	if (!count || it->is_inherited)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &recording->calls[calls[i] - 1];

		/* Python says whom it closes: getsockname(). */
		if (call->kind == SONDE_CALL_EXIT || call->kind == SONDE_CALL_CLOSE ||
		    call->kind == SONDE_CALL_OPTION)
			continue;
		if (call_end_ns(call) > since_ns)
			return NULL;
		last = call;
	}
	for (uint32_t i = 0; i < facts->wait_count; i++) {
		const struct sonde_call *call = &recording->calls[facts->waits[i] - 1];

		if (call_end_ns(call) > since_ns &&
		    ((call->flags & SONDE_CALL_WATCH_CUT) || call_watches(call, socket)))
			return NULL;
	}
	return last;
}

static void find_server(const struct finding_facts *facts, struct finding_list *list,
			uint32_t socket)
{
	const struct sonde_socket *it = &facts->recording->sockets[socket - 1];
	const struct sonde_call *accept = call_at(facts->recording, it->accepted_by);
	const struct sonde_call *end = accept ? fact_end(facts, socket) : NULL;
	const struct sonde_call *last = end;
	struct sonde_finding *finding;
	uint32_t packet = 0;
	unsigned side = 0;
	int64_t since_ns;

	if (!accept)
		return;
	since_ns = end ? end->enter_ns : left_ns(facts, socket, &packet);
	if (!end && since_ns)
		last = last_touch(facts, socket, since_ns);
	if (!last || !is_left_open(facts, socket, last, since_ns) ||
	    is_used_later(facts, socket, last))
		return;
	finding = finding_add(facts, list, "descriptor-leak", SONDE_WARNING,
			      fact_stream(facts, socket, &side),
			      fact_statement(facts, accept->call));
	finding_packet(finding, packet);
	if (end)
		finding_statement(finding, fact_statement(facts, end->call));
	finding_why(finding,
		    "The connection that was accepted here stayed open: its client left, "
		    "%s, and the program went on to others. The socket is in CLOSE_WAIT, "
		    "its descriptor (%d) in use.",
		    end ? "the receive returned 0 bytes" : "nobody looked at it any more",
		    it->fd);
	finding_remedy(finding, "Close the socket on every way out of its handler (in "
				"Python: with connection: ...).");
}

static const struct sonde_call *find_connect(const struct finding_facts *facts,
					     uint32_t socket)
{
	const uint32_t *calls;
	size_t count = fact_calls(facts, socket, &calls);

	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];

		if (call->kind == SONDE_CALL_CONNECT && call->result == 0)
			return call;
	}
	return NULL;
}

/* How often the thread got back to that statement, for the same server, while the socket
 * was open. */
static unsigned count_again(const struct finding_facts *facts,
			    const struct sonde_socket *socket,
			    const struct sonde_call *connect)
{
	const struct sonde_call *call = connect;
	unsigned count = 0;

	while (count < WAITS &&
	       (call = call_at(facts->recording, facts->next_of_thread[call->call]))) {
		if (socket->closed_ns && socket->closed_ns <= call->enter_ns)
			break;
		count += call->kind == SONDE_CALL_CONNECT &&
			 call_place(facts->recording, call) ==
				 call_place(facts->recording, connect) &&
			 sonde_address_equal(&call->address, &connect->address);
	}
	return count;
}

/* The statement that connected the socket, where it did so again and again while this one
 * was open and of no use any more; NULL. */
static const struct sonde_call *find_forgotten(const struct finding_facts *facts,
					       uint32_t socket, uint32_t *ret_packet)
{
	const struct sonde_socket *it = &facts->recording->sockets[socket - 1];
	const struct sonde_call *connect;
	int64_t since_ns;

	if (it->kind != SONDE_SOCKET_TCP || it->accepted_by || it->is_inherited)
		return NULL;
	connect = find_connect(facts, socket);
	if (!connect || !call_place(facts->recording, connect))
		return NULL;
	since_ns = left_ns(facts, socket, ret_packet);
	if (!since_ns || count_again(facts, it, connect) < WAITS ||
	    (!fact_end(facts, socket) && !last_touch(facts, socket, since_ns)))
		return NULL;
	return connect;
}

static void find_clients(const struct finding_facts *facts, struct finding_list *list)
{
	const struct sonde_recording *recording = facts->recording;
	const struct sonde_call *first = NULL;
	uint32_t found[CLIENTS];
	unsigned count = 0;

	for (uint32_t i = 1; i <= recording->socket_count; i++) {
		struct sonde_finding *finding;
		uint32_t packet = 0;
		const struct sonde_call *connect = find_forgotten(facts, i, &packet);
		unsigned side = 0;

		if (!connect || (first && call_place(recording, first) !=
						  call_place(recording, connect)))
			continue;
		first = first ? first : connect;
		found[count++] = packet;
		if (count < CLIENTS)
			continue;
		finding = finding_add(facts, list, "descriptor-leak", SONDE_WARNING,
				      fact_stream(facts, i, &side),
				      fact_statement(facts, first->call));
		for (unsigned k = 0; k < CLIENTS; k++)
			finding_packet(finding, found[k]);
		finding_why(finding,
			    "This statement connects again and again, and the sockets of "
			    "before stay open, though the server has closed them: each "
			    "is in CLOSE_WAIT and holds a descriptor.");
		finding_remedy(finding,
			       "Close the socket when the server is done with it (0 "
			       "bytes from a receive), before the next connect().");
		return;
	}
}

void finding_leak(const struct finding_facts *facts, struct finding_list *list)
{
	for (uint32_t i = 1; i <= facts->recording->socket_count; i++)
		if (facts->recording->sockets[i - 1].kind == SONDE_SOCKET_TCP)
			find_server(facts, list, i);
	find_clients(facts, list);
}
