/* A chat: whole lines go to all others, with the number of who said them, and it is told who
 * comes and goes.  Number 0 are we. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/text.h>

#include "base/array.h"
#include "talk/listener.h"

static unsigned count_open(const struct sonde_listener *listener)
{
	unsigned count = 0;

	for (const struct caller *it = listener->clients; it; it = it->next)
		count += it->state == CLIENT_OPEN;
	return count;
}

void hub_announce(struct caller *client, const char *what)
{
	unsigned count = count_open(client->listener);
	char text[SONDE_ENDPOINT_CHARS + 96];
	int n = snprintf(text, sizeof(text), "* %llu (%s) %s, %u here\n",
			 (unsigned long long)client->number,
			 client->peer[0] ? client->peer : "unix", what, count);

	hub_say(client->listener, client, text, (size_t)n);
}

static void say_line(struct sonde_listener *listener, struct caller *from,
		     const struct chat_line *it)
{
	/* A control character may be four times as long when it is escaped. */
	char text[4 * LIMIT_LISTEN_LINE + 32];
	struct sonde_text line;
	size_t n = it->used;

	while (n > 0 && (it->bytes[n - 1] == '\n' || it->bytes[n - 1] == '\r'))
		n--;
	sonde_text_init(&line, text, sizeof(text));
	sonde_text_add(&line, "%llu: ", (unsigned long long)(from ? from->number : 0));
	sonde_text_add_escaped(&line, it->bytes, n);
	sonde_text_add(&line, "\n");
	hub_say(listener, from, text, line.used);
}

int hub_chat(struct sonde_listener *listener, struct caller *from, const uint8_t *bytes,
	     size_t n)
{
	struct chat_line *line = from ? &from->line : &listener->in_line;

	if (!line->bytes)
		line->bytes = array_new(LIMIT_LISTEN_LINE, 1);
	if (!line->bytes)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		line->bytes[line->used++] = bytes[i];
		if (bytes[i] == '\n' || line->used == LIMIT_LISTEN_LINE) {
			say_line(listener, from, line);
			line->used = 0;
		}
	}
	return 0;
}

void hub_chat_end(struct caller *client)
{
	if (client->line.used > 0)
		say_line(client->listener, client, &client->line);
	client->line.used = 0;
}
