/* reverse: the bytes of one read, or of one datagram, in the opposite order.
 *
 * Its clients send one message and read once, without a mark where the message ends: on a
 * stream it is what came with one read.  So the same bytes cut otherwise give another
 * answer, which is what a lab about streams wants to show. */
#include "proto/service.h"

static enum service_wish feed(struct service_turn *turn)
{
	size_t n = turn->input_bytes;

	if (n > turn->output_capacity)
		return SERVICE_NEEDS_ROOM;
	for (size_t i = 0; i < n; i++)
		turn->output[i] = turn->input[n - 1 - i];
	turn->answered = n > 0;
	turn->taken = n;
	turn->given = n;
	return SERVICE_NEEDS_INPUT;
}

static bool answer(struct service_turn *turn)
{
	feed(turn);
	turn->answered = 1;
	return true;
}

const struct service service_reverse = {
	.name = "reverse",
	.summary = "sends back what it gets, last byte first",
	.port = 12002,
	.transports = SERVICE_TCP | SERVICE_UDP,
	.has_answers = true,
	.feed = feed,
	.answer = answer,
};
