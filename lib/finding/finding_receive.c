/* Receives whose result was not looked at: the end of the stream, read again and again. */
#include "finding/finding.h"

enum {
	ENDS_IGNORED = 3, /* so often in a row: once or twice may be a library's way */
};

static bool is_stream(const struct finding_facts *facts, uint32_t socket)
{
	uint8_t kind = facts->recording->sockets[socket - 1].kind;

	return kind == SONDE_SOCKET_TCP || kind == SONDE_SOCKET_UNIX_STREAM;
}

static void find_ends_ignored(const struct finding_facts *facts,
			      struct finding_list *list, uint32_t socket)
{
	const uint32_t *calls;
	size_t count = fact_calls(facts, socket, &calls);
	uint32_t in_row = 0, first = 0;
	unsigned side = 0;
	struct sonde_finding *finding;

	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];

		if (call->kind != SONDE_CALL_RECEIVE || !call_returned(call))
			continue;
		if (call->result == 0 && call->length &&
		    !(call->flags & SONDE_CALL_PEEK)) {
			first = in_row++ ? first : call->call;
			continue;
		}
		if (in_row >= ENDS_IGNORED)
			break;
		in_row = 0;
	}
	if (in_row < ENDS_IGNORED)
		return;
	finding = finding_add(facts, list, "recv-end-ignored", SONDE_ERROR,
			      fact_stream(facts, socket, &side),
			      fact_statement(facts, first));
	finding_why(
		finding,
		"The peer has closed the connection: the receive returns 0 bytes, and "
		"was called %u times nevertheless; it will return 0 for ever.",
		in_row);
	finding_remedy(finding,
		       "Treat 0 bytes (in Python b'') as the end: leave the loop "
		       "and close the socket.");
	finding_packet(finding, fact_packet_of(facts, first));
}

void finding_receive(const struct finding_facts *facts, struct finding_list *list)
{
	for (uint32_t i = 1; i <= facts->recording->socket_count; i++)
		if (is_stream(facts, i))
			find_ends_ignored(facts, list, i);
}
