/* What a TCP segment means beside those before it: the notes that Wireshark's users know
 * (User's Guide, "TCP Analysis"), which say what probably happened, not what is certain.
 *
 * Of each direction it is kept what was sent up to, what was acknowledged last, the
 * window, and the segments that were not yet acknowledged. */
#ifndef DISSECT_TCP_NOTE_H
#define DISSECT_TCP_NOTE_H

#include <stdbool.h>
#include <stdint.h>

struct sonde_dissector;

/* In the order in which Info tells them, from the right to the left. */
enum tcp_note {
	TCP_NOTE_REUSED_PORTS = 1 << 0,
	TCP_NOTE_RETRANSMISSION = 1 << 1,
	TCP_NOTE_FAST_RETRANSMISSION = 1 << 2,
	TCP_NOTE_SPURIOUS_RETRANSMISSION = 1 << 3,
	TCP_NOTE_OUT_OF_ORDER = 1 << 4,
	TCP_NOTE_LOST_SEGMENT = 1 << 5,
	TCP_NOTE_ACK_LOST_SEGMENT = 1 << 6,
	TCP_NOTE_WINDOW_UPDATE = 1 << 7,
	TCP_NOTE_WINDOW_FULL = 1 << 8,
	TCP_NOTE_KEEP_ALIVE = 1 << 9,
	TCP_NOTE_KEEP_ALIVE_ACK = 1 << 10,
	TCP_NOTE_DUPLICATE_ACK = 1 << 11,
	TCP_NOTE_ZERO_WINDOW_PROBE = 1 << 12,
	TCP_NOTE_ZERO_WINDOW = 1 << 13,
	TCP_NOTE_ZERO_WINDOW_PROBE_ACK = 1 << 14,
};
enum { TCP_NOTES = 15 };

enum { WINDOW_SCALE_UNKNOWN = -1, WINDOW_SCALE_NONE = -2 };

struct tcp_sack {
	uint32_t left, right; /* raw */
};
enum { TCP_SACKS = 4 };

/* What is known of one direction: of what its sender said. */
struct tcp_side {
	uint32_t base, next, last_ack;
	uint32_t reached; /* sent up to there without a gap */
	uint32_t window;  /* as on the wire */
	uint32_t next_frame, dup_count, dup_frame, pushed;
	uint32_t unacked_first, unacked_last; /* places in the pool + 1; 0 none */
	uint32_t unacked_count, unacked_end;  /* the highest of their ends */
	int64_t next_ns, last_ack_ns;
	struct tcp_sack sacks[TCP_SACKS]; /* that its last segment reported */
	uint8_t sack_count;
	uint16_t last_notes;
	int8_t scale; /* of its window: shift, or WINDOW_SCALE_* */
	bool has_base, has_next, has_ack, has_window, has_disorder, is_behind_gap;
	bool has_syn_window;
	bool has_told_gap; /* the other acknowledged what was not seen: see acks_unseen() */
};

/* Of a stream.  The sides are those of the flow: 0 sent the first segment. */
struct tcp_notes {
	struct tcp_side side[2];
	int64_t syn_ns, initial_rtt_ns;
	bool has_syn, has_initial_rtt;
	uint8_t completeness;
};

/* A segment as the analysis needs it. */
struct tcp_segment {
	uint32_t seq, ack, length; /* raw */
	uint32_t window;           /* as on the wire */
	uint8_t flags;
	int8_t scale; /* of its window scale option, or WINDOW_SCALE_* */
	bool has_sack;
	uint8_t sack_count;
	struct tcp_sack sacks[TCP_SACKS];
	uint32_t frame;
	int64_t at_ns;
};

struct tcp_seen {
	uint32_t notes;
	uint32_t dup_frame, dup_number;
	uint32_t acks_frame; /* 0 none */
	int64_t ack_rtt_ns;
	uint32_t bytes_in_flight, push_bytes; /* 0 none */
	bool is_counted;                      /* its bytes, even if both are none */
	bool acks_unseen;                     /* even if that was noted before */
	uint32_t rto_frame;
	int64_t rto_ns;
	uint8_t completeness; /* before this segment */
};

struct unacked_pool;
void unacked_pool_free(struct unacked_pool *pool);

bool tcp_notes_wanted(const struct sonde_dissector *d);
bool tcp_options_wanted(const struct sonde_dissector *d);
bool tcp_segments_wanted(const struct sonde_dissector *d);
/* The stream's notes; NULL without memory, or for a stream beyond LIMIT_DISSECT_NOTED. */
struct tcp_notes *tcp_notes_of(struct sonde_dissector *d, uint32_t stream);
/* Sequence numbers count from here; to be called before either is used.  Is it the answer
 * to a SYN, and one that begins elsewhere than the last, as where the SYN of a new
 * connection over the same ports is not in the capture? */
bool tcp_notes_base(struct tcp_notes *notes, bool forward,
		    const struct tcp_segment *segment);
/* Judges the segment and keeps what later ones are judged by. */
void tcp_notes_add(struct sonde_dissector *d, struct tcp_notes *notes, bool forward,
		   const struct tcp_segment *segment, struct tcp_seen *ret);

#endif
