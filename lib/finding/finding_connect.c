/* Connections that did not come about: refused, before the server listened, past a server
 * that hears loopback only, never answered, a full accept queue.
 *
 * Packets show it best.  Where there are none of an attempt, because none were captured, what
 * its call returned proves it as well. */
#include "finding/finding_connect.h"

#include <errno.h>

enum {
	SCANNED_PORTS =
		3, /* who tries so many looks for open ones: refusals are answers */
	PATIENCE_MS = 1000, /* then the SYN has been sent again */
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

const struct sonde_call *finding_find_call(const struct finding_facts *facts,
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

/* A connect that the kernel took up, and that came to something. */
static bool has_reached(const struct finding_facts *facts,
			const struct sonde_call *connect)
{
	const uint32_t *calls;
	size_t count;

	if (connect->result == 0)
		return true;
	if (connect->result != -EINPROGRESS)
		return false;
	count = fact_calls(facts, connect->socket, &calls);
	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];

		if (call->enter_ns > connect->enter_ns && call->result >= 0 &&
		    (call->kind == SONDE_CALL_SEND || call->kind == SONDE_CALL_RECEIVE) &&
		    call_returned(call))
			return true;
	}
	return false;
}

static bool is_tcp_connect(const struct finding_facts *facts,
			   const struct sonde_call *call)
{
	const struct sonde_socket *socket = socket_at(facts->recording, call->socket);

	return call->kind == SONDE_CALL_CONNECT && socket &&
	       socket->kind == SONDE_SOCKET_TCP && call->address.port;
}

/* What a program that tries again and again is asked about each time. */
struct asked {
	uint32_t program;
	uint16_t port;
	bool went_on;
};

static bool look_further(const struct finding_facts *facts, uint32_t program,
			 uint16_t port)
{
	const struct sonde_timeline *timeline = facts->timeline;
	uint16_t ports[SCANNED_PORTS];
	unsigned port_count = 0;

	for (uint32_t i = 0; i < timeline->stream_count; i++) {
		const struct sonde_stream *stream = &timeline->streams[i];
		uint32_t socket = stream->client_socket;

		if (socket && stream->kind == SONDE_SOCKET_TCP &&
		    stream->server.port == port &&
		    facts->recording->sockets[socket - 1].program == program &&
		    read_handshake(facts, i + 1).answer)
			return true;
	}
	for (uint32_t i = 0; i < facts->recording->call_count; i++) {
		const struct sonde_call *call = &facts->recording->calls[i];
		unsigned k = 0;

		if (call->program != program || !is_tcp_connect(facts, call))
			continue;
		if (call->address.port == port && has_reached(facts, call))
			return true;
		while (k < port_count && ports[k] != call->address.port)
			k++;
		if (k == port_count)
			ports[port_count++] = call->address.port;
		if (port_count == SCANNED_PORTS)
			return true;
	}
	return false;
}

/* The program reached that port in the end, or tries one port after another. */
static bool went_on(const struct finding_facts *facts, struct asked *asked,
		    uint32_t program, uint16_t port)
{
	if (asked->program != program || asked->port != port)
		*asked =
			(struct asked){program, port, look_further(facts, program, port)};
	return asked->went_on;
}

static void say_no_answer(const struct finding_facts *facts, struct finding_list *list,
			  const struct attempt *attempt, uint32_t syn_again)
{
	char address[SONDE_ADDRESS_CHARS];
	struct sonde_finding *finding = finding_add(
		facts, list, "connection-filtered", SONDE_ERROR, attempt->stream,
		fact_statement(facts, attempt->connect->call));

	sonde_address_format(&attempt->server, address);
	if (attempt->syn)
		finding_why(finding,
			    "Nothing answered the connection to %s: neither SYN-ACK nor "
			    "RST came, though the SYN was sent again.",
			    address);
	else
		finding_why(finding,
			    "Nothing answered the connection to %s, not even a refusal, "
			    "until it was given up.",
			    address);
	finding_remedy(finding, "A firewall drops the packets, or the host is not there: "
				"check both; a time limit on connect() shows it sooner.");
	finding_packet(finding, attempt->syn);
	finding_packet(finding, syn_again);
}

/* Linux drops what does not fit into the queue, and the client sends it again. */
static void say_queue(const struct finding_facts *facts, struct finding_list *list,
		      uint32_t stream, uint32_t listener, uint32_t again)
{
	const struct sonde_call *listen =
		finding_find_call(facts, listener, SONDE_CALL_LISTEN);
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

/* 0.0.0.0 and :: are the machine itself. */
static struct sonde_address target_of(const struct sonde_address *address)
{
	struct sonde_address target = *address;

	if (!sonde_address_is_any(address))
		return target;
	if (target.family == SONDE_FAMILY_INET) {
		target.bytes[0] = 127;
		target.bytes[3] = 1;
	} else {
		target.bytes[15] = 1;
	}
	return target;
}

static void look_at_packets(const struct finding_facts *facts, struct finding_list *list,
			    uint32_t number, struct asked *asked)
{
	const struct sonde_stream *stream = &facts->timeline->streams[number - 1];
	struct handshake handshake = read_handshake(facts, number);
	uint32_t listener = find_listener(facts, &stream->server);
	const struct sonde_call *listen =
		finding_find_call(facts, listener, SONDE_CALL_LISTEN);
	struct attempt attempt = {
		.connect = call_at(facts->recording,
				   fact_sender(facts, handshake.syn, SONDE_SYN)),
		.server = stream->server,
		.stream = number,
		.syn = handshake.syn,
		.reset = handshake.reset,
	};

	if (listen && !handshake.reset && !facts->recording->packets_dropped &&
	    listen->enter_ns < fact_packet(facts, stream->first_packet)->at_ns &&
	    (handshake.syn_again || handshake.syn_ack_again))
		say_queue(facts, list, number, listener,
			  handshake.syn_again ? handshake.syn_again
					      : handshake.syn_ack_again);
	if (!attempt.connect || handshake.answer ||
	    went_on(facts, asked, attempt.connect->program, stream->server.port))
		return;
	attempt.at_ns = fact_packet(facts, handshake.syn)->at_ns;
	if (handshake.reset)
		finding_refused(facts, list, &attempt);
	else if (handshake.syn_again && !listener)
		say_no_answer(facts, list, &attempt, handshake.syn_again);
}

/* Told not to wait, the connect was waited for in vain by another call of its statement. */
static bool was_given_up(const struct finding_facts *facts,
			 const struct sonde_call *connect)
{
	uint32_t next = connect->call;

	if (connect->result == -ETIMEDOUT)
		return true;
	if (connect->result != -EINPROGRESS)
		return false;
	while ((next = facts->timeline->next_call[next - 1])) {
		const struct sonde_call *call = &facts->recording->calls[next - 1];

		if (call->kind == SONDE_CALL_WAIT && call_returned(call) &&
		    call->result == 0 && call_watches(call, connect->socket) &&
		    call->exit_ns - connect->enter_ns > PATIENCE_MS * INT64_C(1000000))
			return true;
	}
	return false;
}

/* Of an attempt that has no packets. */
static void look_at_call(const struct finding_facts *facts, struct finding_list *list,
			 const struct sonde_call *call, struct asked *asked)
{
	struct attempt attempt = {
		.connect = call,
		.server = target_of(&call->address),
		.at_ns = call->enter_ns,
	};
	bool is_refused = call->result == -ECONNREFUSED;
	unsigned side;

	if (!call_returned(call) || fact_stream(facts, call->socket, &side) ||
	    (!is_refused && !was_given_up(facts, call)) ||
	    went_on(facts, asked, call->program, call->address.port))
		return;
	if (is_refused)
		finding_refused(facts, list, &attempt);
	else if (!find_listener(facts, &attempt.server))
		say_no_answer(facts, list, &attempt, 0);
}

void finding_connect(const struct finding_facts *facts, struct finding_list *list)
{
	struct asked asked = {0};

	for (uint32_t i = 1; i <= facts->timeline->stream_count; i++)
		if (facts->timeline->streams[i - 1].kind == SONDE_SOCKET_TCP)
			look_at_packets(facts, list, i, &asked);
	for (uint32_t i = 0; i < facts->recording->call_count; i++)
		if (is_tcp_connect(facts, &facts->recording->calls[i]))
			look_at_call(facts, list, &facts->recording->calls[i], &asked);
}
