/* Descriptors that travel in messages (SCM_RIGHTS): each counts as a reference of its own
 * from the send on, until it is received; a sender that closes its own does not end the
 * socket.  What is never received stays counted: then the end of that socket is not seen,
 * which is better than one that is not true. */
#include "trace/rights.h"

#include <string.h>
#include <sys/socket.h>

#include "trace/descriptor.h"
#include "trace/remote.h"

enum { CONTROL_BYTES = 4096, MESSAGES = 1024 }; /* room for SCM_MAX_FD; UIO_MAXIOV */

/* The descriptors that a message carries, as far as there is room for them. */
static uint32_t read_descriptors(pid_t tid, const struct msghdr *message,
				 int ret[LIMIT_RIGHTS])
{
	uint8_t bytes[CONTROL_BYTES];
	size_t n = message->msg_controllen, at = 0;
	uint32_t count = 0;

	if (n > sizeof(bytes))
		n = sizeof(bytes);
	if (remote_read(tid, (uint64_t)(uintptr_t)message->msg_control, bytes, n) < 0)
		return 0;
	while (n - at >= sizeof(struct cmsghdr)) {
		struct cmsghdr header;

		memcpy(&header, bytes + at, sizeof(header));
		if (header.cmsg_len < sizeof(header) || header.cmsg_len > n - at)
			break;
		if (header.cmsg_level == SOL_SOCKET && header.cmsg_type == SCM_RIGHTS) {
			for (size_t i = CMSG_LEN(0);
			     i + sizeof(int) <= header.cmsg_len && count < LIMIT_RIGHTS;
			     i += sizeof(int))
				memcpy(&ret[count++], bytes + at + i, sizeof(int));
		}
		if (CMSG_ALIGN(header.cmsg_len) > n - at)
			break;
		at += CMSG_ALIGN(header.cmsg_len);
	}
	return count;
}

static bool is_unix(struct tracer *tracer, const struct task *task)
{
	return socket_of(tracer, task->call.socket)->seen.family == SONDE_FAMILY_UNIX;
}

static void depart(struct tracer *tracer, struct task *task, const struct msghdr *message,
		   uint32_t at)
{
	int fds[LIMIT_RIGHTS];
	uint32_t count =
		message->msg_controllen ? read_descriptors(task->tid, message, fds) : 0;

	for (uint32_t i = 0; i < count && task->travel_count < LIMIT_RIGHTS; i++) {
		uint32_t socket = descriptor_socket(tracer, task->process, fds[i]);

		if (!socket)
			continue;
		socket_of(tracer, socket)->travelling++;
		task->travels[task->travel_count++] = (struct travel){
			.socket = socket,
			.message = at,
		};
	}
}

void rights_enter(struct tracer *tracer, struct task *task, const struct syscall *syscall,
		  const uint64_t arguments[6])
{
	struct mmsghdr message;
	bool is_one = syscall->shape == SHAPE_SENDMSG;
	uint32_t count = is_one ? 1 : (uint32_t)arguments[2];

	task->travel_count = 0;
	if (!is_unix(tracer, task))
		return;
	for (uint32_t at = 0; at < count && at < MESSAGES; at++) {
		if (remote_read(task->tid, arguments[1] + at * sizeof(message), &message,
				is_one ? sizeof(message.msg_hdr) : sizeof(message)) < 0)
			return;
		depart(tracer, task, &message.msg_hdr, at);
	}
}

void rights_sent(struct tracer *tracer, struct task *task, int64_t messages)
{
	for (uint32_t i = 0; i < task->travel_count; i++) {
		if (task->travels[i].message >= messages)
			descriptor_landed(tracer, task->travels[i].socket,
					  task->call.call);
	}
	task->travel_count = 0;
}

void rights_received(struct tracer *tracer, struct task *task,
		     const struct msghdr *message)
{
	int fds[LIMIT_RIGHTS];
	uint32_t count;

	if (!message->msg_controllen || !is_unix(tracer, task))
		return;
	count = read_descriptors(task->tid, message, fds);
	for (uint32_t i = 0; i < count; i++) {
		uint32_t socket = descriptor_arrived(tracer, task->process, fds[i]);

		/* A message that is only looked at gives copies, and stays. */
		if (socket && !(task->call.flags & SONDE_CALL_PEEK))
			descriptor_landed(tracer, socket, task->call.call);
	}
}
