/* System calls of traced threads: what the result says. */
#include "trace/call.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#include "trace/content.h"
#include "trace/descriptor.h"
#include "trace/in_use.h"
#include "trace/pipe.h"
#include "trace/remote.h"
#include "trace/rights.h"
#include "trace/wait.h"

enum { RESTART_BLOCK = 516, MESSAGES = 64 }; /* ERESTART_RESTARTBLOCK */

static void return_address(struct task *task)
{
	uint32_t length;

	if (task->arguments[4] && task->arguments[5] &&
	    remote_read(task->tid, task->arguments[5], &length, sizeof(length)) == 0)
		remote_read_address(task->tid, task->arguments[4], length,
				    &task->call.address);
}

static void return_address_of(struct task *task, const struct msghdr *message)
{
	if (task->call.kind == SONDE_CALL_RECEIVE)
		remote_read_address(task->tid, (uint64_t)(uintptr_t)message->msg_name,
				    message->msg_namelen, &task->call.address);
}

static void return_message(struct tracer *tracer, struct task *task)
{
	struct msghdr message;

	if (remote_read(task->tid, task->arguments[1], &message, sizeof(message)) < 0)
		return;
	return_address_of(task, &message);
	rights_received(tracer, task, &message);
}

/* sendmmsg and recvmmsg return messages; what joins streams is bytes.  The first message
 * stands for the addresses. */
static int64_t return_messages(struct tracer *tracer, struct task *task, int64_t result)
{
	struct mmsghdr messages[MESSAGES];
	int64_t bytes = 0;

	for (int64_t at = 0; at < result; at += MESSAGES) {
		int64_t n = result - at < MESSAGES ? result - at : MESSAGES;

		if (remote_read(task->tid,
				task->arguments[1] + (uint64_t)at * sizeof(messages[0]),
				messages, (size_t)n * sizeof(messages[0])) < 0)
			break;
		if (at == 0)
			return_address_of(task, &messages[0].msg_hdr);
		for (int64_t i = 0; i < n; i++) {
			bytes += messages[i].msg_len;
			if (task->call.kind == SONDE_CALL_RECEIVE)
				rights_received(tracer, task, &messages[i].msg_hdr);
		}
	}
	task->call.datagrams = (uint16_t)result;
	return bytes;
}

static void returned_descriptor(struct tracer *tracer, struct task *task,
				const struct syscall *syscall, int fd)
{
	struct process *process = task->process;
	int pair[2];

	switch (syscall->shape) {
	case SHAPE_SOCKET:
		task->call.fd = fd;
		task->call.new_socket = descriptor_opened(tracer, process, fd, 0);
		task->call.socket = task->call.new_socket;
		break;
	case SHAPE_SOCKETPAIR:
		if (remote_read(task->tid, task->arguments[3], pair, sizeof(pair)) < 0)
			break;
		task->call.fd = pair[0];
		task->call.new_socket = descriptor_opened(tracer, process, pair[0], 0);
		task->call.socket = task->call.new_socket;
		pipe_link(tracer, task->call.new_socket,
			  descriptor_opened(tracer, process, pair[1], 0));
		break;
	case SHAPE_PIPE:
		if (remote_read(task->tid, task->arguments[0], pair, sizeof(pair)) < 0)
			break;
		task->call.fd = pair[0];
		tracer->makes_pipe = true;
		task->call.new_socket = descriptor_opened(tracer, process, pair[0], 0);
		task->call.socket = task->call.new_socket;
		descriptor_opened(tracer, process, pair[1], 0);
		tracer->makes_pipe = false;
		break;
	case SHAPE_ACCEPT:
	case SHAPE_ACCEPT4:
		task->call.new_socket =
			descriptor_opened(tracer, process, fd, task->call.call);
		if (task->call.new_socket)
			task->call.address =
				socket_of(tracer, task->call.new_socket)->seen.peer;
		break;
	case SHAPE_EPOLL_CREATE:
		descriptor_opened_epoll(tracer, process, fd);
		break;
	case SHAPE_PIDFD_GETFD:
		descriptor_forget(process, fd);
		break;
	default: /* dup and its kin */
		if (fd == (int)task->arguments[0])
			break; /* dup2 of a number to itself */
		descriptor_closed(tracer, process, fd, task->call.call);
		call_flag_last_reference(tracer, &task->call);
		descriptor_copied(tracer, process, (int)task->arguments[0], fd);
		if (task->call.kind == SONDE_CALL_SOCKET)
			task->call.new_socket = task->call.socket;
		break;
	}
}

static void returned_control(struct tracer *tracer, struct task *task,
			     const struct syscall *syscall)
{
	struct traced_socket *socket = socket_of(tracer, task->call.socket);

	if (syscall->shape == SHAPE_FCNTL)
		socket->is_nonblocking = (task->call.how & O_NONBLOCK) != 0;
	else if (syscall->shape == SHAPE_IOCTL)
		socket->is_nonblocking = task->call.how != 0;
	else if (syscall->shape == SHAPE_EPOLL_CTL)
		wait_epoll_changed(tracer, task->process, task->tid, task->arguments);
	else if (syscall->shape == SHAPE_SETSOCKOPT &&
		 task->arguments[1] == IPPROTO_TCP &&
		 task->arguments[2] == TCP_DEFER_ACCEPT)
		descriptor_refresh(tracer, task->process, task->call.fd, false);
}

/* After these the socket may have addresses that it had not.  Packets may come for them
 * at once: then they must be known outside before the program goes on. */
static void refresh_socket(struct tracer *tracer, struct task *task)
{
	const struct sonde_socket *seen = &socket_of(tracer, task->call.socket)->seen;

	switch (task->call.kind) {
	case SONDE_CALL_BIND:
	case SONDE_CALL_LISTEN:
		descriptor_refresh(tracer, task->process, task->call.fd, false);
		tracer->must_flush = true;
		break;
	case SONDE_CALL_CONNECT:
		/* One that succeeds may also have dissolved the association. */
		descriptor_refresh(tracer, task->process, task->call.fd,
				   task->call.result == 0);
		tracer->must_flush = true;
		break;
	case SONDE_CALL_SEND:
		if (seen->local.port ||
		    (seen->kind != SONDE_SOCKET_UDP && seen->kind != SONDE_SOCKET_TCP))
			break;
		descriptor_refresh(tracer, task->process, task->call.fd, false);
		tracer->must_flush = true;
		break;
	default:
		break;
	}
}

static bool makes_descriptor(const struct syscall *syscall, const struct task *task)
{
	switch (syscall->shape) {
	case SHAPE_SOCKET:
	case SHAPE_SOCKETPAIR:
	case SHAPE_PIPE:
	case SHAPE_ACCEPT:
	case SHAPE_ACCEPT4:
	case SHAPE_EPOLL_CREATE:
	case SHAPE_PIDFD_GETFD:
	case SHAPE_DUP:
	case SHAPE_DUP2:
	case SHAPE_DUP3:
		return true;
	case SHAPE_FCNTL:
		return (int)task->arguments[1] != F_SETFL;
	default:
		return false;
	}
}

void call_return(struct tracer *tracer, struct task *task, int64_t result)
{
	const struct syscall *syscall = task->syscall;
	struct sonde_call *call = &task->call;

	task->syscall = NULL;
	task->interrupted = NULL;
	if (result == -RESTART_BLOCK) {
		task->interrupted = syscall;
		task->interrupted_at = task->entered;
		memcpy(task->interrupted_arguments, task->arguments,
		       sizeof(task->interrupted_arguments));
	}
	call->exit_ns = tracer->now_ns;
	call->flags |= sleep_return(&task->sleep);
	if (task->travel_count)
		rights_sent(tracer, task,
			    syscall->shape == SHAPE_SENDMSG && result >= 0 ? 1 : result);
	if (result >= 0) {
		if (makes_descriptor(syscall, task))
			returned_descriptor(tracer, task, syscall, (int)result);
		else if (call->kind == SONDE_CALL_OPTION && call->socket)
			returned_control(tracer, task, syscall);
		else if (syscall->shape == SHAPE_RECVFROM)
			return_address(task);
		else if (syscall->shape == SHAPE_RECVMSG)
			return_message(tracer, task);
		else if (syscall->shape == SHAPE_SENDMMSG ||
			 syscall->shape == SHAPE_RECVMMSG)
			result = return_messages(tracer, task, result);
		else if (call->kind == SONDE_CALL_WAIT)
			wait_return(tracer, task, syscall, result);
	}
	if (call->kind == SONDE_CALL_CLOSE)
		descriptor_freed(task->process, syscall, task->arguments);
	call->result = result;
	if (result == -EADDRINUSE && call->socket && call->call &&
	    (call->kind == SONDE_CALL_BIND || call->kind == SONDE_CALL_LISTEN))
		in_use_note(tracer, task, syscall);
	if (result == -ECONNREFUSED && call->socket && call->call &&
	    call->kind == SONDE_CALL_CONNECT)
		in_use_note_refused(tracer, task, syscall);
	if (content_matters(tracer, call))
		call->content_hash = content_read(task, syscall);
	/* Also after a failure: a connect that was refused had a local port. */
	if (call->socket)
		refresh_socket(tracer, task);
	if (call->call)
		feed_return(tracer->feed, call);
	if (tracer->must_flush)
		feed_flush(tracer->feed);
	tracer->must_flush = false;
}
