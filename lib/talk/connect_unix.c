/* The way to a Unix socket: a stream or datagrams, by a path or an abstract name. */
#include "talk/session.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "talk/unix_path.h"

#define LOOK_UP_NS (NS_PER_S / 4)

int connect_explain_unix(const char *operation, const char *subject, bool is_datagram,
			 int error, struct sonde_error *err)
{
	if (error == -EINTR)
		return sonde_error_set(err, SONDE_ERROR_NETWORK, error, operation,
				       subject, "told to end meanwhile");
	sonde_error_set(err, sonde_error_kind_of(-error), error, operation, subject,
			NULL);
	switch (-error) {
	case ENOENT:
		err->kind = SONDE_ERROR_NETWORK;
		sonde_error_hint(err, "no such file: the server makes it when it "
				      "starts");
		break;
	case ENOTSOCK:
		err->kind = SONDE_ERROR_NETWORK;
		break;
	case ECONNREFUSED:
		if (subject[0] == '@')
			sonde_error_hint(err, "nobody listens at this abstract name");
		else
			sonde_error_hint(err, "it is no socket, or its server has ended "
					      "and left the file behind");
		break;
	case EPROTOTYPE:
		err->kind = SONDE_ERROR_USAGE;
		sonde_error_hint(err, "%s",
				 is_datagram ? "it is a stream socket: leave --udp out"
					     : "it is a datagram socket: add --udp");
		break;
	default:
		break;
	}
	return error;
}

static int fail_unix(const struct sonde_session *session, int error,
		     struct sonde_error *err)
{
	char subject[SESSION_SUBJECT_CHARS];

	session_format_subject(session, subject);
	return connect_explain_unix("connect", subject, session_is_datagram(session),
				    error, err);
}

/* A datagram socket without a name gets no answers: the kernel gives it an abstract one.
 */
static int bind_unix(struct sonde_session *session, const struct sonde_target *target,
		     int fd, struct sonde_error *err)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	socklen_t length = sizeof(address.sun_family);
	char subject[SESSION_SUBJECT_CHARS];

	if (!target->bind && !session_is_datagram(session))
		return 0;
	if (target->bind) {
		int r = unix_path_parse(target->bind, &address, &length, err);
		if (r < 0)
			return r;
	}
	if (bind(fd, (const struct sockaddr *)&address, length) < 0) {
		int error = -errno;
		sonde_transport_format(session->transport,
				       target->bind ? target->bind : "a name", subject,
				       sizeof(subject));
		sonde_error_set(err, sonde_error_kind_of(-error), error, "bind", subject,
				NULL);
		if (error == -EADDRINUSE)
			sonde_error_hint(err, "the file is there already: remove it if "
					      "its program has ended");
		return error;
	}
	if (target->bind && target->bind[0] != '@')
		snprintf(session->bound_path, sizeof(session->bound_path), "%s",
			 target->bind);
	return 0;
}

/* Where the backlog of the server is full, connect() waits: poll() could not tell.  So the
 * socket blocks meanwhile, for as long as there is time, and looks up now and then. */
static int connect_within(int fd, const struct sockaddr_un *address, socklen_t length,
			  int also_fd, int64_t timeout_ns)
{
	int64_t until_ns = timeout_ns > 0
				   ? clock_after_ns(clock_monotonic_ns(), timeout_ns)
				   : SOCK_NEVER;
	struct pollfd also = {.fd = also_fd, .events = POLLIN};
	int r;

	do {
		int64_t left_ns = until_ns - clock_monotonic_ns();
		if (left_ns <= 0)
			return -ETIMEDOUT;
		if (also_fd >= 0 && poll(&also, 1, 0) > 0)
			return -EINTR;
		if (also_fd >= 0 && left_ns > LOOK_UP_NS)
			left_ns = LOOK_UP_NS;
		struct timeval limit = {0}; /* never */
		if (left_ns < SOCK_NEVER / 2) {
			limit.tv_sec = left_ns / NS_PER_S;
			limit.tv_usec = left_ns % NS_PER_S / NS_PER_US;
		}
		if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
			return -errno;
		r = connect(fd, (const struct sockaddr *)address, length) < 0 ? -errno
									      : 0;
	} while (r == -EAGAIN || r == -EINTR);
	if (r < 0)
		return r;
	if (fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		return -errno;
	return 0;
}

int connect_unix(struct sonde_session *session, const struct sonde_target *target,
		 struct sonde_error *err)
{
	struct sonde_session_event connecting = {.kind = SONDE_SESSION_CONNECTING};
	struct sockaddr_un address, own;
	socklen_t length, own_length = sizeof(own);
	int type = session_is_datagram(session) ? SOCK_DGRAM : SOCK_STREAM;

	int r = unix_path_parse(target->host, &address, &length, err);
	if (r < 0)
		return r;
	unix_path_format(&address, length, session->peer, sizeof(session->peer));
	session->local[0] = '\0';
	session->gave_address = target->bind != NULL;
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	if (fd < 0) {
		r = fail_unix(session, -errno, err);
		connect_tell_failed(session, err->reason, 0);
		return r;
	}
	r = bind_unix(session, target, fd, err);
	if (r < 0)
		goto out;
	session_tell(session, &connecting);
	r = connect_within(fd, &address, length, session->also_fd, target->timeout_ns);
	if (r == -ETIMEDOUT)
		connect_fail_timeout("connect", session->peer, target->timeout_ns, err);
	else if (r < 0)
		fail_unix(session, r, err);
	if (r == 0 && getsockname(fd, (struct sockaddr *)&own, &own_length) == 0)
		unix_path_format(&own, own_length, session->local,
				 sizeof(session->local));
out:
	if (r < 0) {
		connect_tell_failed(session, err->reason, 0);
		if (session->bound_path[0])
			unlink(session->bound_path);
		session->bound_path[0] = '\0';
		close(fd);
	}
	return r < 0 ? r : fd;
}
