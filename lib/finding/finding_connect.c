/* Connections that did not come about: refused, before the server listened, past a server
 * that hears loopback only, never answered, a full accept queue. */
#include "finding/finding.h"

#include <errno.h>

enum {
	SCANNED_PORTS =
		3, /* who tries so many looks for open ones: refusals are answers */
};

/* The handshake of a stream, as far as it came. */
struct handshake {
	uint32_t syn, syn_again, answer, reset;
	uint32_t syn_ack_again;
};

static struct handshake read_handshake(const struct finding_facts *facts, uint32_t stream)
{
	struct handshake it = {0};
	const uint32_t *packets;
	size_t count = fact_packets(facts, stream, &packets);

	for (size_t i = 0; i < count; i++) {
		uint32_t number = packets[i];
		const struct sonde_packet_place *place = fact_place(facts, number);
		uint8_t flags = fact_packet(facts, number)->decoded.tcp_flags;

		if (place->direction == 0 && (flags & SONDE_TCP_SYN)) {
			if (!it.syn)
				it.syn = number;
			else if (!it.syn_again)
				it.syn_again = number;
		} else if (place->direction == 1 && (flags & SONDE_TCP_SYN)) {
			if (!it.answer)
				it.answer = number;
			else if (!it.syn_ack_again)
				it.syn_ack_again = number;
		} else if (place->direction == 1 && (flags & SONDE_TCP_RST) &&
			   !it.reset) {
			it.reset = number;
		}
	}
	return it;
}

static const struct sonde_call *find_call(const struct finding_facts *facts,
					  uint32_t socket, enum sonde_call_kind kind)
{
	const uint32_t *calls;
	size_t count = fact_calls(facts, socket, &calls);

	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];

		if (call->kind == kind && call->result == 0)
			return call;
	}
	return NULL;
}

/* A traced socket that listens at that port, at one time or another. */
static uint32_t find_listener(const struct finding_facts *facts,
			      const struct sonde_address *address)
{
	for (uint32_t i = 0; i < facts->listener_count; i++) {
		uint32_t socket = facts->listeners[i];

		if (facts->recording->sockets[socket - 1].local.port == address->port)
			return socket;
	}
	return 0;
}

/* The program reached that port in the end, or tries one port after another. */
static bool went_on(const struct finding_facts *facts, uint32_t program, uint16_t port)
{
	const struct sonde_timeline *timeline = facts->timeline;
	uint16_t ports[SCANNED_PORTS];
	unsigned port_count = 0;

	for (uint32_t i = 0; i < timeline->stream_count; i++) {
		const struct sonde_stream *stream = &timeline->streams[i];
		uint32_t socket = stream->client_socket;
		unsigned k = 0;

		if (!socket || stream->kind != SONDE_SOCKET_TCP ||
		    facts->recording->sockets[socket - 1].program != program)
			continue;
		if (stream->server.port == port && read_handshake(facts, i + 1).answer)
			return true;
		while (k < port_count && ports[k] != stream->server.port)
			k++;
		if (k == port_count)
			ports[port_count++] = stream->server.port;
		if (port_count == SCANNED_PORTS)
			return true;
	}
	return false;
}

static void say_refused(const struct finding_facts *facts, struct finding_list *list,
			uint32_t stream, uint32_t statement,
			const struct handshake *handshake)
{
	const struct sonde_stream *it = &facts->timeline->streams[stream - 1];
	const struct sonde_packet *syn = fact_packet(facts, handshake->syn);
	uint32_t listener = find_listener(facts, &it->server);
	const struct sonde_call *listen = find_call(facts, listener, SONDE_CALL_LISTEN);
	const struct sonde_socket *socket =
		listener ? &facts->recording->sockets[listener - 1] : NULL;
	char address[SONDE_ADDRESS_CHARS], local[SONDE_ADDRESS_CHARS];
	struct sonde_finding *finding;

	sonde_address_format(&it->server, address);
	if (socket && listen && listen->enter_ns > syn->at_ns) {
		finding = finding_add(facts, list, "connect-before-listen", SONDE_ERROR,
				      stream, statement);
		finding_why(finding,
			    "The connection to %s was refused: %s called listen() there "
			    "only afterwards.",
			    address, fact_program(facts, socket->program));
		finding_remedy(finding, "Start the server first and wait until it "
					"listens, or try again after a short pause.");
		finding_statement(finding, fact_statement(facts, listen->call));
	} else if (socket && listen && sonde_address_is_loopback(&socket->local) &&
		   !sonde_address_equal_host(&socket->local, &it->server)) {
		sonde_address_format(&socket->local, local);
		finding = finding_add(facts, list, "listens-on-loopback-only",
				      SONDE_ERROR, stream, statement);
		finding_why(finding,
			    "The connection to %s was refused: %s listens on %s, which "
			    "connections to other addresses do not reach.",
			    address, fact_program(facts, socket->program), local);
		finding_remedy(finding,
			       "Bind the server to 0.0.0.0 (or ::) or to the very "
			       "address, if others shall reach it.");
		finding_statement(finding, fact_statement(facts, listen->call));
	} else {
		finding = finding_add(facts, list, "connection-refused", SONDE_ERROR,
				      stream, statement);
		finding_why(finding,
			    "The connection to %s was refused: nothing listens there, "
			    "and the kernel answered the SYN with RST.",
			    address);
		finding_remedy(finding, "Start the server, and compare its port and "
					"address with these; ss -tln lists who listens.");
	}
	finding_packet(finding, handshake->syn);
	finding_packet(finding, handshake->reset);
}

static void say_no_answer(const struct finding_facts *facts, struct finding_list *list,
			  uint32_t stream, uint32_t statement,
			  const struct handshake *handshake)
{
	char address[SONDE_ADDRESS_CHARS];
	struct sonde_finding *finding = finding_add(facts, list, "connection-filtered",
						    SONDE_ERROR, stream, statement);

	sonde_address_format(&facts->timeline->streams[stream - 1].server, address);
	finding_why(finding,
		    "Nothing answered the connection to %s: neither SYN-ACK nor RST "
		    "came, though the SYN was sent again.",
		    address);
	finding_remedy(finding, "A firewall drops the packets, or the host is not there: "
				"check both; a time limit on connect() shows it sooner.");
	finding_packet(finding, handshake->syn);
	finding_packet(finding, handshake->syn_again);
}

/* Linux drops what does not fit into the queue, and the client sends it again. */
static void say_queue(const struct finding_facts *facts, struct finding_list *list,
		      uint32_t stream, uint32_t listener, uint32_t again)
{
	const struct sonde_call *listen = find_call(facts, listener, SONDE_CALL_LISTEN);
	struct sonde_finding *finding =
		finding_add(facts, list, "accept-queue-full", SONDE_WARNING, stream,
			    fact_statement(facts, listen->call));

	finding_why(
		finding,
		"A connection had to ask twice: the queue of %s (listen(%d)) was full "
		"of connections that were not accepted yet.",
		fact_program(facts, facts->recording->sockets[listener - 1].program),
		listen->how);
	finding_remedy(finding, "Accept sooner, in a loop that does nothing else, and "
				"give listen() a longer queue.");
	finding_packet(finding, again);
}

void finding_connect(const struct finding_facts *facts, struct finding_list *list)
{
	for (uint32_t i = 1; i <= facts->timeline->stream_count; i++) {
		const struct sonde_stream *stream = &facts->timeline->streams[i - 1];
		struct handshake handshake;
		uint32_t connect, listener;

		if (stream->kind != SONDE_SOCKET_TCP)
			continue;
		handshake = read_handshake(facts, i);
		listener = find_listener(facts, &stream->server);
		if (listener && find_call(facts, listener, SONDE_CALL_LISTEN) &&
		    !handshake.reset && !facts->recording->packets_dropped &&
		    find_call(facts, listener, SONDE_CALL_LISTEN)->enter_ns <
			    fact_packet(facts, stream->first_packet)->at_ns &&
		    (handshake.syn_again || handshake.syn_ack_again))
			say_queue(facts, list, i, listener,
				  handshake.syn_again ? handshake.syn_again
						      : handshake.syn_ack_again);
		connect = fact_sender(facts, handshake.syn, SONDE_SYN);
		if (!connect || handshake.answer ||
		    went_on(facts, facts->recording->calls[connect - 1].program,
			    stream->server.port))
			continue;
		if (handshake.reset)
			say_refused(facts, list, i, fact_statement(facts, connect),
				    &handshake);
		else if (handshake.syn_again && !listener)
			say_no_answer(facts, list, i, fact_statement(facts, connect),
				      &handshake);
	}
}
