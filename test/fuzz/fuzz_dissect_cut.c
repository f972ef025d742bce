/* Fuzz target: frames that a capture cut, beside the same frames whole.  The input is that
 * of fuzz_dissect: a link type, then frames behind their lengths.
 *
 * Property: a cut frame never says more than the whole one.  Each field that a dissector
 * read out of the bytes of the cut frame, the whole frame has, too: the same field, at the
 * same place, with the same value; of a layer, one around it; of text and bytes, which may
 * end early, the beginning.  Left out are what is about the capture and not about the
 * packet (frame, data that no dissector took, and _ws), what is a part of a message in the
 * whole frame, and a TCP header that is bogus by a field that the cut one does not have.
 * A file that ends early says of the frames before just what the whole file says. */
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/dissect.h>

enum { FRAMES_MOST = 16, CUTS_MOST = 64, FIELDS_MOST = 4096 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

/* A field, and the bytes of its value in memory that outlives the dissector's. */
struct kept {
	struct sonde_field field;
	uint32_t at, size; /* of the value, in the store */
};

struct said {
	struct kept fields[FIELDS_MOST];
	size_t count;
	uint8_t *store;
	size_t used;
};

enum { STORE_BYTES = 1 << 20 };

static void require(bool holds)
{
	if (!holds)
		abort();
}

static bool has_bytes(const struct sonde_field *field)
{
	uint8_t type = sonde_field_info(field->field)->type;

	return type == SONDE_FIELD_TEXT || type == SONDE_FIELD_BYTES ||
	       type == SONDE_FIELD_ETHERNET || type == SONDE_FIELD_IPV6;
}

static void keep(struct said *said, const struct sonde_dissection *found)
{
	said->count = said->used = 0;
	for (size_t i = 0; i < found->field_count && said->count < FIELDS_MOST; i++) {
		struct kept *kept = &said->fields[said->count++];

		*kept = (struct kept){.field = found->fields[i]};
		if (!has_bytes(&kept->field))
			continue;
		kept->at = (uint32_t)said->used;
		kept->size = kept->field.value.data.size;
		if (kept->size > STORE_BYTES - said->used) {
			said->count--;
			return;
		}
		if (kept->size)
			memcpy(said->store + said->used, kept->field.value.data.bytes,
			       kept->size);
		said->used += kept->size;
	}
}

static void dissect(struct sonde_dissector *dissector, uint16_t link,
		    const uint8_t *bytes, size_t captured, size_t length, unsigned number,
		    struct said *ret)
{
	struct sonde_frame frame = {
		.number = number,
		.link = link,
		.captured_length = (uint32_t)captured,
		.wire_length = (uint32_t)length,
		.at_ns = number * 1000000ll,
	};
	struct sonde_dissection found;
	/* Of just that size, so that a sanitizer sees every step too far. */
	uint8_t *part = malloc(captured ? captured : 1);

	require(part != NULL);
	memcpy(part, bytes, captured);
	frame.bytes = part;
	require(sonde_dissect(dissector, &frame, &found) == 0);
	keep(ret, &found);
	free(part);
}

static void dissect_alone(uint16_t link, const uint8_t *bytes, size_t captured,
			  size_t length, struct said *ret)
{
	struct sonde_dissector *dissector;

	require(sonde_dissector_new(&dissector) == 0);
	sonde_dissector_want_all(dissector);
	dissect(dissector, link, bytes, captured, length, 1, ret);
	sonde_dissector_free(dissector);
}

static bool is_about_capture(const char *name)
{
	return strncmp(name, "frame", 5) == 0 || strncmp(name, "_ws.", 4) == 0 ||
	       strcmp(name, "data") == 0 || strncmp(name, "data.", 5) == 0;
}

static bool says(const struct said *whole, const struct said *cut,
		 const struct kept *kept)
{
	const struct sonde_field *field = &kept->field;
	const struct sonde_field_info *info = sonde_field_info(field->field);

	for (size_t i = 0; i < whole->count; i++) {
		const struct kept *other = &whole->fields[i];

		if (other->field.field != field->field || other->field.source)
			continue;
		/* A layer of the same kind lies around it. */
		if (info->type == SONDE_FIELD_PROTOCOL &&
		    other->field.offset <= field->offset &&
		    field->offset + field->length <=
			    other->field.offset + other->field.length)
			return true;
		if (other->field.offset != field->offset)
			continue;
		if (info->type == SONDE_FIELD_PROTOCOL || info->type == SONDE_FIELD_NOTE)
			return true;
		if (!has_bytes(field)) {
			if (other->field.value.number == field->value.number &&
			    other->field.length == field->length)
				return true;
		} else if (other->size >= kept->size &&
			   memcmp(whole->store + other->at, cut->store + kept->at,
				  kept->size) == 0) {
			return true;
		}
	}
	return false;
}

/* Whether the whole frame has there a part of a message that goes on in another one.  Of a
 * cut segment nothing is put together, so that an application shows what there is. */
static bool is_part(const struct said *whole, const struct kept *kept)
{
	for (size_t i = 0; i < whole->count; i++) {
		const struct sonde_field *other = &whole->fields[i].field;

		if (strcmp(sonde_field_info(other->field)->name, "tcp.segment_data") ==
			    0 &&
		    kept->field.offset >= other->offset &&
		    kept->field.offset < other->offset + other->length)
			return true;
	}
	return false;
}

/* Whether the whole one shows that its TCP header is none, and stops there. */
static bool is_bogus(const struct said *whole)
{
	for (size_t i = 0; i < whole->count; i++)
		if (strcmp(sonde_field_info(whole->fields[i].field.field)->name,
			   "tcp.bogus_header_length") == 0)
			return true;
	return false;
}

static void check_cut(const struct said *whole, const struct said *cut, size_t captured)
{
	for (size_t i = 0; i < cut->count; i++) {
		const struct kept *kept = &cut->fields[i];
		const char *name = sonde_field_info(kept->field.field)->name;

		if (kept->field.source || kept->field.flags & SONDE_FIELD_GENERATED ||
		    is_about_capture(name) || says(whole, cut, kept) ||
		    is_part(whole, kept) ||
		    (strcmp(name, "tcp.ack_raw") == 0 && is_bogus(whole)))
			continue;
		fprintf(stderr,
			"cut to %zu bytes: %s at %u, %u bytes, is not in the whole\n",
			captured, name, kept->field.offset, kept->field.length);
		abort();
	}
}

static bool is_same(const struct said *a, const struct said *b)
{
	if (a->count != b->count || a->used != b->used ||
	    memcmp(a->store, b->store, a->used) != 0)
		return false;
	for (size_t i = 0; i < a->count; i++) {
		const struct kept *one = &a->fields[i], *two = &b->fields[i];

		if (one->field.field != two->field.field ||
		    one->field.offset != two->field.offset ||
		    one->field.length != two->field.length ||
		    (!has_bytes(&one->field) &&
		     sonde_field_info(one->field.field)->type != SONDE_FIELD_PROTOCOL &&
		     one->field.value.number != two->field.value.number))
			return false;
	}
	return true;
}

/* Both files as they are read: the second one's last frame is cut. */
static void check_end(uint16_t link, const uint8_t *const *frames, const size_t *lengths,
		      unsigned count, struct said *whole, struct said *cut)
{
	struct sonde_dissector *one, *two;

	require(sonde_dissector_new(&one) == 0);
	require(sonde_dissector_new(&two) == 0);
	sonde_dissector_want_all(one);
	sonde_dissector_want_all(two);
	for (unsigned i = 0; i < count; i++) {
		bool is_last = i + 1 == count;

		dissect(one, link, frames[i], lengths[i], lengths[i], i + 1, whole);
		dissect(two, link, frames[i], is_last ? lengths[i] / 2 : lengths[i],
			lengths[i], i + 1, cut);
		require(is_last || is_same(whole, cut));
	}
	sonde_dissector_free(one);
	sonde_dissector_free(two);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const uint16_t links[] = {
		SONDE_LINK_ETHERNET, SONDE_LINK_RAW,  SONDE_LINK_SLL,  SONDE_LINK_SLL2,
		SONDE_LINK_NULL,     SONDE_LINK_LOOP, SONDE_LINK_IPV4, SONDE_LINK_IPV6};
	static uint8_t stores[2][STORE_BYTES];
	static struct said whole = {.store = stores[0]}, cut = {.store = stores[1]};
	const uint8_t *frames[FRAMES_MOST];
	size_t lengths[FRAMES_MOST];
	unsigned count = 0;
	uint16_t link;

	if (n == 0)
		return 0;
	link = links[bytes[0] % 8];
	for (size_t at = 1; n - at >= 2 && count < FRAMES_MOST;) {
		size_t length = (size_t)(bytes[at] << 8 | bytes[at + 1]);

		at += 2;
		if (length > n - at)
			length = n - at;
		frames[count] = bytes + at;
		lengths[count++] = length;
		at += length;
	}
	for (unsigned i = 0; i < count; i++) {
		size_t step = lengths[i] / CUTS_MOST + 1;

		dissect_alone(link, frames[i], lengths[i], lengths[i], &whole);
		for (size_t captured = 0; captured < lengths[i]; captured += step) {
			dissect_alone(link, frames[i], captured, lengths[i], &cut);
			check_cut(&whole, &cut, captured);
		}
	}
	if (count)
		check_end(link, frames, lengths, count, &whole, &cut);
	return 0;
}
