/* Datagram sockets' peers. */
#include "timeline/association.h"

#include <errno.h>

#include "base/array.h"

int associations_add(struct associations *associations, const struct join *join,
		     uint32_t socket)
{
	const struct call_index *calls = &join->calls;

	for (uint32_t i = calls->socket_begin[socket];
	     i < calls->socket_begin[socket + 1]; i++) {
		const struct sonde_call *call =
			call_at(join->recording, calls->of_socket[i]);

		if (call->kind != SONDE_CALL_CONNECT || !call_returned(call) ||
		    call->result < 0)
			continue;
		if (array_reserve(&associations->items, &associations->capacity,
				  associations->count + 1,
				  sizeof(*associations->items)) < 0)
			return -ENOMEM;
		associations->items[associations->count++] = (struct association){
			.since_ns = call->enter_ns,
			.socket = socket,
			.call = call->call,
		};
	}
	return 0;
}

void associations_done(struct associations *associations)
{
	array_free(associations->items);
	*associations = (struct associations){0};
}

static const struct sonde_address *peer_or_none(const struct sonde_address *peer)
{
	return flow_is_internet(peer) && peer->port ? peer : NULL;
}

/* How many associations of lower sockets, or of this one and not later, there are. */
static size_t count_until(const struct associations *associations, uint32_t socket,
			  int64_t at_ns)
{
	size_t low = 0, high = associations->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct association *one = &associations->items[middle];

		if (one->socket < socket ||
		    (one->socket == socket && one->since_ns <= at_ns))
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct sonde_address *associations_peer(const struct associations *associations,
					      const struct join *join, uint32_t socket,
					      int64_t at_ns)
{
	size_t count = count_until(associations, socket, at_ns);

	/* The address that the latest connect named: of no family, it parted them. */
	if (count > 0 && associations->items[count - 1].socket == socket)
		return peer_or_none(
			&call_at(join->recording, associations->items[count - 1].call)
				 ->address);
	/* Not connected yet; where no connect was seen at all, it always was. */
	if (count < associations->count && associations->items[count].socket == socket)
		return NULL;
	return peer_or_none(&socket_at(join->recording, socket)->peer);
}
