/* The least time in which this machine can connect to all ports of a host; it knows nothing
 * of what it measures.
 *
 *	connect_floor HOST THREADS KEPT
 *
 * Each thread has IN_FLIGHT sockets that do not block.  It connects them all, to the next
 * ports, and asks in turn what has become of each: another connect() says so, and after a
 * refusal the socket serves for the next port (KEPT 1), or is closed and a new one made
 * (KEPT 0).  What is open is reset.  It fails where a port neither accepts nor refuses.
 *
 * What it leaves out: options of the sockets, the error queue (whose ICMP message a refusal
 * was), epoll and a time for those that stay silent, an order, a state of each port, a
 * result. */
#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

enum { PORTS = 65535, IN_FLIGHT = 16 };

struct flight {
	int fd;
	bool is_pending;
	struct sockaddr_in to;
};

static uint32_t next = 1; /* atomic */
static bool is_kept;
static struct in_addr host;

static void begin(struct flight *flight, uint32_t port)
{
	flight->to = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr = host,
	};
	if (flight->fd < 0)
		flight->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (flight->fd < 0)
		die("socket");
	flight->is_pending = true;
	if (connect(flight->fd, (const struct sockaddr *)&flight->to,
		    sizeof(flight->to)) < 0 &&
	    errno != EINPROGRESS)
		die("connect");
}

static void look(struct flight *flight)
{
	const struct linger reset = {.l_onoff = 1};
	int r = connect(flight->fd, (const struct sockaddr *)&flight->to,
			sizeof(flight->to));

	if (r < 0 && errno == EALREADY)
		return;
	if (r < 0 && errno != ECONNREFUSED && errno != EISCONN)
		die("connect");
	flight->is_pending = false;
	if (r < 0 && errno == ECONNREFUSED && is_kept)
		return;
	if (r == 0 || errno == EISCONN)
		setsockopt(flight->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	close(flight->fd);
	flight->fd = -1;
}

static void *run(void *argument)
{
	struct flight flights[IN_FLIGHT];
	bool is_over = false;
	unsigned pending;

	(void)argument;
	for (int i = 0; i < IN_FLIGHT; i++)
		flights[i] = (struct flight){.fd = -1};
	do {
		pending = 0;
		for (int i = 0; i < IN_FLIGHT && !is_over; i++) {
			uint32_t port;

			if (flights[i].is_pending)
				continue;
			port = __atomic_fetch_add(&next, 1, __ATOMIC_RELAXED);
			is_over = port > PORTS;
			if (!is_over)
				begin(&flights[i], port);
		}
		for (int i = 0; i < IN_FLIGHT; i++) {
			if (flights[i].is_pending)
				look(&flights[i]);
			pending += flights[i].is_pending;
		}
	} while (!is_over || pending);
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t thread;
	bool has_two;
	int64_t began_ns;

	if (argc != 4 || inet_pton(AF_INET, argv[1], &host) != 1) {
		fprintf(stderr, "connect_floor HOST THREADS KEPT\n");
		return 2;
	}
	has_two = atoi(argv[2]) == 2;
	is_kept = atoi(argv[3]) == 1;
	began_ns = now_ns();
	if (has_two && pthread_create(&thread, NULL, run, NULL) != 0)
		die("thread");
	run(NULL);
	if (has_two)
		pthread_join(thread, NULL);
	printf("seconds %.6f\n", (double)(now_ns() - began_ns) / 1e9);
	return 0;
}
