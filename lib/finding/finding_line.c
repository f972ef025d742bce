/* A message without its end: who reads lines waits for the rest of this one, and who sent
 * it waits for the answer. */
#include "finding/finding.h"

#include <string.h>

/* Words by which one reads a line, in all languages. */
static const char *const reading_words[] = {
	"readline", "readuntil", "read_until", "readlines",  "fgets",
	"getline",  "getdelim",  "nextLine",   "ReadString", "for line in"};

static bool says_line(const char *text)
{
	for (size_t i = 0; text && i < sizeof(reading_words) / sizeof(*reading_words);
	     i++)
		if (strstr(text, reading_words[i]))
			return true;
	return false;
}

/* By its source, it reads up to the end of a line. */
static bool reads_line(const struct finding_facts *facts, const struct sonde_call *call)
{
	const struct sonde_stack *stack = stack_at(facts->recording, call->stack);

	for (uint32_t i = 0; stack && i < stack->place_count; i++) {
		uint32_t number = stack->places[i];
		const struct sonde_place *place;

		if (!number || number > facts->recording->place_count)
			continue;
		place = &facts->recording->places[number - 1];
		if (says_line(place->text) || says_line(place->function))
			return true;
	}
	return false;
}

/* A receive on the socket that was under way at that time. */
static const struct sonde_call *receiving_at(const struct finding_facts *facts,
					     uint32_t socket, int64_t at_ns)
{
	const uint32_t *calls;
	size_t count = fact_calls(facts, socket, &calls);

	for (size_t i = count; i-- > 0;) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];

		if (call->kind == SONDE_CALL_RECEIVE && call->enter_ns <= at_ns &&
		    call_end_ns(call) >= at_ns)
			return call;
	}
	return NULL;
}

/* The last packet with data before that time. */
static uint32_t last_data(const struct finding_facts *facts, uint32_t stream,
			  int64_t at_ns)
{
	const uint32_t *packets;
	size_t count = fact_packets(facts, stream, &packets);

	for (size_t i = count; i-- > 0;) {
		const struct sonde_packet *packet = fact_packet(facts, packets[i]);

		if (packet->at_ns <= at_ns && packet->decoded.payload_length)
			return packets[i];
	}
	return 0;
}

/* NOLINTNEXTLINE(bugprone-easily-swappable-parameters): as sonde_stream has them */
static bool find_unended(const struct finding_facts *facts, struct finding_list *list,
			 uint32_t stream, uint32_t sender, uint32_t receiver,
			 unsigned side)
{
	const struct sonde_call *vain = fact_vain(facts, sender), *reading;
	const struct sonde_packet *packet;
	struct sonde_finding *finding;
	int64_t at_ns, arrived, taken;

	if (!vain)
		return false;
	at_ns = call_returned(vain) ? vain->exit_ns : facts->recording->ended_ns;
	reading = receiving_at(facts, receiver, at_ns);
	packet = fact_packet(facts, last_data(facts, stream, at_ns));
	if (!reading || !packet || !packet->is_text || packet->tail == '\n' ||
	    fact_place(facts, packet->packet)->direction != side ||
	    !reads_line(facts, reading) ||
	    !fact_unread(facts, receiver, reading->enter_ns, &arrived, &taken) ||
	    arrived != taken)
		return false;
	finding = finding_add(facts, list, "line-end-missing", SONDE_ERROR, stream,
			      fact_saying_statement(facts, packet->packet));
	finding_statement(finding, fact_statement(facts, reading->call));
	finding_packet(finding, packet->packet);
	finding_why(finding,
		    "What was sent here does not end with a line's end, and %s reads up "
		    "to one: it waits for the rest of the line, and %s waits for its "
		    "answer.",
		    fact_program(facts, reading->program),
		    fact_program(facts, vain->program));
	finding_remedy(finding, "Send the line with its end: \\n, or \\r\\n where the "
				"protocol says so.");
	return true;
}

bool finding_line_end(const struct finding_facts *facts, struct finding_list *list,
		      uint32_t stream)
{
	const struct sonde_stream *it = &facts->timeline->streams[stream - 1];

	if (it->kind != SONDE_SOCKET_TCP || !it->client_socket || !it->server_socket)
		return false;
	return find_unended(facts, list, stream, it->client_socket, it->server_socket,
			    0) ||
	       /* NOLINTNEXTLINE(readability-suspicious-call-argument): the other way */
	       find_unended(facts, list, stream, it->server_socket, it->client_socket, 1);
}
