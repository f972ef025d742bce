/* The program's output (cli/output.h), into memory: so that the summary, a report as
 * Markdown and a run as text are written by the code that writes them there. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "output.h"

static struct {
	char *chars; /* owned */
	size_t used, room;
} memory;

void page_output_begin(struct output *output, unsigned width)
{
	*output = (struct output){.has_utf8 = true, .width = width, .name = "the page"};
	memory.used = 0;
}

const char *page_output_end(const struct output *output)
{
	if (output->error ||
	    array_reserve(&memory.chars, &memory.room, memory.used + 1, 1) < 0)
		return "";
	memory.chars[memory.used] = '\0';
	return memory.chars;
}

void output_bytes(struct output *output, const void *bytes, size_t n)
{
	if (output->error)
		return;
	if (array_reserve(&memory.chars, &memory.room, memory.used + n, 1) < 0) {
		output->error = ENOMEM;
		return;
	}
	if (n)
		memcpy(memory.chars + memory.used, bytes, n);
	memory.used += n;
}

void output_print(struct output *output, const char *format, ...)
{
	va_list arguments, again;
	int n;

	if (output->error)
		return;
	va_start(arguments, format);
	va_copy(again, arguments);
	n = vsnprintf(NULL, 0, format, arguments);
	if (n < 0 || array_reserve(&memory.chars, &memory.room,
				   memory.used + (size_t)n + 1, 1) < 0)
		output->error = ENOMEM;
	else
		vsnprintf(memory.chars + memory.used, (size_t)n + 1, format, again);
	if (!output->error)
		memory.used += (size_t)n;
	va_end(again);
	va_end(arguments);
}

bool output_is_broken(const struct output *output)
{
	return output->error != 0;
}
