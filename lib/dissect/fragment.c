/* Fragments put together; see fragment.h. */
#include "dissect/fragment.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"

static size_t cost_of(const struct fragment_piece *piece)
{
	return sizeof(*piece) + piece->length;
}

void fragment_remove(struct fragment_table *table, struct fragment_datagram *datagram)
{
	for (size_t i = 0; i < datagram->piece_count; i++) {
		table->held -= cost_of(&datagram->pieces[i]);
		array_free(datagram->pieces[i].bytes);
	}
	array_free(datagram->pieces);
	*datagram = (struct fragment_datagram){0};
}

void fragment_table_done(struct fragment_table *table)
{
	if (!table->datagrams)
		return;
	for (size_t i = 0; i < LIMIT_DISSECT_FRAGMENTED; i++)
		fragment_remove(table, &table->datagrams[i]);
	array_free(table->datagrams);
	*table = (struct fragment_table){0};
}

/* Of those that are not at place `but`. */
static struct fragment_datagram *oldest(const struct fragment_table *table, size_t but)
{
	struct fragment_datagram *found = NULL;

	for (size_t i = 0; i < LIMIT_DISSECT_FRAGMENTED; i++) {
		struct fragment_datagram *datagram = &table->datagrams[i];

		if (!datagram->is_used || i == but)
			continue;
		if (!found || datagram->age < found->age)
			found = datagram;
	}
	return found;
}

static struct fragment_datagram *find(struct fragment_table *table,
				      const struct fragment_key *key)
{
	struct fragment_datagram *unused = NULL;

	for (size_t i = 0; i < LIMIT_DISSECT_FRAGMENTED; i++) {
		struct fragment_datagram *datagram = &table->datagrams[i];

		if (!datagram->is_used) {
			unused = unused ? unused : datagram;
			continue;
		}
		if (datagram->key.id == key->id &&
		    datagram->key.protocol == key->protocol &&
		    sonde_address_equal(&datagram->key.src, &key->src) &&
		    sonde_address_equal(&datagram->key.dst, &key->dst))
			return datagram;
	}
	if (!unused) {
		unused = oldest(table, LIMIT_DISSECT_FRAGMENTED);
		fragment_remove(table, unused);
	}
	unused->is_used = true;
	unused->key = *key;
	unused->age = table->age++;
	return unused;
}

static bool overlaps(const struct fragment_piece *a, const struct fragment_piece *b)
{
	return a->offset < b->offset + b->length && b->offset < a->offset + a->length;
}

/* Whether they agree about the bytes that both have. */
static bool agree(const struct fragment_piece *a, const struct fragment_piece *b)
{
	uint32_t from = a->offset > b->offset ? a->offset : b->offset;
	uint32_t a_end = a->offset + a->length, b_end = b->offset + b->length;
	uint32_t to = a_end < b_end ? a_end : b_end;

	return memcmp(a->bytes + (from - a->offset), b->bytes + (from - b->offset),
		      to - from) == 0;
}

static void note_overlaps(struct fragment_datagram *datagram,
			  struct fragment_piece *piece)
{
	for (size_t i = 0; i < datagram->piece_count; i++) {
		const struct fragment_piece *other = &datagram->pieces[i];

		if (!overlaps(other, piece))
			continue;
		piece->is_overlap = datagram->has_overlap = true;
		if (!agree(other, piece))
			piece->is_conflict = datagram->has_conflict = true;
	}
}

static bool is_whole(const struct fragment_datagram *datagram)
{
	uint32_t reached = 0;

	if (!datagram->total)
		return false;
	for (size_t i = 0; i < datagram->piece_count; i++) {
		const struct fragment_piece *piece = &datagram->pieces[i];

		if (piece->offset > reached)
			return false;
		if (piece->offset + piece->length > reached)
			reached = piece->offset + piece->length;
	}
	return reached >= datagram->total;
}

static int insert(struct fragment_table *table, struct fragment_datagram *datagram,
		  struct fragment_piece piece, const uint8_t *bytes)
{
	size_t at = datagram->piece_count;

	if (array_reserve(&datagram->pieces, &datagram->piece_capacity,
			  datagram->piece_count + 1, sizeof(piece)) < 0)
		return -ENOMEM;
	piece.bytes = array_new(piece.length ? piece.length : 1, 1);
	if (!piece.bytes)
		return -ENOMEM;
	memcpy(piece.bytes, bytes, piece.length);
	note_overlaps(datagram, &piece);
	while (at > 0 && datagram->pieces[at - 1].offset > piece.offset)
		at--;
	memmove(datagram->pieces + at + 1, datagram->pieces + at,
		(datagram->piece_count - at) * sizeof(piece));
	datagram->pieces[at] = piece;
	datagram->piece_count++;
	table->held += cost_of(&piece);
	return 0;
}

int fragment_add(struct fragment_table *table, const struct fragment_key *key,
		 uint32_t offset, bool more, uint8_t next, const uint8_t *bytes,
		 uint32_t n, uint32_t frame, struct fragment_datagram **ret)
{
	struct fragment_piece piece = {.offset = offset, .length = n, .frame = frame};
	struct fragment_datagram *datagram;

	if (!table->datagrams) {
		table->datagrams =
			array_new(LIMIT_DISSECT_FRAGMENTED, sizeof(*table->datagrams));
		if (!table->datagrams)
			return -ENOMEM;
	}
	datagram = find(table, key);
	if (datagram->piece_count >= LIMIT_DISSECT_FRAGMENTS)
		return 0;
	while (table->held + cost_of(&piece) > LIMIT_DISSECT_FRAGMENT_BYTES) {
		struct fragment_datagram *old =
			oldest(table, (size_t)(datagram - table->datagrams));

		if (!old)
			return 0;
		fragment_remove(table, old);
	}
	if (!more) {
		if (datagram->total && datagram->total != offset + n)
			datagram->has_many_tails = true;
		else
			datagram->total = offset + n;
	}
	if (datagram->total && offset + n > datagram->total)
		piece.is_too_long = datagram->has_too_long = true;
	if (offset == 0)
		datagram->next = next;
	if (insert(table, datagram, piece, bytes) < 0)
		return -ENOMEM;
	if (!is_whole(datagram))
		return 0;
	*ret = datagram;
	return 1;
}

void fragment_join(const struct fragment_datagram *datagram, uint8_t *to)
{
	uint32_t reached = 0;

	for (size_t i = 0; i < datagram->piece_count; i++) {
		const struct fragment_piece *piece = &datagram->pieces[i];
		uint32_t end = piece->offset + piece->length;

		if (end > datagram->total)
			end = datagram->total;
		if (end <= reached)
			continue;
		memcpy(to + reached, piece->bytes + (reached - piece->offset),
		       end - reached);
		reached = end;
	}
}
