/* pcapng (draft-ietf-opsawg-pcapng): blocks in, blocks out.  Pure: it formats blocks into
 * the caller's storage and parses them from the caller's bytes; it knows no file.
 *
 * Written: section header, interface description (nanoseconds), enhanced packet with
 * flags, process and comments, and the systemd Journal Export block, which holds a call:
 * Wireshark lists it as a row of its own. */
#ifndef FILE_PCAPNG_H
#define FILE_PCAPNG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <sonde/frame.h>

enum {
	PCAPNG_SECTION = 0x0A0D0D0A,
	PCAPNG_INTERFACE = 1,
	PCAPNG_OLD_PACKET = 2,
	PCAPNG_SIMPLE_PACKET = 3,
	PCAPNG_STATISTICS = 5,
	PCAPNG_PACKET = 6,
	PCAPNG_JOURNAL = 9,
	/* Wireshark lists these two as rows of their own, whatever is in them. */
	PCAPNG_CUSTOM = 0x00000BAD,
	PCAPNG_CUSTOM_NO_COPY = 0x40000BAD,
};

enum { PCAPNG_INBOUND = 1, PCAPNG_OUTBOUND = 2 };

/* Growable output; the same memory serves block after block.  After an error, the block
 * is empty; the next one begins without it. */
struct pcapng_block {
	uint8_t *bytes; /* owned */
	size_t used, capacity;
	size_t start; /* of the block; whole ones that were kept lie before it */
	int error;    /* sticky until the next block: -ENOMEM, -E2BIG */
};

void pcapng_block_init(struct pcapng_block *block);
void pcapng_block_done(struct pcapng_block *block);
/* The next block is added behind this one; until pcapng_block_clear(). */
void pcapng_block_keep(struct pcapng_block *block);
void pcapng_block_clear(struct pcapng_block *block);

/* Each empties the block and writes a whole one (length twice, padding, options ended).
 * Texts may be NULL: none; longer than 65,535 bytes they are cut, at a whole character.
 */
void pcapng_format_section(struct pcapng_block *block, const char *application,
			   const char *comment);
void pcapng_format_interface(struct pcapng_block *block, uint16_t link,
			     uint32_t snap_bytes, const char *name);
/* The same with if_filter, in libpcap's language. */
void pcapng_format_filtered(struct pcapng_block *block, uint16_t link,
			    uint32_t snap_bytes, const char *name, const char *filter);

struct pcapng_packet {
	uint32_t interface; /* counts from 0 in its section */
	int64_t at_ns;
	uint32_t captured_length, wire_length;
	const uint8_t *bytes;
	uint32_t
		direction; /* PCAPNG_INBOUND, _OUTBOUND, 0 not known: then no epb_flags */
	uint32_t pid, tid; /* 0: no epb_processid_threadid (option 8) */
	const char *const *comments; /* an opt_comment each */
	size_t comment_count;
	/* The same, not terminated by NUL; behind those. */
	const struct sonde_frame_text *texts;
	size_t text_count;
};

void pcapng_format_packet(struct pcapng_block *block, const struct pcapng_packet *packet);
/* The same of a frame, as the interface of that number in the file. */
void pcapng_format_frame(struct pcapng_block *block, uint32_t interface,
			 const struct sonde_frame *frame);
/* A journal entry, whole, as it was read. */
void pcapng_format_journal(struct pcapng_block *block, const uint8_t *text, size_t n);
/* isb_starttime, isb_endtime, isb_ifrecv, isb_ifdrop (the kernel's counts). */
void pcapng_format_statistics(struct pcapng_block *block, uint32_t interface,
			      int64_t start_ns, int64_t end_ns, uint64_t received,
			      uint64_t dropped);
void pcapng_format_statistics_with(struct pcapng_block *block, uint32_t interface,
				   int64_t start_ns, int64_t end_ns, uint64_t received,
				   uint64_t dropped, const char *comment);

/* A journal entry, field by field, in the Journal Export Format: NAME=VALUE for values
 * that are valid UTF-8 without line feed and NUL, the length-prefixed binary form
 * otherwise.  Readers want a field __REALTIME_TIMESTAMP, in microseconds. */
void pcapng_journal_begin(struct pcapng_block *block);
void pcapng_journal_add(struct pcapng_block *block, const char *name, const char *value,
			size_t n);
void pcapng_journal_end(struct pcapng_block *block);

/* ---- reading ---- */

struct pcapng_view {
	uint32_t type;
	uint32_t length;     /* of the whole block */
	bool swapped;        /* its section is big-endian: not as written here */
	const uint8_t *body; /* borrowed */
	size_t body_length;
};

/* Looks at the block that begins bytes[0..n).  *swapped is the section's byte order: this
 * sets it at each section header.  Returns the block's whole length; 0 where more bytes
 * are needed (of a length that the view's `length` tells once 12 bytes are there);
 * -EBADMSG. */
ssize_t pcapng_parse(const uint8_t *bytes, size_t n, bool *swapped,
		     struct pcapng_view *ret);
/* Of an enhanced packet block; comments are not collected. 0 or -EBADMSG. */
int pcapng_parse_packet(const struct pcapng_view *view, struct pcapng_packet *ret);
/* link and snap length of an interface block.  0, -EBADMSG, or -EOPNOTSUPP: its times are
 * not nanoseconds. */
int pcapng_parse_interface(const struct pcapng_view *view, uint16_t *ret_link,
			   uint32_t *ret_snap_bytes);

struct pcapng_option {
	uint16_t code;
	uint16_t length;
	const uint8_t *value; /* borrowed */
};
/* The next of the options that begin at body[*at].  1, 0 at their end or that of the
 * block, -EBADMSG. */
int pcapng_next_option(const struct pcapng_view *view, size_t *at,
		       struct pcapng_option *ret);

#endif
