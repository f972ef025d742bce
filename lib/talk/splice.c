/* Moved by the kernel: straight, or through the pipe that all share. */
#include "talk/splice.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "talk/outlet.h"

ssize_t splice_straight(int from_fd, int to_fd, size_t n)
{
	ssize_t moved;

	do {
		moved = splice(from_fd, NULL, to_fd, NULL, n,
			       SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	} while (moved < 0 && errno == EINTR);
	return moved < 0 ? -errno : moved;
}

static bool is_open(struct splice_pipe *pipe)
{
	if (pipe->fds[1] > 0)
		return true;
	if (pipe->is_absent || pipe2(pipe->fds, O_CLOEXEC | O_NONBLOCK) < 0) {
		pipe->is_absent = true;
		return false;
	}
	outlet_widen(pipe->fds[1]);
	return true;
}

void splice_pipe_done(struct splice_pipe *pipe)
{
	if (pipe->fds[1] > 0) {
		close(pipe->fds[0]);
		close(pipe->fds[1]);
	}
	*pipe = (struct splice_pipe){0};
}

/* It has at least n bytes. */
static void take_rest(struct splice_pipe *pipe, uint8_t *rest, size_t n)
{
	for (size_t at = 0; at < n;) {
		ssize_t got = read(pipe->fds[0], rest + at, n - at);

		if (got > 0)
			at += (size_t)got;
		else if (got == 0 || errno != EINTR)
			break;
	}
}

bool splice_once(struct splice_pipe *pipe, int from_fd, int to_fd, uint8_t *rest,
		 size_t n, struct splice_result *ret)
{
	ssize_t got, moved = 0;

	if (!is_open(pipe))
		return false;
	*ret = (struct splice_result){0};
	got = splice_straight(from_fd, pipe->fds[1], n);
	ret->has_ended = got == 0;
	ret->from_error = got < 0 ? (int)got : 0;
	if (got <= 0)
		return true;
	ret->left = (size_t)got;
	while (ret->left > 0) {
		moved = splice_straight(pipe->fds[0], to_fd, ret->left);
		if (moved <= 0)
			break;
		ret->moved += (size_t)moved;
		ret->left -= (size_t)moved;
	}
	ret->to_error = moved < 0 ? (int)moved : 0;
	take_rest(pipe, rest, ret->left);
	return true;
}
