/* Both ends of TCP connections that have no packets: their addresses tell. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "finding/facts.h"

struct end {
	struct sonde_address low, high; /* of the two addresses */
	int64_t opened_ns;
	uint32_t socket;
	bool is_accepted;
};

static int compare_addresses(const struct sonde_address *a, const struct sonde_address *b)
{
	int order = memcmp(a->bytes, b->bytes, sizeof(a->bytes));

	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	if (order)
		return order;
	return (int)a->port - (int)b->port;
}

static int by_connection(const void *left, const void *right)
{
	const struct end *a = left, *b = right;
	int order = compare_addresses(&a->low, &b->low);

	if (!order)
		order = compare_addresses(&a->high, &b->high);
	if (order)
		return order;
	if (a->opened_ns != b->opened_ns)
		return a->opened_ns < b->opened_ns ? -1 : 1;
	return a->socket < b->socket ? -1 : a->socket > b->socket;
}

static bool is_same(const struct end *a, const struct end *b)
{
	return compare_addresses(&a->low, &b->low) == 0 &&
	       compare_addresses(&a->high, &b->high) == 0;
}

static size_t gather(const struct sonde_recording *recording, struct end *ends)
{
	size_t count = 0;

	for (uint32_t i = 0; i < recording->socket_count; i++) {
		const struct sonde_socket *it = &recording->sockets[i];
		bool is_swapped = compare_addresses(&it->local, &it->peer) > 0;

		if (it->kind != SONDE_SOCKET_TCP || it->is_listening ||
		    it->is_inherited || !it->local.port || !it->peer.port)
			continue;
		ends[count++] = (struct end){
			.low = is_swapped ? it->peer : it->local,
			.high = is_swapped ? it->local : it->peer,
			.opened_ns = it->opened_ns,
			.socket = it->socket,
			.is_accepted = it->accepted_by != 0,
		};
	}
	return count;
}

/* Two ends and no more: a port that was used twice is left alone. */
static void take(struct finding_facts *facts, const struct end *ends, size_t count)
{
	for (size_t i = 0, n; i < count; i += n) {
		const struct end *a = &ends[i], *b = &ends[i + 1];

		for (n = 1; i + n < count && is_same(a, &ends[i + n]); n++)
			;
		if (n != 2 || a->is_accepted == b->is_accepted)
			continue;
		facts->pairs[facts->pair_count++] = (struct fact_connection){
			.kind = SONDE_SOCKET_TCP,
			.client = a->is_accepted ? b->socket : a->socket,
			.server = a->is_accepted ? a->socket : b->socket,
		};
		facts->peer[a->socket] = b->socket;
		facts->peer[b->socket] = a->socket;
	}
}

int facts_pair(struct finding_facts *facts)
{
	const struct sonde_recording *recording = facts->recording;
	size_t sockets = (size_t)recording->socket_count + 1;
	struct end *ends;

	facts->peer = array_new(sockets, sizeof(*facts->peer));
	facts->pairs = array_new(sockets, sizeof(*facts->pairs));
	ends = array_new(sockets, sizeof(*ends));
	if (!facts->peer || !facts->pairs || !ends) {
		array_free(ends);
		return -ENOMEM;
	}
	if (!recording->has_packets) {
		size_t count = gather(recording, ends);

		qsort(ends, count, sizeof(*ends), by_connection);
		take(facts, ends, count);
	}
	array_free(ends);
	return 0;
}

uint32_t fact_connection_count(const struct finding_facts *facts)
{
	return facts->timeline->stream_count + facts->pair_count;
}

struct fact_connection fact_connection(const struct finding_facts *facts, uint32_t index)
{
	const struct sonde_stream *stream;

	if (index >= facts->timeline->stream_count)
		return facts->pairs[index - facts->timeline->stream_count];
	stream = &facts->timeline->streams[index];
	return (struct fact_connection){
		.stream = index + 1,
		.kind = stream->kind,
		.client = stream->client_socket,
		.server = stream->server_socket,
	};
}
