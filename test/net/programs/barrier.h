/* The part of barrier.py that the C programs need, with the same files. */
#ifndef PROGRAMS_BARRIER_H
#define PROGRAMS_BARRIER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { CALM_STEPS = 8, STEPS = 3000 };

static inline void step(void)
{
	const struct timespec ten_ms = {.tv_nsec = 10000000};

	nanosleep(&ten_ms, NULL);
}

static inline void about_to_wait(const char *name)
{
	char path[4096], written[4096];

	snprintf(path, sizeof(path), "%s/%s", getenv("BARRIER"), name);
	snprintf(written, sizeof(written), "%s/%s.new", getenv("BARRIER"), name);
	FILE *file = fopen(written, "w");
	if (!file || fprintf(file, "%d %d", (int)getpid(), (int)gettid()) < 0 ||
	    fclose(file) != 0 || rename(written, path) != 0)
		_exit(9);
}

/* How often it has gone to sleep; -1 while it does not. */
static inline long sleeps_since(int pid, int tid)
{
	char path[64], line[256], state = '?';
	long count = -1;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, tid);
	FILE *file = fopen(path, "r");
	while (file && fgets(line, sizeof(line), file)) {
		sscanf(line, "State: %c", &state);
		sscanf(line, "voluntary_ctxt_switches: %ld", &count);
	}
	if (file)
		fclose(file);
	return state == 'S' ? count : -1;
}

static inline void until_waiting(const char *name)
{
	char path[4096];
	int pid = 0, tid = 0, calm = 0;
	long last = -1;

	snprintf(path, sizeof(path), "%s/%s", getenv("BARRIER"), name);
	for (int i = 0; i < STEPS && calm < CALM_STEPS; i++) {
		FILE *file = pid ? NULL : fopen(path, "r");
		if (file && fscanf(file, "%d %d", &pid, &tid) != 2)
			pid = 0;
		if (file)
			fclose(file);
		long now = pid ? sleeps_since(pid, tid) : -1;
		calm = now >= 0 && now == last ? calm + 1 : 0;
		last = now;
		step();
	}
	if (calm < CALM_STEPS)
		_exit(9);
}

#endif
