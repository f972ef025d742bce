/* Fuzz target: telnet.
 *
 * Properties: fed whole and byte by byte it gives the same data and answers; there is
 * never more data than bytes; what is formatted and fed to another one comes back; and a
 * command that asks for what is so already is not answered. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "proto/telnet.h"

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

enum { BYTES = 4096, ANSWERS = BYTES * TELNET_ANSWER_BYTES };

static void require(bool holds)
{
	if (!holds)
		abort();
}

static void start(struct telnet *telnet, uint16_t columns, uint16_t rows)
{
	const struct telnet_terminal terminal = {
		.columns = columns,
		.rows = rows,
		.takes_echo = true,
		.type = "a-type-of-many-chars-that-is-longer-than-any",
	};

	telnet_init(telnet, &terminal);
}

struct outcome {
	uint8_t data[2 * BYTES], answer[ANSWERS];
	size_t data_used, answer_used;
};

static void feed(struct telnet *telnet, const uint8_t *bytes, size_t n, size_t step,
		 struct outcome *ret)
{
	ret->data_used = ret->answer_used = 0;
	for (size_t at = 0; at < n;) {
		struct telnet_output out = {
			.data = ret->data + ret->data_used,
			.answer = ret->answer + ret->answer_used,
			.answer_room = ANSWERS - ret->answer_used,
		};
		size_t left = n - at;
		size_t taken =
			telnet_feed(telnet, bytes + at, left < step ? left : step, &out);
		require(taken > 0 || out.answer_room < TELNET_ANSWER_BYTES);
		if (taken == 0)
			break;
		require(out.data_used <= taken);
		at += taken;
		ret->data_used += out.data_used;
		ret->answer_used += out.answer_used;
	}
}

static struct outcome whole, pieces, ping, pong;

/* The rule that keeps two programs from answering each other for ever (RFC 854, RFC 1143):
 * who is told to be what he is says nothing. */
static void check_silence(const uint8_t *bytes, size_t n)
{
	struct telnet us;

	start(&us, 80, 24);
	feed(&us, bytes, n, n, &ping);
	us.state = 0; /* the bytes may end within a command */
	for (unsigned option = 0; option < TELNET_OPTIONS; option++) {
		const uint8_t same[] = {
			TELNET_IAC,
			us.him[option] ? TELNET_WILL : TELNET_WONT,
			(uint8_t)option,
			TELNET_IAC,
			us.us[option] ? TELNET_DO : TELNET_DONT,
			(uint8_t)option,
		};
		feed(&us, same, sizeof(same), sizeof(same), &pong);
		require(pong.answer_used == 0 && pong.data_used == 0);
	}
}

/* With BINARY in both directions every byte is itself. */
static void check_round(const uint8_t *bytes, size_t n)
{
	static uint8_t formatted[2 * BYTES];
	struct telnet us, them;
	bool after_cr = false;

	start(&us, 80, 24);
	start(&them, 80, 24);
	feed(&us, (const uint8_t *)"\xff\xfd\x00", 3, 3, &ping);
	feed(&them, (const uint8_t *)"\xff\xfb\x00", 3, 3, &pong);
	size_t used = telnet_format(&us, bytes, n, &after_cr, formatted);
	require(used <= 2 * n);
	feed(&them, formatted, used, used, &pong);
	require(pong.data_used == n && memcmp(pong.data, bytes, n) == 0);
	require(pong.answer_used == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	struct telnet a, b;

	if (n == 0 || n > BYTES)
		return 0;
	start(&a, 255, 24);
	start(&b, 255, 24);
	feed(&a, bytes, n, n, &whole);
	feed(&b, bytes, n, 1, &pieces);
	require(whole.data_used == pieces.data_used);
	require(memcmp(whole.data, pieces.data, whole.data_used) == 0);
	require(whole.answer_used == pieces.answer_used);
	require(memcmp(whole.answer, pieces.answer, whole.answer_used) == 0);
	check_silence(bytes, n);
	check_round(bytes, n);
	return 0;
}
