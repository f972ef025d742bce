/* Datagrams: cut off, from somebody else, or to nobody. */
#include "finding/finding.h"

#include <string.h>

static void find_cut(const struct finding_facts *facts, struct finding_list *list,
		     const struct sonde_call *call)
{
	uint32_t number = fact_packet_of(facts, call->call);
	const struct sonde_packet *packet = fact_packet(facts, number);
	struct sonde_finding *finding;
	unsigned side = 0;

	if (!packet || packet->decoded.proto != SONDE_PACKET_UDP || call->datagrams ||
	    (call->flags & SONDE_CALL_PEEK) || call->result < 0 || !call_returned(call) ||
	    (uint64_t)call->result != call->length ||
	    packet->decoded.payload_length <= call->length)
		return;
	finding = finding_add(facts, list, "datagram-truncated", SONDE_ERROR,
			      fact_stream(facts, call->socket, &side),
			      fact_statement(facts, call->call));
	finding_packet(finding, number);
	finding_why(
		finding,
		"The datagram has %u bytes and the buffer room for %llu: the rest was "
		"thrown away, and no later receive brings it.",
		packet->decoded.payload_length, (unsigned long long)call->length);
	finding_remedy(finding,
		       "Give the receive a buffer for the largest datagram (65535 "
		       "bytes are always enough), or look at MSG_TRUNC.");
}

/* Who this socket had sent something to before. */
static bool had_sent_to(const struct finding_facts *facts, const uint32_t *calls,
			size_t count, const struct sonde_address *from, bool *ret_any)
{
	bool has = false;

	*ret_any = false;
	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];

		/* Broadcast and multicast are answered from other addresses, and sendmmsg
		 * shows only one. */
		if (call->kind == SONDE_CALL_CONNECT || call->datagrams)
			return true;
		if (call->kind != SONDE_CALL_SEND || call->result < 0)
			continue;
		if (call->address.family == SONDE_FAMILY_NONE ||
		    (call->address.family == SONDE_FAMILY_INET &&
		     (call->address.bytes[0] >= 224 || call->address.bytes[3] == 255)) ||
		    (call->address.family == SONDE_FAMILY_INET6 &&
		     call->address.bytes[0] == 0xff))
			return true;
		*ret_any = true;
		has = has || sonde_address_equal(&call->address, from);
	}
	return has;
}

/* A client asks one address, hears another, and goes on as if that were the answer. */
static void find_stranger(const struct finding_facts *facts, struct finding_list *list,
			  uint32_t socket)
{
	const uint32_t *calls;
	size_t count = fact_calls(facts, socket, &calls);
	char from[SONDE_ADDRESS_CHARS];

	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];
		struct sonde_finding *finding;
		unsigned side = 0;
		bool has_sent;
		size_t next = i + 1;

		if (call->kind != SONDE_CALL_RECEIVE || !call_returned(call) ||
		    call->result < 0 || call->datagrams ||
		    call->address.family == SONDE_FAMILY_NONE)
			continue;
		if (had_sent_to(facts, calls, i, &call->address, &has_sent))
			continue;
		/* A server hears strangers first. */
		if (!has_sent)
			return;
		/* Whoever drops it and receives again does right. */
		while (next < count &&
		       facts->recording->calls[calls[next] - 1].kind == SONDE_CALL_OPTION)
			next++;
		if (next < count) {
			uint8_t kind = facts->recording->calls[calls[next] - 1].kind;

			if (kind == SONDE_CALL_RECEIVE || kind == SONDE_CALL_WAIT)
				continue;
		}
		sonde_address_format(&call->address, from);
		finding = finding_add(facts, list, "reply-from-stranger", SONDE_WARNING,
				      fact_stream(facts, socket, &side),
				      fact_statement(facts, call->call));
		finding_packet(finding, fact_packet_of(facts, call->call));
		finding_why(finding,
			    "The answer that was received here is from %s, to which "
			    "nothing had been sent: anybody can send to an open UDP "
			    "socket.",
			    from);
		finding_remedy(finding, "connect() the socket to the server, or compare "
					"the sender's address and receive again.");
	}
}

/* An ICMP error about a datagram of that stream. */
static uint32_t find_icmp(const struct finding_facts *facts,
			  const struct sonde_stream *stream)
{
	for (uint32_t i = 0; i < facts->error_count; i++) {
		const struct sonde_decoded *decoded =
			&facts->recording->packets[facts->errors[i] - 1].decoded;

		if (decoded->quote_proto == SONDE_PACKET_UDP &&
		    sonde_address_equal(&decoded->quote_src, &stream->client) &&
		    sonde_address_equal(&decoded->quote_dst, &stream->server))
			return facts->errors[i];
	}
	return 0;
}

/* A receive, or a wait for one, that ended in vain after the error had come. */
static const struct sonde_call *find_vain(const struct finding_facts *facts,
					  uint32_t socket, int64_t since_ns)
{
	for (uint32_t i = 0; i < facts->recording->call_count; i++) {
		const struct sonde_call *call = &facts->recording->calls[i];
		uint8_t why = facts->timeline->call_why[i];

		if ((why == SONDE_WHY_TIMED_OUT || why == SONDE_WHY_STILL_WAITING) &&
		    call_end_ns(call) > since_ns &&
		    ((call->kind == SONDE_CALL_RECEIVE && call->socket == socket) ||
		     (call->kind == SONDE_CALL_WAIT && call->watched_count == 1 &&
		      call->watched[0].socket == socket)))
			return call;
	}
	return NULL;
}

static void find_unreachable(const struct finding_facts *facts, struct finding_list *list,
			     uint32_t stream)
{
	const struct sonde_stream *it = &facts->timeline->streams[stream - 1];
	uint32_t icmp = find_icmp(facts, it);
	const struct sonde_call *vain;
	struct sonde_finding *finding;
	char address[SONDE_ADDRESS_CHARS];

	if (!icmp || !it->client_socket)
		return;
	vain = find_vain(facts, it->client_socket, fact_packet(facts, icmp)->at_ns);
	if (!vain)
		return;
	sonde_address_format(&it->server, address);
	finding = finding_add(facts, list, "icmp-unreachable-ignored", SONDE_ERROR,
			      stream, fact_statement(facts, vain->call));
	finding_packet(finding, it->first_packet);
	finding_packet(finding, icmp);
	finding_why(finding,
		    "The datagram to %s was answered at once by ICMP: nobody has that "
		    "port. A UDP socket that is not connected does not hear of it, and "
		    "the program waited in vain.",
		    address);
	finding_remedy(finding, "Start the server; and connect() the socket, then the "
				"receive fails with ECONNREFUSED instead of waiting.");
}

void finding_datagram(const struct finding_facts *facts, struct finding_list *list)
{
	for (uint32_t i = 0; i < facts->recording->call_count; i++)
		if (facts->recording->calls[i].kind == SONDE_CALL_RECEIVE)
			find_cut(facts, list, &facts->recording->calls[i]);
	for (uint32_t i = 1; i <= facts->recording->socket_count; i++)
		if (facts->recording->sockets[i - 1].kind == SONDE_SOCKET_UDP &&
		    fact_is_single(facts, i))
			find_stranger(facts, list, i);
	for (uint32_t i = 1; i <= facts->timeline->stream_count; i++)
		if (facts->timeline->streams[i - 1].kind == SONDE_SOCKET_UDP)
			find_unreachable(facts, list, i);
}
