/* bind() that failed, where the program did not find another way. */
#include "finding/finding.h"

#include <errno.h>

/* It bound a socket after all: the failure was part of its plan. */
static bool went_on(const struct finding_facts *facts, const struct sonde_call *failed)
{
	for (uint32_t i = failed->call; i < facts->recording->call_count; i++) {
		const struct sonde_call *call = &facts->recording->calls[i];

		if (call->kind == SONDE_CALL_BIND && call->program == failed->program &&
		    call->result == 0 && call->enter_ns > failed->enter_ns)
			return true;
	}
	return false;
}

/* The traced socket that has the port at that time; 0. */
static uint32_t find_holder(const struct finding_facts *facts,
			    const struct sonde_call *failed)
{
	const struct sonde_socket *own = socket_at(facts->recording, failed->socket);

	for (uint32_t i = 0; i < facts->recording->socket_count; i++) {
		const struct sonde_socket *socket = &facts->recording->sockets[i];

		if (socket->socket != failed->socket && own &&
		    socket->kind == own->kind &&
		    socket->local.port == failed->address.port &&
		    socket->opened_ns <= failed->enter_ns &&
		    (!socket->closed_ns || socket->closed_ns > failed->enter_ns))
			return socket->socket;
	}
	return 0;
}

/* The statement that gave the socket its port; 0 none. */
static uint32_t find_bind(const struct finding_facts *facts, uint32_t socket)
{
	const uint32_t *calls;
	size_t count = fact_calls(facts, socket, &calls);

	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];

		if (call->kind == SONDE_CALL_BIND && call->result == 0)
			return fact_statement(facts, call->call);
	}
	return 0;
}

/* A connection of that port that this side closed first, a moment ago: TIME_WAIT.  The
 * port was its server's, or its client's. */
static uint32_t find_time_wait(const struct finding_facts *facts,
			       const struct sonde_call *failed, bool of_client)
{
	for (uint32_t i = 0; i < facts->timeline->stream_count; i++) {
		const struct sonde_stream *stream = &facts->timeline->streams[i];
		const struct sonde_packet *last = fact_packet(facts, stream->last_packet);

		if (stream->kind == SONDE_SOCKET_TCP && last &&
		    last->at_ns < failed->enter_ns &&
		    (of_client ? stream->client.port : stream->server.port) ==
			    failed->address.port)
			return i + 1;
	}
	return 0;
}

/* A client that insists on one port, and had it a moment ago. */
static bool say_reused(const struct finding_facts *facts, struct finding_list *list,
		       const struct sonde_call *failed, const char *address)
{
	uint32_t earlier = find_time_wait(facts, failed, true);
	struct sonde_finding *finding;

	if (!earlier || find_holder(facts, failed))
		return false;
	finding = finding_add(facts, list, "port-reused-too-soon", SONDE_ERROR, earlier,
			      fact_statement(facts, failed->call));
	finding_packet(finding, facts->timeline->streams[earlier - 1].last_packet);
	finding_why(finding,
		    "bind() to %s failed: this client's connection before had the port, "
		    "and who closes first keeps it for a minute (TIME_WAIT).",
		    address);
	finding_remedy(finding, "Leave a client's port to the kernel: no bind(), or "
				"bind() to port 0.");
	return true;
}

static void say_in_use(const struct finding_facts *facts, struct finding_list *list,
		       const struct sonde_call *failed, const char *address)
{
	uint32_t holder = find_holder(facts, failed);
	uint32_t waiting = holder ? 0 : find_time_wait(facts, failed, false);
	struct sonde_finding *finding;

	if (say_reused(facts, list, failed, address))
		return;
	finding = finding_add(facts, list, "address-in-use", SONDE_ERROR, 0,
			      fact_statement(facts, failed->call));

	if (holder) {
		const struct sonde_socket *socket =
			&facts->recording->sockets[holder - 1];

		finding_statement(finding, find_bind(facts, holder));
		finding_why(finding, "bind() to %s failed: %s (process %u) has it.",
			    address, fact_program(facts, socket->program), socket->pid);
		finding_remedy(finding, "End that program first, or take another port; "
					"port 0 lets the kernel choose.");
	} else if (waiting) {
		finding_why(finding,
			    "bind() to %s failed: a connection of this port that was "
			    "closed a moment ago still waits for late packets "
			    "(TIME_WAIT).",
			    address);
		finding_remedy(finding, "Set SO_REUSEADDR before bind(), as servers do.");
	} else {
		finding_why(finding,
			    "bind() to %s failed: another program has it, or a "
			    "connection that was closed a moment ago (TIME_WAIT).",
			    address);
		finding_remedy(finding, "ss -anp names the owner; against TIME_WAIT, set "
					"SO_REUSEADDR before bind().");
	}
}

void finding_bind(const struct finding_facts *facts, struct finding_list *list)
{
	char address[SONDE_ADDRESS_CHARS];
	struct sonde_finding *finding;

	for (uint32_t i = 0; i < facts->recording->call_count; i++) {
		const struct sonde_call *call = &facts->recording->calls[i];
		uint32_t statement = fact_statement(facts, call->call);

		if (call->kind != SONDE_CALL_BIND || !call_returned(call) ||
		    call->result >= 0 || went_on(facts, call))
			continue;
		sonde_address_format(&call->address, address);
		switch (call->result) {
		case -EADDRINUSE:
			say_in_use(facts, list, call, address);
			break;
		case -EADDRNOTAVAIL:
			finding = finding_add(facts, list, "address-not-here",
					      SONDE_ERROR, 0, statement);
			finding_why(finding,
				    "bind() to %s failed: no interface of this machine "
				    "has that address.",
				    address);
			finding_remedy(finding, "Take one that \"ip address\" lists, or "
						"0.0.0.0 (::) for all of them.");
			break;
		case -EACCES:
			finding = finding_add(facts, list, "port-privileged", SONDE_ERROR,
					      0, statement);
			finding_why(finding,
				    "bind() to %s failed: ports below 1024 are kept for "
				    "privileged programs.",
				    address);
			finding_remedy(finding, "Take a port from 1024 on, or give the "
						"program CAP_NET_BIND_SERVICE.");
			break;
		default:
			break;
		}
	}
}
