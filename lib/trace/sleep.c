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
#include <sys/resource.h>
#include <unistd.h>

#include <sonde/recording.h>

/* Files that are kept open, of all threads; the rest is opened for each question, so that
 * descriptors are left for the questions about the programs' own. */
static struct {
	unsigned count, most;
} kept;

static bool may_keep(void)
{
	struct rlimit files;

	if (!kept.most && getrlimit(RLIMIT_NOFILE, &files) == 0)
		kept.most = (unsigned)(files.rlim_cur / 4);
	return kept.count < kept.most;
}

/* *fd is as in struct sleep_watch. */
static bool read_file(pid_t tid, int *fd, const char *name, char *ret, size_t size)
{
	char path[64];
	ssize_t n;
	int opened = *fd - 1;

	if (*fd < 0)
		return false;
	if (*fd == 0) {
		snprintf(path, sizeof(path), "/proc/%d/%s", tid, name);
		opened = open(path, O_RDONLY | O_CLOEXEC);
		if (opened < 0) {
			*fd = -1;
			return false;
		}
	}
	n = pread(opened, ret, size - 1, 0);
	if (*fd == 0 && may_keep()) {
		*fd = opened + 1;
		kept.count++;
	} else if (*fd == 0) {
		close(opened);
	}
	if (n <= 0)
		return false;
	ret[n] = '\0';
	return true;
}

static bool read_runs(struct sleep_watch *watch, uint64_t *ret)
{
	char text[96];
	char *last;

	if (!read_file(watch->tid, &watch->runs_fd, "schedstat", text, sizeof(text)))
		return false;
	last = strrchr(text, ' ');
	if (!last)
		return false;
	*ret = strtoull(last, NULL, 10);
	return true;
}

static bool read_preempted(struct sleep_watch *watch, int64_t *ret)
{
	static const char name[] = "nonvoluntary_ctxt_switches:";
	char text[4096];
	const char *line;

	if (!read_file(watch->tid, &watch->switches_fd, "status", text, sizeof(text)))
		return false;
	line = strstr(text, name);
	if (!line)
		return false;
	*ret = strtoll(line + sizeof(name) - 1, NULL, 10);
	return true;
}

void sleep_enter(struct sleep_watch *watch, pid_t tid)
{
	watch->is_entered = false;
	watch->tid = tid;
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
	const int fds[] = {watch->runs_fd, watch->switches_fd};

	for (int i = 0; i < 2; i++) {
		if (fds[i] <= 0)
			continue;
		close(fds[i] - 1);
		kept.count--;
	}
	*watch = (struct sleep_watch){0};
}
