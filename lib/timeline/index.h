/* What belongs to a socket or a stream, so that drawing one ladder does not look at all
 * calls and all packets. */
#ifndef TIMELINE_INDEX_H
#define TIMELINE_INDEX_H

#include <sonde/timeline.h>

/* Numbers by owner: items[begin[owner]..begin[owner + 1]), owner from 1, in order. */
struct index_list {
	uint32_t *begin, *items;
	uint32_t owners;
};

struct sonde_timeline_index {
	struct index_list calls_of_socket;   /* on it, that made it, waited for it, or
					      closed it */
	struct index_list streams_of_socket; /* of both ends, and what listened */
	struct index_list packets_of_stream;
	struct index_list calls_of_packet; /* that it completed, or was there for */
};

/* Sets timeline->index.  0 or -ENOMEM. */
int index_build(struct sonde_timeline *timeline);
void index_free(struct sonde_timeline_index *index);

/* The items of an owner, *ret_count of them; none for owners that do not exist. */
const uint32_t *index_find(const struct index_list *list, uint32_t owner,
			   uint32_t *ret_count);

#endif
