/* A connection in plain words, from its packets: who connected to whom, what was said in
 * each direction, who closed it and how, and what was unusual.  It needs no calls. */
#ifndef SONDE_EXPLAIN_H
#define SONDE_EXPLAIN_H

#include <stdbool.h>
#include <stdint.h>

#include <sonde/export.h>
#include <sonde/frame.h>
#include <sonde/text.h>
#include <sonde/timeline.h>

/* ---- what was said: frames are shown to this on their way to the recording ---- */

struct sonde_heard;

/* 0 or -ENOMEM. */
SONDE_API int sonde_heard_new(struct sonde_heard **ret);
SONDE_API void sonde_heard_free(struct sonde_heard *heard);
/* Passwords stand in sentences as they were sent, not masked. */
SONDE_API void sonde_heard_show_secrets(struct sonde_heard *heard);
/* Remembers the protocol of the frame, and the first bytes of each direction. 0 or
 * -ENOMEM. */
SONDE_API int sonde_heard_add(struct sonde_heard *heard, const struct sonde_frame *frame);

/* ---- what became of each stream ---- */

enum { SONDE_FIRST_BYTES = 96 };

/* Index 0: from the client. */
struct sonde_account {
	uint32_t packets[2];        /* with payload */
	uint64_t bytes[2];          /* of payload, those sent again not counted */
	uint32_t again[2];          /* packets with bytes that were sent before */
	uint32_t syn, syn_ack, ack; /* the handshake's packets; 0 not seen */
	uint32_t syns;              /* how often the client asked */
	uint32_t fin[2];            /* the first packet with it; 0 none */
	uint32_t reset;             /* the first packet with it; 0 none */
	uint8_t reset_by;           /* 0 the client */
	uint32_t refusal;           /* the ICMP error about it; 0 none */
	uint32_t zero_windows[2];   /* how often a side closed its window */
	int64_t longest_ns;         /* without any packet, */
	uint32_t longest_before;    /* and the packet that ended it */
	const char *protocol;       /* "HTTP"; NULL: not known.  Borrowed from heard */
	const char
		*tls; /* "TLSv1.3": what it went over to (STARTTLS); NULL: it did not */
	uint32_t tls_from; /* and with which packet */
	uint8_t first[2][SONDE_FIRST_BYTES];
	uint8_t first_count[2];
	bool is_summary[2]; /* those are a summary of it, where the bytes are no text */
	uint32_t probes[2]; /* packets that ask whether the peer is there */
};

/* An array of timeline->stream_count; heard may be NULL.  0 or -ENOMEM. */
SONDE_API int sonde_accounts_build(const struct sonde_timeline *timeline,
				   const struct sonde_heard *heard,
				   struct sonde_account **ret);
SONDE_API void sonde_accounts_free(struct sonde_account *accounts);

/* The paragraph; what comes from the network is escaped. */
SONDE_API void sonde_account_add_text(const struct sonde_timeline *timeline,
				      const struct sonde_account *accounts,
				      uint32_t stream, struct sonde_text *text);

#endif
