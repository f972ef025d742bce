/* The sockets of a listener: every address of its name, one port number. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "io/resolve.h"
#include "talk/listener.h"
#include "talk/taken.h"
#include "talk/unix_path.h"

enum { BACKLOG = 4096, PORT_TRIES = 32 };

/* ---- IP */

static int explain(const struct sonde_address *address, enum sock_transport transport,
		   int error, struct sonde_error *err)
{
	char subject[SOCK_SUBJECT_CHARS];

	sock_format_subject(address, transport, subject);
	switch (-error) {
	case EADDRINUSE:
		return taken_explain("listen", address, transport,
				     "take another one; port 0 lets the kernel choose",
				     err);
	case EACCES:
		sonde_error_set(err, SONDE_ERROR_PERMISSION, error, "listen", subject,
				"ports under 1024 need the capability "
				"CAP_NET_BIND_SERVICE (EACCES)");
		sonde_error_hint(err, "take a port from 1024 on, or run as root");
		return error;
	case EADDRNOTAVAIL:
		sonde_error_set(err, SONDE_ERROR_USAGE, error, "listen", subject,
				"no interface of this machine has this address "
				"(EADDRNOTAVAIL)");
		sonde_error_hint(err, "`ip address` lists those that it has; * is all of "
				      "them");
		return error;
	default:
		return sonde_error_set(err, sonde_error_kind_of(-error), error, "listen",
				       subject, NULL);
	}
}

static void close_all(struct sonde_listener *listener)
{
	while (listener->socket_count > 0)
		close(listener->sockets[--listener->socket_count].fd);
}

static int bind_all(struct sonde_listener *listener,
		    const struct sonde_address *addresses, int count, uint16_t port,
		    struct sonde_error *err)
{
	enum sock_transport transport =
		listener->options.transport == SONDE_TRANSPORT_UDP ? SOCK_UDP : SOCK_TCP;
	int last = -EAFNOSUPPORT;

	for (int i = 0; i < count; i++) {
		struct listening *it = &listener->sockets[listener->socket_count];
		struct sonde_address address = addresses[i];
		int fd;

		address.port = port;
		fd = sock_listen(&address, transport, BACKLOG);
		/* A machine without IPv6 is none without a listener. */
		if ((fd == -EAFNOSUPPORT || fd == -EADDRNOTAVAIL) && count > 1) {
			last = explain(&address, transport, fd, err);
			continue;
		}
		if (fd < 0)
			return explain(&address, transport, fd, err);
		*it = (struct listening){.listener = listener, .fd = fd, .slot = -1};
		sock_local_address(fd, &it->address);
		port = it->address.port;
		listener->socket_count++;
	}
	return listener->socket_count ? 0 : last;
}

static int bind_ip(struct sonde_listener *listener, struct sonde_error *err)
{
	const char *text = listener->options.address;
	struct sonde_address addresses[LIMIT_ADDRESSES];
	struct resolve_endpoint endpoint;
	enum sonde_family family = listener->options.family;
	int r, count, kept = 0;

	r = strchr(text, ':') ? resolve_parse(text, &endpoint, err)
			      : resolve_parse_pair("", text, &endpoint, err);
	if (r < 0)
		return r;
	count = resolve_lookup(&endpoint, addresses, LIMIT_ADDRESSES, err);
	if (count < 0)
		return count;
	for (int i = 0; i < count; i++)
		if (family == SONDE_FAMILY_NONE || addresses[i].family == family)
			addresses[kept++] = addresses[i];
	if (kept == 0)
		return sonde_error_set(err, SONDE_ERROR_USAGE, -EAFNOSUPPORT, "listen",
				       text, "it has no address of that family");
	r = bind_all(listener, addresses, kept, endpoint.port, err);
	for (int i = 0; i < PORT_TRIES && r == -EADDRINUSE && endpoint.port == 0; i++) {
		close_all(listener);
		r = bind_all(listener, addresses, kept, 0, err);
	}
	if (r < 0)
		close_all(listener);
	return r;
}

/* ---- Unix */

/* A file that is left from a listener which is gone: no socket stands behind it.  A socket
 * of another type is refused for that reason only where there is one, and the one who
 * listens does not notice. */
static bool is_stale(const struct sockaddr_un *address, socklen_t length, int type)
{
	int other = type == SOCK_STREAM ? SOCK_DGRAM : SOCK_STREAM;
	int fd = socket(AF_UNIX, other | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat status;
	bool refused;

	if (fd < 0)
		return false;
	refused = connect(fd, (const struct sockaddr *)address, length) < 0 &&
		  errno == ECONNREFUSED;
	close(fd);
	return refused && stat(address->sun_path, &status) == 0 &&
	       S_ISSOCK(status.st_mode);
}

static int bind_path(struct sonde_listener *listener, int fd, int type,
		     const struct sockaddr_un *address, socklen_t length,
		     struct sonde_error *err)
{
	const char *text = listener->options.address;
	int r = bind(fd, (const struct sockaddr *)address, length) < 0 ? -errno : 0;

	if (r == -EADDRINUSE && text[0] != '@' && is_stale(address, length, type)) {
		listener_note(listener,
			      "%s was left from a listener that is gone: replaced", text);
		unlink(address->sun_path);
		r = bind(fd, (const struct sockaddr *)address, length) < 0 ? -errno : 0;
	}
	if (r == -EADDRINUSE) {
		sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "listen", text,
				text[0] == '@' ? "another program has this name"
					       : "something is there already");
		sonde_error_hint(err, "take another name, or end who has it: ss -xlp");
		return r;
	}
	if (r < 0) {
		sonde_error_set(err, sonde_error_kind_of(-r), r, "listen", text, NULL);
		if (r == -ENOENT)
			sonde_error_hint(err, "the folder for it is not there: make it, "
					      "or take another path");
		return r;
	}
	if (text[0] != '@')
		snprintf(listener->path, sizeof(listener->path), "%s", text);
	return 0;
}

static int bind_unix(struct sonde_listener *listener, struct sonde_error *err)
{
	int type = listener->options.transport == SONDE_TRANSPORT_UNIX ? SOCK_STREAM
								       : SOCK_DGRAM;
	struct sockaddr_un address;
	socklen_t length;
	int fd, r = unix_path_parse(listener->options.address, &address, &length, err);

	if (r < 0)
		return r;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -errno, "listen",
				       listener->options.address, NULL);
	r = bind_path(listener, fd, type, &address, length, err);
	if (r == 0 && type == SOCK_STREAM && listen(fd, BACKLOG) < 0)
		r = sonde_error_set(err, SONDE_ERROR_TROUBLE, -errno, "listen",
				    listener->options.address, NULL);
	if (r < 0) {
		close(fd);
		return r;
	}
	listener->sockets[0] =
		(struct listening){.listener = listener, .fd = fd, .slot = -1};
	listener->socket_count = 1;
	return 0;
}

int listen_bind(struct sonde_listener *listener, struct sonde_error *err)
{
	switch (listener->options.transport) {
	case SONDE_TRANSPORT_UNIX:
	case SONDE_TRANSPORT_UNIX_DATAGRAM:
		return bind_unix(listener, err);
	default:
		return bind_ip(listener, err);
	}
}
