/* rot13: each letter of ASCII becomes the one that is 13 further on; all else stays.  Said
 * twice it is the text again, so a client sees at once whether a byte was lost. */
#include "proto/service.h"

static uint8_t turn_letter(uint8_t byte)
{
	uint8_t small = byte | 0x20;

	if (small >= 'a' && small <= 'm')
		return (uint8_t)(byte + 13);
	if (small >= 'n' && small <= 'z')
		return (uint8_t)(byte - 13);
	return byte;
}

static enum service_wish feed(struct service_turn *turn)
{
	size_t n = turn->input_bytes;

	if (n > turn->output_capacity)
		n = turn->output_capacity;
	for (size_t i = 0; i < n; i++)
		turn->output[i] = turn_letter(turn->input[i]);
	turn->answered = n > 0;
	turn->taken = n;
	turn->given = n;
	return n < turn->input_bytes ? SERVICE_NEEDS_ROOM : SERVICE_NEEDS_INPUT;
}

static bool answer(struct service_turn *turn)
{
	feed(turn);
	turn->answered = 1;
	return true;
}

const struct service service_rot13 = {
	.name = "rot13",
	.summary = "turns each letter by 13 places",
	.port = 12001,
	.transports = SERVICE_TCP | SERVICE_UDP,
	.has_answers = true,
	.feed = feed,
	.answer = answer,
};
