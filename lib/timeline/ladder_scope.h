/* Which statements belong to the ladder of a stream, and in which lane. */
#ifndef TIMELINE_LADDER_SCOPE_H
#define TIMELINE_LADDER_SCOPE_H

#include <stdbool.h>

#include <sonde/timeline.h>

enum { LADDER_CLIENT = 0, LADDER_SERVER = 1, LADDER_NO_LANE = -1 };

/* One stream, as far as calls are asked whether they belong to it. */
struct ladder_scope {
	const struct sonde_timeline *timeline;
	const struct sonde_stream *stream;
	uint32_t sockets[2];
	/* A socket may have had other streams: calls that enter then belong to this. */
	int64_t since_ns[2], until_ns[2];
	bool is_first[2];          /* of the streams of that socket */
	bool is_first_of_listener; /* bind and listen are shown here */
};

void ladder_scope_init(const struct sonde_timeline *timeline,
		       const struct sonde_stream *stream, struct ladder_scope *ret);
/* The first edge of that packet or a later one. */
uint32_t ladder_first_edge_since(const struct sonde_timeline *timeline, uint32_t packet);
/* The call's lane, or LADDER_NO_LANE: it does not concern the stream. */
int ladder_lane(const struct ladder_scope *scope, const struct sonde_call *call);

#endif
