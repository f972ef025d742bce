/* What a dissector is, and what it is given.  How one adds a dissector:
 *
 * 1. Write lib/dissect/dissect_<name>.c: a table of fields (the first is the protocol
 *    itself, the others under the names that Wireshark's users know, numbered by an enum
 *    in the same order), a function that dissects, and one
 *    `const struct dissector dissector_<name>`.
 * 2. Name it in lib/dissect/meson.build, declare it below, and put it into the table of
 *    dissector.c.
 *
 * dissect() gets the bytes of one message: over UDP a datagram's payload, over TCP what
 * pdu_length() found, be it spread over segments or not.  It adds fields, sets the
 * columns, and keeps nothing: what it must know of earlier messages of the conversation
 * (the method that a reply answers, a dialogue's state) fits into
 * dissect_conversation_state().  It allocates nothing but text of the frame's lifetime
 * (dissect_keep()).
 *
 * Fields are named by their place in the dissector's own table.  Adding one that nobody
 * wants returns at once; where a loop makes many, ask dissect_wants_own() before it. */
#ifndef DISSECT_DISSECTOR_H
#define DISSECT_DISSECTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <sonde/dissect.h>

#include "dissect/column.h"
#include "dissect/part_store.h"

/* The bytes of a layer, as positions in their source (the frame, or what was put
 * together): `captured` is where the bytes end, `end` where the layer ends as the headers
 * around it say; captured <= end. */
struct span {
	const uint8_t *bytes; /* the whole source's */
	uint32_t at, captured, end;
	uint8_t source; /* as in struct sonde_field */
};

static inline uint32_t span_left(const struct span *span)
{
	return span->captured > span->at ? span->captured - span->at : 0;
}

static inline uint32_t span_length(const struct span *span)
{
	return span->end > span->at ? span->end - span->at : 0;
}

static inline const uint8_t *span_bytes(const struct span *span)
{
	return span->bytes + span->at;
}

/* The span from `skip` bytes on, and of that the first `length` (UINT32_MAX: all). */
struct span span_part(const struct span *span, uint32_t skip, uint32_t length);

enum pdu {
	PDU_NOT_MINE = -1,    /* these bytes are of another protocol */
	PDU_MORE = 0,         /* not told yet: more bytes are needed */
	PDU_UNTIL_CLOSE = -2, /* all until the connection ends */
};

struct dissector {
	const char *name;   /* the protocol's, as filters say it: "http" */
	const char *column; /* "HTTP" */
	const struct sonde_field_info *fields;
	uint16_t field_count;
	const uint16_t *tcp_ports, *udp_ports; /* end with 0; NULL none */
	/* Whether the first message of a conversation, on ports that say nothing, is
	 * of this protocol; NULL: never guessed. */
	bool (*recognise)(const uint8_t *bytes, size_t n, bool is_tcp);
	/* Over TCP, the length of the message at the start of bytes[0..n), which may be
	 * more than n; or one of enum pdu.  NULL: each segment's bytes by themselves. */
	ssize_t (*pdu_length)(struct sonde_dissector *d, const uint8_t *bytes, size_t n);
	void (*dissect)(struct sonde_dissector *d, const struct span *span);
};

/* Rows of a table of fields. */
#define FIELD(name, title, type)                                                         \
	{                                                                                \
		name, title, SONDE_FIELD_##type, 0, 0, NULL                              \
	}
#define NUMBER(name, title, bits, show, names)                                           \
	{                                                                                \
		name, title, SONDE_FIELD_UINT, SONDE_SHOW_##show, bits, names            \
	}

extern const struct dissector dissector_frame, dissector_eth, dissector_vlan,
	dissector_ieee8021ad, dissector_llc, dissector_sll, dissector_null, dissector_raw,
	dissector_arp, dissector_ip, dissector_ipv6, dissector_icmp, dissector_icmpv6,
	dissector_tcp, dissector_udp, dissector_data, dissector_malformed,
	dissector_short, dissector_http, dissector_dns, dissector_tls, dissector_calc,
	dissector_echo, dissector_discard, dissector_daytime, dissector_qotd,
	dissector_chargen, dissector_time, dissector_smtp, dissector_imap;

/* All of them; their fields have numbers in this order. */
extern const struct dissector *const dissectors[];
extern const size_t dissector_count;

/* ---- adding fields ---- */

/* A number's name in a table that ends with NULL; `otherwise` where it has none. */
const char *value_name(const struct sonde_value_name *names, uint64_t value,
		       const char *otherwise);

/* Opens the layer: its protocol field, over `length` bytes from span->at on; what is added
 * from then on belongs to it.  Also names it in frame.protocols. */
struct sonde_field *dissect_open(struct sonde_dissector *d, const struct span *span,
				 uint32_t length);
/* Whether anything of the present dissector is wanted. */
bool dissect_wants_own(const struct sonde_dissector *d);
bool dissect_wants(const struct sonde_dissector *d, unsigned own);
/* Between these two, fields belong to the one added last. */
void dissect_nest(struct sonde_dissector *d);
void dissect_unnest(struct sonde_dissector *d);

/* `at` counts from span->at; `own` is the field's place in the dissector's table.  Each
 * returns the field, to be given flags or a label, or NULL where it is not wanted (or
 * there are too many). */
struct sonde_field *dissect_add(struct sonde_dissector *d, unsigned own,
				const struct span *span, uint32_t at, uint32_t length);
struct sonde_field *dissect_add_number(struct sonde_dissector *d, unsigned own,
				       const struct span *span, uint32_t at,
				       uint32_t length, uint64_t value);
struct sonde_field *dissect_add_integer(struct sonde_dissector *d, unsigned own,
					const struct span *span, uint32_t at,
					uint32_t length, int64_t value);
/* An unsigned number in network order, of 1 to 8 bytes that are there. */
struct sonde_field *dissect_add_be(struct sonde_dissector *d, unsigned own,
				   const struct span *span, uint32_t at, uint32_t length);
/* BYTES, IPV6, ETHERNET and TEXT: the bytes themselves, as many as are there. */
struct sonde_field *dissect_add_bytes(struct sonde_dissector *d, unsigned own,
				      const struct span *span, uint32_t at,
				      uint32_t length);
/* TEXT that does not stand in the bytes as it is; `text` lives as long as the frame. */
struct sonde_field *dissect_add_text(struct sonde_dissector *d, unsigned own,
				     const struct span *span, uint32_t at,
				     uint32_t length, const char *text, size_t size);
struct sonde_field *dissect_add_address(struct sonde_dissector *d, unsigned own,
					const struct span *span, uint32_t at,
					const struct sonde_address *address);
/* Worked out, not in the bytes. */
struct sonde_field *dissect_add_made(struct sonde_dissector *d, unsigned own,
				     uint64_t value);
void dissect_add_note(struct sonde_dissector *d, unsigned own);

/* NULL-safe. */
void dissect_set_flags(struct sonde_field *field, uint8_t flags);
void dissect_set_label(struct sonde_dissector *d, struct sonde_field *field,
		       const char *format, ...) __attribute__((format(printf, 3, 4)));

/* n bytes that live as long as the frame; NULL without memory. */
void *dissect_keep(struct sonde_dissector *d, size_t n);

/* The message contradicts itself, or ends within what it announces: said once. */
void dissect_set_malformed(struct sonde_dissector *d);
/* The capture ends before the message does. */
void dissect_set_short(struct sonde_dissector *d);

/* ---- the conversation ---- */

/* Two words of the dissector's own, zero at the start; NULL where there is none. */
uint64_t *dissect_conversation_state(struct sonde_dissector *d);
/* Whether the message comes from the side that spoke first (or sent the SYN). */
bool dissect_is_from_client(const struct sonde_dissector *d);
/* Ports of the message. */
uint16_t dissect_source_port(const struct sonde_dissector *d);
uint16_t dissect_destination_port(const struct sonde_dissector *d);
bool dissect_is_tcp(const struct sonde_dissector *d);
bool dissect_shows_secrets(const struct sonde_dissector *d);
/* The frame's number and its time. */
uint32_t dissect_frame_number(const struct sonde_dissector *d);
int64_t dissect_frame_time(const struct sonde_dissector *d);

/* A word for pdu_length() about the message under way, 0 when that begins: how far it has
 * read. */
uint32_t *dissect_message_hint(struct sonde_dissector *d);
/* Of pdu_length(): whether these bytes are of this frame alone, not of what was kept. */
bool dissect_is_beginning(const struct sonde_dissector *d);
/* Whether no message was read of this frame before. */
bool dissect_is_first_message(const struct sonde_dissector *d);

/* Of TCP: whether bytes are missing between the message and the one read before it. */
bool dissect_is_behind_gap(const struct sonde_dissector *d);

/* ---- messages in several pieces ---- */

/* What one direction of a conversation gives piece by piece, e.g. a handshake in several
 * records of TLS.  `place`, which the dissector keeps in its conversation's state, is 0
 * while there is nothing of a message.  What is kept is bounded: see part_store.h. */

/* Keeps the piece behind those before; false: it could not be kept, and those before it
 * are forgotten (*place is 0). */
bool dissect_keep_part(struct sonde_dissector *d, uint16_t *place,
		       const struct span *part);
/* What was kept; NULL: nothing, or it was forgotten. */
const struct parted *dissect_parts(const struct sonde_dissector *d, uint16_t place);
void dissect_forget_parts(struct sonde_dissector *d, uint16_t *place);
/* Puts them together, in the frame's lifetime; false without memory. */
bool dissect_join_parts(struct sonde_dissector *d, uint16_t place, struct span *ret);
/* The list of a message's pieces, with the frames they came in: a field for all of them,
 * one for each, and how many there are. */
struct part_fields {
	unsigned all, one, count;
	const char *title;
};
void dissect_add_parts(struct sonde_dissector *d, const struct part_fields *fields,
		       const struct span *message, const struct part *parts,
		       size_t count);

/* ---- layers within ---- */

/* Lets another dissector go on with the span, as the next layer. */
void dissect_call(struct sonde_dissector *d, const struct dissector *dissector,
		  const struct span *span);
/* By the number that the layer outside has for what it carries. */
void dissect_ether_type(struct sonde_dissector *d, uint16_t ether_type,
			const struct span *span);
void dissect_ip_protocol(struct sonde_dissector *d, uint8_t protocol,
			 const struct span *span);
/* What no dissector knows: data. */
void dissect_rest(struct sonde_dissector *d, const struct span *span);

/* ---- columns ---- */

/* The text builder of Info; it drops what is written to it where nobody wants it. */
struct column *dissect_info(struct sonde_dissector *d);
bool dissect_wants_columns(const struct sonde_dissector *d);
/* Sets Protocol and empties Info, as the layer that is opened last has the say. */
void dissect_set_column(struct sonde_dissector *d, const char *protocol);
/* Protocol alone. */
void dissect_name_column(struct sonde_dissector *d, const char *protocol);
/* The same for one of several messages of a frame: the first empties Info, the others put
 * `between` behind what it says. */
void dissect_join_column(struct sonde_dissector *d, const char *protocol,
			 const char *between);

#endif
