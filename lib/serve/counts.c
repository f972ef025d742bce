/* Counting without a lock. */
#include "serve/counts.h"

#include <stdlib.h>
#include <string.h>

#include "serve/crew.h"
#include "serve/server.h"

struct counts *counts_new(size_t count)
{
	size_t bytes = count * sizeof(struct counts);
	struct counts *counts = aligned_alloc(_Alignof(struct counts), bytes);

	if (counts)
		memset(counts, 0, bytes);
	return counts;
}

void counts_free(struct counts *counts)
{
	free(counts);
}

static uint64_t look(_Atomic uint64_t *counter)
{
	return atomic_load_explicit(counter, memory_order_relaxed);
}

static void add_one(struct counts *counts, struct sonde_serve_counts *sum)
{
	sum->clients += look(&counts->clients);
	sum->left += look(&counts->left);
	sum->turned_away += look(&counts->turned_away);
	sum->datagrams += look(&counts->datagrams);
	sum->received += look(&counts->received);
	sum->sent += look(&counts->sent);
	sum->answered += look(&counts->answered);
	sum->refused += look(&counts->refused);
	sum->dropped += look(&counts->dropped);
	sum->unanswered += look(&counts->unanswered);
}

static void add_worker(const struct sonde_server *server, struct sonde_serve_counts *sum)
{
	for (size_t i = 0; i < server->spec_count; i++) {
		const struct serve_spec *spec = server->specs[i];
		if (spec->service->name == sum->service)
			add_one(&spec->counts[sum->udp ? SPEC_UDP : SPEC_TCP], sum);
	}
}

bool sonde_server_read_counts(const struct sonde_server *server, size_t i,
			      struct sonde_serve_counts *ret)
{
	if (i >= service_count * SPEC_TRANSPORTS)
		return false;
	*ret = (struct sonde_serve_counts){
		.service = service_table[i / SPEC_TRANSPORTS]->name,
		.udp = i % SPEC_TRANSPORTS == SPEC_UDP,
	};
	add_worker(server, ret);
	for (unsigned k = 0; k + 1 < server->crew->count; k++)
		add_worker(server->crew->members[k], ret);
	return true;
}
