/* Names of ports.  The file is read here: getservbyname() shares one static answer among
 * all threads. */
#include "io/service_name.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/text.h>

#include "base/array.h"

#define SERVICES "/etc/services"

/* A line of services(5): NAME PORT/PROTOCOL [ALIAS]... [# COMMENT]. */
struct line {
	char *words[16]; /* name, aliases; NULL after the last */
	uint16_t port;
	bool tcp;
};

static bool parse_port(char *text, struct line *ret)
{
	char *slash = strchr(text, '/');
	long long port;

	if (!slash)
		return false;
	*slash = '\0';
	if (sonde_text_parse_int(text, 0, UINT16_MAX, &port) < 0)
		return false;
	ret->port = (uint16_t)port;
	ret->tcp = strcmp(slash + 1, "tcp") == 0;
	return ret->tcp || strcmp(slash + 1, "udp") == 0;
}

/* False for a line that names no port of TCP or UDP. */
static bool parse_line(char *text, struct line *ret)
{
	static const char blank[] = " \t\r\n";
	const size_t most = sizeof(ret->words) / sizeof(ret->words[0]) - 1;
	char *rest = NULL, *port;
	size_t count = 1;

	text[strcspn(text, "#")] = '\0';
	ret->words[0] = strtok_r(text, blank, &rest);
	port = strtok_r(NULL, blank, &rest);
	if (!ret->words[0] || !port || !parse_port(port, ret))
		return false;
	while (count < most && (ret->words[count] = strtok_r(NULL, blank, &rest)))
		count++;
	ret->words[count] = NULL;
	return true;
}

static bool has_word(const struct line *line, const char *word)
{
	for (size_t i = 0; line->words[i]; i++)
		if (strcmp(line->words[i], word) == 0)
			return true;
	return false;
}

int service_name_lookup(const char *name, uint16_t *ret)
{
	FILE *file = fopen(SERVICES, "re");
	int r = -ENOENT;
	char text[1024];
	struct line line;

	if (!file)
		return -ENOENT;
	while (fgets(text, sizeof(text), file)) {
		if (!parse_line(text, &line) || !has_word(&line, name))
			continue;
		if (r < 0 || line.tcp)
			*ret = line.port;
		r = 0;
		if (line.tcp)
			break;
	}
	fclose(file);
	return r;
}

struct list {
	char (*names)[SERVICE_NAME_CHARS];
	const char **words; /* into names */
	size_t name_room, word_room;
	size_t count;
};

static int collect(FILE *file, struct list *list)
{
	char text[1024];
	struct line line;

	while (fgets(text, sizeof(text), file)) {
		if (!parse_line(text, &line))
			continue;
		for (size_t i = 0; line.words[i]; i++) {
			size_t chars = strlen(line.words[i]);

			if (chars >= SERVICE_NAME_CHARS)
				continue;
			if (array_reserve(&list->names, &list->name_room, list->count + 1,
					  sizeof(list->names[0])) < 0)
				return -ENOMEM;
			memcpy(list->names[list->count++], line.words[i], chars + 1);
		}
	}
	if (array_reserve(&list->words, &list->word_room, list->count,
			  sizeof(list->words[0])) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++)
		list->words[i] = list->names[i];
	return 0;
}

int service_name_nearest(const char *name, char ret[SERVICE_NAME_CHARS])
{
	FILE *file = fopen(SERVICES, "re");
	struct list list = {0};
	const char *nearest;
	int r;

	if (!file)
		return -ENOENT;
	r = collect(file, &list);
	if (r < 0)
		goto out;
	nearest = sonde_text_nearest(name, list.words, list.count);
	if (nearest) {
		r = (int)strlen(nearest);
		memcpy(ret, nearest, r + 1);
	}
out:
	array_free(list.words);
	array_free(list.names);
	fclose(file);
	return r;
}

int service_name_each(void (*visit)(void *context, const char *name, uint16_t port,
				    bool udp),
		      void *context)
{
	FILE *file = fopen(SERVICES, "re");
	char text[1024];
	struct line line;

	if (!file)
		return -ENOENT;
	while (fgets(text, sizeof(text), file))
		if (parse_line(text, &line))
			visit(context, line.words[0], line.port, !line.tcp);
	fclose(file);
	return 0;
}
