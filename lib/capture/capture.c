/* Captures of one interface, several, or all; see <sonde/capture.h>.
 *
 * Each named interface has a socket and a ring of its own, because its filter and its
 * promiscuous mode are its own; `any` is one socket that is bound to none.  Rings are
 * merged by time: while one of several is empty, a packet of another one is given only
 * when it is so old that nothing earlier can lie in a block which is still open. */
#include <sonde/capture.h>

#include <errno.h>
#include <net/if.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "capture/filter.h"
#include "capture/ring.h"
#include <sonde/packet.h>
#include <sonde/text.h>

enum {
	VLAN_TAG_BYTES = 4,
	MERGE_NS =
		3000000, /* a block is handed over after a millisecond, if not sooner */
};

struct source {
	struct ring *ring;
	int interface_index; /* 0 all */
	uint32_t number;     /* of its interface, where it has one */
	bool is_there;       /* packet has not been given yet */
	struct ring_packet packet;
};

struct interface {
	int index;
	uint16_t link;
	uint64_t packets;
	char name[IF_NAMESIZE];
};

struct sonde_capture {
	struct source *sources; /* owned */
	size_t source_count;
	struct interface *interfaces; /* owned */
	size_t interface_count, interface_capacity;
	uint32_t latest; /* interface of `any` that was looked up last */
	uint32_t snap_bytes;
	uint32_t frames;
	int names_fd; /* asks for names of interfaces */
	bool is_ending;
	int64_t held_ns; /* so long packets wait for earlier ones */
};

/* --- opening */

static int fail_memory(struct sonde_error *err)
{
	return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "capture", "packets",
			       NULL);
}

/* By name, or by its place in the list, as other programs have it. */
static const struct sonde_interface_info *
find_interface(const struct sonde_interface_info *infos, size_t count, const char *name)
{
	long long place;

	for (size_t i = 0; i < count; i++) {
		if (strcmp(infos[i].name, name) == 0)
			return &infos[i];
	}
	if (sonde_text_parse_int(name, 1, (long long)count, &place) == 0)
		return &infos[place - 1];
	return NULL;
}

static int fail_unknown(const struct sonde_interface_info *infos, size_t count,
			const char *name, struct sonde_error *err)
{
	const char **words = calloc(count + 1, sizeof(*words));
	const char *nearest = NULL;

	if (words) {
		words[0] = "any";
		for (size_t i = 0; i < count; i++)
			words[i + 1] = infos[i].name;
		nearest = sonde_text_nearest(name, words, count + 1);
	}
	sonde_error_set(err, SONDE_ERROR_USAGE, -ENODEV, "capture on", name,
			"no such interface");
	if (nearest)
		sonde_error_hint(err, "did you mean %s? sonde capture -D lists them all",
				 nearest);
	else
		sonde_error_hint(err, "sonde capture -D lists the interfaces");
	free(words);
	return -ENODEV;
}

static int add_interface(struct sonde_capture *capture, int index, uint16_t link,
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

static uint16_t link_of(const struct sonde_interface_info *info)
{
	return info->flags & SONDE_INTERFACE_ETHERNET ? SONDE_LINK_ETHERNET
						      : SONDE_LINK_RAW;
}

/* libpcap's own words stay; of the kernel's it is said on what, and what helps. */
static int explain(int code, const char *name, struct sonde_error *err)
{
	if (code == -EPERM || code == -EACCES) {
		sonde_error_set(err, SONDE_ERROR_PERMISSION, code, "capture on", name,
				"the capability CAP_NET_RAW is missing");
		sonde_error_hint(err, "sudo sonde capture ..., or give it to the "
				      "program (setcap cap_net_raw+ep FILE), or use "
				      "--isolate for programs of your own");
	} else if (code == -ENOMEM) {
		sonde_error_set(err, SONDE_ERROR_TROUBLE, code, "capture on", name,
				"the kernel has no memory for the ring");
		sonde_error_hint(err, "ask for a smaller one: --ring 8M");
	}
	return code;
}

static int open_source(struct sonde_capture *capture,
		       const struct sonde_capture_options *options,
		       const struct sonde_interface_info *info, struct sonde_error *err)
{
	uint64_t ring_bytes =
		options->ring_bytes ? options->ring_bytes : SONDE_CAPTURE_RING_BYTES;
	uint64_t blocks = ring_bytes / LIMIT_RING_BLOCK_BYTES;
	enum filter_for what = FILTER_FOR_ANY;
	struct source *source = &capture->sources[capture->source_count];
	struct ring_options ring = {0};
	struct filter filter = {0};
	int r;

	if (blocks < LIMIT_RING_LEAST_BLOCKS || blocks > LIMIT_RING_MOST_BLOCKS) {
		sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "capture", "ring",
				"%llu bytes, but it has 256k to 4G",
				(unsigned long long)ring_bytes);
		return -EINVAL;
	}
	if (info && !(info->flags & SONDE_INTERFACE_UP)) {
		sonde_error_set(err, SONDE_ERROR_NETWORK, -ENETDOWN, "capture on",
				info->name, "the interface is down");
		sonde_error_hint(err, "ip link set %s up", info->name);
		return -ENETDOWN;
	}
	if (info)
		what = link_of(info) == SONDE_LINK_ETHERNET ? FILTER_FOR_ETHERNET
							    : FILTER_FOR_IP;
	r = filter_compile(options->filter ? options->filter : "", what,
			   capture->snap_bytes, &filter, err);
	if (r < 0)
		return r;
	ring.interface_index = info ? info->index : 0;
	ring.blocks = (unsigned)blocks;
	ring.is_promiscuous = info && options->is_promiscuous;
	ring.filter = filter.code;
	ring.filter_count = filter.count;
	r = ring_open_with(&ring, err);
	if (r >= 0)
		r = ring_map_blocks(r, ring.blocks, &source->ring, err);
	filter_done(&filter);
	if (r < 0)
		return explain(r, info ? info->name : "any", err);
	source->interface_index = ring.interface_index;
	source->number = (uint32_t)capture->interface_count;
	capture->source_count++;
	return 0;
}

/* All that are up are told of from the beginning; others when they first have a packet. */
static int open_any(struct sonde_capture *capture,
		    const struct sonde_capture_options *options,
		    const struct sonde_interface_info *infos, size_t count,
		    struct sonde_error *err)
{
	int r = open_source(capture, options, NULL, err);

	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++) {
		if (infos[i].flags & SONDE_INTERFACE_UP &&
		    add_interface(capture, infos[i].index, link_of(&infos[i]),
				  infos[i].name) < 0)
			return fail_memory(err);
	}
	return 0;
}

static int open_named(struct sonde_capture *capture,
		      const struct sonde_capture_options *options,
		      const struct sonde_interface_info *infos, size_t count,
		      struct sonde_error *err)
{
	for (size_t i = 0; i < options->interface_count; i++) {
		const char *name = options->interfaces[i];
		const struct sonde_interface_info *info =
			find_interface(infos, count, name);
		int r;

		if (!info)
			return fail_unknown(infos, count, name, err);
		for (size_t k = 0; k < capture->source_count; k++) {
			if (capture->sources[k].interface_index == info->index)
				return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL,
						       "capture on", name,
						       "it is named twice");
		}
		r = open_source(capture, options, info, err);
		if (r < 0)
			return r;
		if (add_interface(capture, info->index, link_of(info), info->name) < 0)
			return fail_memory(err);
	}
	return 0;
}

static bool wants_any(const struct sonde_capture_options *options)
{
	for (size_t i = 0; i < options->interface_count; i++) {
		if (strcmp(options->interfaces[i], "any") == 0)
			return true;
	}
	return options->interface_count == 0;
}

/* What is wrong with a filter is said before a privilege is asked for. */
static int check_filter(const struct sonde_capture_options *options,
			struct sonde_error *err)
{
	struct filter filter;
	int r = filter_compile(options->filter ? options->filter : "",
			       FILTER_FOR_ETHERNET, LIMIT_SNAP_BYTES, &filter, err);

	if (r == 0)
		filter_done(&filter);
	return r;
}

int sonde_capture_open(const struct sonde_capture_options *options,
		       struct sonde_capture **ret, struct sonde_error *err)
{
	const uint32_t snap_most = LIMIT_SNAP_BYTES - VLAN_TAG_BYTES;
	struct sonde_interface_info *infos = NULL;
	struct sonde_capture *capture;
	size_t count;
	int r;

	if (wants_any(options) && options->interface_count > 1)
		return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "capture on",
				       "any", "any is all interfaces: name no other");
	r = check_filter(options, err);
	if (r < 0)
		return r;
	capture = calloc(1, sizeof(*capture));
	if (!capture)
		return fail_memory(err);
	capture->snap_bytes = options->snap_bytes && options->snap_bytes < snap_most
				      ? options->snap_bytes
				      : snap_most;
	capture->names_fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	capture->sources =
		calloc(options->interface_count + 1, sizeof(capture->sources[0]));
	r = capture->sources ? sonde_interfaces_list(&infos, &count, err)
			     : fail_memory(err);
	if (r == 0)
		r = wants_any(options) ? open_any(capture, options, infos, count, err)
				       : open_named(capture, options, infos, count, err);
	free(infos);
	if (r < 0) {
		sonde_capture_close(capture);
		return r;
	}
	*ret = capture;
	return 0;
}

void sonde_capture_close(struct sonde_capture *capture)
{
	if (!capture)
		return;
	for (size_t i = 0; i < capture->source_count; i++)
		ring_free(capture->sources[i].ring);
	if (capture->names_fd >= 0)
		close(capture->names_fd);
	free(capture->sources);
	free(capture->interfaces);
	free(capture);
}

/* --- packets */

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
	if (add_interface(capture, packet->interface_index, packet->link,
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
	bool is_one_empty = false;
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

		if (!source->is_there)
			source->is_there = ring_next(source->ring, &source->packet) > 0;
		if (!source->is_there)
			is_one_empty = true;
		else if (!first || source->packet.at_ns < first->packet.at_ns)
			first = source;
	}
	capture->held_ns = 0;
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

int sonde_capture_drain(struct sonde_capture *capture, int timeout_ms)
{
	int r = 0;

	/* One that was given to be looked at counts as read already. */
	for (size_t i = 0; r == 0 && i < capture->source_count; i++)
		r = capture->sources[i].is_there
			    ? 1
			    : ring_drain(capture->sources[i].ring, timeout_ms);
	capture->is_ending = true;
	return r;
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
