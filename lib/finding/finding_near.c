/* Who is near an address that refuses a connection: a server that came later, or has ended,
 * or never listened, or does so for UDP, at another address, at another port.
 *
 * Only what the calls of traced programs prove counts, and of several the one that differs
 * least. */
#include "finding/finding_connect.h"

#include "base/port_slip.h"

static bool has_call(const struct finding_facts *facts, uint32_t socket,
		     enum sonde_call_kind kind)
{
	const uint32_t *calls;
	size_t count = fact_calls(facts, socket, &calls);

	for (size_t i = 0; i < count; i++)
		if (facts->recording->calls[calls[i] - 1].kind == kind)
			return true;
	return false;
}

/* Who asks for the one address gets to the other. */
static bool covers(const struct sonde_address *has, const struct sonde_address *asked)
{
	if (has->family != asked->family)
		return has->family == SONDE_FAMILY_INET6 && sonde_address_is_any(has);
	return sonde_address_is_any(has) || sonde_address_equal_host(has, asked);
}

static struct near judge_listener(const struct finding_facts *facts,
				  const struct attempt *attempt,
				  const struct sonde_socket *socket,
				  const struct sonde_call *listen)
{
	const struct sonde_address *has = &socket->local, *asked = &attempt->server;
	struct near near = {NEAR_NOTHING, socket->socket, listen};
	bool has_ended = socket->closed_ns && socket->closed_ns < attempt->at_ns;
	bool is_covered = covers(has, asked);

	if (has->port == asked->port) {
		if (is_covered && listen->exit_ns > attempt->at_ns) {
			near.kind = NEAR_LATER;
		} else if (has_ended) {
			near.kind = is_covered ? NEAR_ENDED : NEAR_NOTHING;
			near.how = call_at(facts->recording, socket->closed_by);
		} else if (has->family != asked->family) {
			near.kind = NEAR_FAMILY;
		} else {
			near.kind = is_covered ? NEAR_HEARS : NEAR_ADDRESS;
		}
		return near;
	}
	if (has_ended || !is_covered)
		return near;
	if (port_is_swapped(has->port, asked->port))
		near.kind = NEAR_SWAPPED;
	else if (port_is_slip(has->port, asked->port))
		near.kind = NEAR_DIGIT;
	/* What listens in the program itself is for others. */
	else if (socket->program != attempt->connect->program)
		near.kind = NEAR_PORT;
	return near;
}

static struct near judge(const struct finding_facts *facts, const struct attempt *attempt,
			 const struct sonde_socket *socket)
{
	const struct sonde_call *listen, *bind;
	struct near near = {NEAR_NOTHING, socket->socket, NULL};
	bool is_there;

	if (socket->socket == attempt->connect->socket || socket->accepted_by ||
	    !socket->local.port)
		return near;
	listen = socket->kind == SONDE_SOCKET_TCP
			 ? finding_find_call(facts, socket->socket, SONDE_CALL_LISTEN)
			 : NULL;
	if (listen)
		return judge_listener(facts, attempt, socket, listen);
	bind = socket->local.port == attempt->server.port &&
			       covers(&socket->local, &attempt->server)
		       ? finding_find_call(facts, socket->socket, SONDE_CALL_BIND)
		       : NULL;
	is_there = bind && bind->exit_ns <= attempt->at_ns &&
		   (!socket->closed_ns || socket->closed_ns > attempt->at_ns);
	if (!is_there)
		return near;
	near.how = bind;
	if (socket->kind == SONDE_SOCKET_UDP)
		near.kind = NEAR_DATAGRAMS;
	else if (socket->kind == SONDE_SOCKET_TCP &&
		 !has_call(facts, socket->socket, SONDE_CALL_CONNECT))
		near.kind = NEAR_BOUND;
	return near;
}

struct near finding_near(const struct finding_facts *facts, const struct attempt *attempt)
{
	const struct sonde_recording *recording = facts->recording;
	struct near best = {NEAR_NOTHING, 0, NULL};
	bool is_one_of_many = false;

	for (uint32_t i = 0; i < recording->socket_count; i++) {
		struct near near = judge(facts, attempt, &recording->sockets[i]);

		if (near.kind > best.kind || near.kind == NEAR_NOTHING)
			continue;
		if (near.kind == best.kind) {
			/* The latest of those that have ended; which port is meant, of
			 * several, nobody knows. */
			if (near.kind == NEAR_ENDED)
				best = near;
			is_one_of_many |=
				near.kind >= NEAR_DIGIT &&
				recording->sockets[i].local.port !=
					recording->sockets[best.socket - 1].local.port;
			continue;
		}
		best = near;
		is_one_of_many = false;
	}
	if (best.kind >= NEAR_DIGIT && is_one_of_many)
		best = (struct near){NEAR_NOTHING, 0, NULL};
	return best;
}
