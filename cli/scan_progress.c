/* "12345 of 65535 ports left, about 1.2 s" */
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include <sonde/text.h>

#include "scan_progress.h"

void scan_progress_init(struct scan_progress *progress, const struct output *output)
{
	*progress = (struct scan_progress){.is_wanted = isatty(STDERR_FILENO) &&
							output->verbosity >= 0};
}

void scan_progress_show(struct scan_progress *progress,
			const struct sonde_scan_event *event)
{
	char storage[160];
	struct sonde_text line;

	if (!progress->is_wanted)
		return;
	sonde_text_init(&line, storage, sizeof(storage));
	sonde_text_add(&line, "%" PRIu64 " of %" PRIu64 " %s left", event->remaining,
		       event->total, event->of_hosts ? "hosts" : "ports");
	if (event->eta_ns >= 0) {
		sonde_text_add(&line, ", about ");
		sonde_text_add_duration(&line, event->eta_ns);
	}
	fprintf(stderr, "\r\033[K%s", storage);
	fflush(stderr);
	progress->is_shown = true;
}

void scan_progress_clear(struct scan_progress *progress)
{
	if (progress->is_shown)
		fputs("\r\033[K", stderr);
	progress->is_shown = false;
}
