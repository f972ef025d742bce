/* --script: the file, and the transcript. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/text.h>

#include "connect_modes.h"

enum { SCRIPT_BYTES = 1 << 20 };

static int fail(const char *path, int error, struct sonde_error *err)
{
	return sonde_error_set(
		err, error == -EACCES ? SONDE_ERROR_PERMISSION : SONDE_ERROR_USAGE, error,
		"read script", path, NULL);
}

int script_load(const char *path, struct sonde_script **ret, struct sonde_error *err)
{
	bool is_stdin = strcmp(path, "-") == 0;
	FILE *file = is_stdin ? stdin : fopen(path, "re");
	char *text = malloc(SCRIPT_BYTES);
	int r = 0;

	if (!file || !text) {
		r = fail(path, file ? -ENOMEM : -errno, err);
		goto out;
	}
	errno = 0;
	size_t n = fread(text, 1, SCRIPT_BYTES, file);
	if (ferror(file))
		r = fail(path, errno ? -errno : -EIO, err);
	else if (n == SCRIPT_BYTES)
		r = fail(path, -EFBIG, err);
	else
		r = sonde_script_new(is_stdin ? "standard input" : path, text, n, ret,
				     err);
out:
	if (file && !is_stdin)
		fclose(file);
	free(text);
	return r;
}

/* Line by line, escaped, without the ends of the lines. */
static void print_bytes(struct output *output, const char *mark, const char *bytes,
			size_t n)
{
	while (n > 0) {
		const char *feed = memchr(bytes, '\n', n);
		size_t length = feed ? (size_t)(feed - bytes) : n;
		size_t whole = feed ? length + 1 : length;

		if (feed && length > 0 && bytes[length - 1] == '\r')
			length--;
		output_print(output, "%s", mark);
		while (length > 0) {
			char storage[512];
			struct sonde_text text;
			size_t piece = length < 120 ? length : 120;

			sonde_text_init(&text, storage, sizeof(storage));
			sonde_text_add_escaped(&text, bytes, piece);
			output_bytes(output, storage, text.used);
			bytes += piece;
			length -= piece;
			whole -= piece;
			n -= piece;
		}
		output_print(output, "\n");
		bytes += whole;
		n -= whole;
	}
}

void script_print(struct output *output, const struct sonde_session_event *event)
{
	char storage[48];
	struct sonde_text text;

	if (event->kind == SONDE_SESSION_SENT || event->kind == SONDE_SESSION_RECEIVED) {
		print_bytes(output, event->kind == SONDE_SESSION_SENT ? "> " : "< ",
			    event->bytes, event->count);
		return;
	}
	sonde_text_init(&text, storage, sizeof(storage));
	sonde_text_add_duration(&text, event->took_ns);
	char escaped[1024];
	struct sonde_text words;
	sonde_text_init(&words, escaped, sizeof(escaped));
	sonde_text_add_shown(&words, event->text, strlen(event->text));
	output_print(output, "%s %u: %s (%s)\n", event->by_user ? "=" : "!", event->line,
		     escaped, storage);
}
