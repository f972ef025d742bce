/* How people call a statement, in a file: escaped, in one line, with nothing but what was
 * observed.  The command's labels (cli/label.c) are another thing: they lie in columns, under
 * the name of a program that stands above them, and say what the call does where the source
 * line does not. */
#include <sonde/timeline.h>

#include <string.h>

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static void add_escaped(struct sonde_text *text, const char *string)
{
	sonde_text_add_escaped(text, string, strlen(string));
}

void sonde_statement_add_label(const struct sonde_timeline *timeline, uint32_t statement,
			       struct sonde_text *text)
{
	const struct sonde_recording *recording = timeline->recording;
	const struct sonde_statement *it = &timeline->statements[statement - 1];
	const struct sonde_place *place =
		it->place ? &recording->places[it->place - 1] : NULL;

	if (place && place->file) {
		add_escaped(text, last_part(place->file));
		sonde_text_add(text, ":%d ", place->line);
		if (place->text)
			add_escaped(text, place->text);
		else if (place->function)
			add_escaped(text, place->function);
		return;
	}
	if (it->program && it->program <= recording->program_count)
		add_escaped(text, recording->programs[it->program - 1].name);
	sonde_text_add(text, "[%u]", it->pid);
	if (place && place->function) {
		sonde_text_add(text, " ");
		add_escaped(text, place->function);
		sonde_text_add(text, ":");
	}
	if (it->principal)
		sonde_text_add(text, " %s()", recording->calls[it->principal - 1].name);
}
