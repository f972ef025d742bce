/* Captures of one interface, several, or all; see <sonde/capture.h>.
 *
 * Each named interface has a socket and a ring of its own, because its filter and its
 * promiscuous mode are its own; `any` is one socket that is bound to none.  Rings are
 * merged by time: while one of several is empty, a packet of another one is given only
 * when it is so old that nothing earlier can lie in a block which is still open. */
#include "capture/capture_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

#include "base/clock.h"
#include "base/limits.h"
#include <sonde/packet.h>

enum {
	/* A block is handed over by then. */
	MERGE_NS = (RING_BLOCK_MS + 2) * NS_PER_MS,
};

int capture_know_interface(struct sonde_capture *capture, int index, uint16_t link,
			   const char *name)
{
	struct interface *interface;

	if (capture->interface_count == capture->interface_capacity) {
		size_t capacity = capture->interface_capacity * 2 + 16;
		void *grown = realloc(capture->interfaces,
				      capacity * sizeof(capture->interfaces[0]));

		if (!grown)
			return -ENOMEM;
		capture->interfaces = grown;
		capture->interface_capacity = capacity;
	}
	interface = &capture->interfaces[capture->interface_count++];
	*interface = (struct interface){.index = index, .link = link};
	strncpy(interface->name, name, sizeof(interface->name) - 1);
	return 0;
}

size_t sonde_capture_fds(const struct sonde_capture *capture, int *fds, size_t most)
{
	for (size_t i = 0; i < capture->source_count && i < most; i++)
		fds[i] = ring_fd(capture->sources[i].ring);
	return capture->source_count;
}

static bool is_interface(const struct interface *interface,
			 const struct ring_packet *packet)
{
	return interface->index == packet->interface_index &&
	       interface->link == packet->link;
}

/* Of `any`: the interface's number, given when it is first seen.  Without memory, or with
 * more than a recording has, it is that of the first one. */
static uint32_t find_number(struct sonde_capture *capture,
			    const struct ring_packet *packet)
{
	struct ifreq request = {.ifr_ifindex = packet->interface_index};

	for (uint32_t i = 0; i < capture->interface_count; i++) {
		if (is_interface(&capture->interfaces[i], packet))
			return i;
	}
	if (capture->interface_count >= LIMIT_INTERFACES)
		return 0;
	if (capture->names_fd < 0 || ioctl(capture->names_fd, SIOCGIFNAME, &request) < 0)
		request.ifr_name[0] = '\0'; /* it has gone already */
	if (capture_know_interface(capture, packet->interface_index, packet->link,
				   request.ifr_name) < 0)
		return 0;
	return (uint32_t)capture->interface_count - 1;
}

static void give(struct sonde_capture *capture, const struct source *source,
		 const struct ring_packet *packet, struct sonde_frame *ret)
{
	struct interface *interface;
	uint32_t number = source->number;

	if (!source->interface_index) {
		number = capture->latest;
		if (number >= capture->interface_count ||
		    !is_interface(&capture->interfaces[number], packet))
			number = find_number(capture, packet);
		capture->latest = number;
	}
	interface = &capture->interfaces[number];
	interface->packets++;
	*ret = (struct sonde_frame){
		.number = ++capture->frames,
		.kind = SONDE_FRAME_PACKET,
		/* Coming in is the rule, and an option costs a file 12 bytes. */
		.direction = packet->is_outgoing ? 2 : 0,
		.link = packet->link,
		.interface = number,
		.at_ns = packet->at_ns,
		/* With its VLAN tag, which was not counted, it may be longer. */
		.captured_length = packet->captured_length < capture->snap_bytes
					   ? packet->captured_length
					   : capture->snap_bytes,
		.wire_length = packet->wire_length,
		.bytes = packet->bytes,
		.time_digits = 9,
		.interface_name = interface->name[0] ? interface->name : NULL,
	};
}

/* An interface that goes down says so once; `any` is never down. */
static int check_source(const struct sonde_capture *capture, const struct source *source,
			struct sonde_error *err)
{
	const struct interface *interface = &capture->interfaces[source->number];
	int error = 0;
	socklen_t length = sizeof(error);

	if (!source->interface_index ||
	    getsockopt(ring_fd(source->ring), SOL_SOCKET, SO_ERROR, &error, &length) <
		    0 ||
	    error != ENETDOWN)
		return 0;
	sonde_error_set(err, SONDE_ERROR_NETWORK, -ENETDOWN, "capture on",
			interface->name, "the interface went down");
	return -ENETDOWN;
}

int sonde_capture_next(struct sonde_capture *capture, struct sonde_frame *ret,
		       struct sonde_error *err)
{
	struct source *first = NULL;
	bool is_one_empty = false, is_one_late = false;
	int r = 0;

	/* Nothing to merge, nothing to keep. */
	if (capture->source_count == 1) {
		first = &capture->sources[0];
		capture->held_ns = 0;
		if (ring_next(first->ring, &first->packet) > 0) {
			give(capture, first, &first->packet, ret);
			return 1;
		}
		return check_source(capture, first, err);
	}
	for (size_t i = 0; i < capture->source_count; i++) {
		struct source *source = &capture->sources[i];

		if (!source->is_there && !source->is_done)
			source->is_there = ring_next(source->ring, &source->packet) > 0;
		if (!source->is_there) {
			is_one_empty = true;
			is_one_late |= capture->is_ending && !source->is_done;
		} else if (!first || source->packet.at_ns < first->packet.at_ns) {
			first = source;
		}
	}
	capture->held_ns = 0;
	/* sonde_capture_drain() waits for it. */
	if (is_one_late)
		return 0;
	if (first && is_one_empty && !capture->is_ending) {
		int64_t age_ns = clock_realtime_ns() - first->packet.at_ns;

		/* A clock that was set holds nothing up. */
		if (age_ns >= 0 && age_ns < MERGE_NS) {
			capture->held_ns = MERGE_NS - age_ns;
			return 0;
		}
	}
	if (first) {
		first->is_there = false;
		give(capture, first, &first->packet, ret);
		return 1;
	}
	for (size_t i = 0; r == 0 && i < capture->source_count; i++)
		r = check_source(capture, &capture->sources[i], err);
	return r;
}

int64_t sonde_capture_held(const struct sonde_capture *capture)
{
	return capture->held_ns;
}

/* Of several rings each has something or is done, so that the earliest packet of those there
 * is the earliest of all. */
int sonde_capture_drain(struct sonde_capture *capture, int timeout_ms)
{
	bool is_more = false;

	capture->is_ending = true;
	for (size_t i = 0; i < capture->source_count; i++) {
		struct source *source = &capture->sources[i];
		int r = 1;

		/* One that was given to be looked at counts as read already. */
		if (!source->is_there)
			r = source->is_done ? 0 : ring_drain(source->ring, timeout_ms);
		if (r < 0)
			return r;
		if (r > 0)
			is_more = true;
		else
			source->is_done = true;
	}
	return is_more;
}

/* --- counts */

size_t sonde_capture_interface_count(const struct sonde_capture *capture)
{
	return capture->interface_count;
}

void sonde_capture_interface(const struct sonde_capture *capture, size_t number,
			     struct sonde_captured_interface *ret)
{
	const struct interface *interface = &capture->interfaces[number];

	*ret = (struct sonde_captured_interface){
		.name = interface->name,
		.link = interface->link,
		.snap_bytes = capture->snap_bytes,
		.packets = interface->packets,
	};
}

static void add_counts(const struct source *source, struct sonde_capture_counts *sum)
{
	struct ring_counts counts;

	ring_count(source->ring, &counts);
	sum->received += counts.received;
	sum->dropped += counts.dropped;
	sum->read += counts.read;
}

void sonde_capture_count(struct sonde_capture *capture, struct sonde_capture_counts *ret)
{
	*ret = (struct sonde_capture_counts){0};
	for (size_t i = 0; i < capture->source_count; i++)
		add_counts(&capture->sources[i], ret);
}

bool sonde_capture_count_of(struct sonde_capture *capture, size_t number,
			    struct sonde_capture_counts *ret)
{
	if (number >= capture->source_count || !capture->sources[number].interface_index)
		return false;
	*ret = (struct sonde_capture_counts){0};
	add_counts(&capture->sources[number], ret);
	return true;
}
