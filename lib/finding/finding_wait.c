/* Waiting without end. */
#include "finding/finding.h"

enum { PATIENCE_MS = 1000 };

/* A receive on that socket, or a wait for it alone, that never came back. */
static const struct sonde_call *find_pending(const struct finding_facts *facts,
					     uint32_t socket)
{
	const struct sonde_recording *recording = facts->recording;

	for (uint32_t i = facts->pending_count; socket && i > 0; i--) {
		const struct sonde_call *call =
			&recording->calls[facts->pending[i - 1] - 1];

		if (call->kind == SONDE_CALL_RECEIVE && call->socket == socket)
			return call;
		if (call->kind == SONDE_CALL_WAIT && call->watched_count == 1 &&
		    call->watched[0].socket == socket && call->timeout_ns < 0 &&
		    !recording->sockets[socket - 1].is_listening)
			return call;
	}
	return NULL;
}

static bool has_patience(const struct finding_facts *facts, const struct sonde_call *call)
{
	return facts->recording->ended_ns - call->enter_ns >
	       PATIENCE_MS * INT64_C(1000000);
}

static void find_both(const struct finding_facts *facts, struct finding_list *list,
		      uint32_t stream, const struct sonde_call *client,
		      const struct sonde_call *server)
{
	struct sonde_finding *finding =
		finding_add(facts, list, "both-wait", SONDE_ERROR, stream,
			    fact_statement(facts, client->call));

	finding_statement(finding, fact_statement(facts, server->call));
	if (stream)
		finding_packet(finding, facts->timeline->streams[stream - 1].last_packet);
	finding_why(finding,
		    "%s and %s each wait for the other to send: neither will ever go on.",
		    fact_program(facts, client->program),
		    fact_program(facts, server->program));
	finding_remedy(finding, "Agree who speaks first and where a message ends; a time "
				"limit on the receive turns the silence into an error.");
}

static void find_alone(const struct finding_facts *facts, struct finding_list *list,
		       uint32_t stream, const struct sonde_call *call)
{
	struct sonde_finding *finding =
		finding_add(facts, list, "no-timeout", SONDE_WARNING, stream,
			    fact_statement(facts, call->call));

	finding_why(
		finding,
		"%s waited here until it was ended: nothing came, and there is no time "
		"limit.",
		fact_program(facts, call->program));
	finding_remedy(finding,
		       "Set a time limit (settimeout() in Python, SO_RCVTIMEO or "
		       "poll() in C) and say what is to be done when it passes.");
}

void finding_wait(const struct finding_facts *facts, struct finding_list *list)
{
	const struct sonde_recording *recording = facts->recording;

	for (uint32_t i = 0; i < fact_connection_count(facts); i++) {
		const struct fact_connection it = fact_connection(facts, i);
		const struct sonde_call *client = find_pending(facts, it.client);
		const struct sonde_call *server = find_pending(facts, it.server);

		/* Of Unix sockets and pipes it is not known who is at fault. */
		if ((it.kind != SONDE_SOCKET_TCP && it.kind != SONDE_SOCKET_UDP) ||
		    (it.stream && finding_line_end(facts, list, it.stream)))
			continue;
		if (client && server && has_patience(facts, client) &&
		    has_patience(facts, server))
			find_both(facts, list, it.stream, client, server);
		/* Servers wait, that is what they are for; it is the program that was run
		 * which had to be ended. */
		else if (client && has_patience(facts, client) &&
			 client->program == recording->main_program &&
			 fact_was_ended(facts, client->program))
			find_alone(facts, list, it.stream, client);
	}
}
