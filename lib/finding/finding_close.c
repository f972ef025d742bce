/* Sockets that were closed too early, and the end of a stream that nobody minded. */
#include "finding/finding.h"

#include <errno.h>
#include <sys/socket.h>

enum { PATIENCE_MS = 500 };

/* Without packets: the peer was told that its connection was reset. */
static bool was_reset(const struct finding_facts *facts, uint32_t socket,
		      int64_t since_ns)
{
	const uint32_t *calls;
	size_t count = fact_calls(facts, facts->peer[socket], &calls);

	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];

		if (call->result == -ECONNRESET && call_end_ns(call) > since_ns)
			return true;
	}
	return false;
}

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
	if ((!reset && !was_reset(facts, socket, close->enter_ns)) ||
	    !fact_unread(facts, socket, close->enter_ns, &arrived, &taken) ||
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

/* The side's half-close, that of a program which wants an answer to come; NULL. */
static const struct sonde_call *find_half_close(const struct finding_facts *facts,
						uint32_t socket)
{
	const uint32_t *calls;
	size_t count = fact_calls(facts, socket, &calls);

	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];

		if (call->kind == SONDE_CALL_SHUTDOWN && call->how == SHUT_WR &&
		    call->result == 0)
			return call;
	}
	return NULL;
}

/* The other side saw that nothing more comes, and neither answered nor closed. */
static void find_half_open(const struct finding_facts *facts, struct finding_list *list,
			   uint32_t stream, uint32_t asking, uint32_t asked)
{
	const struct sonde_call *shut = find_half_close(facts, asking);
	const struct sonde_call *vain = shut ? fact_vain(facts, asking) : NULL;
	const struct sonde_call *end = vain ? fact_end(facts, asked) : NULL;
	const struct sonde_socket *it = &facts->recording->sockets[asked - 1];
	const uint32_t *calls;
	size_t count = fact_calls(facts, asked, &calls);
	struct sonde_finding *finding;
	int64_t until_ns;

	if (!end || end->exit_ns < shut->enter_ns)
		return;
	until_ns = call_returned(vain) ? vain->exit_ns : facts->recording->ended_ns;
	if (until_ns - end->exit_ns < PATIENCE_MS * INT64_C(1000000) ||
	    (it->closed_ns && it->closed_ns < until_ns))
		return;
	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];

		if (call->enter_ns > end->enter_ns && call->enter_ns < until_ns &&
		    (call->kind == SONDE_CALL_SEND || call->kind == SONDE_CALL_SHUTDOWN))
			return;
	}
	finding = finding_add(facts, list, "half-close-ignored", SONDE_ERROR, stream,
			      fact_statement(facts, end->call));
	finding_statement(finding, fact_statement(facts, shut->call));
	finding_packet(finding, facts->timeline->call_packet[end->call - 1]);
	finding_why(finding,
		    "%s has sent all it had (shutdown) and waits for the answer. %s saw "
		    "that here, as 0 bytes, and neither answered nor closed: the other "
		    "side waits in vain.",
		    fact_program(facts, shut->program),
		    fact_program(facts, end->program));
	finding_remedy(finding, "At 0 bytes send what is still to be said, then close "
				"the socket.");
}

void finding_close(const struct finding_facts *facts, struct finding_list *list)
{
	for (uint32_t i = 1; i <= facts->recording->socket_count; i++) {
		if (facts->recording->sockets[i - 1].kind != SONDE_SOCKET_TCP)
			continue;
		find_reset(facts, list, i);
	}
	for (uint32_t i = 0; i < fact_connection_count(facts); i++) {
		const struct fact_connection it = fact_connection(facts, i);
		uint32_t client = it.client, server = it.server;

		if (it.kind != SONDE_SOCKET_TCP || !client || !server)
			continue;
		/* NOLINTNEXTLINE(readability-suspicious-call-argument): one asks. */
		find_half_open(facts, list, it.stream, client, server);
		/* NOLINTNEXTLINE(readability-suspicious-call-argument): the other way. */
		find_half_open(facts, list, it.stream, server, client);
	}
}
