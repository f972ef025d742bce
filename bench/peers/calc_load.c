/* A closed loop of calculation requests: calc_load PORT CONNECTIONS SECONDS
 *
 * Each connection asks for a sum of two numbers, waits for the reply, checks it, asks
 * again.  A wrong reply, a lost connection or silence ends the program: a fast server
 * that is wrong is not measured.  The first tenth of the time warms up and does not
 * count.  Prints
 *
 *	requests_per_s 123456.7
 *	p50_us 80
 *	p99_us 120 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum {
	REQUEST_BYTES = 18,
	REPLY_BYTES = 8,
	CONNECTIONS_MAX = 4096,
	BUCKETS = 1 << 20, /* of a microsecond each; what is longer counts as the last */
	EVENTS = 256,
	SILENCE_MS = 10000,
};

struct connection {
	int fd;
	uint32_t id;
	uint32_t numbers[2];
	uint8_t reply[REPLY_BYTES];
	size_t replied;
	int64_t asked_ns;
};

static struct connection connections[CONNECTIONS_MAX];
static uint32_t histogram[BUCKETS];
static uint64_t counted;

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void fail(const char *what)
{
	fprintf(stderr, "calc_load: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void ask(struct connection *connection)
{
	uint8_t request[REQUEST_BYTES];

	connection->id++;
	connection->numbers[0] = connection->id * UINT32_C(2654435761) >> 8;
	connection->numbers[1] = connection->id & 0xffff;
	memcpy(request, &connection->id, 4);
	memcpy(request + 4, "Summe", 5);
	request[9] = 2;
	for (int i = 0; i < 2; i++) {
		uint32_t number = htole32(connection->numbers[i]);

		memcpy(request + 10 + 4 * i, &number, 4);
	}
	connection->replied = 0;
	connection->asked_ns = now_ns();
	if (send(connection->fd, request, sizeof(request), MSG_NOSIGNAL) !=
	    sizeof(request))
		fail("send");
}

static void check(const struct connection *connection)
{
	uint32_t result;

	memcpy(&result, connection->reply + 4, 4);
	if (memcmp(connection->reply, &connection->id, 4) != 0 ||
	    le32toh(result) != connection->numbers[0] + connection->numbers[1]) {
		errno = EBADMSG;
		fail("reply");
	}
}

static void count(int64_t took_ns)
{
	int64_t us = took_ns / 1000;

	histogram[us < BUCKETS ? us : BUCKETS - 1]++;
	counted++;
}

static unsigned percentile(double share)
{
	uint64_t wanted = (uint64_t)((double)counted * share), sum = 0;
	unsigned us = 0;

	for (; us < BUCKETS - 1; us++) {
		sum += histogram[us];
		if (sum > wanted)
			break;
	}
	return us;
}

static void open_all(int poller, uint16_t port, int n)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const int yes = 1;

	for (int i = 0; i < n; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)i};

		connections[i].fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
		if (connections[i].fd < 0)
			fail("socket");
		if (connect(connections[i].fd, (const struct sockaddr *)&to, sizeof(to)) <
		    0)
			fail("connect");
		setsockopt(connections[i].fd, IPPROTO_TCP, TCP_NODELAY, &yes,
			   sizeof(yes));
		if (epoll_ctl(poller, EPOLL_CTL_ADD, connections[i].fd, &event) < 0)
			fail("epoll_ctl");
		connections[i].id = (uint32_t)i << 20;
	}
}

/* Takes what has come for one connection; asks again after a whole reply. */
static void take(struct connection *connection, int64_t counts_from_ns)
{
	ssize_t got = recv(connection->fd, connection->reply + connection->replied,
			   REPLY_BYTES - connection->replied, 0);

	if (got <= 0) {
		errno = got == 0 ? ECONNRESET : errno;
		fail("receive");
	}
	connection->replied += (size_t)got;
	if (connection->replied < REPLY_BYTES)
		return;
	check(connection);
	if (connection->asked_ns >= counts_from_ns)
		count(now_ns() - connection->asked_ns);
	ask(connection);
}

int main(int argc, char **argv)
{
	struct epoll_event events[EVENTS];
	int64_t began_ns, counts_from_ns, ends_ns;
	int poller = epoll_create1(EPOLL_CLOEXEC);
	int n;

	if (argc != 4 || (n = atoi(argv[2])) < 1 || n > CONNECTIONS_MAX) {
		fprintf(stderr, "usage: calc_load PORT CONNECTIONS SECONDS\n");
		return 2;
	}
	if (poller < 0)
		fail("epoll_create1");
	open_all(poller, (uint16_t)atoi(argv[1]), n);
	began_ns = now_ns();
	ends_ns = began_ns + (int64_t)(atof(argv[3]) * 1e9);
	counts_from_ns = began_ns + (ends_ns - began_ns) / 10;
	for (int i = 0; i < n; i++)
		ask(&connections[i]);
	while (now_ns() < ends_ns) {
		int ready = epoll_wait(poller, events, EVENTS, SILENCE_MS);

		if (ready <= 0) {
			errno = ready == 0 ? ETIMEDOUT : errno;
			fail("wait");
		}
		for (int i = 0; i < ready; i++)
			take(&connections[events[i].data.u32], counts_from_ns);
	}
	printf("requests_per_s %.1f\n",
	       (double)counted * 1e9 / (double)(now_ns() - counts_from_ns));
	printf("p50_us %u\np99_us %u\n", percentile(0.50), percentile(0.99));
	return 0;
}
