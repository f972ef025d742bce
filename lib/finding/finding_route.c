/* Packets that this machine knows no way for, and calls on a socket that has no peer, or no
 * port. */
#include <errno.h>

#include "finding/finding.h"

static uint8_t kind_of(const struct finding_facts *facts, const struct sonde_call *call)
{
	const struct sonde_socket *socket = socket_at(facts->recording, call->socket);

	return socket ? socket->kind : (uint8_t)SONDE_SOCKET_OTHER;
}

/* A datagram socket is connected also to see which way there would be, as libraries do that
 * sort addresses. */
static bool wants_way(const struct finding_facts *facts, const struct sonde_call *call)
{
	uint8_t kind = kind_of(facts, call);

	return (kind == SONDE_SOCKET_TCP && call->kind == SONDE_CALL_CONNECT) ||
	       (kind == SONDE_SOCKET_UDP && call->kind == SONDE_CALL_SEND &&
		call->address.family != SONDE_FAMILY_NONE);
}

/* It got somewhere with the same port: another address of a name, as a rule. */
static bool went_on(const struct finding_facts *facts, const struct sonde_call *failed)
{
	for (uint32_t i = 0; i < facts->recording->call_count; i++) {
		const struct sonde_call *call = &facts->recording->calls[i];

		if (call->program == failed->program && wants_way(facts, call) &&
		    call->address.port == failed->address.port &&
		    (call->result >= 0 || call->result == -EINPROGRESS))
			return true;
	}
	return false;
}

void finding_route(const struct finding_facts *facts, struct finding_list *list)
{
	for (uint32_t i = 0; i < facts->recording->call_count; i++) {
		const struct sonde_call *call = &facts->recording->calls[i];
		char address[SONDE_ADDRESS_CHARS];
		struct sonde_finding *finding;

		if (call->result != -ENETUNREACH || !call_returned(call) ||
		    !wants_way(facts, call) || went_on(facts, call))
			continue;
		finding = finding_add(facts, list, "no-route", SONDE_ERROR, 0,
				      fact_statement(facts, call->call));
		sonde_address_format(&call->address, address);
		if (fact_loopback_turned(&call->address)) {
			finding_why(
				finding,
				"%s() to %s failed: there is no way to that network. "
				"It is a loopback address with its bytes in the other "
				"order.",
				call->name, address);
			finding_remedy(finding, FACT_TURNED_REMEDY);
			continue;
		}
		finding_why(finding,
			    "%s() to %s failed with ENETUNREACH: this machine knows no "
			    "way to that network, and sent nothing.",
			    call->name, address);
		finding_remedy(finding,
			       "Compare the address with \"ip route\". With --isolate, "
			       "only 127.0.0.1 and ::1 are there.");
	}
}

static bool has_peer(const struct finding_facts *facts, const struct sonde_socket *socket)
{
	const uint32_t *calls;
	size_t count = fact_calls(facts, socket->socket, &calls);

	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];

		/* A send may do what connect() does (TCP_FASTOPEN). */
		if (call->kind == SONDE_CALL_CONNECT ||
		    (call->kind == SONDE_CALL_SEND &&
		     call->address.family != SONDE_FAMILY_NONE))
			return true;
	}
	return socket->accepted_by || socket->is_inherited;
}

/* What gives a datagram socket a port. */
static bool has_port(const struct finding_facts *facts, const struct sonde_socket *socket)
{
	const uint32_t *calls;
	size_t count = fact_calls(facts, socket->socket, &calls);

	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];

		if (call->kind == SONDE_CALL_BIND || call->kind == SONDE_CALL_CONNECT ||
		    call->kind == SONDE_CALL_SEND)
			return true;
	}
	return socket->local.port || socket->is_inherited;
}

/* Waits for datagrams at no port. */
static void find_unbound(const struct finding_facts *facts, struct finding_list *list,
			 const struct sonde_socket *socket)
{
	const struct sonde_call *vain;
	struct sonde_finding *finding;

	if (socket->kind != SONDE_SOCKET_UDP || has_port(facts, socket))
		return;
	vain = fact_vain(facts, socket->socket);
	if (!vain)
		return;
	finding = finding_add(facts, list, "not-bound", SONDE_ERROR, 0,
			      fact_statement(facts, vain->call));
	finding_why(finding,
		    "This UDP socket has no port: neither bind() nor a send gave "
		    "it one, so that no datagram can reach it, and the wait "
		    "here was in vain.");
	finding_remedy(finding,
		       "A server calls bind() before it receives; a client sends "
		       "first, which gives it a port.");
}

void finding_unconnected(const struct finding_facts *facts, struct finding_list *list)
{
	for (uint32_t i = 0; i < facts->recording->socket_count; i++)
		find_unbound(facts, list, &facts->recording->sockets[i]);
	for (uint32_t i = 0; i < facts->recording->call_count; i++) {
		const struct sonde_call *call = &facts->recording->calls[i];
		const struct sonde_socket *socket =
			socket_at(facts->recording, call->socket);
		bool is_send = call->kind == SONDE_CALL_SEND;
		struct sonde_finding *finding;

		if ((!is_send && call->kind != SONDE_CALL_RECEIVE) ||
		    !call_returned(call) || !socket || socket->kind != SONDE_SOCKET_TCP ||
		    (call->result != -ENOTCONN && !(is_send && call->result == -EPIPE)) ||
		    has_peer(facts, socket))
			continue;
		finding = finding_add(facts, list, "not-connected", SONDE_ERROR, 0,
				      fact_statement(facts, call->call));
		if (socket->is_listening) {
			finding_why(finding,
				    "%s() failed: this is the socket that listens, which "
				    "has no peer and carries no data.",
				    call->name);
			finding_remedy(finding,
				       "accept() returns a new socket for each client: "
				       "send and receive on that one.");
			continue;
		}
		finding_why(finding,
			    "%s() failed: the socket was never connected, so that there "
			    "is nobody to %s.",
			    call->name, is_send ? "send to" : "receive from");
		finding_remedy(finding,
			       "A client calls connect() first; a server uses the "
			       "socket that accept() returns.");
	}
}
