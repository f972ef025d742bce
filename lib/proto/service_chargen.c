/* chargen (RFC 864): characters without end.
 *
 * The pattern is the customary one: lines of 72 out of the 95 printing characters of
 * ASCII, each line beginning one character further on, so that a reader sees at a glance
 * where something is missing.  A stream flows until the client closes; a datagram is
 * answered with 0 to 512 characters, as many as chance has it. */
#include "proto/service.h"

enum {
	FIRST_CHARACTER = ' ',
	CHARACTERS = 95,
	LINE_CHARACTERS = 72,
	LINE_BYTES = LINE_CHARACTERS + 2, /* CR LF */
	PATTERN_BYTES = CHARACTERS * LINE_BYTES,
	DATAGRAM_MOST = 512,
};

struct chargen_state {
	uint32_t at; /* in the pattern, which begins again at its end */
};

static uint8_t character_at(uint32_t at)
{
	uint32_t line = at / LINE_BYTES;
	uint32_t column = at % LINE_BYTES;

	if (column == LINE_CHARACTERS)
		return '\r';
	if (column > LINE_CHARACTERS)
		return '\n';
	return (uint8_t)(FIRST_CHARACTER + (line + column) % CHARACTERS);
}

static enum service_wish feed(struct service_turn *turn)
{
	struct chargen_state *state = turn->state;

	for (size_t i = 0; i < turn->output_capacity; i++) {
		turn->output[i] = character_at(state->at);
		state->at = (state->at + 1) % PATTERN_BYTES;
	}
	turn->taken = turn->input_bytes;
	turn->given = turn->output_capacity;
	return SERVICE_NEEDS_ROOM;
}

static bool answer(struct service_turn *turn)
{
	size_t most =
		turn->answer_limit < DATAGRAM_MOST ? turn->answer_limit : DATAGRAM_MOST;
	size_t n = (size_t)(turn->chance % (most + 1));
	/* The number's other half: where in the pattern it begins. */
	uint32_t line = (uint32_t)(turn->chance >> 32) % CHARACTERS;

	for (size_t i = 0; i < n; i++) {
		uint32_t at = (line * LINE_BYTES + (uint32_t)i) % PATTERN_BYTES;
		turn->output[i] = character_at(at);
	}
	turn->given = n;
	turn->answered = 1;
	return true;
}

const struct service service_chargen = {
	.name = "chargen",
	.summary = "sends characters without end (RFC 864)",
	.port = 19,
	.transports = SERVICE_TCP | SERVICE_UDP,
	.state_bytes = sizeof(struct chargen_state),
	.speaks_first = true,
	.ignores_input = true,
	.feed = feed,
	.answer = answer,
};
