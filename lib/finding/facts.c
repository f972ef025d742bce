/* The recording and its timeline, in the orders that detectors ask for. */
#include "finding/facts.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"

/* Counting sort: begin[k] is where the items of key k start, begin[keys] their number. */
static void sum_up(uint32_t *begin, size_t keys)
{
	uint32_t sum = 0;

	for (size_t k = 0; k <= keys; k++) {
		uint32_t count = begin[k];

		begin[k] = sum;
		sum += count;
	}
}

static int sort_packets(struct finding_facts *facts)
{
	const struct sonde_timeline *timeline = facts->timeline;
	size_t packets = facts->recording->packet_count, streams = timeline->stream_count;
	uint32_t *next;

	facts->of_stream = array_new(packets + 1, sizeof(*facts->of_stream));
	facts->stream_begin = array_new(streams + 2, sizeof(*facts->stream_begin));
	facts->edge_begin = array_new(packets + 2, sizeof(*facts->edge_begin));
	next = array_new(streams + 2, sizeof(*next));
	if (!facts->of_stream || !facts->stream_begin || !facts->edge_begin || !next) {
		array_free(next);
		return -ENOMEM;
	}
	for (size_t i = 0; i < packets; i++)
		facts->stream_begin[timeline->packet_places[i].stream]++;
	sum_up(facts->stream_begin, streams + 1);
	memcpy(next, facts->stream_begin, (streams + 2) * sizeof(*next));
	for (size_t i = 0; i < packets; i++) {
		uint32_t stream = timeline->packet_places[i].stream;

		facts->of_stream[next[stream]++] = (uint32_t)i + 1;
	}
	array_free(next);
	for (uint32_t i = 0; i < timeline->edge_count; i++)
		if (timeline->edges[i].packet <= packets)
			facts->edge_begin[timeline->edges[i].packet]++;
	sum_up(facts->edge_begin, packets + 1);
	return 0;
}

static int sort_sockets(struct finding_facts *facts)
{
	const struct sonde_timeline *timeline = facts->timeline;
	size_t sockets = facts->recording->socket_count;

	facts->side_of_socket = array_new(sockets + 1, sizeof(*facts->side_of_socket));
	if (!facts->side_of_socket)
		return -ENOMEM;
	for (uint32_t i = 0; i < timeline->stream_count; i++) {
		const struct sonde_stream *stream = &timeline->streams[i];

		if (stream->client_socket <= sockets)
			facts->side_of_socket[stream->client_socket] = 2 * (i + 1);
		if (stream->server_socket <= sockets)
			facts->side_of_socket[stream->server_socket] = 2 * (i + 1) + 1;
	}
	facts->side_of_socket[0] = 0;
	return 0;
}

/* The last call that was seen of each thread, by hashing. */
struct thread_table {
	struct {
		uint32_t tid, call;
	} * slots;
	size_t mask;
};

static uint32_t *thread_slot(struct thread_table *table, uint32_t tid)
{
	size_t i = tid * UINT32_C(2654435761) & table->mask;

	while (table->slots[i].tid && table->slots[i].tid != tid)
		i = (i + 1) & table->mask;
	table->slots[i].tid = tid;
	return &table->slots[i].call;
}

/* A thread's number is 0 in no recording; were it, its calls would not be followed. */
static int follow_threads(struct finding_facts *facts)
{
	size_t calls = facts->recording->call_count;
	struct thread_table table = {.mask = 1};

	while (table.mask < 2 * calls)
		table.mask *= 2;
	table.slots = array_new(table.mask, sizeof(*table.slots));
	table.mask--;
	facts->next_of_thread = array_new(calls + 1, sizeof(*facts->next_of_thread));
	if (!table.slots || !facts->next_of_thread) {
		array_free(table.slots);
		return -ENOMEM;
	}
	for (size_t i = 0; i < calls; i++) {
		uint32_t number = facts->calls.by_enter[i];
		uint32_t tid = facts->recording->calls[number - 1].tid;
		uint32_t *last = tid ? thread_slot(&table, tid) : NULL;

		if (last && *last)
			facts->next_of_thread[*last] = number;
		if (last)
			*last = number;
	}
	array_free(table.slots);
	return 0;
}

/* It has not returned, or only to be ended by a signal. */
static bool is_pending(const struct finding_facts *facts, const struct sonde_call *call)
{
	uint32_t next = facts->next_of_thread[call->call];

	if (!call_returned(call))
		return true;
	if (!call_was_interrupted(call) || !fact_was_ended(facts, call->program))
		return false;
	return !next || facts->recording->calls[next - 1].kind == SONDE_CALL_EXIT;
}

static int add_number(uint32_t **numbers, uint32_t *count, size_t *room, uint32_t number)
{
	if (array_reserve(numbers, room, (size_t)*count + 1, sizeof(**numbers)) < 0)
		return -ENOMEM;
	(*numbers)[(*count)++] = number;
	return 0;
}

static int pick_few(struct finding_facts *facts)
{
	const struct sonde_recording *recording = facts->recording;
	size_t listeners = 0, pending = 0, waits = 0, errors = 0;
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < recording->socket_count; i++)
		if (recording->sockets[i].is_listening &&
		    recording->sockets[i].kind == SONDE_SOCKET_TCP)
			r = add_number(&facts->listeners, &facts->listener_count,
				       &listeners, i + 1);
	for (uint32_t i = 0; r == 0 && i < recording->call_count; i++)
		if (is_pending(facts, &recording->calls[i]))
			r = add_number(&facts->pending, &facts->pending_count, &pending,
				       i + 1);
	for (uint32_t i = 0; r == 0 && i < recording->call_count; i++)
		if (recording->calls[i].kind == SONDE_CALL_WAIT)
			r = add_number(&facts->waits, &facts->wait_count, &waits, i + 1);
	for (uint32_t i = 0; r == 0 && i < recording->packet_count; i++)
		if (recording->packets[i].decoded.has_quote)
			r = add_number(&facts->errors, &facts->error_count, &errors,
				       i + 1);
	return r;
}

int facts_init(const struct sonde_timeline *timeline, struct finding_facts *ret)
{
	int r;

	*ret = (struct finding_facts){
		.timeline = timeline,
		.recording = timeline->recording,
	};
	r = call_index_init(timeline->recording, &ret->calls);
	if (r == 0)
		r = sort_packets(ret);
	if (r == 0)
		r = sort_sockets(ret);
	if (r == 0)
		r = follow_threads(ret);
	if (r == 0)
		r = pick_few(ret);
	if (r == 0)
		r = facts_pair(ret);
	if (r < 0)
		facts_done(ret);
	return r;
}

void facts_done(struct finding_facts *facts)
{
	call_index_done(&facts->calls);
	array_free(facts->of_stream);
	array_free(facts->stream_begin);
	array_free(facts->edge_begin);
	array_free(facts->side_of_socket);
	array_free(facts->next_of_thread);
	array_free(facts->listeners);
	array_free(facts->pending);
	array_free(facts->waits);
	array_free(facts->errors);
	array_free(facts->pairs);
	array_free(facts->peer);
	*facts = (struct finding_facts){0};
}

const struct sonde_packet *fact_packet(const struct finding_facts *facts, uint32_t packet)
{
	if (!packet || packet > facts->recording->packet_count)
		return NULL;
	return &facts->recording->packets[packet - 1];
}

uint32_t fact_packet_of(const struct finding_facts *facts, uint32_t call)
{
	if (!call || call > facts->recording->call_count ||
	    facts->timeline->call_unsure[call - 1])
		return 0;
	return facts->timeline->call_packet[call - 1];
}

const struct sonde_packet_place *fact_place(const struct finding_facts *facts,
					    uint32_t packet)
{
	if (!packet || packet > facts->recording->packet_count)
		return NULL;
	return &facts->timeline->packet_places[packet - 1];
}

uint32_t fact_statement(const struct finding_facts *facts, uint32_t call)
{
	if (!call || call > facts->recording->call_count)
		return 0;
	return facts->timeline->statement_of_call[call - 1];
}

const char *fact_program(const struct finding_facts *facts, uint32_t program)
{
	const char *name = NULL;

	if (program && program <= facts->recording->program_count)
		name = facts->recording->programs[program - 1].name;
	return name ? name : "a program";
}

size_t fact_calls(const struct finding_facts *facts, uint32_t socket,
		  const uint32_t **ret_calls)
{
	const struct call_index *index = &facts->calls;

	if (!socket || socket > facts->recording->socket_count)
		return 0;
	*ret_calls = index->of_socket + index->socket_begin[socket];
	return index->socket_begin[socket + 1] - index->socket_begin[socket];
}

size_t fact_packets(const struct finding_facts *facts, uint32_t stream,
		    const uint32_t **ret_packets)
{
	if (stream > facts->timeline->stream_count)
		return 0;
	*ret_packets = facts->of_stream + facts->stream_begin[stream];
	return facts->stream_begin[stream + 1] - facts->stream_begin[stream];
}

uint32_t fact_stream(const struct finding_facts *facts, uint32_t socket,
		     unsigned *ret_side)
{
	uint32_t side;

	if (!socket || socket > facts->recording->socket_count)
		return 0;
	side = facts->side_of_socket[socket];
	*ret_side = side % 2;
	return side / 2;
}

uint32_t fact_sender(const struct finding_facts *facts, uint32_t packet,
		     enum sonde_carries carries)
{
	if (!fact_packet(facts, packet))
		return 0;
	for (uint32_t i = facts->edge_begin[packet]; i < facts->edge_begin[packet + 1];
	     i++) {
		const struct sonde_edge *edge = &facts->timeline->edges[i];

		if (edge->kind == SONDE_EDGE_SENT && edge->carries == carries)
			return edge->call;
	}
	return 0;
}

bool fact_is_single(const struct finding_facts *facts, uint32_t socket)
{
	const uint32_t *calls;
	size_t count = fact_calls(facts, socket, &calls);

	for (size_t i = 1; i < count; i++)
		if (facts->recording->calls[calls[i] - 1].tid !=
		    facts->recording->calls[calls[0] - 1].tid)
			return false;
	return count != 0;
}

bool fact_was_ended(const struct finding_facts *facts, uint32_t program)
{
	if (!program || program > facts->recording->program_count)
		return true;
	return facts->recording->programs[program - 1].exit_signal != 0;
}

const struct sonde_call *fact_vain(const struct finding_facts *facts, uint32_t socket)
{
	const uint32_t *calls;
	size_t count = fact_calls(facts, socket, &calls);
	const struct sonde_call *last = NULL;

	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];

		if (call->kind == SONDE_CALL_RECEIVE || call->kind == SONDE_CALL_WAIT)
			last = call;
	}
	if (!last)
		return NULL;
	switch (facts->timeline->call_why[last->call - 1]) {
	case SONDE_WHY_TIMED_OUT:
	case SONDE_WHY_STILL_WAITING:
		return last;
	default:
		return NULL;
	}
}

const struct sonde_saying *fact_saying(const struct finding_facts *facts, uint32_t packet,
				       enum sonde_saying_kind kind)
{
	const struct sonde_packet *it = fact_packet(facts, packet);

	for (uint32_t i = 0; it && i < it->saying_count; i++) {
		const struct sonde_saying *saying =
			&facts->recording->sayings[it->saying + i - 1];

		if (saying->kind == kind)
			return saying;
	}
	return NULL;
}

uint32_t fact_saying_statement(const struct finding_facts *facts, uint32_t packet)
{
	return fact_statement(facts, fact_sender(facts, packet, SONDE_DATA));
}

const struct sonde_call *fact_end(const struct finding_facts *facts, uint32_t socket)
{
	const uint32_t *calls;
	size_t count = fact_calls(facts, socket, &calls);

	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];

		if (call->kind == SONDE_CALL_RECEIVE && call_returned(call) &&
		    call->result == 0 && call->length)
			return call;
	}
	return NULL;
}
