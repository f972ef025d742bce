/* echo (RFC 862): what comes goes back. */
#include "proto/service.h"

#include <string.h>

static enum service_wish feed(struct service_turn *turn)
{
	size_t n = turn->input_bytes;

	if (n > turn->output_capacity)
		n = turn->output_capacity;
	if (n > 0) {
		memcpy(turn->output, turn->input, n);
		turn->answered = 1;
	}
	turn->taken = n;
	turn->given = n;
	return n < turn->input_bytes ? SERVICE_NEEDS_ROOM : SERVICE_NEEDS_INPUT;
}

/* The empty datagram too: its answer is an empty one. */
static bool answer(struct service_turn *turn)
{
	if (turn->input_bytes > 0)
		memcpy(turn->output, turn->input, turn->input_bytes);
	turn->given = turn->input_bytes;
	turn->answered = 1;
	return true;
}

const struct service service_echo = {
	.name = "echo",
	.summary = "sends back what it gets (RFC 862)",
	.port = 7,
	.transports = SERVICE_TCP | SERVICE_UDP,
	.has_answers = true,
	.feed = feed,
	.answer = answer,
};
