/* How a capture begins, and ends: its interfaces, their filters and rings. */
#include "capture/capture_parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/limits.h"
#include "capture/filter.h"
#include <sonde/packet.h>
#include <sonde/text.h>

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

	if (ring_bytes < SONDE_CAPTURE_RING_LEAST ||
	    ring_bytes > SONDE_CAPTURE_RING_MOST) {
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
		    capture_know_interface(capture, infos[i].index, link_of(&infos[i]),
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
		if (capture_know_interface(capture, info->index, link_of(info),
					   info->name) < 0)
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
	if (options->snap_bytes > SONDE_CAPTURE_SNAP_MOST)
		return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "capture",
				       "bytes of each packet", "%u, but %u at most",
				       options->snap_bytes, SONDE_CAPTURE_SNAP_MOST);
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
