/* upper: what comes goes back in capitals, each read at once, without waiting for the end
 * of a line.
 *
 * A stream is UTF-8 and every letter of Unicode counts; one may have two or three capitals
 * (the German sharp s becomes SS).  A character that a read has cut waits for its rest, and
 * bytes that are no UTF-8 go back as they are.  A datagram is bytes: the letters of ASCII
 * alone change. */
#include "proto/service.h"

#include <string.h>
#include <unicase.h>

#include <sonde/text.h>

enum {
	CHARACTER_BYTES = 4,
	CAPITALS_BYTES = 32, /* of one character: at most three of four bytes */
};

static uint8_t capital(uint8_t byte)
{
	return byte >= 'a' && byte <= 'z' ? (uint8_t)(byte - 0x20) : byte;
}

/* Whether bytes[0..n) may be the beginning of a character whose rest is still to come. */
static bool is_cut(const uint8_t *bytes, size_t n)
{
	/* The smallest and the greatest that may follow decide: some first bytes exclude
	 * some second ones. */
	static const uint8_t fillers[] = {0x80, 0x90, 0xa0, 0xbf};
	unsigned code;

	for (size_t i = 0; n < CHARACTER_BYTES && i < sizeof(fillers); i++) {
		uint8_t whole[CHARACTER_BYTES];
		memset(whole, fillers[i], sizeof(whole));
		memcpy(whole, bytes, n);
		if (sonde_text_decode_utf8(whole, sizeof(whole), &code) > n)
			return true;
	}
	return false;
}

/* The capitals of one character.  The mapping of one does not look at its neighbours (that
 * of small letters would), so that any cut between two of them is harmless. */
static size_t write_capitals(const uint8_t *character, size_t n,
			     uint8_t ret[CAPITALS_BYTES])
{
	size_t length = CAPITALS_BYTES;
	const uint8_t *capitals = u8_toupper(character, n, NULL, NULL, ret, &length);

	/* It says so where the storage does not do, and would take its own then. */
	if (capitals == ret)
		return length;
	memcpy(ret, character, n);
	return n;
}

static enum service_wish feed(struct service_turn *turn)
{
	uint8_t capitals[CAPITALS_BYTES];
	unsigned code;

	while (turn->taken < turn->input_bytes) {
		const uint8_t *at = turn->input + turn->taken;
		size_t left = turn->input_bytes - turn->taken;
		size_t n = 1, length = 1;

		if (*at < 0x80) {
			capitals[0] = capital(*at);
		} else {
			n = sonde_text_decode_utf8(at, left, &code);
			if (n == 0 && !turn->input_ended && is_cut(at, left))
				break;
			if (n > 0)
				length = write_capitals(at, n, capitals);
			else
				n = 1, capitals[0] = *at;
		}
		if (length > turn->output_capacity - turn->given) {
			turn->answered = turn->given > 0;
			return SERVICE_NEEDS_ROOM;
		}
		memcpy(turn->output + turn->given, capitals, length);
		turn->given += length;
		turn->taken += n;
	}
	turn->answered = turn->given > 0;
	return SERVICE_NEEDS_INPUT;
}

static bool answer(struct service_turn *turn)
{
	for (size_t i = 0; i < turn->input_bytes; i++)
		turn->output[i] = capital(turn->input[i]);
	turn->given = turn->input_bytes;
	turn->answered = 1;
	return true;
}

const struct service service_upper = {
	.name = "upper",
	.summary = "sends back what it gets, in capitals",
	.port = 12000,
	.transports = SERVICE_TCP | SERVICE_UDP,
	.request_bytes = CHARACTER_BYTES - 1,
	.has_answers = true,
	.feed = feed,
	.answer = answer,
};
