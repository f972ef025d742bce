/* Fuzz target: frames, dissected from the link header inwards.  The first byte chooses the
 * link type; then frames follow, each behind its length in two bytes.
 *
 * Properties: what a field points to lies within its bytes; all that is wanted comes in
 * lines that end; the same frames give the same fields, whatever was asked for before. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/dissect.h>

enum { FRAMES_MOST = 64 };

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

static uint64_t dissect_all(uint16_t link, const uint8_t *bytes, size_t n, bool columns)
{
	struct sonde_dissector *dissector;
	struct sonde_dissection found;
	uint64_t sum = 0;

	require(sonde_dissector_new(&dissector) == 0);
	sonde_dissector_want_all(dissector);
	if (columns)
		sonde_dissector_want_columns(dissector);
	for (uint32_t number = 1; n >= 2 && number <= FRAMES_MOST; number++) {
		size_t length = (size_t)(bytes[0] << 8 | bytes[1]);
		struct sonde_frame frame = {.number = number, .link = link};
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
		frame.at_ns = number * 1000000ll;
		require(sonde_dissect(dissector, &frame, &found) == 0);
		sum = sum * 31 + digest(&frame, &found);
		require(!columns || strlen(found.info) < 2048);
		free(part);
		bytes += length;
		n -= length;
	}
	sonde_dissector_free(dissector);
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const uint16_t links[] = {
		SONDE_LINK_ETHERNET, SONDE_LINK_RAW,  SONDE_LINK_SLL,  SONDE_LINK_SLL2,
		SONDE_LINK_NULL,     SONDE_LINK_LOOP, SONDE_LINK_IPV4, SONDE_LINK_IPV6};
	uint16_t link;

	if (n == 0)
		return 0;
	link = links[bytes[0] % 8];
	require(dissect_all(link, bytes + 1, n - 1, false) ==
		dissect_all(link, bytes + 1, n - 1, true));
	return 0;
}
