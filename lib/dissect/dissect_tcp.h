/* Parts of the TCP dissector. */
#ifndef DISSECT_DISSECT_TCP_H
#define DISSECT_DISSECT_TCP_H

#include "dissect/dissector.h"
#include "dissect/tcp_note.h"

/* Fields, in two tables' order: the header's in dissect_tcp.c. */
enum {
	TCP,
	TCP_SOURCE_PORT,
	TCP_DESTINATION_PORT,
	TCP_PORT,
	TCP_STREAM,
	TCP_COMPLETENESS,
	TCP_LENGTH,
	TCP_SEQ,
	TCP_SEQ_RAW,
	TCP_NEXT_SEQ,
	TCP_ACK,
	TCP_ACK_RAW,
	TCP_HEADER_LENGTH,
	TCP_FLAGS,
	TCP_FLAG_RES,
	TCP_FLAG_AE,
	TCP_FLAG_CWR,
	TCP_FLAG_ECE,
	TCP_FLAG_URG,
	TCP_FLAG_ACK,
	TCP_FLAG_PUSH,
	TCP_FLAG_RESET,
	TCP_FLAG_SYN,
	TCP_FLAG_FIN,
	TCP_FLAGS_TEXT,
	TCP_WINDOW_VALUE,
	TCP_WINDOW,
	TCP_WINDOW_FACTOR,
	TCP_CHECKSUM,
	TCP_CHECKSUM_STATUS,
	TCP_URGENT,
	TCP_OPTIONS,
	TCP_OPTION_KIND,
	TCP_OPTION_LENGTH,
	TCP_OPTION_NOP,
	TCP_OPTION_EOL,
	TCP_OPTION_MSS,
	TCP_OPTION_MSS_VALUE,
	TCP_OPTION_SCALE,
	TCP_OPTION_SCALE_SHIFT,
	TCP_OPTION_SCALE_MULTIPLIER,
	TCP_OPTION_SACK_PERMITTED,
	TCP_OPTION_SACK,
	TCP_OPTION_SACK_LEFT,
	TCP_OPTION_SACK_RIGHT,
	TCP_OPTION_SACK_COUNT,
	TCP_OPTION_TIMESTAMP,
	TCP_OPTION_TIMESTAMP_VALUE,
	TCP_OPTION_TIMESTAMP_ECHO,
	TCP_OPTION_MD5,
	TCP_OPTION_MD5_DIGEST,
	TCP_OPTION_FASTOPEN,
	TCP_OPTION_FASTOPEN_COOKIE,
	TCP_OPTION_EXPERIMENT,
	TCP_OPTION_EXPERIMENT_ID,
	TCP_OPTION_EXPERIMENT_DATA,
	TCP_OPTION_UNKNOWN,
	TCP_OPTION_UNKNOWN_PAYLOAD,
	TCP_OPTION_LENGTH_INVALID,
	TCP_TIME_RELATIVE,
	TCP_TIME_DELTA,
	TCP_ANALYSIS,
	TCP_ANALYSIS_ACKS_FRAME,
	TCP_ANALYSIS_ACK_RTT,
	TCP_ANALYSIS_INITIAL_RTT,
	TCP_ANALYSIS_IN_FLIGHT,
	TCP_ANALYSIS_PUSH,
	TCP_ANALYSIS_FLAGS,
	TCP_ANALYSIS_REUSED, /* in the order of enum tcp_note */
	TCP_ANALYSIS_RETRANSMISSION,
	TCP_ANALYSIS_FAST,
	TCP_ANALYSIS_SPURIOUS,
	TCP_ANALYSIS_OUT_OF_ORDER,
	TCP_ANALYSIS_LOST,
	TCP_ANALYSIS_ACK_LOST,
	TCP_ANALYSIS_WINDOW_UPDATE,
	TCP_ANALYSIS_WINDOW_FULL,
	TCP_ANALYSIS_KEEP_ALIVE,
	TCP_ANALYSIS_KEEP_ALIVE_ACK,
	TCP_ANALYSIS_DUPLICATE,
	TCP_ANALYSIS_ZERO_PROBE,
	TCP_ANALYSIS_ZERO,
	TCP_ANALYSIS_ZERO_PROBE_ACK,
	TCP_ANALYSIS_DUPLICATE_NUMBER,
	TCP_ANALYSIS_DUPLICATE_FRAME,
	TCP_ANALYSIS_RTO,
	TCP_ANALYSIS_RTO_FRAME,
	TCP_CONNECTION_SYN,
	TCP_CONNECTION_SYN_ACK,
	TCP_CONNECTION_FIN,
	TCP_CONNECTION_RST,
	TCP_PAYLOAD,
	TCP_SEGMENT_DATA,
	TCP_SEGMENTS,
	TCP_SEGMENT,
	TCP_SEGMENT_COUNT,
	TCP_REASSEMBLED_LENGTH,
	TCP_REASSEMBLED_DATA,
	TCP_BOGUS_HEADER,
	TCP_SHORT,
	TCP_FIELDS,
};

extern const struct sonde_field_info tcp_fields[TCP_FIELDS];

/* What the options say that the header's reader wants to know. */
struct tcp_options {
	int8_t scale; /* -1 none */
	bool has_sack;
	uint8_t sack_count;
	struct tcp_sack sacks[TCP_SACKS];
};
/* A first look: before the streams's state is known, nothing is added. */
void tcp_options_read(const uint8_t *bytes, uint32_t length, struct tcp_options *ret);
/* Adds fields, and what Info says of them; `options` is their span.  Acknowledged blocks
 * count from `base`. */
void tcp_options_add(struct sonde_dissector *d, const struct span *options,
		     uint32_t base);

/* Notes in brackets, then ports, flags and numbers; the notes stay in front of what an
 * application says.  Without `seen`, of a header that is not whole: no notes, no length. */
void tcp_describe(struct sonde_dissector *d, const struct tcp_segment *segment,
		  const struct tcp_seen *seen, const struct tcp_notes *notes,
		  int8_t scale, uint32_t urgent);

/* What a segment carries: puts messages together, and lets the application's dissector
 * read them. */
void tcp_stream_take(struct sonde_dissector *d, const struct tcp_segment *segment,
		     const struct tcp_seen *seen, const struct span *payload);

#endif
