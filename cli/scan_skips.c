/* Targets that are not scanned, because their names cannot be looked up. */
#include "scan_skips.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "message.h"

void scan_skips_done(struct scan_skips *skips)
{
	for (size_t i = 0; i < skips->count; i++) {
		free(skips->list[i].target);
		free(skips->list[i].reason);
	}
	free(skips->list);
	*skips = (struct scan_skips){0};
}

static void say(struct scan_skips *skips, const struct sonde_error *why)
{
	struct sonde_error said = *why;

	if (strcmp(said.hint, skips->hint) == 0)
		said.hint[0] = '\0';
	else
		memcpy(skips->hint, said.hint, sizeof(skips->hint));
	message_error(&said);
}

int scan_skips_add(struct scan_skips *skips, const char *target,
		   const struct sonde_error *why)
{
	struct scan_skip skip;

	if (skips->count == skips->room) {
		size_t room = skips->room ? 2 * skips->room : 8;
		struct scan_skip *list = reallocarray(skips->list, room, sizeof(list[0]));

		if (!list)
			return -ENOMEM;
		skips->list = list;
		skips->room = room;
	}
	skip.target = strdup(target);
	skip.reason = strdup(why->reason);
	if (!skip.target || !skip.reason) {
		free(skip.target);
		free(skip.reason);
		return -ENOMEM;
	}
	skips->list[skips->count++] = skip;
	say(skips, why);
	return 0;
}
