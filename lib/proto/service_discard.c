/* discard (RFC 863): what comes is thrown away, and nothing goes back. */
#include "proto/service.h"

static enum service_wish feed(struct service_turn *turn)
{
	turn->taken = turn->input_bytes;
	return SERVICE_NEEDS_INPUT;
}

static bool answer(struct service_turn *turn)
{
	(void)turn;
	return false;
}

const struct service service_discard = {
	.name = "discard",
	.summary = "throws away what it gets (RFC 863)",
	.port = 9,
	.transports = SERVICE_TCP | SERVICE_UDP,
	.feed = feed,
	.answer = answer,
};
