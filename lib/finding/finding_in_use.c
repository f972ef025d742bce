/* bind() or listen() that failed because somebody has the address: who, and what to do.
 *
 * The tracer looked for the holder while it had the address (call->holder).  Of an older
 * file, or where there were too many to look for, the traced sockets and the packets tell
 * what they can. */
#include "finding/finding_bind.h"

#include <stdio.h>

#include "timeline/calls.h"

/* The traced socket that has the port at that time; 0. */
static uint32_t find_socket(const struct finding_facts *facts,
			    const struct sonde_call *failed,
			    const struct sonde_address *wanted)
{
	const struct sonde_socket *own = socket_at(facts->recording, failed->socket);

	for (uint32_t i = 0; i < facts->recording->socket_count && wanted->port; i++) {
		const struct sonde_socket *socket = &facts->recording->sockets[i];

		if (socket->socket != failed->socket && own &&
		    socket->kind == own->kind && socket->local.port == wanted->port &&
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
	size_t count = socket ? fact_calls(facts, socket, &calls) : 0;

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
			       const struct sonde_call *failed,
			       const struct sonde_address *wanted, bool of_client)
{
	for (uint32_t i = 0; i < facts->timeline->stream_count && wanted->port; i++) {
		const struct sonde_stream *stream = &facts->timeline->streams[i];
		const struct sonde_packet *last = fact_packet(facts, stream->last_packet);

		if (stream->kind == SONDE_SOCKET_TCP && last &&
		    last->at_ns < failed->enter_ns &&
		    (of_client ? stream->client.port : stream->server.port) ==
			    wanted->port)
			return i + 1;
	}
	return 0;
}

static uint32_t last_packet_of(const struct finding_facts *facts, uint32_t stream)
{
	return stream ? facts->timeline->streams[stream - 1].last_packet : 0;
}

const struct sonde_holder *finding_holder(const struct finding_facts *facts,
					  const struct sonde_call *failed)
{
	if (!failed->holder || failed->holder > facts->recording->holder_count)
		return NULL;
	return &facts->recording->holders[failed->holder - 1];
}

/* ---- words ---- */

static const char *verb_of(const struct sonde_call *failed)
{
	return failed->kind == SONDE_CALL_LISTEN ? "listen() at" : "bind() to";
}

/* "3 min". */
static void format_age(int64_t age_ns, char *ret, size_t size)
{
	long long s = age_ns / 1000000000;

	if (s < 120)
		snprintf(ret, size, "%lld s", s);
	else if (s < 120 * 60LL)
		snprintf(ret, size, "%lld min", s / 60);
	else if (s < 48 * 3600LL)
		snprintf(ret, size, "%lld h", s / 3600);
	else
		snprintf(ret, size, "%lld days", s / 86400);
}

void finding_format_holder(const struct sonde_holder *holder,
			   char ret[FINDING_HOLDER_CHARS])
{
	char age[32], others[48] = "";

	if (!holder->pid && holder->is_ownerless) {
		snprintf(ret, FINDING_HOLDER_CHARS, "the kernel itself");
		return;
	}
	if (!holder->pid) {
		snprintf(ret, FINDING_HOLDER_CHARS, "a process of user %u%s, %s,",
			 holder->uid, holder->uid ? "" : " (root)",
			 holder->is_unsearched ? "one of too many to look through"
					       : "which sonde may not look into");
		return;
	}
	format_age(holder->looked_ns - holder->started_ns, age, sizeof(age));
	if (holder->others)
		snprintf(others, sizeof(others), ", with %u more", holder->others);
	if (holder->started_ns && holder->started_ns < holder->looked_ns)
		snprintf(ret, FINDING_HOLDER_CHARS,
			 "%.64s (process %u%s, started %s before%s)",
			 holder->name ? holder->name : "a program", holder->pid, others,
			 age, holder->is_stopped ? ", stopped now" : "");
	else
		snprintf(ret, FINDING_HOLDER_CHARS, "%.64s (process %u%s%s)",
			 holder->name ? holder->name : "a program", holder->pid, others,
			 holder->is_stopped ? ", stopped now" : "");
}

static void say_end_it(struct sonde_finding *finding, const struct sonde_holder *holder,
		       bool is_path)
{
	const char *other =
		is_path ? "another path" : "another port; port 0 lets the kernel choose";

	if (holder->pid && holder->is_stopped)
		finding_remedy(finding,
			       "Let it go on (fg, kill -CONT %u) or end it, or take %s.",
			       holder->pid, other);
	else if (holder->pid)
		finding_remedy(finding, "End it first (kill %u), or take %s.",
			       holder->pid, other);
	else
		finding_remedy(finding,
			       "\"sudo ss -anp\" names it: end it first, or take %s.",
			       other);
}

static void say_holder(struct sonde_finding *finding, const struct sonde_call *failed,
		       const struct sonde_holder *holder, const char *address)
{
	char who[FINDING_HOLDER_CHARS], local[SONDE_ADDRESS_CHARS],
		peer[SONDE_ADDRESS_CHARS];
	const char *verb = verb_of(failed);
	bool is_path = holder->path != NULL;

	finding_format_holder(holder, who);
	sonde_address_format(&holder->local, local);
	sonde_address_format(&holder->peer, peer);
	switch ((enum sonde_holder_state)holder->state) {
	case SONDE_HOLDER_LISTENS:
		finding_why(finding, "%s %s failed: %s listens %s%s.", verb, address, who,
			    is_path ? "there" : "at ", is_path ? "" : local);
		say_end_it(finding, holder, is_path);
		break;
	case SONDE_HOLDER_BOUND:
		finding_why(finding, "%s %s failed: %s has %s.", verb, address, who,
			    is_path ? "it" : local);
		say_end_it(finding, holder, is_path);
		break;
	case SONDE_HOLDER_TALKS:
		finding_why(finding,
			    "%s %s failed: %s has a connection there, from %s to %s.",
			    verb, address, who, local, peer);
		finding_remedy(finding,
			       "Let it end.  A server gets its port back at once where "
			       "it sets SO_REUSEADDR before bind(), also the first time; "
			       "a port below 32768 is no client's by chance.");
		break;
	case SONDE_HOLDER_TIME_WAIT:
		finding_why(finding,
			    "%s %s failed: nobody has it any more, but a connection "
			    "with %s that ended a moment ago waits for late packets "
			    "(TIME_WAIT, %u s more).",
			    verb, address, peer, (holder->left_ms + 999) / 1000);
		finding_remedy(finding, "Set SO_REUSEADDR before bind(), as servers do.");
		break;
	case SONDE_HOLDER_CLOSING:
		finding_why(finding,
			    "%s %s failed: no program has it any more, but the kernel "
			    "still ends a connection with %s.",
			    verb, address, peer);
		finding_remedy(finding, "Set SO_REUSEADDR before bind(), as servers do.");
		break;
	case SONDE_HOLDER_STALE:
		finding_why(finding,
			    "%s %s failed: the path is there, and nobody listens at "
			    "it: a program that has ended left it behind.",
			    verb, address);
		finding_remedy(finding,
			       "unlink() it before bind(), and when the server ends.");
		break;
	case SONDE_HOLDER_FILE:
		finding_why(finding,
			    "%s %s failed: a file that is no socket has that path.", verb,
			    address);
		finding_remedy(finding, "Take another path.");
		break;
	case SONDE_HOLDER_DATAGRAMS: /* is in no bind()'s way as such */
	case SONDE_HOLDER_UNKNOWN:
		break;
	}
}

/* ---- findings ---- */

/* A client that insists on one port, and had it a moment ago. */
static bool say_reused(const struct finding_facts *facts, struct finding_list *list,
		       const struct sonde_call *failed,
		       const struct sonde_address *wanted, const char *address)
{
	uint32_t earlier = find_time_wait(facts, failed, wanted, true);
	const struct sonde_holder *holder = finding_holder(facts, failed);
	struct sonde_finding *finding;

	if (!earlier || find_socket(facts, failed, wanted))
		return false;
	if (holder && holder->state != SONDE_HOLDER_UNKNOWN &&
	    holder->state != SONDE_HOLDER_CLOSING &&
	    holder->state != SONDE_HOLDER_TIME_WAIT)
		return false;
	finding = finding_add(facts, list, "port-reused-too-soon", SONDE_ERROR, earlier,
			      fact_statement(facts, failed->call));
	finding_packet(finding, last_packet_of(facts, earlier));
	finding_why(finding,
		    "bind() to %s failed: this client's connection before had the port, "
		    "and who closes first keeps it for a minute (TIME_WAIT).",
		    address);
	finding_remedy(finding, "Leave a client's port to the kernel: no bind(), or "
				"bind() to port 0.");
	return true;
}

static void say_unknown(struct sonde_finding *finding, const struct sonde_call *failed,
			const struct sonde_address *wanted, const char *address)
{
	if (wanted->family == SONDE_FAMILY_UNIX) {
		finding_why(finding, "bind() to %s failed: the path is there already.",
			    address);
		finding_remedy(finding,
			       "unlink() a path that nobody uses any more before "
			       "bind(); ss -xap names the owner of one in use.");
		return;
	}
	finding_why(finding,
		    "%s %s failed: another program has it, or a connection that was "
		    "closed a moment ago (TIME_WAIT).",
		    verb_of(failed), address);
	finding_remedy(finding, "ss -anp names the owner; against TIME_WAIT, set "
				"SO_REUSEADDR before bind().");
}

static void say_traced(const struct finding_facts *facts, struct sonde_finding *finding,
		       const struct sonde_call *failed, uint32_t number,
		       const char *address)
{
	const struct sonde_socket *socket = &facts->recording->sockets[number - 1];
	char local[SONDE_ADDRESS_CHARS];

	finding_statement(finding, find_bind(facts, number));
	sonde_address_format(&socket->local, local);
	if (socket->program == failed->program) {
		finding_why(finding,
			    "%s %s failed: another socket of this program has %s.",
			    verb_of(failed), address, socket->local.port ? local : "it");
		finding_remedy(finding, "Close that one first, or take another port; "
					"port 0 lets the kernel choose.");
		return;
	}
	finding_why(finding, "%s %s failed: %s (process %u) has %s.", verb_of(failed),
		    address, fact_program(facts, socket->program), socket->pid,
		    socket->local.port ? local : "it");
	finding_remedy(finding, "End that program first, or take another port; "
				"port 0 lets the kernel choose.");
}

void finding_in_use(const struct finding_facts *facts, struct finding_list *list,
		    const struct sonde_call *failed)
{
	const struct sonde_holder *holder = finding_holder(facts, failed);
	const struct sonde_socket *own = socket_at(facts->recording, failed->socket);
	struct sonde_address wanted = failed->address;
	char storage[SONDE_ADDRESS_CHARS];
	const char *address = storage;
	struct sonde_finding *finding;
	uint32_t traced;

	if (failed->kind == SONDE_CALL_LISTEN && own)
		wanted = own->local;
	sonde_address_format(&wanted, storage);
	if (holder && holder->path)
		address = holder->path;
	if (say_reused(facts, list, failed, &wanted, address))
		return;
	finding = finding_add(facts, list, "address-in-use", SONDE_ERROR, 0,
			      fact_statement(facts, failed->call));
	traced = holder ? holder->socket : find_socket(facts, failed, &wanted);
	if (traced && traced <= facts->recording->socket_count &&
	    (!holder || holder->state <= SONDE_HOLDER_BOUND)) {
		say_traced(facts, finding, failed, traced, address);
		return;
	}
	if (holder && holder->state == SONDE_HOLDER_TIME_WAIT)
		finding_packet(finding,
			       last_packet_of(facts, find_time_wait(facts, failed,
								    &wanted, false)));
	if (holder && holder->socket)
		finding_statement(finding, find_bind(facts, holder->socket));
	if (holder && holder->state != SONDE_HOLDER_UNKNOWN) {
		say_holder(finding, failed, holder, address);
		return;
	}
	if (!holder && find_time_wait(facts, failed, &wanted, false)) {
		finding_why(finding,
			    "bind() to %s failed: a connection of this port that was "
			    "closed a moment ago still waits for late packets "
			    "(TIME_WAIT).",
			    address);
		finding_remedy(finding, "Set SO_REUSEADDR before bind(), as servers do.");
		return;
	}
	say_unknown(finding, failed, &wanted, address);
}
