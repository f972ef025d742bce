/* A connection that was refused: who is near the address, in words.
 *
 * What the traced programs did tells more than a look at the machine, which the tracer had
 * when the call came back (call->holder): it knows lines, and who came later. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/port_slip.h"
#include "finding/finding_bind.h"
#include "finding/finding_connect.h"

static_assert((int)FACT_WHERE_CHARS >= (int)FINDING_HOLDER_CHARS,
	      "who has room for both");

struct words {
	char server[SONDE_ADDRESS_CHARS]; /* that was asked */
	char has[SONDE_ADDRESS_CHARS];    /* what the one near it has */
	char who[FACT_WHERE_CHARS];       /* "server.py:12" */
};

static const char *version_of(const struct sonde_address *address)
{
	return address->family == SONDE_FAMILY_INET6 ? "IPv6" : "IPv4";
}

static void say_family(struct sonde_finding *finding, const struct words *words,
		       const struct sonde_address *has, const struct sonde_address *asked)
{
	char host[SONDE_ADDRESS_CHARS];

	finding_why(finding,
		    "The connection to %s was refused: %s listens at %s, for %s alone, "
		    "and this is %s.",
		    words->server, words->who, words->has, version_of(has),
		    version_of(asked));
	if (sonde_address_is_any(has))
		snprintf(host, sizeof(host), "%s",
			 has->family == SONDE_FAMILY_INET6 ? "an IPv6 address"
							   : "an IPv4 address");
	else
		sonde_address_format_host(has, host);
	finding_remedy(finding,
		       "Connect to %s: a name such as \"localhost\" may mean either. Or "
		       "let the server listen at :: with IPV6_V6ONLY off, which is for "
		       "both.",
		       host);
}

static void say_port(struct sonde_finding *finding, const struct words *words,
		     enum near_kind kind)
{
	if (kind == NEAR_SWAPPED) {
		finding_why(finding,
			    "The connection to %s was refused: %s listens at %s, which "
			    "is the same port with its two bytes in the other order.",
			    words->server, words->who, words->has);
		finding_remedy(finding, "One of the two lacks htons(): sin_port takes "
					"htons(port), in bind() and in connect() alike.");
		return;
	}
	finding_why(finding,
		    "The connection to %s was refused: nobody listens there, but %s "
		    "listens at %s.",
		    words->server, words->who, words->has);
	finding_remedy(finding, "Give both the same port, if that is the server that is "
				"meant; otherwise start the other one.");
}

static void say_near(struct sonde_finding *finding, const struct words *words,
		     const struct near *near, const struct sonde_address *has,
		     const struct sonde_address *asked)
{
	bool is_exit = near->how && near->how->kind == SONDE_CALL_EXIT;

	switch (near->kind) {
	case NEAR_LATER:
		finding_why(finding,
			    "The connection to %s was refused: %s called listen() there "
			    "only afterwards.",
			    words->server, words->who);
		finding_remedy(finding, "Start the server first and wait until it "
					"listens, or try again after a short pause.");
		break;
	case NEAR_HEARS:
		finding_why(finding,
			    "The connection to %s was refused, though %s listens at %s: "
			    "a firewall refuses for it, or it is in another network "
			    "namespace.",
			    words->server, words->who, words->has);
		finding_remedy(finding, "Look at the rules (nft list ruleset), and at "
					"\"ip netns identify\" of both processes.");
		break;
	case NEAR_ENDED:
		finding_why(finding,
			    "The connection to %s was refused: nobody listens there any "
			    "more; %s before.",
			    words->server, words->who);
		finding_remedy(finding,
			       "A server for more than one client keeps the socket that "
			       "listens, and calls accept() on it in a loop%s.",
			       is_exit ? " instead of ending" : "");
		break;
	case NEAR_BOUND:
		finding_why(finding,
			    "The connection to %s was refused: %s has bound a socket to "
			    "%s, and never called listen() on it.",
			    words->server, words->who, words->has);
		finding_remedy(finding, "Call listen() after bind(): only a socket that "
					"listens has its connections answered.");
		break;
	case NEAR_DATAGRAMS:
		finding_why(finding,
			    "The connection to %s was refused: %s has that port for "
			    "UDP, and this is TCP. Both have ports of their own.",
			    words->server, words->who);
		finding_remedy(finding,
			       "Let both speak the same one: SOCK_STREAM with listen() "
			       "and accept(), or SOCK_DGRAM with sendto() and "
			       "recvfrom().");
		break;
	case NEAR_FAMILY:
		say_family(finding, words, has, asked);
		break;
	case NEAR_ADDRESS:
		finding_why(finding,
			    "The connection to %s was refused: %s listens on %s, which "
			    "connections to other addresses do not reach.",
			    words->server, words->who, words->has);
		finding_remedy(finding,
			       "Bind the server to 0.0.0.0 (or ::) or to the very "
			       "address, if others shall reach it.");
		break;
	case NEAR_SWAPPED:
	case NEAR_DIGIT:
	case NEAR_PORT:
		say_port(finding, words, near->kind);
		break;
	case NEAR_NOTHING:
		break;
	}
}

/* ---- nobody that is traced ---- */

/* What the tracer saw of the machine when the connect came back. */
static bool say_holder(const struct finding_facts *facts, struct sonde_finding *finding,
		       struct words *words, const struct attempt *attempt)
{
	const struct sonde_holder *holder = finding_holder(facts, attempt->connect);
	const struct sonde_address *asked = &attempt->server;
	struct near near = {NEAR_NOTHING, 0, NULL};

	if (!holder || holder->state == SONDE_HOLDER_UNKNOWN)
		return false;
	finding_format_holder(holder, words->who);
	sonde_address_format(&holder->local, words->has);
	if (holder->state == SONDE_HOLDER_DATAGRAMS)
		near.kind = NEAR_DATAGRAMS;
	else if (holder->state == SONDE_HOLDER_BOUND)
		near.kind = NEAR_BOUND;
	else if (holder->local.port != asked->port)
		near.kind = port_is_swapped(holder->local.port, asked->port)
				    ? NEAR_SWAPPED
				    : NEAR_PORT;
	else if (holder->local.family != asked->family)
		near.kind = NEAR_FAMILY;
	else
		near.kind = NEAR_ADDRESS;
	say_near(finding, words, &near, &holder->local, asked);
	return true;
}

static void say_nothing(struct sonde_finding *finding, const struct words *words,
			const struct attempt *attempt)
{
	if (attempt->reset)
		finding_why(finding,
			    "The connection to %s was refused: nothing listens there, "
			    "and the kernel answered the SYN with RST.",
			    words->server);
	else
		finding_why(finding,
			    "The connection to %s was refused (ECONNREFUSED): nothing "
			    "listens there.",
			    words->server);
	finding_remedy(finding, "Start the server, and compare its port and address with "
				"these; ss -tln lists who listens.");
}

/* ---- the finding ---- */

static const char *name_of(const struct near *near, const struct sonde_address *has)
{
	if (near->kind == NEAR_LATER)
		return "connect-before-listen";
	if (near->kind == NEAR_ADDRESS && sonde_address_is_loopback(has))
		return "listens-on-loopback-only";
	return "connection-refused";
}

/* "server.py:12 called listen()" is its line; of one that has ended, what ended it. */
static void name_near(const struct finding_facts *facts, const struct near *near,
		      struct words *words)
{
	const struct sonde_socket *socket = &facts->recording->sockets[near->socket - 1];
	uint32_t statement = near->how ? fact_statement(facts, near->how->call) : 0;
	const char *program = fact_program(facts, socket->program);

	sonde_address_format(&socket->local, words->has);
	fact_where(facts, statement, socket->program, words->who);
	if (near->kind != NEAR_ENDED)
		return;
	if (!near->how || near->how->kind == SONDE_CALL_EXIT)
		snprintf(words->who, sizeof(words->who), "%.64s had ended", program);
	else
		snprintf(words->who + strlen(words->who),
			 sizeof(words->who) - strlen(words->who),
			 " had closed that socket");
}

void finding_refused(const struct finding_facts *facts, struct finding_list *list,
		     const struct attempt *attempt)
{
	struct near near = finding_near(facts, attempt);
	const struct sonde_socket *socket = socket_at(facts->recording, near.socket);
	const struct sonde_address *has = socket ? &socket->local : NULL;
	struct sonde_finding *finding;
	struct words words;

	finding = finding_add(facts, list, name_of(&near, has), SONDE_ERROR,
			      attempt->stream,
			      fact_statement(facts, attempt->connect->call));
	if (!finding)
		return;
	sonde_address_format(&attempt->server, words.server);
	if (socket) {
		name_near(facts, &near, &words);
		say_near(finding, &words, &near, has, &attempt->server);
		if (near.how)
			finding_statement(finding, fact_statement(facts, near.how->call));
	} else if (!say_holder(facts, finding, &words, attempt)) {
		say_nothing(finding, &words, attempt);
	}
	finding_packet(finding, attempt->syn);
	finding_packet(finding, attempt->reset);
}
