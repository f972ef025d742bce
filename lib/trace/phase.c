/* Programs start and end.
 *
 * The programs of the command line start one after the other: the next one when the one
 * before comes to wait for a peer, or ends, or 2 s have passed.  When the main one, the
 * last, has ended, the others may answer what is still under way (until nothing has moved
 * for 100 ms and none of them computes or waits for a processor, at most 1 s), get SIGTERM,
 * and after 2 s more SIGKILL. */
#include "trace/session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <sonde/trace.h>

#include "base/clock.h"

#define START_NS (2 * NS_PER_S)    /* for a program to come to wait for a peer */
#define QUIET_NS (100 * NS_PER_MS) /* the end of the drain */
#define DRAIN_NS (1 * NS_PER_S)    /* at the most */
#define KILL_AGAIN_NS (500 * NS_PER_MS)
#define TERMINATE_NS (2 * NS_PER_S) /* between SIGTERM and SIGKILL */
#define ORPHAN_NS (100 * NS_PER_MS) /* for a clone event that may never come */

static void fail(struct session *session, int code, const char *operation,
		 const char *subject, int errno_code, const char *hint)
{
	struct sonde_error error;

	sonde_error_set(&error, sonde_error_kind_of(-errno_code), errno_code, operation,
			subject, NULL);
	if (hint)
		sonde_error_hint(&error, "%s", hint);
	feed_failure(&session->feed, code, &error);
	session->has_failed = true;
}

void phase_launch(struct session *session)
{
	const struct tracer_options *options = session->options;
	uint32_t at = session->roots_launched;
	bool is_main = at + 1 == session->root_count;
	char shell[] = "/bin/sh", dash_c[] = "-c";
	char *with[4] = {shell, dash_c, NULL, NULL};
	struct root *root = &session->roots[at];
	struct process *process;
	struct task *task;
	int error;

	if (!is_main)
		with[2] = strdup(options->with[at]);
	session->roots_launched++;
	session->tracer.root_started = at;
	session->tracer.waits_for_peer = false;
	session->launched_ns = session->tracer.now_ns;
	root->launched.error_fd = -1;
	error = is_main || with[2] ? launch(is_main ? options->arguments : with,
					    options->stdout_to_stderr, &session->launch,
					    &root->launched)
				   : -ENOMEM;
	free(with[2]);
	if (error < 0) {
		root->has_ended = true;
		fail(session, error, "start",
		     is_main ? options->arguments[0] : options->with[at], error, NULL);
		return;
	}
	process = process_add(&session->tracer, root->launched.pid);
	task = process ? task_add(&session->tracer, root->launched.pid) : NULL;
	if (!task) {
		fail(session, -ENOMEM, "start", options->arguments[0], -ENOMEM, NULL);
		return;
	}
	process->root = at;
	process->task_count = 1;
	task->process = process;
	if (is_main) {
		session->phase = PHASE_RUNNING;
		feed_started(&session->feed);
	}
}

static bool is_next_due(const struct session *session)
{
	const struct root *last = &session->roots[session->roots_launched - 1];

	return session->tracer.waits_for_peer || last->has_ended ||
	       session->tracer.now_ns - session->launched_ns > START_NS;
}

/* A program of the command line has ended. */
void phase_ended(struct session *session, const struct process *process, int status)
{
	struct root *root = &session->roots[process->root];
	bool is_main = process->root + 1 == session->root_count;
	int error;

	if (root->has_ended || process->pid != root->launched.pid)
		return;
	root->has_ended = true;
	error = launch_error(&root->launched);
	if (error) {
		const char *name = is_main ? session->options->arguments[0] : "/bin/sh";
		int code = error == ENOENT ? SONDE_TRACE_NOT_FOUND
			   : error > 0     ? SONDE_TRACE_NOT_EXECUTABLE
					   : error;

		fail(session, code, error > 0 ? "execute" : "filter the calls of", name,
		     error > 0 ? -error : error, NULL);
	} else if (is_main) {
		feed_main_status(&session->feed, status);
	} else if (session->phase == PHASE_STARTING) {
		char text[200];

		snprintf(text, sizeof(text),
			 "--with %.100s: ended (%s %d) before the main program was "
			 "started",
			 session->options->with[process->root],
			 WIFEXITED(status) ? "exit status" : "signal",
			 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status));
		feed_note(&session->feed, SONDE_WARNING, text, NULL);
	}
	if (is_main && session->phase < PHASE_DRAINING) {
		session->phase = PHASE_DRAINING;
		session->phase_ns = session->tracer.now_ns;
	}
}

static void signal_all(struct session *session, int signal)
{
	for (unsigned i = 0; i < STATE_BUCKETS; i++) {
		for (struct process *process = session->tracer.processes[i]; process;
		     process = process->next) {
			process_signal(process, signal);
			if (signal == SIGTERM)
				process_signal(process, SIGCONT);
		}
	}
}

static void say_left_behind(struct session *session)
{
	uint32_t count = 0;
	char text[120];

	for (unsigned i = 0; i < STATE_BUCKETS; i++) {
		for (struct process *process = session->tracer.processes[i]; process;
		     process = process->next)
			count += process->root + 1 == session->root_count;
	}
	if (!count)
		return;
	snprintf(text, sizeof(text),
		 "%u process%s of the main program outlived it and %s ended", count,
		 count == 1 ? "" : "es", count == 1 ? "was" : "were");
	feed_note(&session->feed, SONDE_WARNING, text,
		  "a traced program cannot go on without its tracer");
}

/* Whether the thread does something, or would on a less busy machine: it runs or waits for
 * a processor (R), for a disk (D), or in a stop that was not served yet (t). */
static bool is_moving(pid_t tid)
{
	char path[64], line[512];
	const char *name_end;
	bool is_read;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	file = fopen(path, "re");
	if (!file)
		return false;
	is_read = fgets(line, sizeof(line), file);
	fclose(file);
	name_end = is_read ? strrchr(line, ')') : NULL;
	return name_end && name_end[1] && name_end[2] && strchr("RDt", name_end[2]);
}

static bool is_anybody_moving(const struct session *session)
{
	for (unsigned i = 0; i < STATE_BUCKETS; i++)
		for (const struct task *task = session->tracer.tasks[i]; task;
		     task = task->next)
			if (is_moving(task->tid))
				return true;
	return false;
}

static void change_phase(struct session *session, enum phase phase)
{
	session->phase = phase;
	session->phase_ns = session->tracer.now_ns;
	if (phase == PHASE_TERMINATING) {
		say_left_behind(session);
		signal_all(session, SIGTERM);
	} else if (phase == PHASE_KILLING) {
		signal_all(session, SIGKILL);
	}
}

void phase_advance(struct session *session)
{
	int64_t now_ns = session->tracer.now_ns, age_ns = now_ns - session->phase_ns;

	if (session->has_failed && session->phase < PHASE_KILLING)
		change_phase(session, PHASE_KILLING);
	switch (session->phase) {
	case PHASE_STARTING:
		if (is_next_due(session))
			phase_launch(session);
		break;
	case PHASE_RUNNING:
		break;
	case PHASE_KILLING:
		/* Whoever was born while the others were killed. */
		if (age_ns > KILL_AGAIN_NS)
			change_phase(session, PHASE_KILLING);
		break;
	case PHASE_DRAINING:
		if (age_ns > DRAIN_NS || (now_ns - session->last_stop_ns > QUIET_NS &&
					  !is_anybody_moving(session)))
			change_phase(session, PHASE_TERMINATING);
		break;
	case PHASE_TERMINATING:
		if (age_ns > TERMINATE_NS) {
			feed_note(&session->feed, SONDE_WARNING,
				  "a program did not end at SIGTERM and was killed",
				  NULL);
			change_phase(session, PHASE_KILLING);
		}
		break;
	}
	if (session->early_count && now_ns - session->early_ns > ORPHAN_NS)
		follow_adopt_orphans(session);
}

/* The main program, which would get the signal, is not there yet. */
static void give_up_start(struct session *session, int signal)
{
	feed_note(&session->feed, SONDE_WARNING,
		  "interrupted before the main program was started: it was not", NULL);
	feed_main_status(&session->feed, signal);
	change_phase(session, PHASE_DRAINING);
}

static void obey(struct session *session)
{
	struct tracer_message message;

	while (recv(session->options->control_fd, &message, sizeof(message),
		    MSG_DONTWAIT) == sizeof(message)) {
		if (message.command == TRACER_STOP) {
			change_phase(session, PHASE_KILLING);
			continue;
		}
		for (uint32_t i = 0; i < session->roots_launched; i++) {
			if (!session->roots[i].has_ended)
				kill(session->roots[i].launched.pid, message.signal);
		}
		if (session->phase == PHASE_STARTING)
			give_up_start(session, message.signal);
	}
}

void phase_tick(struct session *session)
{
	session->tracer.now_ns = clock_realtime_ns();
	session->tick_ns = session->tracer.now_ns;
	obey(session);
	phase_advance(session);
	feed_flush(&session->feed);
}
