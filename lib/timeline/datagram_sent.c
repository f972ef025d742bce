/* Which call sent each datagram.
 *
 * A send leaves while its call runs, so it is found by its socket, the destination, the
 * length, the content where that is known, and the time.  Where one call alone fits, it is
 * that one, and it fits no other datagram; so those are settled first, until nothing more
 * follows.  Of the others all that fit are candidates. */
#include "timeline/datagram.h"

#include <errno.h>

#include "base/array.h"
#include "base/limits.h"

struct finder {
	struct datagrams *datagrams;
	uint16_t *sent;    /* [call - 1]: datagrams already found of it */
	uint32_t *pending; /* packets that are not settled, in order */
	uint32_t pending_count;
};

struct fitting {
	uint32_t running[LIMIT_CANDIDATES + 1], earlier[LIMIT_CANDIDATES + 1];
	uint32_t running_count, earlier_count;
};

static void add(uint32_t *calls, uint32_t *count, uint32_t call)
{
	if (*count <= LIMIT_CANDIDATES)
		calls[(*count)++] = call;
}

/* The sends of the socket that can have made the packet: the latest ones entered before it
 * are looked at. */
static void look_at(const struct finder *finder, uint32_t socket,
		    const struct sonde_packet *packet, struct fitting *fitting)
{
	const struct join *join = finder->datagrams->join;
	const struct call_index *calls = &join->calls;
	uint32_t begin = calls->socket_begin[socket], low = begin;
	uint32_t high = calls->socket_begin[socket + 1];

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (call_at(join->recording, calls->of_socket[middle])->enter_ns <=
		    packet->at_ns)
			low = middle + 1;
		else
			high = middle;
	}
	for (uint32_t i = low; i > begin && low - i < LIMIT_DATAGRAM_SENDS; i--) {
		const struct sonde_call *call =
			call_at(join->recording, calls->of_socket[i - 1]);
		uint32_t most = call->datagrams ? call->datagrams : 1;

		if (!datagram_fits_send(finder->datagrams, call, packet) ||
		    finder->sent[call->call - 1] >= most)
			continue;
		if (packet->at_ns <= call_end_ns(call))
			add(fitting->running, &fitting->running_count, call->call);
		else
			add(fitting->earlier, &fitting->earlier_count, call->call);
	}
}

static void find_fitting(const struct finder *finder, uint32_t number,
			 struct fitting *fitting)
{
	const struct join *join = finder->datagrams->join;
	const struct sonde_packet *packet = join_packet(join, number);
	uint32_t sockets[LIMIT_SAME_PORT], count = 0;

	fitting->running_count = fitting->earlier_count = 0;
	if (finder->datagrams->is_open[number - 1] & DATAGRAM_SENDER_OPEN) {
		count = datagram_ends(finder->datagrams, packet, true, sockets);
	} else {
		sockets[0] = join->timeline->packet_places[number - 1].sender;
		count = sockets[0] != 0;
	}
	for (uint32_t i = 0; i < count; i++)
		look_at(finder, sockets[i], packet, fitting);
}

static void settle(const struct finder *finder, uint32_t packet, uint32_t call)
{
	finder->datagrams->join->sent_by[packet - 1] = call;
	finder->sent[call - 1]++;
}

/* Settles what can be settled; what is left is pending. */
static void settle_all(struct finder *finder)
{
	struct fitting fitting;
	uint32_t before;

	do {
		uint32_t kept = 0;

		before = finder->pending_count;
		for (uint32_t i = 0; i < before; i++) {
			uint32_t packet = finder->pending[i];

			find_fitting(finder, packet, &fitting);
			if (fitting.running_count == 1)
				settle(finder, packet, fitting.running[0]);
			else if (fitting.running_count || fitting.earlier_count)
				finder->pending[kept++] = packet;
		}
		finder->pending_count = kept;
	} while (finder->pending_count && finder->pending_count < before);
}

static int add_candidates(struct join *join, uint32_t packet, const uint32_t *calls,
			  uint32_t count)
{
	if (count > LIMIT_CANDIDATES)
		return 0;
	if (array_reserve(&join->senders, &join->sender_room, join->sender_count + count,
			  sizeof(*join->senders)) < 0)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++)
		join->senders[join->sender_count++] =
			(struct sender){.packet = packet, .call = calls[i]};
	return 0;
}

/* All that fit.  One that waited, for a neighbour's address say, left after its call. */
static int list_candidates(struct finder *finder)
{
	struct fitting fitting;

	for (uint32_t i = 0; i < finder->pending_count; i++) {
		uint32_t packet = finder->pending[i];
		bool is_running;
		int error;

		find_fitting(finder, packet, &fitting);
		is_running = fitting.running_count != 0;
		if (!is_running && fitting.earlier_count == 1)
			finder->sent[fitting.earlier[0] - 1]++;
		error = add_candidates(finder->datagrams->join, packet,
				       is_running ? fitting.running : fitting.earlier,
				       is_running ? fitting.running_count
						  : fitting.earlier_count);
		if (error < 0)
			return error;
	}
	return 0;
}

int datagram_match_sends(struct datagrams *datagrams)
{
	struct join *join = datagrams->join;
	const struct sonde_recording *recording = join->recording;
	struct finder finder = {.datagrams = datagrams};
	int error = -ENOMEM;

	finder.sent = array_new((size_t)recording->call_count + 1, sizeof(*finder.sent));
	finder.pending =
		array_new((size_t)recording->packet_count + 1, sizeof(*finder.pending));
	if (!finder.sent || !finder.pending)
		goto out;
	for (uint32_t i = 0; i < recording->packet_count; i++)
		if (recording->packets[i].decoded.proto == SONDE_PACKET_UDP &&
		    (join->timeline->packet_places[i].sender ||
		     (datagrams->is_open[i] & DATAGRAM_SENDER_OPEN)))
			finder.pending[finder.pending_count++] = i + 1;
	settle_all(&finder);
	error = list_candidates(&finder);
out:
	array_free(finder.sent);
	array_free(finder.pending);
	return error;
}
