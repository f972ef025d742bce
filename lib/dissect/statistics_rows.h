/* What is counted, between statistics.c, which counts, and statistics_answer.c, which tells
 * it in order. */
#ifndef DISSECT_STATISTICS_ROWS_H
#define DISSECT_STATISTICS_ROWS_H

#include <sonde/statistics.h>

#include "dissect/statistics_table.h"

/* Rows' keys: no padding, because they are hashed and compared as bytes. */
struct end_key {
	uint8_t bytes[16];
	uint16_t port;
	uint8_t layer, family;
};

struct pair_key {
	struct end_key a, b;
};

struct pair_row {
	struct pair_key key;
	struct sonde_conversation conversation;
};

struct end_row {
	struct end_key key;
	struct sonde_endpoint_count endpoint;
};

struct path_key {
	uint32_t parent; /* row + 1; 0 the frame */
	uint32_t field;
};

struct path_row {
	struct path_key key;
	uint32_t first_child, last_child, next; /* row + 1 */
	uint64_t frames, bytes;
};

enum own_field {
	FIELD_ETH_SRC = 0,
	FIELD_ETH_DST,
	FIELD_TCP_STREAM,
	FIELD_TCP_SRCPORT,
	FIELD_TCP_DSTPORT,
	FIELD_TCP_LEN,
	FIELD_UDP_STREAM,
	FIELD_UDP_SRCPORT,
	FIELD_UDP_DSTPORT,
	FIELD_UDP_LENGTH,
	FIELD_RETRANSMISSION,
	FIELD_FAST_RETRANSMISSION,
	FIELD_SPURIOUS_RETRANSMISSION,
	FIELD_ACK_RTT,
	FIELD_INITIAL_RTT,
	FIELD_ICMP,
	FIELD_ICMPV6,
	OWN_FIELDS,
};

struct sonde_statistics {
	unsigned what;
	int fields[OWN_FIELDS]; /* numbers; negative: there is no such field */
	struct statistics_table pairs[SONDE_LAYERS], ends[SONDE_LAYERS];
	struct statistics_table paths;
	uint32_t first_path, last_path; /* directly in the frame */
	struct sonde_stream_count *streams;
	size_t stream_count, stream_capacity;
	/* By tcp.stream and udp.stream: where it stands in `streams`, + 1. */
	uint32_t *by_number[2];
	size_t number_capacity[2];
	/* What was asked for last. */
	void *shown[3];
	size_t shown_capacity[3];
	struct sonde_hierarchy_row *rows;
	size_t row_capacity;
	uint64_t left_out;
};

#endif
