/* Text into the answer, safe to show.
 *
 * What programs and the network said goes into the page as text and can be no markup
 * there; but a line feed, or a character that reorders the line, would still show
 * something else than what was said.  They are spelt out as on a terminal (cli/canvas.c).
 */
#include <stdio.h>
#include <string.h>

#include <sonde/text.h>

#include "cli/label.h"
#include "page.h"

enum { TEXT_CHARS = 4096 };

void page_answer_begin(void)
{
	sonde_json_reset(&page.json);
	sonde_json_object_begin(&page.json);
}

void page_answer_end(void)
{
	sonde_json_object_end(&page.json);
}

static bool is_safe(unsigned code)
{
	return code >= 0x20 && !(code >= 0x7f && code < 0xa0) &&
	       !(code >= 0x200e && code <= 0x200f) &&
	       !(code >= 0x2028 && code <= 0x202e) &&
	       !(code >= 0x2066 && code <= 0x2069) && code != 0x061c && code != 0xfeff;
}

/* Returns the bytes that were taken. */
static size_t add_safe(struct sonde_text *safe, const char *text)
{
	unsigned code;
	size_t n = sonde_text_decode_utf8(text, strnlen(text, 4), &code);

	if (n == 0)
		sonde_text_add(safe, "\\x%02x", (unsigned char)*text);
	else if (is_safe(code))
		sonde_text_add_bytes(safe, text, n);
	else if (code == '\t')
		sonde_text_add(safe, " ");
	else if (code == '\n' || code == '\r')
		sonde_text_add(safe, code == '\n' ? "\\n" : "\\r");
	else if (code < 0x20 || code == 0x7f)
		sonde_text_add(safe, "\\x%02x", code);
	else
		sonde_text_add(safe, "\\u%04x", code);
	return n ? n : 1;
}

void page_say(const char *key, const char *text)
{
	char storage[TEXT_CHARS];
	struct sonde_text safe;

	sonde_text_init(&safe, storage, sizeof(storage));
	while (*text && !safe.cut)
		text += add_safe(&safe, text);
	sonde_json_add_string(&page.json, key, storage);
}

void page_say_ms(const char *key, int64_t at_ns)
{
	char storage[32];

	snprintf(storage, sizeof(storage), "%.3f",
		 (double)(at_ns - page.recording->started_ns) / 1e6);
	sonde_json_add_string(&page.json, key, storage);
}

void page_say_statement(const char *key, uint32_t statement)
{
	char storage[TEXT_CHARS];
	struct sonde_text text;

	sonde_text_init(&text, storage, sizeof(storage));
	label_statement(&text, &page.timeline, statement);
	page_say(key, storage);
}

void page_say_packet(const char *key, uint32_t packet)
{
	char storage[TEXT_CHARS];
	struct sonde_text text;

	sonde_text_init(&text, storage, sizeof(storage));
	label_packet(&text, &page.recording->packets[packet - 1], LABEL_LONG);
	page_say(key, storage);
}
