/* tell: "You told me: " and the message, which is what came with one read, or one datagram.
 *
 * A message longer than the output has room for is told in two parts, each with the
 * prefix: a read has no length that a client could count on anyway. */
#include "proto/service.h"

#include <errno.h>
#include <string.h>

enum { PREFIX_BYTES = 256 };

static const char usual_prefix[] = "You told me: ";

struct tell_config {
	bool is_set;
	char prefix[PREFIX_BYTES];
};

static int set_prefix(void *config, const char *value)
{
	struct tell_config *own = config;

	if (strlen(value) >= sizeof(own->prefix))
		return -EINVAL;
	memcpy(own->prefix, value, strlen(value) + 1);
	own->is_set = true;
	return 0;
}

static size_t tell(struct service_turn *turn)
{
	const struct tell_config *config = turn->config;
	const char *prefix = config->is_set ? config->prefix : usual_prefix;
	size_t prefix_bytes = strlen(prefix);
	size_t n = turn->input_bytes;

	if (turn->output_capacity <= prefix_bytes)
		return 0;
	if (n > turn->output_capacity - prefix_bytes)
		n = turn->output_capacity - prefix_bytes;
	memcpy(turn->output, prefix, prefix_bytes);
	if (n > 0)
		memcpy(turn->output + prefix_bytes, turn->input, n);
	turn->taken = n;
	turn->given = prefix_bytes + n;
	turn->answered = 1;
	return n;
}

static enum service_wish feed(struct service_turn *turn)
{
	if (turn->input_bytes == 0)
		return SERVICE_NEEDS_INPUT;
	return tell(turn) < turn->input_bytes ? SERVICE_NEEDS_ROOM : SERVICE_NEEDS_INPUT;
}

static bool answer(struct service_turn *turn)
{
	tell(turn);
	return true;
}

static const struct service_option options[] = {
	{"prefix", "TEXT, of up to 255 bytes", set_prefix, false},
	{NULL, NULL, NULL, false},
};

const struct service service_tell = {
	.name = "tell",
	.summary = "says \"You told me: \" and what it gets",
	.port = 12345,
	.transports = SERVICE_TCP | SERVICE_UDP,
	.config_bytes = sizeof(struct tell_config),
	.has_answers = true,
	.options = options,
	.feed = feed,
	.answer = answer,
};
