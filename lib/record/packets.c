/* Whose a packet is, is asked of the addresses that traced sockets have or talk to
 * (flows.c).  The answer may come after the packet: the kernel gives a datagram socket
 * its port in the call that sends, and the tracer tells it when that call returns.  So a
 * packet that seems foreign is kept until the feed has told everything up to a good while
 * after it, and asked about again. */
#include "record/packets.h"

#include <net/if.h>
#include <stdio.h>
#include <sys/ioctl.h>

#include "base/clock.h"
#include "base/limits.h"

void packets_done(struct packets *packets)
{
	flows_done(&packets->flows);
	held_done(&packets->held);
	said_free(packets->said);
}

/* The number of the interface that a packet came through; a new one is described. */
static int interface_of(struct packets *packets, const struct ring_packet *packet)
{
	struct sonde_recording *recording = packets->recording;
	struct ifreq request = {.ifr_ifindex = packet->interface_index};
	struct sonde_interface interface = {
		.index = (uint32_t)packet->interface_index,
		.link = packet->link,
		.name = request.ifr_name,
	};
	int number;

	for (uint32_t i = 0; i < recording->interface_count; i++) {
		if (recording->interfaces[i].index == interface.index &&
		    recording->interfaces[i].link == interface.link)
			return (int)i + 1;
	}
	/* Asked of the ring's socket, because the namespace may be another than ours. */
	if (ioctl(packets->ring_fd, SIOCGIFNAME, &request) < 0)
		snprintf(request.ifr_name, sizeof(request.ifr_name), "if%d",
			 packet->interface_index);
	number = sonde_recording_add_interface(recording, &interface);
	if (number < 0)
		return number;
	interface.interface = (uint32_t)number;
	capture_file_add_interface(packets->file, &interface);
	return number;
}

/* There is no room for it. */
static void drop(struct packets *packets, const char *text, bool *said)
{
	packets->recording->packets_dropped++;
	if (!*said)
		sonde_recording_add_note(packets->recording, SONDE_WARNING, text,
					 "trace a shorter run");
	*said = true;
}

static void keep(struct packets *packets, const struct ring_packet *from,
		 const struct sonde_decoded *decoded)
{
	struct sonde_packet packet = {
		.at_ns = from->at_ns,
		.is_outgoing = from->is_outgoing,
		.captured_length = from->captured_length,
		.wire_length = from->wire_length,
		.decoded = *decoded,
	};
	const struct sonde_frame frame = {
		.number = ++packets->frame_number,
		.link = from->link,
		.at_ns = from->at_ns,
		.captured_length = from->captured_length,
		.wire_length = from->wire_length,
		.bytes = from->bytes,
	};
	int interface = interface_of(packets, from);

	if (interface < 0) {
		drop(packets,
		     "there were more interfaces than a recording keeps: "
		     "their packets are counted as dropped",
		     &packets->said_interfaces);
		return;
	}
	packet.interface = (uint32_t)interface;
	/* Without memory it is heard less. */
	said_take(packets->said, &frame, packets->recording, &packet);
	packet.frame = capture_file_add_packet(packets->file, &packet, from->bytes);
	if (sonde_recording_add_packet(packets->recording, &packet) < 0)
		drop(packets,
		     "there were more packets than a recording keeps: "
		     "the rest is counted as dropped",
		     &packets->said_packets);
}

static bool is_ours(const struct packets *packets, const struct ring_packet *packet,
		    struct sonde_decoded *ret)
{
	*ret = (struct sonde_decoded){0};
	sonde_packet_decode(packet->link, packet->bytes, packet->captured_length, ret);
	return packets->is_isolated || flows_has(&packets->flows, ret);
}

/* Whose the first of those that are held is; false: there is none, or it is not ours,
 * and younger than that. */
static bool judge_first(struct packets *packets, int64_t before_ns)
{
	struct sonde_decoded decoded;
	struct ring_packet first;

	if (!held_first(&packets->held, &first))
		return false;
	if (is_ours(packets, &first, &decoded))
		keep(packets, &first, &decoded);
	else if (first.at_ns > before_ns)
		return false;
	else
		packets->recording->packets_foreign++;
	held_remove_first(&packets->held);
	return true;
}

void packets_judge(struct packets *packets, int64_t known_ns)
{
	while (judge_first(packets, known_ns - LIMIT_HELD_MS * NS_PER_MS))
		;
}

void packets_end(struct packets *packets)
{
	while (judge_first(packets, INT64_MAX))
		;
}

void packets_take(struct packets *packets, const struct ring_packet *packet)
{
	struct sonde_decoded decoded;

	if (is_ours(packets, packet, &decoded)) {
		keep(packets, packet, &decoded);
		return;
	}
	while (held_add(&packets->held, packet) < 0) {
		/* No room: the oldest are judged by what is known. */
		if (!judge_first(packets, INT64_MAX)) {
			packets->recording->packets_foreign++;
			return;
		}
	}
}

int packets_patience_ms(const struct packets *packets)
{
	struct ring_packet first;

	return held_first(&packets->held, &first) ? LIMIT_HELD_MS : -1;
}

void packets_count_lost(struct packets *packets, const struct ring_counts *before,
			const struct ring_counts *after)
{
	uint64_t due = before->received - before->dropped;
	char text[160];

	packets->recording->packets_dropped += after->dropped;
	if (due > after->read)
		packets->recording->packets_dropped += due - after->read;
	if (!after->dropped)
		return;
	snprintf(text, sizeof(text),
		 "the kernel dropped %llu of %llu packets, because they came faster than "
		 "they were read: what they sent and completed is not known",
		 (unsigned long long)after->dropped, (unsigned long long)after->received);
	sonde_recording_add_note(packets->recording, SONDE_WARNING, text,
				 "add --pin, which leaves the other processors to the "
				 "capture, or let the programs send less");
}
