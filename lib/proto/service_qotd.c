/* qotd (RFC 865): a quote of fewer than 512 characters, another one each time.
 *
 * Own quotes come as a text: quotes stand between lines of a single %, as in the files of
 * fortune(6).  Lines go out with CR LF, whatever they ended with. */
#include "proto/service.h"

#include <errno.h>
#include <string.h>

enum { QUOTE_MOST = 511 };

struct qotd_config {
	const char *quotes; /* borrowed; NULL: the own ones */
};

static const char own_quotes[] =
	"A stream has no messages: whoever wants some must say where they end.\n"
	"%\n"
	"recv() gives what is there, not what was sent.\n"
	"%\n"
	"The answer to every question begins with: did you look at the packets?\n"
	"%\n"
	"A datagram arrives once, twice or never.\nPlan for all three.\n"
	"%\n"
	"Zero bytes from recv() is not silence. It is goodbye.\n"
	"%\n"
	"Bind names you, listen opens the door, accept shakes hands.\n"
	"%\n"
	"It works on loopback, where nothing is ever lost, late or cut.\n"
	"%\n"
	"A port is free when nobody has it,\nnot when you have closed it.\n"
	"%\n"
	"Byte order is agreed on by two, or got wrong by one.\n"
	"%\n"
	"send() that returns has handed over the data: to the kernel, not to the peer.\n"
	"%\n"
	"Who waits without a deadline waits for the operator.\n"
	"%\n"
	"Close with unread input, and the reset may overtake your last words.\n";

/* The line at `at`: its length without its end; *ret_next is where the next one begins. */
static size_t cut_line(const char *at, const char **ret_next)
{
	size_t n = strcspn(at, "\n");

	*ret_next = at[n] ? at + n + 1 : at + n;
	return n > 0 && at[n - 1] == '\r' ? n - 1 : n;
}

static bool is_separator(const char *at)
{
	const char *next;

	return cut_line(at, &next) == 1 && *at == '%';
}

/* Writes the quote that begins at `at` as far as it fits; returns its whole length, and
 * where what follows it begins. */
static size_t write_quote(const char *at, uint8_t *output, size_t capacity,
			  const char **ret_next)
{
	size_t used = 0;

	while (*at && !is_separator(at)) {
		const char *next;
		size_t n = cut_line(at, &next);
		if (output && used + n + 2 <= capacity) {
			memcpy(output + used, at, n);
			memcpy(output + used + n, "\r\n", 2);
		}
		used += n + 2;
		at = next;
	}
	if (*at)
		cut_line(at, &at);
	*ret_next = at;
	return used;
}

static size_t count_quotes(const char *quotes)
{
	size_t count = 0;

	for (const char *at = quotes; *at;)
		count += write_quote(at, NULL, 0, &at) > 0;
	return count;
}

static int set_quotes(void *config, const char *text)
{
	struct qotd_config *qotd = config;

	for (const char *at = text; *at;) {
		if (write_quote(at, NULL, 0, &at) > QUOTE_MOST)
			return -EINVAL;
	}
	if (count_quotes(text) == 0)
		return -EINVAL;
	qotd->quotes = text;
	return 0;
}

static bool tell(struct service_turn *turn)
{
	const struct qotd_config *config = turn->config;
	const char *quotes = config->quotes ? config->quotes : own_quotes;
	/* set_quotes() takes no text without one.
	 * NOLINTNEXTLINE(clang-analyzer-core.DivideZero) */
	size_t wanted = (size_t)(turn->chance % count_quotes(quotes));

	for (const char *at = quotes; *at;) {
		size_t n = write_quote(at, turn->output, turn->output_capacity, &at);
		if (n == 0 || wanted-- > 0)
			continue;
		if (n > turn->output_capacity)
			return false;
		turn->given = n;
		turn->answered = 1;
		return true;
	}
	return false;
}

static enum service_wish feed(struct service_turn *turn)
{
	turn->taken = turn->input_bytes;
	return tell(turn) ? SERVICE_CLOSES : SERVICE_NEEDS_ROOM;
}

static const struct service_option options[] = {
	{"file", "FILE with quotes of up to 511 characters between lines of a single %",
	 set_quotes, true},
	{NULL, NULL, NULL, false},
};

const struct service service_qotd = {
	.name = "qotd",
	.summary = "tells a quote (RFC 865)",
	.port = 17,
	.transports = SERVICE_TCP | SERVICE_UDP,
	.config_bytes = sizeof(struct qotd_config),
	.speaks_first = true,
	.options = options,
	.feed = feed,
	.answer = tell,
};
