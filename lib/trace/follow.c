/* Threads stop and go on.
 *
 * Invariant: a thread that has the filter is never let go while it lives; without a
 * tracer its calls would fail (ENOSYS).
 *
 * Two orders that surprise: a new thread may stop before its parent's clone event says
 * whose it is (it is left stopped until then); and a thread that execs takes over the
 * leader's id, while all others are gone without a word. */
#include "trace/session.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>
#include <sys/ptrace.h>
#include <linux/ptrace.h>
#include <sys/wait.h>

#include "base/clock.h"
#include "trace/call.h"
#include "trace/descriptor.h"
#include "trace/program.h"
#include "trace/where.h"

static void go_on(pid_t tid, int signal)
{
	/* A thread that was killed meanwhile says so at the next waitpid. */
	ptrace(PTRACE_CONT, tid, 0, (uintptr_t)signal);
}

static unsigned long event_message(pid_t tid)
{
	unsigned long message = 0;

	ptrace(PTRACE_GETEVENTMSG, tid, 0, &message);
	return message;
}

static void serve_stop(struct session *session, pid_t tid, int status);

/* The process that a thread belongs to, as /proc tells; 0 where it is gone. */
static pid_t read_process(pid_t tid)
{
	char path[64], line[128];
	pid_t pid = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	file = fopen(path, "re");
	if (!file)
		return 0;
	while (!pid && fgets(line, sizeof(line), file))
		sscanf(line, "Tgid: %d", &pid);
	fclose(file);
	return pid;
}

static void adopt(struct session *session, struct process *process, pid_t tid)
{
	struct task *task = task_find(&session->tracer, tid);

	if (!task)
		task = task_add(&session->tracer, tid);
	if (!task) {
		kill(process->pid, SIGKILL); /* an unwatched thread would get ENOSYS */
		return;
	}
	task->process = process;
	process->task_count++;
	if (task->is_stopped_early) {
		task->is_stopped_early = false;
		session->early_count--;
		serve_stop(session, tid, task->early_status);
	}
}

static struct process *begin_process(struct session *session, struct process *parent,
				     pid_t pid)
{
	struct process *process = process_add(&session->tracer, pid);

	if (!process) {
		kill(pid, SIGKILL);
		return NULL;
	}
	if (parent) {
		process->root = parent->root;
		descriptor_inherit(&session->tracer, parent, process);
	}
	process->is_executed = true;
	program_begin(&session->tracer, process, parent ? parent->program.program : 0);
	if (session->phase == PHASE_KILLING)
		process_signal(process, SIGKILL);
	return process;
}

static void serve_new(struct session *session, struct task *parent, int event)
{
	pid_t tid = (pid_t)event_message(parent->tid);
	struct process *process = parent->process;

	if (tid > 0) {
		/* A clone is a process when it says so itself; a thread may be gone by now. */
		if (event != PTRACE_EVENT_CLONE || read_process(tid) == tid)
			process = begin_process(session, process, tid);
		if (process)
			adopt(session, process, tid);
	}
	go_on(parent->tid, 0);
}

static void adopt_orphan(struct session *session, struct task *task)
{
	pid_t pid = read_process(task->tid);
	struct process *process = process_find(&session->tracer, pid);

	if (!process && pid == task->tid)
		process = begin_process(session, NULL, pid);
	if (process) {
		adopt(session, process, task->tid);
	} else if (!pid) {
		session->early_count--;
		task_remove(&session->tracer, task); /* it is gone */
	}
}

void follow_adopt_orphans(struct session *session)
{
	for (unsigned i = 0; i < STATE_BUCKETS && session->early_count; i++) {
		struct task *task = session->tracer.tasks[i];

		while (task) {
			struct task *next = task->next;

			if (task->is_stopped_early)
				adopt_orphan(session, task);
			task = next;
		}
	}
}

/* The process is about to close all that it has. */
static void begin_exit(struct session *session, struct process *process, pid_t tid,
		       int status)
{
	struct tracer *tracer = &session->tracer;

	if (process->is_exiting)
		return;
	process->is_exiting = true;
	if (!process->exit_call.call && process->has_program &&
	    descriptor_end_closes(tracer, process)) {
		process->exit_call =
			call_made_up(tracer, process, (uint32_t)tid, SONDE_CALL_EXIT,
				     WIFSIGNALED(status) ? "killed" : "exit", 0);
		process->exit_call.how =
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
	}
	descriptor_closed_all(tracer, process, process->exit_call.call);
}

static void end_process(struct session *session, struct process *process, int status)
{
	struct tracer *tracer = &session->tracer;

	begin_exit(session, process, process->pid, status);
	if (process->exit_call.call) {
		process->exit_call.exit_ns = tracer->now_ns;
		feed_return(&session->feed, &process->exit_call);
	}
	program_end(tracer, process, false, status);
	phase_ended(session, process, status);
	process_remove(tracer, process);
}

static void remove_tasks(struct session *session, const struct process *process,
			 pid_t except)
{
	struct tracer *tracer = &session->tracer;

	for (unsigned i = 0; i < STATE_BUCKETS; i++) {
		struct task *task = tracer->tasks[i];

		while (task) {
			struct task *next = task->next;

			if (task->process == process && task->tid != except)
				task_remove(tracer, task);
			task = next;
		}
	}
}

static void serve_ended(struct session *session, pid_t tid, int status)
{
	struct tracer *tracer = &session->tracer;
	struct task *task = task_find(tracer, tid);
	struct process *process;

	if (!task)
		return;
	process = task->process;
	if (task->is_stopped_early)
		session->early_count--;
	if (process && !task->is_exiting && process->task_count)
		process->task_count--;
	task_remove(tracer, task);
	/* The leader is reported last of its process. */
	if (process && tid == process->pid) {
		remove_tasks(session, process, 0);
		end_process(session, process, status);
	}
}

static uint32_t exec_closes(struct tracer *tracer, struct process *process,
			    uint32_t socket)
{
	struct sonde_call call = call_made_up(tracer, process, (uint32_t)process->pid,
					      SONDE_CALL_CLOSE, "execve", socket);

	call.flags |= SONDE_CALL_LAST_REFERENCE;
	call.exit_ns = tracer->now_ns;
	if (call.call)
		feed_return(tracer->feed, &call);
	return call.call;
}

static void serve_exec(struct session *session, struct task *task)
{
	struct tracer *tracer = &session->tracer;
	struct process *process = task->process;
	bool is_first = !process->is_executed;
	uint32_t before = process->program.program;

	if (process->task_count > 1)
		remove_tasks(session, process, task->tid);
	process->task_count = 1;
	task->syscall = NULL;
	task->is_exiting = false;
	process->is_executed = true;
	program_end(tracer, process, true, 0);
	where_forget(process);
	descriptor_check_exec(tracer, process, exec_closes);
	program_begin(tracer, process, is_first ? 0 : before);
	if (is_first && process->root + 1 == session->root_count)
		feed_main_program(&session->feed, process->program.program);
	go_on(task->tid, 0);
}

static void serve_exiting(struct session *session, struct task *task)
{
	struct process *process = task->process;
	int status = (int)event_message(task->tid);

	if (!task->is_exiting) {
		task->is_exiting = true;
		if (--process->task_count == 0)
			begin_exit(session, process, task->tid, status);
	}
	go_on(task->tid, 0);
}

static void serve_entry(struct session *session, struct task *task)
{
	struct ptrace_syscall_info info;
	const struct syscall *syscall = NULL;
	uint64_t arguments[6];

	if (ptrace(PTRACE_GET_SYSCALL_INFO, task->tid, sizeof(info), &info) > 0 &&
	    info.op == PTRACE_SYSCALL_INFO_SECCOMP && info.arch == syscall_architecture())
		syscall = syscall_find(info.seccomp.nr);
	if (syscall && task->process->has_program) {
		for (int i = 0; i < 6; i++)
			arguments[i] = info.seccomp.args[i];
		task->entered.instruction = info.instruction_pointer;
		task->entered.stack = info.stack_pointer;
		if (call_enter(&session->tracer, task, syscall, arguments)) {
			ptrace(PTRACE_SYSCALL, task->tid, 0, 0);
			return;
		}
	}
	go_on(task->tid, 0);
}

static void serve_return(struct session *session, struct task *task)
{
	struct ptrace_syscall_info info;

	if (task->syscall &&
	    ptrace(PTRACE_GET_SYSCALL_INFO, task->tid, sizeof(info), &info) > 0 &&
	    info.op == PTRACE_SYSCALL_INFO_EXIT)
		call_return(&session->tracer, task, info.exit.rval);
	go_on(task->tid, 0);
}

static bool is_stopping(int signal)
{
	return signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN ||
	       signal == SIGTTOU;
}

/* A stop whose thread is not known yet, or whose parent's event has not come. */
static void serve_early(struct session *session, struct task *task, pid_t tid, int status)
{
	if (!task)
		task = task_add(&session->tracer, tid);
	if (!task) {
		kill(tid, SIGKILL);
		return;
	}
	task->early_status = status;
	if (!task->is_stopped_early) {
		task->is_stopped_early = true;
		session->early_count++;
		session->early_ns = session->tracer.now_ns;
	}
}

static void serve_stop(struct session *session, pid_t tid, int status)
{
	struct task *task;
	int signal = WSTOPSIG(status), event = status >> 16;

	task = task_find(&session->tracer, tid);
	if (event == PTRACE_EVENT_EXEC) {
		pid_t before = (pid_t)event_message(tid);
		struct task *caller =
			before == tid ? NULL : task_find(&session->tracer, before);

		/* Another thread than the leader called it: the leader's id is its own
		 * now. */
		if (caller)
			task_remove(&session->tracer, caller);
	}
	if (!task || !task->process) {
		serve_early(session, task, tid, status);
		return;
	}
	switch (event) {
	case 0:
		if (signal == (SIGTRAP | 0x80))
			serve_return(session, task);
		else
			go_on(tid, signal);
		break;
	case PTRACE_EVENT_SECCOMP:
		serve_entry(session, task);
		break;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		serve_new(session, task, event);
		break;
	case PTRACE_EVENT_EXEC:
		serve_exec(session, task);
		break;
	case PTRACE_EVENT_EXIT:
		serve_exiting(session, task);
		break;
	case PTRACE_EVENT_STOP:
		if (is_stopping(signal))
			ptrace(PTRACE_LISTEN, tid, 0, 0);
		else
			go_on(tid, 0);
		break;
	default:
		go_on(tid, 0);
		break;
	}
}

/* What waitpid said, and when. */
struct stop {
	pid_t tid;
	int status;
	int64_t at_ns;
};

enum { BATCH = 256 };

/* Collects who has stopped, waiting for the first.  All that have are served before the
 * next look: waitpid prefers the youngest, and a busy one would starve the others.  Where
 * there are no others, nobody is looked for.
 * Returns how many, or a negative errno. */
static int collect(const struct tracer *tracer, struct stop ret_stops[BATCH])
{
	int most = tracer->task_count > 1 ? BATCH : 1;
	int count = 0;

	while (count < most) {
		struct stop *stop = &ret_stops[count];

		stop->tid = waitpid(-1, &stop->status, __WALL | (count ? WNOHANG : 0));
		if (stop->tid <= 0)
			break;
		stop->at_ns = clock_realtime_ns();
		count++;
	}
	return count ? count : -errno;
}

void follow(struct session *session)
{
	static struct stop stops[BATCH];

	while (!session->feed.error) {
		int count = collect(&session->tracer, stops);
		bool is_next_due;

		/* Nobody is left; perhaps somebody is still to come. */
		if (count == -ECHILD && session->phase != PHASE_STARTING)
			break;
		for (int i = 0; i < count; i++) {
			session->tracer.now_ns = stops[i].at_ns;
			session->last_stop_ns = stops[i].at_ns;
			if (WIFSTOPPED(stops[i].status))
				serve_stop(session, stops[i].tid, stops[i].status);
			else
				serve_ended(session, stops[i].tid, stops[i].status);
			session->tracer.held_ns += clock_realtime_ns() - stops[i].at_ns;
		}
		if (count > 0)
			session->tracer.stops += (uint64_t)count;
		/* The main program waits for peers all the time, and nobody comes next. */
		is_next_due = session->phase == PHASE_STARTING &&
			      session->tracer.waits_for_peer;
		/* By the clock: while the programs are busy no tick interrupts a wait. */
		if (count < 0 || is_next_due ||
		    session->tracer.now_ns - session->tick_ns > TICK_NS)
			phase_tick(session);
	}
}
