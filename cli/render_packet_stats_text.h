/* The tables of read --stats as text, and what they share with its JSON. */
#ifndef CLI_RENDER_PACKET_STATS_TEXT_H
#define CLI_RENDER_PACKET_STATS_TEXT_H

#include <sonde/statistics.h>

#include "output.h"

enum { PACKET_STATS_END_CHARS = SONDE_ADDRESS_CHARS };

/* Returns text. */
const char *packet_stats_format_end(const struct sonde_statistics_end *end,
				    char text[PACKET_STATS_END_CHARS]);
/* 0 where one of them is not known (INT64_MIN). */
double packet_stats_seconds(int64_t from_ns, int64_t to_ns);

/* what: SONDE_STATISTICS_...; first_ns: of the first frame, which starts are counted from. */
void packet_stats_print_text(struct sonde_statistics *statistics, unsigned what,
			     int64_t first_ns, struct output *output);

#endif
