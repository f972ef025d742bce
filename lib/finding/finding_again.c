/* Connections that an older one is in the way of, and those that outlived their peer: what
 * the kernel found out after all programs had done their part. */
#include "finding/finding.h"

#include <errno.h>

#define VANISHED_REMEDY                                                                  \
	"Close the socket and connect anew; how soon it is noticed is set by "           \
	"TCP_KEEPIDLE, TCP_KEEPINTVL, TCP_KEEPCNT and TCP_USER_TIMEOUT."

/* The port that the program itself chose for the socket; 0: the kernel did. */
static uint16_t chosen_port(const struct finding_facts *facts, uint32_t socket)
{
	const uint32_t *calls;
	size_t count = fact_calls(facts, socket, &calls);

	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];

		if (call->kind == SONDE_CALL_BIND && call->result == 0)
			return call->address.port;
	}
	return 0;
}

/* The latest connection between that port and that server before the call. */
static uint32_t find_earlier(const struct finding_facts *facts, uint16_t port,
			     const struct sonde_call *connect)
{
	for (uint32_t i = facts->timeline->stream_count; i > 0; i--) {
		const struct sonde_stream *stream = &facts->timeline->streams[i - 1];
		const struct sonde_packet *first =
			fact_packet(facts, stream->first_packet);

		if (stream->kind == SONDE_SOCKET_TCP && first &&
		    first->at_ns < connect->enter_ns && stream->client.port == port &&
		    sonde_address_equal(&stream->server, &connect->address))
			return i;
	}
	return 0;
}

/* The socket of the latest one, by the calls; 0. */
static uint32_t find_earlier_socket(const struct finding_facts *facts, uint16_t port,
				    const struct sonde_call *connect)
{
	for (uint32_t i = connect->call - 1; i > 0; i--) {
		const struct sonde_call *call = &facts->recording->calls[i - 1];

		if (call->kind == SONDE_CALL_CONNECT && call->result == 0 &&
		    call->socket != connect->socket &&
		    call->enter_ns < connect->enter_ns &&
		    sonde_address_equal(&call->address, &connect->address) &&
		    socket_at(facts->recording, call->socket) &&
		    facts->recording->sockets[call->socket - 1].local.port == port)
			return call->socket;
	}
	return 0;
}

static bool went_on(const struct finding_facts *facts, const struct sonde_call *failed)
{
	for (uint32_t i = failed->call; i < facts->recording->call_count; i++) {
		const struct sonde_call *call = &facts->recording->calls[i];

		if (call->kind == SONDE_CALL_CONNECT &&
		    call->program == failed->program &&
		    sonde_address_equal(&call->address, &failed->address) &&
		    (call->result == 0 || call->result == -EINPROGRESS))
			return true;
	}
	return false;
}

static void find_reuse(const struct finding_facts *facts, struct finding_list *list,
		       const struct sonde_call *connect)
{
	uint16_t port = chosen_port(facts, connect->socket);
	uint32_t earlier = port ? find_earlier(facts, port, connect) : 0;
	char server[SONDE_ADDRESS_CHARS];
	struct sonde_finding *finding;
	const struct sonde_socket *before;
	uint32_t socket;

	if (earlier)
		socket = facts->timeline->streams[earlier - 1].client_socket;
	else
		socket = port ? find_earlier_socket(facts, port, connect) : 0;
	if ((!earlier && !socket) || went_on(facts, connect))
		return;
	before = socket_at(facts->recording, socket);
	sonde_address_format(&connect->address, server);
	finding = finding_add(facts, list, "port-reused-too-soon", SONDE_ERROR, earlier,
			      fact_statement(facts, connect->call));
	if (earlier)
		finding_packet(finding,
			       facts->timeline->streams[earlier - 1].last_packet);
	finding_why(
		finding,
		"connect() from port %u to %s failed: the connection before it has "
		"the same two ports, and %s.",
		port, server,
		before && (!before->closed_ns || before->closed_ns > connect->enter_ns)
			? "is still open"
			: "who closed it first keeps them for a minute (TIME_WAIT)");
	finding_remedy(finding, "Leave the client's port to the kernel: no bind(), or "
				"bind() to port 0.");
}

/* The last packets of this side before that time, where nobody answered them. */
static unsigned find_unanswered(const struct finding_facts *facts, uint32_t stream,
				unsigned side, int64_t until_ns,
				uint32_t found[SONDE_FINDING_EVIDENCE], bool *ret_probes)
{
	const uint32_t *packets;
	size_t count = fact_packets(facts, stream, &packets);
	unsigned n = 0;

	*ret_probes = true;
	for (size_t i = count; i-- > 0 && n < SONDE_FINDING_EVIDENCE;) {
		const struct sonde_packet_place *place = fact_place(facts, packets[i]);

		if (fact_packet(facts, packets[i])->at_ns > until_ns)
			continue;
		if (place->direction != side)
			break;
		if (fact_packet(facts, packets[i])->decoded.tcp_flags & SONDE_TCP_RST)
			continue;
		found[n++] = packets[i];
		*ret_probes &= place->why == SONDE_WHY_KERNEL_PROBE;
	}
	return n;
}

/* No answer, of any kind, is what ETIMEDOUT says also without packets. */
static void say_vanished(const struct finding_facts *facts, struct finding_list *list,
			 const struct sonde_call *call)
{
	struct sonde_finding *finding =
		finding_add(facts, list, "peer-vanished", SONDE_WARNING, 0,
			    fact_statement(facts, call->call));

	finding_why(finding,
		    "%s() failed with ETIMEDOUT: what was sent was not acknowledged any "
		    "more, and the kernel gave the connection up. The peer is gone "
		    "without a FIN, or the network to it is.",
		    call->name);
	finding_remedy(finding, VANISHED_REMEDY);
}

static void find_vanished(const struct finding_facts *facts, struct finding_list *list,
			  const struct sonde_call *call)
{
	uint32_t found[SONDE_FINDING_EVIDENCE];
	struct sonde_finding *finding;
	unsigned side = 0, count;
	uint32_t stream = fact_stream(facts, call->socket, &side);
	const struct sonde_socket *socket = socket_at(facts->recording, call->socket);
	bool is_probes;

	if (!facts->recording->has_packets && socket && socket->kind == SONDE_SOCKET_TCP)
		say_vanished(facts, list, call);
	if (!stream || facts->timeline->streams[stream - 1].kind != SONDE_SOCKET_TCP)
		return;
	count = find_unanswered(facts, stream, side, call->exit_ns, found, &is_probes);
	if (!count)
		return;
	finding = finding_add(facts, list, "peer-vanished", SONDE_WARNING, stream,
			      fact_statement(facts, call->call));
	while (count-- > 0)
		finding_packet(finding, found[count]);
	finding_why(
		finding,
		"%s() failed with ETIMEDOUT: %s were not answered any more, and the "
		"kernel gave the connection up. The peer is gone without a FIN, or the "
		"network to it is.",
		call->name,
		is_probes ? "keep-alive probes"
			  : "the same bytes, sent again and again,");
	finding_remedy(finding, VANISHED_REMEDY);
}

void finding_again(const struct finding_facts *facts, struct finding_list *list)
{
	for (uint32_t i = 0; i < facts->recording->call_count; i++) {
		const struct sonde_call *call = &facts->recording->calls[i];

		if (call->kind == SONDE_CALL_CONNECT &&
		    (call->result == -EADDRNOTAVAIL || call->result == -EADDRINUSE))
			find_reuse(facts, list, call);
		else if ((call->kind == SONDE_CALL_RECEIVE ||
			  call->kind == SONDE_CALL_SEND) &&
			 call->result == -ETIMEDOUT)
			find_vanished(facts, list, call);
	}
}
