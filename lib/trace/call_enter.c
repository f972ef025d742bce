/* System calls of traced threads: what the arguments say.
 *
 * Order matters twice.  A close drops its references at the entry: when it has returned,
 * another thread may already own the number again.  And enter_ns is taken last of all,
 * because whether a call blocked is judged by it. */
#include "trace/call.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "trace/content.h"
#include "trace/descriptor.h"
#include "trace/remote.h"
#include "trace/rights.h"
#include "trace/wait.h"
#include "trace/where.h"

#ifndef CLOSE_RANGE_UNSHARE
#define CLOSE_RANGE_UNSHARE (1U << 1)
#endif

/* Takes the socket behind fd as the call's; false where it is none. */
static bool take_socket(struct tracer *tracer, struct task *task, int fd)
{
	uint32_t number = descriptor_socket(tracer, task->process, fd);

	if (!number)
		return false;
	task->call.fd = fd;
	task->call.socket = number;
	if (socket_of(tracer, number)->is_nonblocking)
		task->call.flags |= SONDE_CALL_NONBLOCKING;
	return true;
}

static void take_message_flags(struct task *task, uint64_t flags)
{
	if (flags & MSG_DONTWAIT)
		task->call.flags |= SONDE_CALL_NONBLOCKING;
	if (flags & MSG_PEEK)
		task->call.flags |= SONDE_CALL_PEEK;
	if (flags & MSG_WAITALL)
		task->call.flags |= SONDE_CALL_WAIT_ALL;
}

/* The address and the buffers of a struct msghdr. */
static void take_message(struct task *task, uint64_t address)
{
	struct msghdr message;

	if (remote_read(task->tid, address, &message, sizeof(message)) < 0)
		return;
	if (task->call.kind == SONDE_CALL_SEND)
		remote_read_address(task->tid, (uint64_t)(uintptr_t)message.msg_name,
				    message.msg_namelen, &task->call.address);
	task->call.length =
		remote_read_vector(task->tid, (uint64_t)(uintptr_t)message.msg_iov,
				   message.msg_iovlen, &task->call.buffer);
}

/* A socket's local port comes with its first send, its peer with a connect: both must be
 * known outside before the packet is. */
static void take_destination(struct tracer *tracer, struct task *task)
{
	struct traced_socket *socket = socket_of(tracer, task->call.socket);

	if (task->call.kind == SONDE_CALL_CONNECT &&
	    task->call.address.family != SONDE_FAMILY_NONE) {
		socket->seen.peer = task->call.address;
		feed_socket_state(tracer->feed, &socket->seen);
	}
	if (task->call.kind == SONDE_CALL_CONNECT ||
	    (task->call.kind == SONDE_CALL_SEND && socket->seen.local.port == 0 &&
	     (socket->seen.kind == SONDE_SOCKET_TCP ||
	      socket->seen.kind == SONDE_SOCKET_UDP)))
		tracer->must_flush = true;
}

/* From one descriptor to another, without a buffer of the program's.  A tee leaves what it
 * copies where it was, as a look ahead does. */
static bool enter_move(struct tracer *tracer, struct task *task, int from, int to,
		       uint64_t length)
{
	struct sonde_call *call = &task->call;

	call->length = length;
	if (take_socket(tracer, task, to)) {
		call->from_socket = descriptor_socket(tracer, task->process, from);
		take_destination(tracer, task);
		return true;
	}
	call->kind = SONDE_CALL_RECEIVE;
	return take_socket(tracer, task, from);
}

static bool enter_transfer(struct tracer *tracer, struct task *task,
			   const struct syscall *syscall, const uint64_t *arguments)
{
	struct sonde_call *call = &task->call;

	if (syscall->shape == SHAPE_SPLICE)
		return enter_move(tracer, task, (int)arguments[0], (int)arguments[2],
				  arguments[4]);
	if (syscall->shape == SHAPE_TEE)
		return enter_move(tracer, task, (int)arguments[0], (int)arguments[1],
				  arguments[2]);
	if (syscall->shape == SHAPE_SENDFILE)
		return enter_move(tracer, task, (int)arguments[1], (int)arguments[0],
				  arguments[3]);
	if (!take_socket(tracer, task, (int)arguments[0]))
		return false;
	switch (syscall->shape) {
	case SHAPE_VMSPLICE:
		if (socket_of(tracer, call->socket)->seen.pipe_end == SONDE_PIPE_READ)
			call->kind = SONDE_CALL_RECEIVE;
		call->length = remote_read_vector(task->tid, arguments[1], arguments[2],
						  &call->buffer);
		break;
	case SHAPE_SENDTO:
		remote_read_address(task->tid, arguments[4], arguments[5],
				    &call->address);
		take_message_flags(task, arguments[3]);
		call->buffer = arguments[1];
		call->length = arguments[2];
		break;
	case SHAPE_RECVFROM:
		take_message_flags(task, arguments[3]);
		call->buffer = arguments[1];
		call->length = arguments[2];
		break;
	case SHAPE_WRITE:
	case SHAPE_READ:
		call->buffer = arguments[1];
		call->length = arguments[2];
		break;
	case SHAPE_WRITEV:
	case SHAPE_READV:
		call->length = remote_read_vector(task->tid, arguments[1], arguments[2],
						  &call->buffer);
		break;
	case SHAPE_SENDMSG:
	case SHAPE_RECVMSG:
		take_message_flags(task, arguments[2]);
		take_message(task, arguments[1]);
		if (syscall->shape == SHAPE_SENDMSG)
			rights_enter(tracer, task, syscall, arguments);
		break;
	default: /* sendmmsg, recvmmsg: the first message stands for its address */
		take_message_flags(task, arguments[3]);
		take_message(task, arguments[1]);
		call->length = 0;
		if (syscall->shape == SHAPE_SENDMMSG)
			rights_enter(tracer, task, syscall, arguments);
		break;
	}
	if (call->kind == SONDE_CALL_SEND) {
		take_destination(tracer, task);
		content_sends(tracer, call);
	}
	return true;
}

/* dup and its kin: a socket is copied, or one is closed under the new number. */
static bool enter_copy(struct tracer *tracer, struct task *task,
		       const struct syscall *syscall, const uint64_t *arguments)
{
	struct process *process = task->process;
	int from = (int)arguments[0];

	task->call.kind = SONDE_CALL_SOCKET;
	if (take_socket(tracer, task, from))
		return true;
	if (syscall->shape != SHAPE_DUP2 && syscall->shape != SHAPE_DUP3)
		return false;
	if (!descriptor_known_socket(process, (int)arguments[1]))
		return false;
	task->call.kind = SONDE_CALL_CLOSE;
	return take_socket(tracer, task, (int)arguments[1]);
}

static bool enter_control(struct tracer *tracer, struct task *task,
			  const struct syscall *syscall, const uint64_t *arguments)
{
	if (syscall->shape == SHAPE_FCNTL && (int)arguments[1] != F_SETFL)
		return enter_copy(tracer, task, syscall, arguments);
	if (!take_socket(tracer, task, (int)arguments[syscall->fd]))
		return false;
	if (syscall->shape == SHAPE_FCNTL)
		task->call.how = (int)arguments[2];
	else if (syscall->shape == SHAPE_IOCTL)
		remote_read(task->tid, arguments[2], &task->call.how,
			    sizeof(task->call.how));
	return true;
}

/* Fills task->call.  False: of no interest. */
static bool describe(struct tracer *tracer, struct task *task,
		     const struct syscall *syscall, const uint64_t *arguments)
{
	struct sonde_call *call = &task->call;
	struct process *process = task->process;

	switch (syscall->shape) {
	case SHAPE_SOCKET:
	case SHAPE_SOCKETPAIR:
	case SHAPE_PIPE:
		return true;
	case SHAPE_EXIT:
		/* What matters of an end is what it closes. */
		call->how = (int)arguments[0];
		return descriptor_end_closes(tracer, process);
	case SHAPE_BIND:
	case SHAPE_CONNECT:
		if (!take_socket(tracer, task, (int)arguments[0]))
			return false;
		remote_read_address(task->tid, arguments[1], arguments[2],
				    &call->address);
		take_destination(tracer, task);
		return true;
	case SHAPE_LISTEN:
	case SHAPE_SHUTDOWN:
		call->how = (int)arguments[1];
		return take_socket(tracer, task, (int)arguments[0]);
	case SHAPE_ACCEPT:
	case SHAPE_ACCEPT4:
	case SHAPE_OPTION:
	case SHAPE_SETSOCKOPT:
		return take_socket(tracer, task, (int)arguments[0]);
	case SHAPE_CLOSE:
		if (descriptor_known_socket(process, (int)arguments[0]))
			return take_socket(tracer, task, (int)arguments[0]);
		descriptor_closed(tracer, process, (int)arguments[0], 0);
		return false;
	case SHAPE_CLOSERANGE:
		/* One that closes nothing, and those that fail. */
		if ((arguments[2] & ~(uint64_t)CLOSE_RANGE_UNSHARE) ||
		    (unsigned)arguments[0] > (unsigned)arguments[1])
			return false;
		call->fd = -1;
		call->socket = descriptor_first_socket(process, (unsigned)arguments[0],
						       (unsigned)arguments[1]);
		if (!call->socket)
			descriptor_closed_range(tracer, process, (unsigned)arguments[0],
						(unsigned)arguments[1], 0);
		return call->socket != 0;
	case SHAPE_DUP:
	case SHAPE_DUP2:
	case SHAPE_DUP3:
		return enter_copy(tracer, task, syscall, arguments);
	case SHAPE_FCNTL:
	case SHAPE_IOCTL:
	case SHAPE_EPOLL_CTL:
		return enter_control(tracer, task, syscall, arguments);
	default:
		if (syscall->kind == SONDE_CALL_WAIT)
			return wait_enter(tracer, task, syscall, arguments);
		return enter_transfer(tracer, task, syscall, arguments);
	}
}

/* Calls that are not shown, but change what descriptors mean. */
static bool is_quiet(const struct process *process, const struct syscall *syscall,
		     const uint64_t *arguments)
{
	switch (syscall->shape) {
	case SHAPE_EPOLL_CREATE:
	case SHAPE_PIDFD_GETFD:
		return true;
	case SHAPE_DUP:
	case SHAPE_DUP2:
	case SHAPE_DUP3:
	case SHAPE_FCNTL:
		return (size_t)arguments[0] < process->table->capacity &&
		       process->table->entries[arguments[0]].kind == DESCRIPTOR_EPOLL;
	default:
		return false;
	}
}

static bool is_wait(const struct sonde_call *call)
{
	return call->kind == SONDE_CALL_ACCEPT || call->kind == SONDE_CALL_RECEIVE ||
	       call->kind == SONDE_CALL_WAIT;
}

static uint8_t kind_of_socket(struct tracer *tracer, uint32_t socket)
{
	return socket ? socket_of(tracer, socket)->seen.kind : SONDE_SOCKET_OTHER;
}

/* Shells pass the ends of their pipes on: what only moves one about is followed, and not
 * shown.  The close that ends the stream is. */
static bool is_housekeeping(struct tracer *tracer, const struct syscall *syscall,
			    const struct sonde_call *call)
{
	if (kind_of_socket(tracer, call->socket) != SONDE_SOCKET_PIPE ||
	    syscall->shape == SHAPE_CLOSERANGE)
		return false;
	return call->kind == SONDE_CALL_SOCKET ||
	       (call->kind == SONDE_CALL_CLOSE &&
		!descriptor_is_last(tracer, call->socket));
}

/* Whether a program that enters this call waits for a peer to come.  The other end of a
 * pipe is no peer: a shell reads what its own children write. */
static bool is_wait_for_peer(struct tracer *tracer, const struct sonde_call *call)
{
	return is_wait(call) && kind_of_socket(tracer, call->socket) != SONDE_SOCKET_PIPE;
}

/* Whether it matters if the caller waits in it.  Without packets nothing else tells that
 * a send waited for room, or a connect for the queue. */
static bool can_sleep(struct tracer *tracer, const struct sonde_call *call)
{
	uint8_t kind = kind_of_socket(tracer, call->socket);

	if (call->flags & SONDE_CALL_NONBLOCKING)
		return false;
	if (call->kind == SONDE_CALL_SEND || call->kind == SONDE_CALL_CONNECT)
		return kind >= SONDE_SOCKET_UNIX_STREAM;
	return is_wait(call);
}

static void feed_entered(struct tracer *tracer, struct sonde_call *call)
{
	int64_t *stamp = feed_call(tracer->feed, call);

	call->enter_ns = clock_realtime_ns();
	*stamp = call->enter_ns;
	if (tracer->must_flush)
		feed_flush(tracer->feed);
	tracer->must_flush = false;
}

void call_flag_last_reference(struct tracer *tracer, struct sonde_call *call)
{
	if (call->call && call->socket &&
	    socket_of(tracer, call->socket)->seen.closed_by == call->call)
		call->flags |= SONDE_CALL_LAST_REFERENCE;
}

static void drop_references(struct tracer *tracer, struct task *task,
			    const struct syscall *syscall, const uint64_t *arguments)
{
	struct sonde_call *call = &task->call;

	if (syscall->shape == SHAPE_CLOSE)
		descriptor_closed(tracer, task->process, call->fd, call->call);
	else if (syscall->shape == SHAPE_CLOSERANGE)
		descriptor_closed_range(tracer, task->process, (unsigned)arguments[0],
					(unsigned)arguments[1], call->call);
	call_flag_last_reference(tracer, call);
}

/* Whether the call that is resumed is the one that is remembered, and not one that is not
 * traced: a handler may have ended that for good. */
static bool is_resumed(const struct task *task)
{
	return task->interrupted &&
	       task->entered.instruction == task->interrupted_at.instruction &&
	       task->entered.stack == task->interrupted_at.stack;
}

static void say(struct tracer *tracer, bool *said, const char *text, const char *hint)
{
	if (!*said)
		feed_note(tracer->feed, SONDE_WARNING, text, hint);
	*said = true;
}

/* Calls that are stopped for only because of what cannot be seen, or done, after them. */
static bool say_if_unseen(struct tracer *tracer, const struct syscall *syscall,
			  const uint64_t *arguments)
{
	switch (syscall->shape) {
	case SHAPE_URING:
		say(tracer, &tracer->said_uring,
		    "a program uses io_uring: its socket calls are not seen",
		    "run it without io_uring if it can do so");
		return true;
	case SHAPE_PTRACE:
		if (arguments[0] == PTRACE_TRACEME ||
		    ((arguments[0] == PTRACE_ATTACH || arguments[0] == PTRACE_SEIZE) &&
		     task_find(tracer, (pid_t)arguments[1])))
			say(tracer, &tracer->said_tracing,
			    "a program wants to trace another, as gdb and strace do: "
			    "that "
			    "fails, because sonde traces it already",
			    "run it without sonde");
		return true;
	case SHAPE_CLONE:
		say(tracer, &tracer->said_untraced,
		    "a program makes a process that nobody may trace (CLONE_UNTRACED): "
		    "it cannot work under sonde",
		    "run it without sonde");
		return true;
	default:
		return false;
	}
}

bool call_enter(struct tracer *tracer, struct task *task, const struct syscall *syscall,
		const uint64_t arguments[6])
{
	struct process *process = task->process;
	struct sonde_call *call = &task->call;
	bool is_restart = syscall->shape == SHAPE_RESTART;

	if (is_restart) {
		if (!is_resumed(task))
			return false;
		syscall = task->interrupted;
		arguments = task->interrupted_arguments;
	}
	if (say_if_unseen(tracer, syscall, arguments))
		return false;
	*call = (struct sonde_call){
		.program = process->program.program,
		.pid = (uint32_t)process->pid,
		.tid = (uint32_t)task->tid,
		.kind = syscall->kind,
		.flags = is_restart ? SONDE_CALL_RESUMED : 0,
		.fd = -1,
		.name = syscall->name,
		.timeout_ns = -1,
	};
	if (is_quiet(process, syscall, arguments)) {
		task->syscall = syscall;
		memcpy(task->arguments, arguments, sizeof(task->arguments));
		return true;
	}
	if (!describe(tracer, task, syscall, arguments))
		return false;
	memcpy(task->arguments, arguments, sizeof(task->arguments));
	if (is_housekeeping(tracer, syscall, call)) {
		drop_references(tracer, task, syscall, arguments);
		task->syscall = syscall;
		return true;
	}
	if (tracer->call_count >= LIMIT_CALLS) {
		tracer->calls_dropped++;
	} else {
		call->call = ++tracer->call_count;
		if (tracer->has_lines)
			call->stack = where_stack(tracer, process, task->tid);
	}
	drop_references(tracer, task, syscall, arguments);
	if (can_sleep(tracer, call))
		sleep_enter(&task->sleep, task->tid);
	if (call->call)
		feed_entered(tracer, call);
	if (is_wait_for_peer(tracer, call) && process->root == tracer->root_started)
		tracer->waits_for_peer = true;
	if (syscall->shape == SHAPE_EXIT) {
		process->exit_call = *call;
		return false;
	}
	task->syscall = syscall;
	return true;
}

struct sonde_call call_made_up(struct tracer *tracer, const struct process *process,
			       uint32_t tid, enum sonde_call_kind kind, const char *name,
			       uint32_t socket)
{
	struct sonde_call call = {
		.program = process->program.program,
		.pid = (uint32_t)process->pid,
		.tid = tid,
		.kind = (uint8_t)kind,
		.fd = -1,
		.name = name,
		.socket = socket,
		.enter_ns = tracer->now_ns,
		.timeout_ns = -1,
	};

	if (tracer->call_count >= LIMIT_CALLS) {
		tracer->calls_dropped++;
		return call;
	}
	call.call = ++tracer->call_count;
	*feed_call(tracer->feed, &call) = tracer->now_ns;
	return call;
}
