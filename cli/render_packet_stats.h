/* Tables of what the packets of a file add up to: read --stats. */
#ifndef CLI_RENDER_PACKET_STATS_H
#define CLI_RENDER_PACKET_STATS_H

#include <sonde/statistics.h>

#include "option.h"
#include "output.h"

struct packet_stats;

/* The words of --stats; ends with NULL. */
extern const char *const packet_stats_words[];

/* *ret is NULL where nothing is to be counted.  Returns STATUS_DONE, or the status of an
 * error that was told. */
int packet_stats_open(const struct arguments *arguments, struct packet_stats **ret);
void packet_stats_close(struct packet_stats *stats);
/* 0 or -ENOMEM. */
int packet_stats_want(const struct packet_stats *stats,
		      struct sonde_dissector *dissector);
int packet_stats_add(struct packet_stats *stats, const struct sonde_frame *frame,
		     const struct sonde_dissection *dissection);
int packet_stats_print(struct packet_stats *stats, struct output *output);

#endif
