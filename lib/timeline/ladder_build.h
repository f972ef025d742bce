/* A ladder while it is built: what belongs to it, in no order yet. */
#ifndef TIMELINE_LADDER_BUILD_H
#define TIMELINE_LADDER_BUILD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/timeline.h>

#include "timeline/ladder_scope.h"

struct ladder_event {
	struct sonde_ladder_row row;
	int64_t key_ns;
};

/* A statement that belongs here. */
struct ladder_chosen {
	uint32_t statement;
	uint32_t begin; /* its BEGIN, index + 1; 0: not yet */
	uint8_t lane;
	bool is_instant; /* bind and listen, drawn whole */
};

struct ladder_builder {
	const struct sonde_timeline *timeline;
	const struct sonde_ladder_options *options;
	struct ladder_scope scope;
	struct ladder_event *events;
	size_t event_count, event_room;
	uint32_t *calls; /* that may belong here */
	size_t call_count, call_room;
	struct ladder_chosen *chosen; /* by statement */
	size_t chosen_count, chosen_room;
	const struct ladder_event **order; /* events are large, and stay where they are */
	uint32_t acks_folded;
};

/* Each that returns an int: 0 or -ENOMEM. */

/* Finds the statements that belong to the ladder: the calls on its sockets; and what an edge
 * says to belong here, where no call had a lane of its own. */
int ladder_choose(struct ladder_builder *builder);
/* NULL: it does not belong here. */
struct ladder_chosen *ladder_find_chosen(const struct ladder_builder *builder,
					 uint32_t statement);

/* As ladder_first_edge_since(), for packets in ascending order: most often it is the next
 * edge but a few. */
uint32_t ladder_next_edge_since(const struct sonde_timeline *timeline, uint32_t packet,
				uint32_t after);

/* The edges between calls of this stream: from the first on, as long as it is one. */
uint32_t ladder_first_pass(const struct ladder_builder *builder);
bool ladder_is_pass(const struct ladder_builder *builder, uint32_t edge);
/* The lane in which the call of such an edge stands. */
int ladder_lane_of_pass(const struct ladder_builder *builder, uint32_t number);

/* Puts the events in order; then makes rows of them. */
int ladder_sort(struct ladder_builder *builder);
int ladder_write_rows(const struct ladder_builder *builder, struct sonde_ladder *ladder);

#endif
