/* time (RFC 868): the seconds since 1900 as four bytes, most significant first.  They start
 * again at 0 in February 2036. */
#include "proto/service.h"

#include "base/wire.h"

enum { TIME_BYTES = 4 };

#define NS_PER_SECOND INT64_C(1000000000)
#define SECONDS_1900_TO_1970 INT64_C(2208988800)

static void tell(struct service_turn *turn)
{
	struct wire_writer writer;
	int64_t seconds = turn->now_ns / NS_PER_SECOND;

	if (turn->now_ns % NS_PER_SECOND < 0)
		seconds--;
	wire_writer_init(&writer, turn->output, turn->output_capacity);
	wire_write_be32(&writer, (uint32_t)(seconds + SECONDS_1900_TO_1970));
	turn->given = TIME_BYTES;
	turn->answered = 1;
}

static enum service_wish feed(struct service_turn *turn)
{
	turn->taken = turn->input_bytes;
	if (turn->output_capacity < TIME_BYTES)
		return SERVICE_NEEDS_ROOM;
	tell(turn);
	return SERVICE_CLOSES;
}

static bool answer(struct service_turn *turn)
{
	tell(turn);
	return true;
}

const struct service service_time = {
	.name = "time",
	.summary = "tells the seconds since 1900, in 4 bytes (RFC 868)",
	.port = 37,
	.transports = SERVICE_TCP | SERVICE_UDP,
	.speaks_first = true,
	.feed = feed,
	.answer = answer,
};
