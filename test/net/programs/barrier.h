/* The part of barrier.py that the C programs need, with the same files. */
#ifndef PROGRAMS_BARRIER_H
#define PROGRAMS_BARRIER_H

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { CALM_STEPS = 8, STEPS = 3000, LONG_PAST_STEPS = 10, STATE_CLOSE_WAIT = 8 };

static inline void step(void)
{
	const struct timespec ten_ms = {.tv_nsec = 10000000};

	nanosleep(&ten_ms, NULL);
}

static inline void write_barrier(const char *name, int pid, int tid)
{
	char path[4096], written[4096];

	snprintf(path, sizeof(path), "%s/%s", getenv("BARRIER"), name);
	snprintf(written, sizeof(written), "%s/%s.new", getenv("BARRIER"), name);
	FILE *file = fopen(written, "w");
	if (!file || fprintf(file, "%d %d", pid, tid) < 0 || fclose(file) != 0 ||
	    rename(written, path) != 0)
		_exit(9);
}

static inline int read_barrier(const char *name, int *ret_pid, int *ret_tid)
{
	char path[4096];
	int count = 0;

	snprintf(path, sizeof(path), "%s/%s", getenv("BARRIER"), name);
	FILE *file = fopen(path, "r");
	if (file) {
		count = fscanf(file, "%d %d", ret_pid, ret_tid);
		fclose(file);
	}
	return count == 2;
}

static inline void about_to_wait(const char *name)
{
	write_barrier(name, getpid(), gettid());
}

static inline void about_to_retry(const char *name)
{
	write_barrier(name, -1, -1);
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

static inline void until_long_past(void)
{
	for (int i = 0; i < LONG_PAST_STEPS; i++)
		step();
}

static inline void until_waiting(const char *name)
{
	int pid = 0, tid = 0, is_there = 0, calm = 0;
	long last = -1;

	for (int i = 0; i < STEPS && calm < CALM_STEPS; i++) {
		if (!is_there)
			is_there = read_barrier(name, &pid, &tid);
		if (is_there && pid < 0) {
			until_long_past();
			return;
		}
		long now = is_there ? sleeps_since(pid, tid) : -1;
		calm = now >= 0 && now == last ? calm + 1 : 0;
		last = now;
		step();
	}
	if (calm < CALM_STEPS)
		_exit(9);
}

static inline void reached(const char *name)
{
	write_barrier(name, -1, -1);
}

static inline void until_reached(const char *name)
{
	int pid, tid, steps = 0;

	while (!read_barrier(name, &pid, &tid)) {
		if (++steps == STEPS)
			_exit(9);
		step();
	}
	until_long_past();
}

static inline void until_readable(int sock, int count)
{
	int there = 0, steps = 0;

	while (ioctl(sock, FIONREAD, &there) == 0 && there < count) {
		if (++steps == STEPS)
			_exit(9);
		step();
	}
	until_long_past();
}

static inline void until_closed(int sock)
{
	unsigned char state = 0;
	socklen_t size = sizeof(state);
	int steps = 0;

	while (getsockopt(sock, IPPROTO_TCP, TCP_INFO, &state, &size) == 0 &&
	       state != STATE_CLOSE_WAIT) {
		if (++steps == STEPS)
			_exit(9);
		step();
	}
	until_long_past();
}

#endif
