/* What a call moved, as a number.
 *
 * A datagram has no place in a stream.  Where the kernel dropped some, where several
 * threads receive on one socket or several sockets have one port, only its content tells
 * which one a call got.  It is read when the call has returned: what was received is
 * there, and what was sent is still there, unless another thread is already writing. */
#include "trace/content.h"

#include <sys/socket.h>
#include <sys/uio.h>

#include "base/content.h"
#include "base/limits.h"
#include "trace/remote.h"

enum { PARTS = 64 }; /* of one message */

static bool keeps_messages(uint8_t kind)
{
	return kind == SONDE_SOCKET_UNIX_DATAGRAM || kind == SONDE_SOCKET_UNIX_SEQPACKET;
}

void content_sends(struct tracer *tracer, const struct sonde_call *call)
{
	struct traced_socket *socket = socket_of(tracer, call->socket);

	if (socket->sender && socket->sender != (pid_t)call->tid)
		socket->has_senders = true;
	socket->sender = (pid_t)call->tid;
}

bool content_matters(struct tracer *tracer, const struct sonde_call *call)
{
	const struct traced_socket *socket;

	if (!call->socket || !call->call || call->result < 0)
		return false;
	socket = socket_of(tracer, call->socket);
	if (call->kind == SONDE_CALL_RECEIVE)
		return socket->seen.kind == SONDE_SOCKET_UDP ||
		       keeps_messages(socket->seen.kind);
	if (call->kind != SONDE_CALL_SEND || call->datagrams)
		return false;
	return keeps_messages(socket->seen.kind) ||
	       (socket->seen.kind == SONDE_SOCKET_UDP && socket->has_senders);
}

static uint64_t read_parts(pid_t tid, const struct iovec *parts, size_t count, size_t n)
{
	static uint8_t bytes[LIMIT_DATAGRAM];
	struct iovec local = {.iov_base = bytes, .iov_len = n};

	if (n > sizeof(bytes))
		return 0;
	if (n && process_vm_readv(tid, &local, 1, parts, count, 0) != (ssize_t)n)
		return 0;
	return content_hash(bytes, n);
}

/* The first n bytes of a vector; is_whole: only if it had room for more. */
static uint64_t read_vector(pid_t tid, uint64_t address, uint64_t count, size_t n,
			    bool is_whole)
{
	struct iovec parts[PARTS];
	size_t room = 0;

	if (count > PARTS ||
	    remote_read(tid, address, parts, (size_t)count * sizeof(parts[0])) < 0)
		return 0;
	for (size_t i = 0; i < count; i++) {
		/* remote_read() filled them.
		 * NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
		room += parts[i].iov_len;
	}
	if (n > room || (is_whole && n == room))
		return 0;
	return read_parts(tid, parts, (size_t)count, n);
}

static uint64_t read_message(pid_t tid, const struct msghdr *message, size_t n,
			     bool is_whole)
{
	return read_vector(tid, (uint64_t)(uintptr_t)message->msg_iov,
			   message->msg_iovlen, n, is_whole);
}

uint64_t content_read(const struct task *task, const struct syscall *syscall)
{
	const struct sonde_call *call = &task->call;
	size_t n = (size_t)call->result;
	struct mmsghdr messages;
	struct iovec part;

	switch (syscall->shape) {
	case SHAPE_SENDTO:
	case SHAPE_RECVFROM:
	case SHAPE_WRITE:
	case SHAPE_READ:
		/* MSG_TRUNC returns more than there was room for. */
		if (n > call->length)
			return 0;
		part.iov_base = (void *)(uintptr_t)call->buffer;
		part.iov_len = n;
		return read_parts(task->tid, &part, 1, n);
	case SHAPE_WRITEV:
	case SHAPE_READV:
		return read_vector(task->tid, task->arguments[1], task->arguments[2], n,
				   false);
	case SHAPE_SENDMSG:
	case SHAPE_RECVMSG:
		if (remote_read(task->tid, task->arguments[1], &messages.msg_hdr,
				sizeof(messages.msg_hdr)) < 0)
			return 0;
		return read_message(task->tid, &messages.msg_hdr, n, false);
	case SHAPE_RECVMMSG:
		/* Its length is nowhere kept: one that may have been cut would fit none. */
		if (remote_read(task->tid, task->arguments[1], &messages,
				sizeof(messages)) < 0)
			return 0;
		return read_message(task->tid, &messages.msg_hdr, messages.msg_len, true);
	default:
		return 0;
	}
}
