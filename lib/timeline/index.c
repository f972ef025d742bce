/* What belongs to a socket or a stream. */
#include "timeline/index.h"

#include <errno.h>

#include "base/array.h"

/* Lists are filled in two rounds of the same walk: the first counts, the second places. */
struct filler {
	struct index_list *list;
	uint32_t *at; /* [owner]: the next place; NULL: the round that counts */
	uint32_t latest_owner, latest_item;
};

static void put(struct filler *filler, uint32_t owner, uint32_t item)
{
	struct index_list *list = filler->list;

	if (!owner || owner > list->owners ||
	    (owner == filler->latest_owner && item == filler->latest_item))
		return;
	filler->latest_owner = owner;
	filler->latest_item = item;
	if (filler->at)
		list->items[filler->at[owner]++] = item;
	else
		list->begin[owner + 1]++;
}

static int
fill(struct index_list *list, uint32_t owners, const struct sonde_timeline *timeline,
     void (*walk)(const struct sonde_timeline *timeline, struct filler *filler))
{
	struct filler filler = {.list = list};
	uint32_t *at;

	list->owners = owners;
	list->begin = array_new((size_t)owners + 2, sizeof(*list->begin));
	at = array_new((size_t)owners + 2, sizeof(*at));
	if (!list->begin || !at)
		goto out;
	walk(timeline, &filler);
	for (uint32_t i = 1; i <= owners; i++) {
		at[i] = list->begin[i];
		list->begin[i + 1] += list->begin[i];
	}
	list->items =
		array_new((size_t)list->begin[owners + 1] + 1, sizeof(*list->items));
	if (!list->items)
		goto out;
	filler = (struct filler){.list = list, .at = at};
	walk(timeline, &filler);
	array_free(at);
	return 0;
out:
	array_free(at);
	return -ENOMEM;
}

static void walk_calls(const struct sonde_timeline *timeline, struct filler *filler)
{
	const struct sonde_recording *recording = timeline->recording;

	for (uint32_t i = 0; i < recording->call_count; i++) {
		const struct sonde_call *call = &recording->calls[i];

		put(filler, call->socket, i + 1);
		put(filler, call->new_socket, i + 1);
		put(filler, call->from_socket, i + 1);
		for (uint32_t w = 0; w < call->watched_count; w++)
			put(filler, call->watched[w].socket, i + 1);
	}
	/* An end of a program stands on no socket. */
	for (uint32_t i = 0; i < recording->socket_count; i++)
		if (recording->sockets[i].closed_by <= recording->call_count &&
		    recording->sockets[i].closed_by)
			put(filler, i + 1, recording->sockets[i].closed_by);
}

static void walk_streams(const struct sonde_timeline *timeline, struct filler *filler)
{
	for (uint32_t i = 0; i < timeline->stream_count; i++) {
		const struct sonde_stream *stream = &timeline->streams[i];

		put(filler, stream->client_socket, i + 1);
		put(filler, stream->server_socket, i + 1);
		put(filler, stream->listening_socket, i + 1);
	}
}

static void walk_packets(const struct sonde_timeline *timeline, struct filler *filler)
{
	for (uint32_t i = 0; i < timeline->recording->packet_count; i++)
		put(filler, timeline->packet_places[i].stream, i + 1);
}

static void walk_completed(const struct sonde_timeline *timeline, struct filler *filler)
{
	for (uint32_t i = 0; i < timeline->recording->call_count; i++)
		put(filler, timeline->call_packet[i], i + 1);
}

int index_build(struct sonde_timeline *timeline)
{
	const struct sonde_recording *recording = timeline->recording;
	struct sonde_timeline_index *index = array_new(1, sizeof(*index));

	timeline->index = index;
	if (!index ||
	    fill(&index->calls_of_socket, recording->socket_count, timeline, walk_calls) <
		    0 ||
	    fill(&index->streams_of_socket, recording->socket_count, timeline,
		 walk_streams) < 0 ||
	    fill(&index->packets_of_stream, timeline->stream_count, timeline,
		 walk_packets) < 0 ||
	    fill(&index->calls_of_packet, recording->packet_count, timeline,
		 walk_completed) < 0)
		return -ENOMEM;
	return 0;
}

static void list_done(struct index_list *list)
{
	array_free(list->begin);
	array_free(list->items);
}

void index_free(struct sonde_timeline_index *index)
{
	if (!index)
		return;
	list_done(&index->calls_of_socket);
	list_done(&index->streams_of_socket);
	list_done(&index->packets_of_stream);
	list_done(&index->calls_of_packet);
	array_free(index);
}

const uint32_t *index_find(const struct index_list *list, uint32_t owner,
			   uint32_t *ret_count)
{
	if (!owner || owner > list->owners) {
		*ret_count = 0;
		return list->items;
	}
	*ret_count = list->begin[owner + 1] - list->begin[owner];
	return list->items + list->begin[owner];
}
