/* Numbers that one side wrote and the other one read differently: in the other order of
 * bytes, or with padding between them.
 *
 * What a program means cannot be seen, but what its peer made of it can: a result that is
 * the right one for other numbers, or a receive that asks for as many bytes as the length
 * says when it is read the wrong way round. */
#include "finding/finding.h"

#include <string.h>

/* The request of that stream to which the packet replies; 0 none. */
static uint32_t find_request(const struct finding_facts *facts, const uint32_t *packets,
			     size_t reply)
{
	const struct sonde_saying *said =
		fact_saying(facts, packets[reply], SONDE_SAYS_CALC_REPLY);

	for (size_t i = reply; i-- > 0;) {
		const struct sonde_saying *asked =
			fact_saying(facts, packets[i], SONDE_SAYS_CALC_REQUEST);

		if (asked && strcmp(asked->more, said->more) == 0 &&
		    fact_place(facts, packets[i])->direction !=
			    fact_place(facts, packets[reply])->direction)
			return packets[i];
	}
	return 0;
}

static void say_swapped(const struct finding_facts *facts, struct finding_list *list,
			uint32_t stream, uint32_t request, uint32_t reply)
{
	const struct sonde_saying *asked =
		fact_saying(facts, request, SONDE_SAYS_CALC_REQUEST);
	struct sonde_finding *finding =
		finding_add(facts, list, "byte-order-wrong", SONDE_ERROR, stream,
			    fact_saying_statement(facts, request));

	finding_packet(finding, request);
	finding_packet(finding, reply);
	finding_why(finding,
		    "The numbers of this request (%s) are %s-endian, and the server read "
		    "them as %s-endian: it answered %lld instead of %lld.",
		    asked->text, asked->is_big ? "big" : "little",
		    asked->is_big ? "little" : "big",
		    (long long)asked->numbers[SONDE_CALC_SWAPPED],
		    (long long)asked->numbers[SONDE_CALC_MEANT]);
	finding_remedy(finding, "Agree on one order of bytes and write it out on both "
				"sides (htonl() and ntohl(); in Python '>' or '<' in "
				"struct formats).");
}

static void say_padded(const struct finding_facts *facts, struct finding_list *list,
		       uint32_t stream, uint32_t request, uint32_t reply)
{
	const struct sonde_saying *asked =
		fact_saying(facts, request, SONDE_SAYS_CALC_REQUEST);
	struct sonde_finding *finding =
		finding_add(facts, list, "padding-in-message", SONDE_ERROR, stream,
			    fact_saying_statement(facts, request));

	finding_packet(finding, request);
	finding_packet(finding, reply);
	if (reply)
		finding_why(
			finding,
			"This request (%s) has two bytes of padding between N and its "
			"numbers, as compilers lay out a structure; the server read them "
			"as numbers and answered %lld instead of %lld.",
			asked->text, (long long)asked->numbers[SONDE_CALC_UNPADDED],
			(long long)asked->numbers[SONDE_CALC_MEANT]);
	else
		finding_why(
			finding,
			"This request (%s) has two bytes of padding between N and its "
			"numbers, as compilers lay out a structure; the server has no "
			"use for it and did not answer.",
			asked->text);
	finding_remedy(finding, "Write field after field, or pack the structure "
				"(__attribute__((packed)); in Python '<' or '>' before "
				"the format).");
}

static void judge_reply(const struct finding_facts *facts, struct finding_list *list,
			uint32_t stream, uint32_t request, uint32_t reply)
{
	const struct sonde_saying *asked =
		fact_saying(facts, request, SONDE_SAYS_CALC_REQUEST);
	const struct sonde_saying *said =
		fact_saying(facts, reply, SONDE_SAYS_CALC_REPLY);
	int64_t meant = asked->numbers[SONDE_CALC_MEANT];
	int64_t swapped = asked->numbers[SONDE_CALC_SWAPPED];
	int64_t unpadded = asked->numbers[SONDE_CALC_UNPADDED];
	int64_t own = said->numbers[asked->is_big], other = said->numbers[!asked->is_big];

	/* A sum may come out right in either order. */
	if (meant == SONDE_SAYS_NOTHING || own == meant)
		return;
	if (swapped != SONDE_SAYS_NOTHING && other == swapped)
		say_swapped(facts, list, stream, request, reply);
	else if (unpadded != SONDE_SAYS_NOTHING && own == unpadded)
		say_padded(facts, list, stream, request, reply);
}

static bool has_reply(const struct finding_facts *facts, const uint32_t *packets,
		      size_t count, const char *id)
{
	for (size_t i = 0; i < count; i++) {
		const struct sonde_saying *said =
			fact_saying(facts, packets[i], SONDE_SAYS_CALC_REPLY);

		if (said && strcmp(said->more, id) == 0)
			return true;
	}
	return false;
}

static void judge_calculations(const struct finding_facts *facts,
			       struct finding_list *list, uint32_t stream)
{
	const struct sonde_stream *it = &facts->timeline->streams[stream - 1];
	const uint32_t *packets;
	size_t count = fact_packets(facts, stream, &packets);

	for (size_t i = 0; i < count; i++) {
		const struct sonde_saying *asked =
			fact_saying(facts, packets[i], SONDE_SAYS_CALC_REQUEST);

		if (fact_saying(facts, packets[i], SONDE_SAYS_CALC_REPLY)) {
			uint32_t request = find_request(facts, packets, i);

			if (request)
				judge_reply(facts, list, stream, request, packets[i]);
		} else if (asked &&
			   asked->numbers[SONDE_CALC_UNPADDED] != SONDE_SAYS_NOTHING &&
			   !facts->recording->packets_dropped &&
			   !has_reply(facts, packets, count, asked->more) &&
			   fact_vain(facts, it->client_socket)) {
			say_padded(facts, list, stream, packets[i], 0);
		}
	}
}

/* ---- a length in front of a message ---- */

static uint64_t read_number(const uint8_t *bytes, unsigned size, bool is_big)
{
	uint64_t number = 0;

	for (unsigned i = 0; i < size; i++)
		number = number << 8 | bytes[is_big ? i : size - 1 - i];
	return number;
}

/* Bytes that this side sent behind the length, until it waited for the other one. */
static uint64_t count_behind(const struct finding_facts *facts, const uint32_t *packets,
			     size_t count, size_t first, unsigned size)
{
	unsigned side = fact_place(facts, packets[first])->direction;
	uint64_t bytes = 0;

	for (size_t i = first; i < count; i++) {
		const struct sonde_packet *packet = fact_packet(facts, packets[i]);
		const struct sonde_packet_place *place = fact_place(facts, packets[i]);

		if (place->direction == side && !place->is_retransmission)
			bytes += packet->decoded.payload_length;
		else if (place->direction != side && packet->decoded.payload_length)
			break;
	}
	return bytes < size ? 0 : bytes - size;
}

/* The next receive on that socket. */
static const struct sonde_call *next_receive(const struct finding_facts *facts,
					     const uint32_t *calls, size_t count,
					     size_t *at)
{
	while (++*at < count) {
		const struct sonde_call *call = &facts->recording->calls[calls[*at] - 1];

		if (call->kind == SONDE_CALL_RECEIVE && !(call->flags & SONDE_CALL_PEEK))
			return call;
	}
	return NULL;
}

/* A receive of the length alone, and then one of so many bytes that went on asking for
 * them: a buffer that is merely large is asked for once, and what came is used. */
static const struct sonde_call *find_asking(const struct finding_facts *facts,
					    uint32_t socket, uint64_t length,
					    unsigned size)
{
	const uint32_t *calls;
	size_t count = fact_calls(facts, socket, &calls);
	bool has_size = false;

	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];
		const struct sonde_call *next;
		size_t at = i;

		if (call->kind != SONDE_CALL_RECEIVE || (call->flags & SONDE_CALL_PEEK))
			continue;
		if (!has_size || call->length != length) {
			has_size = call->length == size && call->result == size;
			continue;
		}
		if (!call_returned(call) || (call->flags & SONDE_CALL_WAIT_ALL))
			return call;
		next = next_receive(facts, calls, count, &at);
		if (next && call->result > 0 &&
		    next->length == length - (uint64_t)call->result)
			return call;
	}
	return NULL;
}

static bool judge_length(const struct finding_facts *facts, struct finding_list *list,
			 uint32_t stream, const uint32_t *packets, size_t count,
			 size_t at, unsigned size)
{
	const struct sonde_stream *it = &facts->timeline->streams[stream - 1];
	const struct sonde_packet *packet = fact_packet(facts, packets[at]);
	unsigned side = fact_place(facts, packets[at])->direction;
	uint64_t behind = count_behind(facts, packets, count, at, size);
	bool is_big = read_number(packet->head, size, true) == behind;
	uint64_t wrong = read_number(packet->head, size, !is_big);
	const struct sonde_call *asking;
	struct sonde_finding *finding;

	if (!behind || read_number(packet->head, size, is_big) != behind ||
	    wrong <= behind)
		return false;
	asking = find_asking(facts, side ? it->client_socket : it->server_socket, wrong,
			     size);
	if (!asking)
		return false;
	finding = finding_add(facts, list, "byte-order-wrong", SONDE_ERROR, stream,
			      fact_statement(facts, asking->call));
	finding_statement(finding, fact_saying_statement(facts, packets[at]));
	finding_packet(finding, packets[at]);
	finding_why(finding,
		    "This receive asks for %llu bytes: that is the length %llu, sent in "
		    "%u bytes %s-endian and read as %s-endian.",
		    (unsigned long long)wrong, (unsigned long long)behind, size,
		    is_big ? "big" : "little", is_big ? "little" : "big");
	finding_remedy(finding, "Agree on one order of bytes and write it out on both "
				"sides (htonl() and ntohl(); in Python '>' or '<' in "
				"struct formats).");
	return true;
}

/* The first packet of each message: what it begins with may be a length. */
static void judge_lengths(const struct finding_facts *facts, struct finding_list *list,
			  uint32_t stream)
{
	const uint32_t *packets;
	size_t count = fact_packets(facts, stream, &packets);
	unsigned last_side = 2;

	for (size_t i = 0; i < count; i++) {
		const struct sonde_packet *packet = fact_packet(facts, packets[i]);
		const struct sonde_packet_place *place = fact_place(facts, packets[i]);

		if (packet->decoded.proto != SONDE_PACKET_TCP ||
		    !packet->decoded.payload_length || place->is_retransmission)
			continue;
		if (place->direction == last_side)
			continue;
		last_side = place->direction;
		if (packet->decoded.payload_captured < 2)
			continue;
		if (packet->decoded.payload_captured >= 4 &&
		    judge_length(facts, list, stream, packets, count, i, 4))
			return;
		if (judge_length(facts, list, stream, packets, count, i, 2))
			return;
	}
}

void finding_binary(const struct finding_facts *facts, struct finding_list *list)
{
	for (uint32_t i = 1; i <= facts->timeline->stream_count; i++) {
		const struct sonde_stream *stream = &facts->timeline->streams[i - 1];

		if (facts->recording->saying_count)
			judge_calculations(facts, list, i);
		if (stream->kind == SONDE_SOCKET_TCP && stream->client_socket &&
		    stream->server_socket)
			judge_lengths(facts, list, i);
	}
}
