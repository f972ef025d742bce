/* Which sockets a datagram can belong to, and which calls can have sent it. */
#include "timeline/datagram.h"

#include <errno.h>
#include <stdlib.h>

#include "base/array.h"
#include "base/limits.h"
#include "timeline/moment.h"

/* Of the loopback interface, in every network namespace. */
#define LOOPBACK_INDEX 1

static int by_port(const void *left, const void *right)
{
	const struct datagram_end *a = left, *b = right;

	if (a->local.port != b->local.port)
		return a->local.port < b->local.port ? -1 : 1;
	return a->socket < b->socket ? -1 : a->socket > b->socket;
}

static uint32_t first_of_port(const struct datagrams *datagrams, uint16_t port)
{
	uint32_t low = 0, high = datagrams->end_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (datagrams->ends[middle].local.port < port)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* How well the socket fits as the end `local` of a packet to or from `remote`; 0: not. */
static int fit_end(const struct datagrams *datagrams, const struct datagram_end *end,
		   const struct sonde_address *local, const struct sonde_address *remote,
		   int64_t at_ns, bool is_here)
{
	const struct sonde_address *peer;
	int score = 1;

	if (at_ns < end->opened_ns || at_ns > end->closed_ns)
		return 0;
	if (flow_same_host(&end->local, local))
		score += 2;
	else if (!flow_is_any_host(&end->local) || !is_here)
		return 0;
	else if (end->local.family == local->family)
		score += 1;
	peer = associations_peer(&datagrams->associations, datagrams->join, end->socket,
				 at_ns);
	if (!peer)
		return score;
	return flow_same_address(peer, remote) ? score + 4 : 0;
}

static bool is_multicast(const struct sonde_address *address)
{
	if (address->family == SONDE_FAMILY_INET6)
		return address->bytes[0] == 0xff;
	return address->family == SONDE_FAMILY_INET && address->bytes[0] >= 224;
}

/* The sockets that have `local` as their address for packets to and from `remote`; is_here:
 * this machine has that end of the packet. */
static uint32_t find_ends(const struct datagrams *datagrams,
			  const struct sonde_address *local,
			  const struct sonde_address *remote, int64_t at_ns, bool is_here,
			  uint32_t *ret)
{
	bool hear_all = is_multicast(local);
	uint32_t count = 0;
	int best = 0;

	if (!local->port)
		return 0;
	for (uint32_t i = first_of_port(datagrams, local->port); i < datagrams->end_count;
	     i++) {
		const struct datagram_end *end = &datagrams->ends[i];
		int score;

		if (end->local.port != local->port)
			break;
		score = fit_end(datagrams, end, local, remote, at_ns, is_here);
		if (!score || (score < best && !hear_all))
			continue;
		if (score > best && !hear_all)
			count = 0;
		best = score > best ? score : best;
		if (count < LIMIT_SAME_PORT)
			ret[count++] = end->socket;
	}
	return count;
}

bool datagram_fits_send(const struct datagrams *datagrams, const struct sonde_call *call,
			const struct sonde_packet *packet)
{
	const struct sonde_decoded *decoded = &packet->decoded;
	const struct sonde_address *to = &call->address;

	if (call->kind != SONDE_CALL_SEND || call->result < 0)
		return false;
	if (!flow_is_internet(to))
		to = associations_peer(&datagrams->associations, datagrams->join,
				       call->socket, call->enter_ns);
	if (to && to->port &&
	    (to->port != decoded->dst.port ||
	     !(flow_same_host(to, &decoded->dst) ||
	       (flow_is_any_host(to) && flow_is_loopback(&decoded->dst)))))
		return false;
	if (call->content_hash && packet->payload_hash &&
	    call->content_hash != packet->payload_hash)
		return false;
	if (!call_returned(call))
		return call->length == decoded->payload_length;
	return call->datagrams || call->result == decoded->payload_length;
}

/* Number of the first packet at that time or later. */
static uint32_t first_packet_since(const struct sonde_recording *recording, int64_t at_ns)
{
	uint32_t low = 0, high = recording->packet_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (recording->packets[middle].at_ns < at_ns)
			low = middle + 1;
		else
			high = middle;
	}
	return low + 1;
}

/* A socket whose port was never asked for: its first send shows it, if one packet alone
 * fits while that call ran.  The port is noted aside: the order of the ends must hold
 * while others are looked for. */
static void learn_local(const struct datagrams *datagrams, struct datagram_end *end)
{
	const struct join *join = datagrams->join;
	const struct sonde_recording *recording = join->recording;
	const struct sonde_call *send = NULL;
	const struct sonde_packet *found = NULL;
	uint32_t others[LIMIT_SAME_PORT];

	for (uint32_t i = join->calls.socket_begin[end->socket];
	     !send && i < join->calls.socket_begin[end->socket + 1]; i++) {
		const struct sonde_call *call =
			call_at(recording, join->calls.of_socket[i]);

		if (call->kind == SONDE_CALL_SEND && call_returned(call) &&
		    call->result >= 0)
			send = call;
	}
	if (!send)
		return;
	for (uint32_t i = first_packet_since(recording, send->enter_ns);
	     i <= recording->packet_count; i++) {
		const struct sonde_packet *packet = &recording->packets[i - 1];

		if (packet->at_ns > send->exit_ns)
			break;
		if (packet->decoded.proto != SONDE_PACKET_UDP ||
		    !datagram_fits_send(datagrams, send, packet) ||
		    find_ends(datagrams, &packet->decoded.src, &packet->decoded.dst,
			      packet->at_ns, true, others))
			continue;
		if (found)
			return;
		found = packet;
	}
	if (!found)
		return;
	end->learnt_port = found->decoded.src.port;
	end->local = found->decoded.src;
	end->local.port = 0;
}

int datagram_collect_ends(struct datagrams *datagrams)
{
	const struct sonde_recording *recording = datagrams->join->recording;

	datagrams->ends =
		array_new((size_t)recording->socket_count + 1, sizeof(*datagrams->ends));
	if (!datagrams->ends)
		return -ENOMEM;
	for (uint32_t i = 0; i < recording->socket_count; i++) {
		const struct sonde_socket *socket = &recording->sockets[i];

		if (socket->kind != SONDE_SOCKET_UDP)
			continue;
		if (associations_add(&datagrams->associations, datagrams->join, i + 1) <
		    0)
			return -ENOMEM;
		datagrams->ends[datagrams->end_count++] = (struct datagram_end){
			.socket = i + 1,
			.local = socket->local,
			.opened_ns = moment_minus(socket->opened_ns,
						  join_margin_ns(datagrams->join)),
			.closed_ns = socket->closed_ns ? socket->closed_ns : INT64_MAX,
		};
	}
	if (!datagrams->end_count)
		return 0;
	qsort(datagrams->ends, datagrams->end_count, sizeof(*datagrams->ends), by_port);
	for (uint32_t i = 0; i < datagrams->end_count && !datagrams->ends[i].local.port;
	     i++)
		learn_local(datagrams, &datagrams->ends[i]);
	for (uint32_t i = 0; i < datagrams->end_count; i++)
		if (datagrams->ends[i].learnt_port)
			datagrams->ends[i].local.port = datagrams->ends[i].learnt_port;
	qsort(datagrams->ends, datagrams->end_count, sizeof(*datagrams->ends), by_port);
	return 0;
}

/* Whether this machine has that end of the packet: over the loopback interface, which
 * also carries what a machine sends to its own other addresses, it has both. */
static bool is_here(const struct join *join, const struct sonde_packet *packet,
		    const struct sonde_address *end, bool is_sender)
{
	const struct sonde_recording *recording = join->recording;

	if (flow_is_loopback(end) || packet->is_outgoing == is_sender)
		return true;
	if (!packet->interface || packet->interface > recording->interface_count)
		return true;
	return recording->interfaces[packet->interface - 1].index == LOOPBACK_INDEX;
}

uint32_t datagram_ends(const struct datagrams *datagrams,
		       const struct sonde_packet *packet, bool is_sender, uint32_t *ret)
{
	const struct sonde_address *src = &packet->decoded.src;
	const struct sonde_address *dst = &packet->decoded.dst;
	const struct sonde_address *end = is_sender ? src : dst;

	return find_ends(datagrams, end, is_sender ? dst : src, packet->at_ns,
			 is_here(datagrams->join, packet, end, is_sender), ret);
}
