/* What a frame says, as fields under Wireshark's names (those of its version 4.0).
 *
 * A dissector keeps what must be known of earlier frames to understand the next one:
 * streams and their sequence numbers, fragments and segments not yet put together, which
 * protocol a port speaks.  So frames are given in the order of the file, each once.  Pure:
 * it reads no clock and no file, and the same frames give the same answers everywhere.
 *
 * Only what is asked for is made: sonde_dissector_want() names fields, columns or all.
 * What nobody wants costs nothing, so that a filter on tcp.stream looks at headers only. */
#ifndef SONDE_DISSECT_H
#define SONDE_DISSECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/address.h>
#include <sonde/error.h>
#include <sonde/export.h>
#include <sonde/frame.h>
#include <sonde/packet.h>

/* ---- the names ---- */

enum sonde_field_type {
	SONDE_FIELD_PROTOCOL = 0, /* "tcp": the bytes of the whole layer */
	SONDE_FIELD_BOOL,
	SONDE_FIELD_UINT, /* at most 64 bits */
	SONDE_FIELD_INT,
	SONDE_FIELD_TIME,     /* nanoseconds since the epoch */
	SONDE_FIELD_DURATION, /* nanoseconds */
	SONDE_FIELD_IPV4,
	SONDE_FIELD_IPV6,
	SONDE_FIELD_ETHERNET, /* 6 bytes */
	SONDE_FIELD_BYTES,
	SONDE_FIELD_TEXT,
	SONDE_FIELD_NOTE, /* is there or not: tcp.analysis.retransmission */
};

enum sonde_field_show { SONDE_SHOW_DECIMAL = 0, SONDE_SHOW_HEX, SONDE_SHOW_DECIMAL_HEX };

struct sonde_value_name {
	uint64_t value;
	const char *name; /* NULL ends a table */
};

struct sonde_field_info {
	const char *name;                     /* "tcp.srcport" */
	const char *title;                    /* "Source Port" */
	uint8_t type;                         /* enum sonde_field_type */
	uint8_t show;                         /* enum sonde_field_show; of numbers */
	uint8_t bits;                         /* of numbers: 1 to 64 */
	const struct sonde_value_name *names; /* NULL none */
};

/* Fields have numbers from 0 on, one space for all protocols.  They are this build's own:
 * files and scripts hold names. */
SONDE_API size_t sonde_field_count(void);
SONDE_API const struct sonde_field_info *sonde_field_info(uint16_t field); /* static */
/* The field of that name (n bytes), or -ENOENT. */
SONDE_API int sonde_field_find(const char *name, size_t n);
/* The name most like it, for an error's hint; NULL where none is near. */
SONDE_API const char *sonde_field_nearest(const char *name, size_t n);

/* ---- one frame ---- */

enum {
	SONDE_FIELD_HIDDEN = 0x1, /* to filter by, not in the tree: tcp.port, ip.addr */
	SONDE_FIELD_GENERATED = 0x2, /* worked out, not in the bytes: shown in brackets */
	SONDE_FIELD_SECRET = 0x4,    /* a password: masked unless asked */
};

struct sonde_field {
	uint16_t field; /* number */
	uint8_t depth; /* 0 a protocol, 1 its fields, 2 what belongs to one of them ... */
	uint8_t flags;
	uint8_t source; /* which bytes offset and length mean: 0 the frame's, 1 those of
			   sonde_dissection.reassembled */
	uint32_t offset, length;
	union {
		uint64_t number; /* BOOL, UINT; IPV4 as in ntohl */
		int64_t integer; /* INT, TIME, DURATION */
		struct {
			const uint8_t *bytes; /* borrowed; of TEXT in UTF-8 or as sent */
			uint32_t size;
		} data; /* PROTOCOL, IPV6, ETHERNET, BYTES, TEXT */
	} value;
	const char *label; /* the line in the tree, where title and value do not make it;
			      NULL */
};

/* A column's address: an IP address with port, or text ("02:00:00:00:00:01"). */
struct sonde_dissection {
	const struct sonde_field *fields; /* those wanted, in the order of the tree */
	size_t field_count;
	struct sonde_decoded
		decoded; /* the outermost IP packet's headers, where wanted */
	/* Of its conversation; numbers count from 0 in the order of first appearance, TCP and
	 * UDP apart (tcp.stream, udp.stream). */
	bool has_stream, stream_is_tcp;
	uint32_t stream;
	/* Columns, where wanted: UTF-8 that ends with NUL, text from the network escaped. */
	const char *source, *destination;
	const char *protocol; /* "TCP", "DNS" */
	const char *info;
	const uint8_t *reassembled; /* NULL where nothing was put together here */
	size_t reassembled_size;
	bool is_passed_over; /* see sonde_dissector_only_stream() */
	bool is_cut; /* more fields than LIMIT_DISSECT_FIELDS: the rest was left out */
};

struct sonde_dissector;

/* 0 or -ENOMEM. */
SONDE_API int sonde_dissector_new(struct sonde_dissector **ret);
SONDE_API void sonde_dissector_free(struct sonde_dissector *dissector);

/* What frames from here on are asked for; fields add up over calls. */
SONDE_API int sonde_dissector_want(struct sonde_dissector *dissector, uint16_t field);
SONDE_API void sonde_dissector_want_all(struct sonde_dissector *dissector);
SONDE_API void sonde_dissector_want_columns(struct sonde_dissector *dissector);
SONDE_API void sonde_dissector_want_headers(struct sonde_dissector *dissector);
/* Only frames of this conversation (tcp.stream, udp.stream) are of interest: those that
 * plainly belong to another one are numbered, and have neither fields nor columns: their
 * is_passed_over says so. */
SONDE_API void sonde_dissector_only_stream(struct sonde_dissector *dissector, bool is_tcp,
					   uint32_t number);
/* Passwords as they were sent, not masked. */
SONDE_API void sonde_dissector_show_secrets(struct sonde_dissector *dissector);
/* "tcp.port==5001,calc".  0 or -EINVAL with *err filled. */
SONDE_API int sonde_dissector_decode_as(struct sonde_dissector *dissector,
					const char *rule, struct sonde_error *err);

/* 0 or -ENOMEM (the frame is dissected as far as it went).  What *ret points to is valid
 * until the next call. */
SONDE_API int sonde_dissect(struct sonde_dissector *dissector,
			    const struct sonde_frame *frame,
			    struct sonde_dissection *ret);

/* The field's line in the tree, without indent: "Source Port: 40112". Returns its length
 * as snprintf(3) does. */
SONDE_API size_t sonde_field_format(const struct sonde_field *field, char *text,
				    size_t size);

#endif
