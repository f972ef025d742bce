/* Fuzz target: the pcapng reader.
 *
 * Properties: nothing is read past a block's end; a block that is whole is asked for with
 * its right length while it is not; and packets, interfaces and calls that were read are
 * written as blocks that read the same. */
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/journal.h>

#include "base/limits.h"
#include "file/pcapng.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void require(bool holds)
{
	if (!holds)
		abort();
}

static bool same_bytes(const void *a, const void *b, size_t n)
{
	return n == 0 || memcmp(a, b, n) == 0;
}

/* A block that was just written, as its reader sees it. */
static void parse_again(const struct pcapng_block *block, struct pcapng_view *ret)
{
	bool swapped = false;

	require(block->error == 0);
	require(pcapng_parse(block->bytes, block->used, &swapped, ret) ==
		(ssize_t)block->used);
	require(!swapped);
}

static void check_packet(const struct pcapng_view *view, struct pcapng_block *block)
{
	struct pcapng_packet packet, again;
	struct pcapng_view written;

	if (pcapng_parse_packet(view, &packet) < 0)
		return;
	require(packet.captured_length <= view->body_length - 20);
	require(packet.direction <= 3);
	pcapng_format_packet(block, &packet);
	if (block->error) { /* there is no room for options that the block did not have */
		require(block->error == -E2BIG && block->used == 0);
		require(view->length + 24 > LIMIT_PCAPNG_BLOCK);
		return;
	}
	parse_again(block, &written);
	require(pcapng_parse_packet(&written, &again) == 0);
	require(again.interface == packet.interface && again.at_ns == packet.at_ns);
	require(again.captured_length == packet.captured_length);
	require(again.wire_length == packet.wire_length);
	require(again.direction == packet.direction);
	require(again.pid == packet.pid && again.tid == packet.tid);
	require(same_bytes(again.bytes, packet.bytes, packet.captured_length));
}

static void check_interface(const struct pcapng_view *view, struct pcapng_block *block)
{
	struct pcapng_view written;
	uint32_t snap_bytes, snap_bytes_again;
	uint16_t link, link_again;
	int r = pcapng_parse_interface(view, &link, &snap_bytes);

	require(r == 0 || r == -EBADMSG || r == -EOPNOTSUPP);
	if (r < 0)
		return;
	pcapng_format_interface(block, link, snap_bytes, NULL);
	parse_again(block, &written);
	require(pcapng_parse_interface(&written, &link_again, &snap_bytes_again) == 0);
	require(link_again == link && snap_bytes_again == snap_bytes);
}

static struct sonde_frame entry_of(const struct pcapng_view *view)
{
	return (struct sonde_frame){.bytes = view->body,
				    .captured_length = (uint32_t)view->body_length};
}

static void check_journal(const struct pcapng_view *view, struct pcapng_block *block)
{
	const struct sonde_frame entry = entry_of(view);
	struct sonde_journal_field field, again;
	struct pcapng_view written;
	size_t at = 0, at_again = 0;
	int r;

	while ((r = sonde_journal_next(&entry, &at, &field)) > 0) {
		struct sonde_frame entry_again;
		char *copy;

		require(at <= view->body_length && field.name_length > 0);
		require(field.name_length + field.value_length < view->body_length);
		copy = strndup(field.name, field.name_length);
		require(copy);
		if (strlen(copy) != field.name_length) { /* none that could be written */
			free(copy);
			continue;
		}
		pcapng_journal_begin(block);
		pcapng_journal_add(block, copy, field.value, field.value_length);
		pcapng_journal_end(block);
		parse_again(block, &written);
		entry_again = entry_of(&written);
		at_again = 0;
		require(sonde_journal_next(&entry_again, &at_again, &again) == 1);
		require(again.name_length == field.name_length &&
			again.value_length == field.value_length);
		require(same_bytes(again.name, field.name, field.name_length));
		require(same_bytes(again.value, field.value, field.value_length));
		require(sonde_journal_next(&entry_again, &at_again, &again) == 0);
		free(copy);
	}
	require(r == 0 || r == -EBADMSG);
}

/* While a block is not whole, more is asked for; how much, is known from byte 12 on. */
static void check_cuts(const uint8_t *bytes, size_t length, bool swapped)
{
	static const size_t cuts[] = {0, 1, 11, 12, 13, 27};

	for (size_t i = 0; i < sizeof(cuts) / sizeof(cuts[0]); i++) {
		struct pcapng_view view;
		bool order = swapped;

		if (cuts[i] >= length)
			break;
		require(pcapng_parse(bytes, cuts[i], &order, &view) == 0);
		require(view.length == (cuts[i] < 12 ? 0 : length));
		require(order == swapped);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct pcapng_block block;
	bool swapped = false;
	ssize_t length;

	pcapng_block_init(&block);
	for (size_t at = 0; at < n; at += (size_t)length) {
		bool before = swapped;
		struct pcapng_view view;
		uint8_t *copy;

		length = pcapng_parse(bytes + at, n - at, &swapped, &view);
		require(length >= 0 || length == -EBADMSG);
		require((size_t)(length > 0 ? length : 0) <= n - at);
		if (length <= 0)
			break;
		require(view.length == length && view.body_length == (size_t)length - 12);
		check_cuts(bytes + at, (size_t)length, before);

		/* The body, in memory of just that size. */
		copy = malloc(view.body_length ? view.body_length : 1);
		require(copy);
		memcpy(copy, view.body, view.body_length);
		view.body = copy;
		check_packet(&view, &block);
		check_interface(&view, &block);
		check_journal(&view, &block);
		free(copy);
	}
	pcapng_block_done(&block);
	return 0;
}
