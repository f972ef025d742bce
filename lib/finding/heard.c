/* What was said, gathered while the frames pass. */
#include "finding/heard.h"

#include <errno.h>
#include <string.h>

#include <sonde/dissect.h>

#include "base/array.h"
#include "base/limits.h"

enum { PROTOCOLS = 64, PROTOCOL_CHARS = 24, PIECES_MOST = 1 << 16 };

struct piece {
	uint8_t count;
	bool is_summary;
	uint8_t bytes[SONDE_FIRST_BYTES];
};

struct heard_frame {
	uint8_t protocol; /* from 1 */
	uint32_t piece;   /* from 1 */
};

struct sonde_heard {
	struct sonde_dissector *dissector; /* owned */
	char protocols[PROTOCOLS][PROTOCOL_CHARS];
	unsigned protocol_count;
	struct heard_frame *frames; /* [number - 1] */
	size_t frame_count, frame_room;
	struct piece *pieces;
	size_t piece_count, piece_room;
	uint8_t *spoken; /* [conversation]: bit 0, 1: that direction has a piece */
	size_t spoken_room;
};

int sonde_heard_new(struct sonde_heard **ret)
{
	struct sonde_heard *heard = array_new(1, sizeof(*heard));

	if (!heard || sonde_dissector_new(&heard->dissector) < 0) {
		array_free(heard);
		return -ENOMEM;
	}
	sonde_dissector_want_columns(heard->dissector);
	sonde_dissector_want_headers(heard->dissector);
	*ret = heard;
	return 0;
}

void sonde_heard_free(struct sonde_heard *heard)
{
	if (!heard)
		return;
	sonde_dissector_free(heard->dissector);
	array_free(heard->frames);
	array_free(heard->pieces);
	array_free(heard->spoken);
	array_free(heard);
}

void sonde_heard_show_secrets(struct sonde_heard *heard)
{
	sonde_dissector_show_secrets(heard->dissector);
}

/* From 1; 0: it says no more than the transport does, or there are too many. */
static uint8_t number_protocol(struct sonde_heard *heard, const char *name)
{
	if (!name || !*name || strcmp(name, "TCP") == 0 || strcmp(name, "UDP") == 0)
		return 0;
	for (unsigned i = 0; i < heard->protocol_count; i++)
		if (strcmp(heard->protocols[i], name) == 0)
			return (uint8_t)(i + 1);
	if (heard->protocol_count == PROTOCOLS || strlen(name) >= PROTOCOL_CHARS)
		return 0;
	memcpy(heard->protocols[heard->protocol_count], name, strlen(name) + 1);
	return (uint8_t)++heard->protocol_count;
}

/* The side with the lower address, or port, is one direction and the other one is the
 * other: which is the client's is decided later. */
static unsigned direction_of(const struct sonde_decoded *decoded)
{
	int order = memcmp(decoded->src.bytes, decoded->dst.bytes,
			   sizeof(decoded->src.bytes));

	return order ? order > 0 : decoded->src.port > decoded->dst.port;
}

/* Bytes that hardly anybody can read, and the login of a mailbox, which may be the first that its
 * client says. */
static bool wants_summary(const uint8_t *bytes, size_t n,
			  const struct sonde_dissection *dissection)
{
	size_t printable = 0;

	if (!dissection->info || !*dissection->info)
		return false;
	/* Certificates have much in them that can be read, and says nothing. */
	if (strcmp(dissection->protocol, "IMAP") == 0 ||
	    heard_is_tls(dissection->protocol))
		return true;
	for (size_t i = 0; i < n; i++)
		printable += bytes[i] >= 0x20 && bytes[i] != 0x7f;
	return printable * 2 < n;
}

static int keep_piece(struct sonde_heard *heard, const struct sonde_frame *frame,
		      const struct sonde_dissection *dissection, bool is_told,
		      uint32_t *ret)
{
	const uint8_t *bytes;
	const struct sonde_decoded *decoded = &dissection->decoded;
	size_t conversation =
		2 * (size_t)dissection->stream + (decoded->proto == SONDE_PACKET_UDP);
	uint8_t bit = (uint8_t)(1 << direction_of(decoded));
	struct piece *piece;
	uint32_t n = decoded->payload_captured;

	if (!dissection->has_stream || !n || heard->piece_count == PIECES_MOST ||
	    decoded->payload_offset > frame->captured_length ||
	    n > frame->captured_length - decoded->payload_offset)
		return 0;
	if (array_reserve(&heard->spoken, &heard->spoken_room, conversation + 1, 1) < 0)
		return -ENOMEM;
	if (heard->spoken[conversation] & bit)
		return 0;
	if (array_reserve(&heard->pieces, &heard->piece_room, heard->piece_count + 1,
			  sizeof(*heard->pieces)) < 0)
		return -ENOMEM;
	heard->spoken[conversation] |= bit;
	piece = &heard->pieces[heard->piece_count];
	bytes = frame->bytes + decoded->payload_offset;
	piece->is_summary = is_told && wants_summary(bytes, n, dissection);
	if (piece->is_summary) {
		bytes = (const uint8_t *)dissection->info;
		n = (uint32_t)strlen(dissection->info);
	}
	piece->count = (uint8_t)(n < SONDE_FIRST_BYTES ? n : SONDE_FIRST_BYTES);
	memcpy(piece->bytes, bytes, piece->count);
	*ret = (uint32_t)++heard->piece_count;
	return 0;
}

int sonde_heard_add(struct sonde_heard *heard, const struct sonde_frame *frame)
{
	struct sonde_dissection dissection;
	struct heard_frame it = {0};

	if (frame->kind != SONDE_FRAME_PACKET || !frame->number ||
	    frame->number > 4u * LIMIT_PACKETS)
		return 0;
	if (sonde_dissect(heard->dissector, frame, &dissection) < 0)
		return -ENOMEM;
	it.protocol = number_protocol(heard, dissection.protocol);
	if (keep_piece(heard, frame, &dissection, it.protocol != 0, &it.piece) < 0 ||
	    array_reserve(&heard->frames, &heard->frame_room, frame->number,
			  sizeof(*heard->frames)) < 0)
		return -ENOMEM;
	heard->frames[frame->number - 1] = it;
	heard->frame_count = frame->number;
	return 0;
}

const char *heard_protocol(const struct sonde_heard *heard, uint32_t frame)
{
	if (!heard || !frame || frame > heard->frame_count ||
	    !heard->frames[frame - 1].protocol)
		return NULL;
	return heard->protocols[heard->frames[frame - 1].protocol - 1];
}

const uint8_t *heard_bytes(const struct sonde_heard *heard, uint32_t frame,
			   uint8_t *ret_count)
{
	const struct piece *piece;

	if (!heard || !frame || frame > heard->frame_count ||
	    !heard->frames[frame - 1].piece)
		return NULL;
	piece = &heard->pieces[heard->frames[frame - 1].piece - 1];
	*ret_count = piece->count;
	return piece->bytes;
}

bool heard_is_summary(const struct sonde_heard *heard, uint32_t frame)
{
	uint8_t count;

	if (!heard_bytes(heard, frame, &count))
		return false;
	return heard->pieces[heard->frames[frame - 1].piece - 1].is_summary;
}
