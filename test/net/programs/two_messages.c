/* recvmmsg brings a descriptor with its second message, under a number that was no socket
 * when it was used before. */
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union control {
	struct cmsghdr header;
	char bytes[CMSG_SPACE(sizeof(int))];
};

static int send_one(int to, int fd)
{
	char byte = 'x';
	struct iovec vector = {&byte, 1};
	struct msghdr message = {.msg_iov = &vector, .msg_iovlen = 1};
	union control control = {.header = {.cmsg_level = SOL_SOCKET,
					    .cmsg_type = SCM_RIGHTS,
					    .cmsg_len = CMSG_LEN(sizeof(int))}};

	if (fd >= 0) {
		memcpy(CMSG_DATA(&control.header), &fd, sizeof(fd));
		message.msg_control = &control;
		message.msg_controllen = sizeof(control);
	}
	return sendmsg(to, &message, 0) == 1;
}

int main(void)
{
	char bytes[2];
	struct iovec vectors[2] = {{bytes, 1}, {bytes + 1, 1}};
	union control control;
	struct mmsghdr messages[2] = {
		{.msg_hdr = {.msg_iov = &vectors[0], .msg_iovlen = 1}},
		{.msg_hdr = {.msg_iov = &vectors[1],
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control)}},
	};
	int queue[2], pair[2], plain, fd;

	if (socketpair(AF_UNIX, SOCK_DGRAM, 0, queue) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0)
		return 1;
	plain = dup(STDOUT_FILENO);
	if (write(plain, "", 0) != 0 || close(plain) < 0)
		return 1;
	if (!send_one(queue[0], -1) || !send_one(queue[0], pair[0]) ||
	    recvmmsg(queue[1], messages, 2, 0, NULL) != 2)
		return 1;
	memcpy(&fd, CMSG_DATA(&control.header), sizeof(fd));
	return fd == plain && write(fd, "hello", 5) == 5 ? 0 : 1;
}
