/* One side of a cell of the matrix (trace_matrix.py), in C and in C++; cell.py is the same:
 *
 *	cell ROLE PROTO FAMILY MODE WAIT ORDER
 *
 *	ROLE	client, server
 *	PROTO	tcp, udp, connected (UDP whose client connects)
 *	FAMILY	4, 6
 *	MODE	blocking, nonblocking: it tries first, and waits if it has to
 *	WAIT	plain, rcvtimeo, poll, select, epoll; nonblocking and plain: tries again and again
 *	ORDER	waits: every call that can wait has to; ready: what it waits for is there;
 *		expires: the client waits in vain first
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "barrier.h"

enum { VAIN_MS = 60, LIMIT_MS = 20000 };

static struct way {
	int is_udp, is_connected, may_block, is_ready, expires;
	const char *wait;
} way;

static struct sockaddr_storage server_address;
static socklen_t server_size;

static void fail(const char *what)
{
	perror(what);
	_exit(8);
}

static int waits_by(const char *wait)
{
	return strcmp(way.wait, wait) == 0;
}

/* Whether something is waited with, before or after the call. */
static int waits_apart(void)
{
	return waits_by("poll") || waits_by("select") || waits_by("epoll");
}

static void set_timeout(int sock, int milliseconds)
{
	struct timeval limit = {milliseconds / 1000, milliseconds % 1000 * 1000};

	if (!waits_by("rcvtimeo"))
		return;
	if (setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) < 0 ||
	    setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		fail("setsockopt");
}

static void set_mode(int sock)
{
	set_timeout(sock, LIMIT_MS);
	if (!way.may_block && fcntl(sock, F_SETFL, O_NONBLOCK) < 0)
		fail("fcntl");
}

/* How many are ready. */
static int await(int sock, int is_out, int milliseconds)
{
	int count;

	if (waits_by("poll")) {
		struct pollfd entry = {sock, (short)(is_out ? POLLOUT : POLLIN), 0};
		count = poll(&entry, 1, milliseconds); /* wait */
	} else if (waits_by("select")) {
		struct timeval limit = {milliseconds / 1000, milliseconds % 1000 * 1000};
		fd_set set;
		FD_ZERO(&set);
		FD_SET(sock, &set);
		fd_set *in = is_out ? NULL : &set, *out = is_out ? &set : NULL;
		count = select(sock + 1, in, out, NULL, &limit); /* wait */
	} else {
		struct epoll_event event;
		int poller = epoll_create1(EPOLL_CLOEXEC);
		memset(&event, 0, sizeof(event));
		event.events = is_out ? EPOLLOUT : EPOLLIN;
		if (epoll_ctl(poller, EPOLL_CTL_ADD, sock, &event) < 0)
			fail("epoll_ctl");
		count = epoll_wait(poller, &event, 1, milliseconds); /* wait */
		close(poller);
	}
	return count;
}

/* Before a call that may wait. */
static void before(int sock, const char *name)
{
	if (!way.may_block)
		return;
	if (!way.is_ready)
		about_to_wait(name);
	if (waits_apart())
		await(sock, 0, LIMIT_MS);
}

/* After one that would have had to; whether to try again. */
static int again(int sock, const char *name)
{
	if (errno != EAGAIN || way.may_block)
		return 0;
	if (waits_apart()) {
		about_to_wait(name);
		await(sock, 0, LIMIT_MS);
	} else {
		about_to_retry(name);
		step();
	}
	return 1;
}

static ssize_t receive(int sock, const char *name, char *bytes, size_t size,
		       struct sockaddr_storage *from, socklen_t *from_size)
{
	struct sockaddr *address = (struct sockaddr *)from;
	ssize_t count;

	before(sock, name);
	do {
		count = recvfrom(sock, bytes, size, 0, address, from_size); /* receive */
	} while (count < 0 && again(sock, name));
	if (count < 0)
		fail(name);
	return count;
}

/* A wait that ends by its timeout. */
static void wait_in_vain(int sock)
{
	char byte;

	if (waits_apart()) {
		if (await(sock, 0, VAIN_MS) != 0)
			fail("not in vain");
		return;
	}
	set_timeout(sock, VAIN_MS);
	if (recv(sock, &byte, 1, 0) != -1 || errno != EAGAIN) /* vain */
		fail("not in vain");
	set_timeout(sock, LIMIT_MS);
}

static void connect_to_server(int sock)
{
	const struct sockaddr *server = (const struct sockaddr *)&server_address;
	int error = 0;
	socklen_t size = sizeof(error);

	while (connect(sock, server, server_size) < 0) { /* connect */
		if (errno != EINPROGRESS && errno != EALREADY)
			fail("connect");
		/* The answer comes within the call on this way: nothing could wait for it. */
		until_long_past();
		if (!waits_apart())
			continue;
		await(sock, 1, LIMIT_MS);
		if (getsockopt(sock, SOL_SOCKET, SO_ERROR, &error, &size) < 0 || error)
			fail("connect");
		break;
	}
}

static int accept_client(int sock)
{
	int conn;

	before(sock, "accept");
	do {
		conn = accept(sock, NULL, NULL); /* accept */
	} while (conn < 0 && again(sock, "accept"));
	if (conn < 0)
		fail("accept");
	set_mode(conn);
	return conn;
}

static void ask(int sock)
{
	const struct sockaddr *server = (const struct sockaddr *)&server_address;
	static const char request[] = "eighteen bytes ok!";
	int is_addressed = way.is_udp && !way.is_connected;
	char answer[1024];

	if (way.is_ready)
		until_reached("listening");
	else
		until_waiting(way.is_udp ? "request" : "accept");
	if (!is_addressed)
		connect_to_server(sock);
	if (way.is_ready)
		reached("connected");
	else
		until_waiting("request");
	if (is_addressed)
		sendto(sock, request, 18, 0, server, server_size); /* send */
	else
		send(sock, request, 18, 0); /* send */
	if (way.expires)
		wait_in_vain(sock);
	if (way.is_ready)
		until_readable(sock, 8);
	ssize_t count = receive(sock, "answer", answer, sizeof(answer), NULL, NULL);
	if (!way.is_udp && !way.is_ready)
		until_waiting("end");
	close(sock); /* close */
	/* With this program the trace ends. */
	until_reached("done");
	printf("%.*s\n", (int)count, answer);
}

static void answer(int sock)
{
	struct sockaddr_storage from;
	socklen_t from_size = sizeof(from);
	struct sockaddr *client = (struct sockaddr *)&from;
	char bytes[1024];

	if (way.is_ready)
		until_readable(sock, 18);
	ssize_t count = receive(sock, "request", bytes, sizeof(bytes), &from, &from_size);
	for (ssize_t i = 0; i < count; i++)
		bytes[i] = (char)toupper((unsigned char)bytes[i]);
	if (!way.is_ready)
		until_waiting("answer");
	if (way.is_udp)
		sendto(sock, bytes, 8, 0, client, from_size); /* reply */
	else
		send(sock, bytes, 8, 0); /* reply */
}

static void serve(int sock)
{
	char byte;

	if (bind(sock, (struct sockaddr *)&server_address, server_size) < 0 ||
	    (!way.is_udp && listen(sock, 5) < 0))
		fail("bind");
	if (way.is_ready)
		reached("listening");
	if (way.is_udp) {
		answer(sock);
		reached("done");
		return;
	}
	if (way.is_ready)
		until_reached("connected");
	int conn = accept_client(sock);
	answer(conn);
	if (way.is_ready)
		until_closed(conn);
	if (receive(conn, "end", &byte, 1, NULL, NULL) != 0)
		fail("end");
	close(conn); /* close */
	reached("done");
}

static void set_address(int is_v6)
{
	struct sockaddr_in *v4 = (struct sockaddr_in *)&server_address;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&server_address;

	if (is_v6) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(50000);
		v6->sin6_addr = in6addr_loopback;
	} else {
		v4->sin_family = AF_INET;
		v4->sin_port = htons(50000);
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	}
	server_size = is_v6 ? sizeof(*v6) : sizeof(*v4);
}

int main(int argc, char **argv)
{
	int one = 1;

	if (argc != 7)
		return 2;
	way.is_udp = strcmp(argv[2], "tcp") != 0;
	way.is_connected = strcmp(argv[2], "connected") == 0;
	set_address(strcmp(argv[3], "6") == 0);
	way.may_block = strcmp(argv[4], "blocking") == 0;
	way.wait = argv[5];
	way.is_ready = strcmp(argv[6], "ready") == 0;
	way.expires = strcmp(argv[6], "expires") == 0;

	int sock = socket(server_address.ss_family, way.is_udp ? SOCK_DGRAM : SOCK_STREAM,
			  0);
	setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	set_mode(sock);
	if (strcmp(argv[1], "client") == 0)
		ask(sock);
	else
		serve(sock);
	return 0;
}
