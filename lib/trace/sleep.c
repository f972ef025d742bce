/* Whether a thread slept in a call.
 *
 * At both stops the thread has given up its processor.  The kernel counts how often it got
 * one (the third number of schedstat).  Once between the two stops means: it ran from the
 * one to the other, so that it did not wait.  More often means that it gave the processor
 * up, or that it was taken away; where the count of the latter (status) has not changed
 * since it was last read, it waited.  Where it has, nothing is said. */
#include "trace/sleep.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sonde/recording.h>

static int open_file(pid_t tid, const char *name)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", tid, name);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -1 : fd + 1;
}

static bool read_runs(const struct sleep_watch *watch, uint64_t *ret)
{
	char text[96];
	ssize_t n = pread(watch->runs_fd - 1, text, sizeof(text) - 1, 0);
	char *last;

	if (n <= 0)
		return false;
	text[n] = '\0';
	last = strrchr(text, ' ');
	if (!last)
		return false;
	*ret = strtoull(last, NULL, 10);
	return true;
}

static bool read_preempted(const struct sleep_watch *watch, int64_t *ret)
{
	static const char name[] = "nonvoluntary_ctxt_switches:";
	char text[4096];
	ssize_t n = pread(watch->switches_fd - 1, text, sizeof(text) - 1, 0);
	const char *line;

	if (n <= 0)
		return false;
	text[n] = '\0';
	line = strstr(text, name);
	if (!line)
		return false;
	*ret = strtoll(line + sizeof(name) - 1, NULL, 10);
	return true;
}

void sleep_enter(struct sleep_watch *watch, pid_t tid)
{
	watch->is_entered = false;
	if (watch->runs_fd == 0) {
		watch->runs_fd = open_file(tid, "schedstat");
		watch->switches_fd = open_file(tid, "status");
	}
	if (watch->runs_fd < 0 || watch->switches_fd < 0)
		return;
	if (!watch->has_preempted)
		watch->has_preempted = read_preempted(watch, &watch->preempted);
	watch->is_entered = watch->has_preempted && read_runs(watch, &watch->runs);
}

uint8_t sleep_return(struct sleep_watch *watch)
{
	int64_t preempted;
	uint64_t runs;

	if (!watch->is_entered)
		return 0;
	watch->is_entered = false;
	if (!read_runs(watch, &runs))
		return 0;
	if (runs == watch->runs + 1)
		return SONDE_CALL_STAYED;
	if (!read_preempted(watch, &preempted))
		return 0;
	if (preempted == watch->preempted)
		return runs > watch->runs ? SONDE_CALL_SLEPT : 0;
	watch->preempted = preempted;
	return 0;
}

void sleep_done(struct sleep_watch *watch)
{
	if (watch->runs_fd > 0)
		close(watch->runs_fd - 1);
	if (watch->switches_fd > 0)
		close(watch->switches_fd - 1);
	*watch = (struct sleep_watch){0};
}
