/* Threads that never end: each waits on a socket that another thread has closed.  The
 * kernel keeps such a wait going; the number of the descriptor is all that close() frees. */
#include "finding/finding.h"

enum { PATIENCE_MS = 1000 };

static uint32_t socket_of(const struct sonde_call *call)
{
	if (call->kind == SONDE_CALL_ACCEPT || call->kind == SONDE_CALL_RECEIVE)
		return call->socket;
	return 0;
}

void finding_thread(const struct finding_facts *facts, struct finding_list *list)
{
	const struct sonde_recording *recording = facts->recording;

	for (uint32_t i = 0; i < facts->pending_count; i++) {
		const struct sonde_call *call = &recording->calls[facts->pending[i] - 1];
		const struct sonde_socket *socket = socket_at(recording, socket_of(call));
		const struct sonde_call *close =
			socket ? call_at(recording, socket->closed_by) : NULL;
		struct sonde_finding *finding;
		unsigned side = 0;

		/* A program that ends all the same does not miss its thread. */
		if (!close || close->kind == SONDE_CALL_EXIT || close->tid == call->tid ||
		    close->pid != call->pid || close->enter_ns < call->enter_ns ||
		    !fact_was_ended(facts, call->program) ||
		    recording->ended_ns - close->enter_ns <
			    PATIENCE_MS * INT64_C(1000000))
			continue;
		finding = finding_add(facts, list, "thread-never-ends", SONDE_ERROR,
				      fact_stream(facts, socket->socket, &side),
				      fact_statement(facts, call->call));
		finding_statement(finding, fact_statement(facts, close->call));
		finding_why(finding,
			    "This thread waited in %s() until the program was ended: "
			    "another thread had closed the socket, and that does not "
			    "wake up who waits on it.",
			    call->name);
		finding_remedy(finding,
			       "shutdown(SHUT_RDWR) the socket first (that wakes the "
			       "waiting thread), join the thread, then close.");
	}
}
