/* Fuzz target: frames, dissected from the link header inwards.  The first byte chooses the
 * link type; then frames follow, each behind its length in two bytes.
 *
 * Properties: what a field points to lies within its bytes; all that is wanted comes in
 * lines that end; the same frames give the same fields, and the same columns, whatever
 * else was asked for; asked for one conversation only, its frames say the same, and those
 * passed over are of another one. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/dissect.h>

enum { FRAMES_MOST = 64, STREAMS = 3 };

/* Of the frames, what was found with one set of wishes. */
struct found {
	uint64_t fields[FRAMES_MOST], columns[FRAMES_MOST];
	int64_t streams[FRAMES_MOST]; /* -1 none */
	bool is_tcp[FRAMES_MOST], is_passed_over[FRAMES_MOST];
	unsigned count;
};

enum wishes { ALL = 1, COLUMNS = 2, ONLY_TCP = 4, ONLY_UDP = 8 };

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void check_field(const struct sonde_frame *frame,
			const struct sonde_dissection *found,
			const struct sonde_field *field)
{
	size_t size = field->source ? found->reassembled_size : frame->captured_length;
	const struct sonde_field_info *info = sonde_field_info(field->field);
	char line[256];

	require(info != NULL);
	require((size_t)field->offset + field->length <= size);
	sonde_field_format(field, line, sizeof(line));
	require(memchr(line, '\0', sizeof(line)) != NULL);
}

/* A sum over all that is said of the frame. */
static uint64_t digest(const struct sonde_frame *frame,
		       const struct sonde_dissection *found)
{
	uint64_t sum = found->field_count;

	for (size_t i = 0; i < found->field_count; i++) {
		const struct sonde_field *field = &found->fields[i];

		check_field(frame, found, field);
		sum = sum * 31 + field->field;
		sum = sum * 31 + field->offset;
		sum = sum * 31 + field->length;
		sum = sum * 31 + field->depth;
	}
	return sum;
}

static uint64_t digest_text(const char *text)
{
	uint64_t sum = 0;

	require(strlen(text) < 2048);
	for (; *text; text++)
		sum = sum * 31 + (uint8_t)*text;
	return sum;
}

static uint64_t digest_columns(const struct sonde_dissection *found)
{
	return digest_text(found->info) * 31 * 31 * 31 +
	       digest_text(found->protocol) * 31 * 31 + digest_text(found->source) * 31 +
	       digest_text(found->destination);
}

static void dissect_frames(uint16_t link, const uint8_t *bytes, size_t n, unsigned wishes,
			   uint32_t stream, struct found *ret)
{
	struct sonde_dissector *dissector;
	struct sonde_dissection found;

	memset(ret, 0, sizeof(*ret));
	require(sonde_dissector_new(&dissector) == 0);
	if (wishes & ALL)
		sonde_dissector_want_all(dissector);
	if (wishes & COLUMNS)
		sonde_dissector_want_columns(dissector);
	if (wishes & (ONLY_TCP | ONLY_UDP))
		sonde_dissector_only_stream(dissector, wishes & ONLY_TCP, stream);
	for (unsigned i = 0; n >= 2 && i < FRAMES_MOST; i++) {
		size_t length = (size_t)(bytes[0] << 8 | bytes[1]);
		struct sonde_frame frame = {.number = i + 1, .link = link};
		uint8_t *part;

		bytes += 2;
		n -= 2;
		if (length > n)
			length = n;
		/* Of just that size, so that a sanitizer sees every step too far. */
		part = malloc(length ? length : 1);
		require(part != NULL);
		memcpy(part, bytes, length);
		frame.bytes = part;
		frame.captured_length = frame.wire_length = (uint32_t)length;
		frame.at_ns = (i + 1) * 1000000ll;
		require(sonde_dissect(dissector, &frame, &found) == 0);
		ret->is_passed_over[i] = found.is_passed_over;
		ret->fields[i] = digest(&frame, &found);
		if (wishes & COLUMNS && !found.is_passed_over)
			ret->columns[i] = digest_columns(&found);
		ret->streams[i] = found.has_stream ? (int64_t)found.stream : -1;
		ret->is_tcp[i] = found.stream_is_tcp;
		ret->count = i + 1;
		free(part);
		bytes += length;
		n -= length;
	}
	sonde_dissector_free(dissector);
}

static void check_only(const struct found *all, const struct found *only, bool is_tcp,
		       uint32_t stream)
{
	for (unsigned i = 0; i < all->count; i++) {
		bool is_wanted = all->streams[i] == stream && all->is_tcp[i] == is_tcp;

		require(!is_wanted || !only->is_passed_over[i]);
		if (!is_wanted)
			continue;
		require(only->streams[i] == stream && only->is_tcp[i] == is_tcp);
		require(only->fields[i] == all->fields[i]);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const uint16_t links[] = {
		SONDE_LINK_ETHERNET, SONDE_LINK_RAW,  SONDE_LINK_SLL,  SONDE_LINK_SLL2,
		SONDE_LINK_NULL,     SONDE_LINK_LOOP, SONDE_LINK_IPV4, SONDE_LINK_IPV6};
	static struct found all, both, columns, only;
	uint16_t link;

	if (n == 0)
		return 0;
	link = links[bytes[0] % 8];
	dissect_frames(link, bytes + 1, n - 1, ALL, 0, &all);
	dissect_frames(link, bytes + 1, n - 1, ALL | COLUMNS, 0, &both);
	dissect_frames(link, bytes + 1, n - 1, COLUMNS, 0, &columns);
	require(memcmp(all.fields, both.fields, sizeof(all.fields)) == 0);
	require(memcmp(columns.columns, both.columns, sizeof(both.columns)) == 0);
	require(memcmp(columns.streams, all.streams, sizeof(all.streams)) == 0);
	for (uint32_t stream = 0; stream < STREAMS; stream++) {
		dissect_frames(link, bytes + 1, n - 1, ALL | ONLY_TCP, stream, &only);
		check_only(&all, &only, true, stream);
		dissect_frames(link, bytes + 1, n - 1, ALL | ONLY_UDP, stream, &only);
		check_only(&all, &only, false, stream);
	}
	return 0;
}
