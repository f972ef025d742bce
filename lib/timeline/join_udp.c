/* Datagrams: whose each is, which call sent it, which receive got it.
 *
 * A datagram has no offset in a stream.  Sends are found by time (datagram_sent.c), and
 * receives by order of arrival (datagram_received.c).  Where several sockets have one port
 * (SO_REUSEPORT), the calls tell whose a packet is, and after them its flow: the kernel
 * gives one flow to one socket. */
#include "timeline/datagram.h"

#include <errno.h>

#include "base/array.h"
#include "base/limits.h"

static bool is_datagram(const struct join *join, uint32_t at)
{
	return join->recording->packets[at].decoded.proto == SONDE_PACKET_UDP &&
	       join->timeline->packet_places[at].stream;
}

static void place_ends(struct datagrams *datagrams)
{
	struct join *join = datagrams->join;

	for (uint32_t i = 0; i < join->recording->packet_count; i++) {
		const struct sonde_packet *packet = &join->recording->packets[i];
		struct sonde_packet_place *place = &join->timeline->packet_places[i];
		uint32_t sockets[LIMIT_SAME_PORT], count;

		if (!is_datagram(join, i))
			continue;
		count = datagram_ends(datagrams, packet, true, sockets);
		place->sender = count ? sockets[0] : 0;
		if (count > 1)
			datagrams->is_open[i] |= DATAGRAM_SENDER_OPEN;
		count = datagram_ends(datagrams, packet, false, sockets);
		place->receiver = count ? sockets[0] : 0;
		if (count > 1)
			datagrams->is_open[i] |= DATAGRAM_RECEIVER_OPEN;
	}
}

/* The sockets that may have got the packet. */
static uint32_t receivers_of(const struct datagrams *datagrams, uint32_t at,
			     uint32_t sockets[LIMIT_SAME_PORT])
{
	const struct join *join = datagrams->join;

	if (!is_datagram(join, at))
		return 0;
	if (datagrams->is_open[at] & DATAGRAM_RECEIVER_OPEN)
		return datagram_ends(datagrams, &join->recording->packets[at], false,
				     sockets);
	sockets[0] = join->timeline->packet_places[at].receiver;
	return sockets[0] != 0;
}

static int sort_arrivals(struct datagrams *datagrams)
{
	const struct sonde_recording *recording = datagrams->join->recording;
	uint32_t sockets[LIMIT_SAME_PORT], count, *begin, *at;

	begin = datagrams->arrival_begin =
		array_new((size_t)recording->socket_count + 2, sizeof(*begin));
	at = array_new((size_t)recording->socket_count + 2, sizeof(*at));
	if (!begin || !at)
		goto out;
	for (uint32_t i = 0; i < recording->packet_count; i++) {
		count = receivers_of(datagrams, i, sockets);
		for (uint32_t k = 0; k < count; k++)
			begin[sockets[k] + 1]++;
	}
	for (uint32_t i = 1; i <= recording->socket_count; i++) {
		at[i] = begin[i];
		begin[i + 1] += begin[i];
	}
	datagrams->arrivals = array_new((size_t)begin[recording->socket_count + 1] + 1,
					sizeof(*datagrams->arrivals));
	if (!datagrams->arrivals)
		goto out;
	for (uint32_t i = 0; i < recording->packet_count; i++) {
		count = receivers_of(datagrams, i, sockets);
		for (uint32_t k = 0; k < count; k++)
			datagrams->arrivals[at[sockets[k]]++] = i + 1;
	}
	array_free(at);
	return 0;
out:
	array_free(at);
	return -ENOMEM;
}

static void name_end(const struct join *join, uint32_t packet, bool is_sender,
		     uint32_t socket)
{
	struct sonde_packet_place *place = &join->timeline->packet_places[packet - 1];
	struct sonde_stream *stream = &join->timeline->streams[place->stream - 1];
	bool is_client = (place->direction == 0) == is_sender;
	uint32_t *named = is_client ? &stream->client_socket : &stream->server_socket;

	if (is_sender)
		place->sender = socket;
	else
		place->receiver = socket;
	if (!*named)
		*named = socket;
}

/* What the calls say of packets whose ends were open. */
static void name_by_calls(const struct datagrams *datagrams)
{
	const struct join *join = datagrams->join;
	const struct sonde_recording *recording = join->recording;

	for (uint32_t i = 0; i < recording->packet_count; i++) {
		const struct sonde_call *call = call_at(recording, join->sent_by[i]);

		if (call && (datagrams->is_open[i] & DATAGRAM_SENDER_OPEN)) {
			name_end(join, i + 1, true, call->socket);
			datagrams->is_open[i] &= (uint8_t)~DATAGRAM_SENDER_OPEN;
		}
	}
	for (uint32_t i = 0; i < recording->call_count; i++) {
		uint32_t packet = join->datagram_of[i];

		if (packet && !join->is_received_unsurely[i] &&
		    (datagrams->is_open[packet - 1] & DATAGRAM_RECEIVER_OPEN)) {
			name_end(join, packet, false, recording->calls[i].socket);
			datagrams->is_open[packet - 1] &=
				(uint8_t)~DATAGRAM_RECEIVER_OPEN;
		}
	}
}

/* Whose the streams are; what is still open goes by that. */
static void name_streams(const struct datagrams *datagrams)
{
	const struct join *join = datagrams->join;

	for (int is_open = 0; is_open <= 1; is_open++)
		for (uint32_t i = 0; i < join->recording->packet_count; i++) {
			const struct sonde_packet_place *place =
				&join->timeline->packet_places[i];
			const struct sonde_stream *stream;
			uint8_t open = datagrams->is_open[i];
			uint32_t client, server;

			if (!is_datagram(join, i))
				continue;
			stream = &join->timeline->streams[place->stream - 1];
			client = place->direction ? place->receiver : place->sender;
			server = place->direction ? place->sender : place->receiver;
			if (is_open && stream->client_socket)
				client = stream->client_socket;
			if (is_open && stream->server_socket)
				server = stream->server_socket;
			if (!!(open & DATAGRAM_SENDER_OPEN) == is_open)
				name_end(join, i + 1, true,
					 place->direction ? server : client);
			if (!!(open & DATAGRAM_RECEIVER_OPEN) == is_open)
				name_end(join, i + 1, false,
					 place->direction ? client : server);
		}
}

static int match(struct datagrams *datagrams)
{
	place_ends(datagrams);
	if (sort_arrivals(datagrams) < 0 || datagram_match_sends(datagrams) < 0 ||
	    datagram_match_receives(datagrams) < 0)
		return -ENOMEM;
	name_by_calls(datagrams);
	name_streams(datagrams);
	return 0;
}

int udp_match(struct join *join)
{
	const struct sonde_recording *recording = join->recording;
	struct datagrams datagrams = {.join = join};
	int error = -ENOMEM;

	join->sent_by =
		array_new((size_t)recording->packet_count + 1, sizeof(*join->sent_by));
	join->datagram_of =
		array_new((size_t)recording->call_count + 1, sizeof(*join->datagram_of));
	join->is_received_unsurely = array_new((size_t)recording->call_count + 1,
					       sizeof(*join->is_received_unsurely));
	datagrams.is_open = array_new((size_t)recording->packet_count + 1,
				      sizeof(*datagrams.is_open));
	if (join->sent_by && join->datagram_of && join->is_received_unsurely &&
	    datagrams.is_open && datagram_collect_ends(&datagrams) == 0)
		error = datagrams.end_count ? match(&datagrams) : 0;
	associations_done(&datagrams.associations);
	array_free(datagrams.ends);
	array_free(datagrams.is_open);
	array_free(datagrams.arrivals);
	array_free(datagrams.arrival_begin);
	return error;
}
