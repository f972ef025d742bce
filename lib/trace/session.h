/* What one run of the tracer works with, shared by the files that follow threads and
 * those that start and end programs. */
#ifndef TRACE_SESSION_H
#define TRACE_SESSION_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/clock.h"
#include "trace/feed.h"
#include "trace/launch.h"
#include "trace/state.h"
#include "trace/tracer.h"

#define TICK_NS (20 * NS_PER_MS)

enum phase {
	PHASE_STARTING,
	PHASE_RUNNING,
	PHASE_DRAINING,
	PHASE_TERMINATING,
	PHASE_KILLING
};

struct root {
	struct launched launched;
	bool is_executed;
	bool has_ended;
};

struct session {
	const struct tracer_options *options;
	struct tracer tracer;
	struct feed feed;
	struct launch_state launch;
	struct root *roots;
	uint32_t root_count, roots_launched; /* the last one is the main program */
	enum phase phase;
	int64_t phase_ns;     /* when it began */
	int64_t launched_ns;  /* when the last program was started */
	int64_t last_stop_ns; /* when something moved last */
	int64_t tick_ns;      /* when phase_tick() ran last */
	uint32_t early_count; /* tasks that wait for their parent's event */
	int64_t early_ns;
	uint32_t left_behind; /* processes that got SIGTERM and were not the command
				 line's */
	bool has_failed;
};

/* ---- phase.c: programs start and end ---- */

/* Starts the next program of the command line. */
void phase_launch(struct session *session);
/* A process has ended; perhaps it is one of the command line's. */
void phase_ended(struct session *session, const struct process *process, int status);
/* Looks whether the next step is due. */
void phase_advance(struct session *session);
/* Every now and then: commands of the other side, what is due, what has gathered. */
void phase_tick(struct session *session);

/* ---- follow.c: threads stop and go on ---- */

/* Serves every thread of every program until all have ended. */
void follow(struct session *session);
/* Takes in threads whose parent died before it could tell of them. */
void follow_adopt_orphans(struct session *session);

#endif
