/* Datagrams: which call sent each, which receive got it.
 *
 * A datagram has no offset.  A sender is found by its socket, the destination, the length
 * and the time, for a send leaves while its call runs.  What arrives for a socket is
 * received in order of arrival; a receive that names a source or a length skips the
 * arrivals that do not fit: the kernel dropped them. */
#include "timeline/association.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"
#include "timeline/moment.h"

/* Of the loopback interface, in every network namespace. */
#define LOOPBACK_INDEX 1

struct end {
	uint32_t socket;
	uint16_t learnt_port; /* to be, while the ends are still in the old order */
	struct sonde_address local;
	int64_t opened_ns, closed_ns;
};

struct matcher {
	struct join *join;
	struct associations associations;
	struct end *ends; /* UDP sockets by local port */
	uint32_t end_count;
	uint16_t *sent;          /* [call - 1]: datagrams already found of it */
	uint32_t *arrivals;      /* packets, socket by socket, in order */
	uint32_t *arrival_begin; /* [socket] */
	uint32_t *receives;      /* calls of one socket, for sorting */
};

static int by_port(const void *left, const void *right)
{
	const struct end *a = left, *b = right;

	if (a->local.port != b->local.port)
		return a->local.port < b->local.port ? -1 : 1;
	return a->socket < b->socket ? -1 : a->socket > b->socket;
}

static uint32_t first_of_port(const struct matcher *matcher, uint16_t port)
{
	uint32_t low = 0, high = matcher->end_count;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (matcher->ends[middle].local.port < port)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* The traced socket that has `local` as its address for packets to and from `remote`; of
 * several the most special one.  is_here: this machine has that end of the packet. */
static uint32_t find_end(const struct matcher *matcher, const struct sonde_address *local,
			 const struct sonde_address *remote, int64_t at_ns, bool is_here)
{
	uint32_t found = 0;
	int best = 0;

	if (!local->port)
		return 0;
	for (uint32_t i = first_of_port(matcher, local->port); i < matcher->end_count;
	     i++) {
		const struct end *end = &matcher->ends[i];
		const struct sonde_address *peer;
		int score = 1;

		if (end->local.port != local->port)
			break;
		if (flow_same_host(&end->local, local))
			score += 2;
		else if (!flow_is_any_host(&end->local) || !is_here)
			continue;
		peer = associations_peer(&matcher->associations, matcher->join,
					 end->socket, at_ns);
		if (peer) {
			if (!flow_same_address(peer, remote))
				continue;
			score += 4;
		}
		if (at_ns < end->opened_ns || at_ns > end->closed_ns)
			continue;
		if (score > best) {
			best = score;
			found = end->socket;
		}
	}
	return found;
}

static bool fits_send(const struct matcher *matcher, const struct sonde_call *call,
		      const struct sonde_packet *packet)
{
	const struct sonde_decoded *decoded = &packet->decoded;
	const struct sonde_address *to = &call->address;

	if (call->kind != SONDE_CALL_SEND || call->result < 0)
		return false;
	if (!flow_is_internet(to))
		to = associations_peer(&matcher->associations, matcher->join,
				       call->socket, call->enter_ns);
	if (to && to->port &&
	    (to->port != decoded->dst.port ||
	     !(flow_same_host(to, &decoded->dst) ||
	       (flow_is_any_host(to) && flow_is_loopback(&decoded->dst)))))
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
static void learn_local(const struct matcher *matcher, struct end *end)
{
	const struct join *join = matcher->join;
	const struct sonde_recording *recording = join->recording;
	const struct sonde_call *send = NULL;
	const struct sonde_packet *found = NULL;

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
		    !fits_send(matcher, send, packet) ||
		    find_end(matcher, &packet->decoded.src, &packet->decoded.dst,
			     packet->at_ns, true))
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

static int collect_ends(struct matcher *matcher)
{
	const struct sonde_recording *recording = matcher->join->recording;

	matcher->ends =
		array_new((size_t)recording->socket_count + 1, sizeof(*matcher->ends));
	if (!matcher->ends)
		return -ENOMEM;
	for (uint32_t i = 0; i < recording->socket_count; i++) {
		const struct sonde_socket *socket = &recording->sockets[i];

		if (socket->kind != SONDE_SOCKET_UDP)
			continue;
		if (associations_add(&matcher->associations, matcher->join, i + 1) < 0)
			return -ENOMEM;
		matcher->ends[matcher->end_count++] = (struct end){
			.socket = i + 1,
			.local = socket->local,
			.opened_ns = moment_minus(socket->opened_ns,
						  join_margin_ns(matcher->join)),
			.closed_ns = socket->closed_ns ? socket->closed_ns : INT64_MAX,
		};
	}
	if (!matcher->end_count)
		return 0;
	qsort(matcher->ends, matcher->end_count, sizeof(*matcher->ends), by_port);
	for (uint32_t i = 0; i < matcher->end_count && !matcher->ends[i].local.port; i++)
		learn_local(matcher, &matcher->ends[i]);
	for (uint32_t i = 0; i < matcher->end_count; i++)
		if (matcher->ends[i].learnt_port)
			matcher->ends[i].local.port = matcher->ends[i].learnt_port;
	qsort(matcher->ends, matcher->end_count, sizeof(*matcher->ends), by_port);
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

static void place_ends(struct matcher *matcher)
{
	struct join *join = matcher->join;
	struct sonde_timeline *timeline = join->timeline;

	for (uint32_t i = 0; i < join->recording->packet_count; i++) {
		const struct sonde_packet *packet = &join->recording->packets[i];
		struct sonde_packet_place *place = &timeline->packet_places[i];
		const struct sonde_address *src = &packet->decoded.src;
		const struct sonde_address *dst = &packet->decoded.dst;
		struct sonde_stream *stream;

		if (packet->decoded.proto != SONDE_PACKET_UDP || !place->stream)
			continue;
		place->sender = find_end(matcher, src, dst, packet->at_ns,
					 is_here(join, packet, src, true));
		place->receiver = find_end(matcher, dst, src, packet->at_ns,
					   is_here(join, packet, dst, false));
		stream = &timeline->streams[place->stream - 1];
		if (!stream->client_socket)
			stream->client_socket =
				place->direction ? place->receiver : place->sender;
		if (!stream->server_socket)
			stream->server_socket =
				place->direction ? place->sender : place->receiver;
	}
}

/* The send of the socket that made the packet: the latest ones entered before it are
 * looked at. */
static void find_send(struct matcher *matcher, uint32_t socket,
		      const struct sonde_packet *packet)
{
	struct join *join = matcher->join;
	const struct call_index *calls = &join->calls;
	uint32_t begin = calls->socket_begin[socket], low = begin;
	uint32_t high = calls->socket_begin[socket + 1];
	uint32_t running = 0, earlier = 0, fitting = 0;

	while (low < high) {
		uint32_t middle = low + (high - low) / 2;

		if (call_at(join->recording, calls->of_socket[middle])->enter_ns <=
		    packet->at_ns)
			low = middle + 1;
		else
			high = middle;
	}
	for (uint32_t i = low; i > begin && low - i < LIMIT_DATAGRAM_SENDS; i--) {
		const struct sonde_call *call =
			call_at(join->recording, calls->of_socket[i - 1]);
		uint32_t most = call->datagrams ? call->datagrams : 1;

		if (!fits_send(matcher, call, packet) ||
		    matcher->sent[call->call - 1] >= most)
			continue;
		if (packet->at_ns <= call_end_ns(call)) {
			running = call->call;
			fitting++;
		} else {
			earlier = call->call;
		}
	}
	/* One that waited, for a neighbour's address say, left after its call. */
	if (!running)
		running = earlier;
	if (!running)
		return;
	join->sent_by[packet->packet - 1] = running;
	join->is_sent_surely[packet->packet - 1] = fitting == 1;
	matcher->sent[running - 1]++;
}

static int sort_arrivals(struct matcher *matcher)
{
	const struct join *join = matcher->join;
	const struct sonde_recording *recording = join->recording;
	const struct sonde_packet_place *places = join->timeline->packet_places;
	uint32_t *at;

	matcher->arrivals = array_new((size_t)recording->packet_count + 1,
				      sizeof(*matcher->arrivals));
	matcher->arrival_begin = array_new((size_t)recording->socket_count + 2,
					   sizeof(*matcher->arrival_begin));
	at = array_new((size_t)recording->socket_count + 2, sizeof(*at));
	if (!matcher->arrivals || !matcher->arrival_begin || !at) {
		array_free(at);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < recording->packet_count; i++)
		if (recording->packets[i].decoded.proto == SONDE_PACKET_UDP &&
		    places[i].receiver)
			matcher->arrival_begin[places[i].receiver + 1]++;
	for (uint32_t i = 1; i <= recording->socket_count; i++) {
		at[i] = matcher->arrival_begin[i];
		matcher->arrival_begin[i + 1] += matcher->arrival_begin[i];
	}
	for (uint32_t i = 0; i < recording->packet_count; i++)
		if (recording->packets[i].decoded.proto == SONDE_PACKET_UDP &&
		    places[i].receiver)
			matcher->arrivals[at[places[i].receiver]++] = i + 1;
	array_free(at);
	return 0;
}

static bool fits_receive(const struct sonde_call *call, const struct sonde_packet *packet)
{
	const struct sonde_decoded *decoded = &packet->decoded;

	if (flow_is_internet(&call->address) && call->address.port &&
	    !flow_same_address(&call->address, &decoded->src))
		return false;
	if (call->datagrams || call->result == decoded->payload_length)
		return true;
	/* A buffer too small cuts the datagram. */
	return call->result >= 0 && (uint64_t)call->result == call->length &&
	       decoded->payload_length > call->length;
}

static int by_exit(const void *left, const void *right, void *context)
{
	const struct sonde_recording *recording = context;
	uint32_t a = *(const uint32_t *)left, b = *(const uint32_t *)right;
	int64_t a_ns = recording->calls[a - 1].exit_ns;
	int64_t b_ns = recording->calls[b - 1].exit_ns;

	if (a_ns != b_ns)
		return a_ns < b_ns ? -1 : 1;
	return a < b ? -1 : a > b;
}

/* Threads that receive on one socket at once: both datagrams were there before either came
 * back, and each fits both.  Which got which is not to be told. */
static void doubt_receives(struct matcher *matcher, uint32_t count)
{
	struct join *join = matcher->join;

	for (uint32_t i = 0; i < count; i++) {
		const struct sonde_call *call =
			call_at(join->recording, matcher->receives[i]);
		uint32_t packet = join->datagram_of[call->call - 1];

		for (uint32_t k = i + 1;
		     packet && k < count && k - i <= LIMIT_DATAGRAM_SENDS; k++) {
			const struct sonde_call *later =
				call_at(join->recording, matcher->receives[k]);
			uint32_t other = join->datagram_of[later->call - 1];

			if (!other || later->tid == call->tid ||
			    later->enter_ns > call->exit_ns ||
			    join_packet(join, other)->at_ns > call->exit_ns ||
			    !fits_receive(call, join_packet(join, other)) ||
			    !fits_receive(later, join_packet(join, packet)))
				continue;
			join->is_received_unsurely[call->call - 1] = true;
			join->is_received_unsurely[later->call - 1] = true;
		}
	}
}

static void match_receives(struct matcher *matcher, uint32_t socket)
{
	struct join *join = matcher->join;
	const struct sonde_recording *recording = join->recording;
	const struct call_index *calls = &join->calls;
	uint32_t next = matcher->arrival_begin[socket];
	uint32_t end = matcher->arrival_begin[socket + 1];
	uint32_t count = 0;
	void *context = NULL;

	if (next == end)
		return;
	for (uint32_t i = calls->socket_begin[socket];
	     i < calls->socket_begin[socket + 1]; i++) {
		const struct sonde_call *call = call_at(recording, calls->of_socket[i]);

		if (call->kind == SONDE_CALL_RECEIVE && call_returned(call) &&
		    call->result >= 0)
			matcher->receives[count++] = call->call;
	}
	memcpy(&context, &recording, sizeof(context));
	qsort_r(matcher->receives, count, sizeof(*matcher->receives), by_exit, context);
	for (uint32_t i = 0; i < count; i++) {
		const struct sonde_call *call = call_at(recording, matcher->receives[i]);
		uint32_t at = next;

		while (at < end && at - next < LIMIT_DATAGRAMS_AHEAD) {
			const struct sonde_packet *packet =
				join_packet(join, matcher->arrivals[at]);

			if (packet->at_ns > call->exit_ns) {
				at = end;
				break;
			}
			if (fits_receive(call, packet))
				break;
			at++;
		}
		if (at >= end || at - next >= LIMIT_DATAGRAMS_AHEAD)
			continue;
		join->datagram_of[call->call - 1] = matcher->arrivals[at];
		if (call->flags & SONDE_CALL_PEEK)
			continue;
		next = at + (call->datagrams ? call->datagrams : 1);
		if (next > end)
			next = end;
	}
	doubt_receives(matcher, count);
}

int udp_match(struct join *join)
{
	const struct sonde_recording *recording = join->recording;
	struct matcher matcher = {.join = join};
	int error = -ENOMEM;

	join->sent_by =
		array_new((size_t)recording->packet_count + 1, sizeof(*join->sent_by));
	join->is_sent_surely = array_new((size_t)recording->packet_count + 1,
					 sizeof(*join->is_sent_surely));
	join->datagram_of =
		array_new((size_t)recording->call_count + 1, sizeof(*join->datagram_of));
	join->is_received_unsurely = array_new((size_t)recording->call_count + 1,
					       sizeof(*join->is_received_unsurely));
	matcher.sent =
		array_new((size_t)recording->call_count + 1, sizeof(*matcher.sent));
	matcher.receives =
		array_new((size_t)recording->call_count + 1, sizeof(*matcher.receives));
	if (!join->sent_by || !join->is_sent_surely || !join->datagram_of ||
	    !join->is_received_unsurely || !matcher.sent || !matcher.receives ||
	    collect_ends(&matcher) < 0)
		goto out;
	if (matcher.end_count) {
		place_ends(&matcher);
		if (sort_arrivals(&matcher) < 0)
			goto out;
		for (uint32_t i = 0; i < recording->packet_count; i++) {
			uint32_t sender = join->timeline->packet_places[i].sender;

			if (recording->packets[i].decoded.proto == SONDE_PACKET_UDP &&
			    sender)
				find_send(&matcher, sender, &recording->packets[i]);
		}
		for (uint32_t i = 0; i < matcher.end_count; i++)
			match_receives(&matcher, matcher.ends[i].socket);
	}
	error = 0;
out:
	associations_done(&matcher.associations);
	array_free(matcher.ends);
	array_free(matcher.sent);
	array_free(matcher.receives);
	array_free(matcher.arrivals);
	array_free(matcher.arrival_begin);
	return error;
}
