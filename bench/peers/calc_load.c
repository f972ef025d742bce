/* Requests over many connections, one under way in each, as lean as a program of sockets can:
 *
 *	calc_load PORT CONNECTIONS SECONDS
 *
 * A level-triggered epoll loop that takes up to 512 connections at once, reads an answer,
 * and sends the next request to the same one: the kind of load that the targets beside
 * threads were set with.  It has no plan, no timers and no histogram.  (`sonde calc --bench`
 * has; beside it servers of threads come off better, by a sixth.)
 *
 * Each answer is compared.  Prints the requests "per_second" and "in_all", those before it
 * measured too; how much of a processor the load "used" (per cent); and "p50" and "p99"
 * (ns). */
#include <stdbool.h>
#include <sys/epoll.h>

#include "calc.h"

enum {
	CONNECTIONS_MOST = 15000,
	EVENTS = 512,
	REQUEST = 18,
	ANSWER = 8,
	WARM_MS = 300,
	SILENCE_MS = 2000,
};

struct connection {
	int fd;
	size_t taken; /* of the answer */
	uint8_t answer[ANSWER];
	int64_t sent_ns;
};

/* The sum of 5 and 6, in this machine's byte order as the servers have it. */
static const uint8_t request[REQUEST + 1] = "\1\0\0\0Summe\2\5\0\0\0\6\0\0\0";
static const uint8_t wanted[ANSWER] = {1, 0, 0, 0, 11};
static struct connection connections[CONNECTIONS_MOST];
static int64_t *took_ns;
static size_t took_room, answered, in_all;
static bool counts;

static void ask(struct connection *connection, int64_t now)
{
	connection->sent_ns = now;
	if (send(connection->fd, request, REQUEST, MSG_NOSIGNAL) != REQUEST)
		die("send");
}

static void open_one(struct connection *connection, int epoll_fd, uint16_t port)
{
	struct epoll_event reads = {.events = EPOLLIN, .data.ptr = connection};

	connection->fd = calc_connect(port);
	if (epoll_ctl(epoll_fd, EPOLL_CTL_ADD, connection->fd, &reads) < 0)
		die("epoll_ctl");
}

static void take(struct connection *connection)
{
	ssize_t n = recv(connection->fd, connection->answer + connection->taken,
			 ANSWER - connection->taken, MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		die("recv");
	connection->taken += (size_t)n;
	if (connection->taken < ANSWER)
		return;
	connection->taken = 0;
	if (memcmp(connection->answer, wanted, ANSWER) != 0) {
		fprintf(stderr, "a wrong answer\n");
		exit(1);
	}
	int64_t now = now_ns();
	if (counts && answered < took_room)
		took_ns[answered] = now - connection->sent_ns;
	answered++;
	in_all++;
	ask(connection, now);
}

static void run_until(int epoll_fd, int64_t end)
{
	static struct epoll_event ready[EVENTS];

	while (now_ns() < end) {
		int count = epoll_wait(epoll_fd, ready, EVENTS, SILENCE_MS);

		if (count <= 0)
			die("no answer");
		for (int i = 0; i < count; i++)
			take(ready[i].data.ptr);
	}
}

static double used_ns(void)
{
	struct timespec used;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
	return (double)used.tv_sec * 1e9 + (double)used.tv_nsec;
}

int main(int argc, char **argv)
{
	const struct timespec pause = {.tv_nsec = 100000000};
	int epoll_fd = epoll_create1(EPOLL_CLOEXEC);

	if (argc != 4) {
		fprintf(stderr, "calc_load PORT CONNECTIONS SECONDS\n");
		return 2;
	}
	int count = atoi(argv[2]);
	double seconds = atof(argv[3]);
	if (count < 1 || count > CONNECTIONS_MOST || seconds <= 0)
		return 2;
	took_room = (size_t)(seconds * 1e6);
	took_ns = calloc(took_room, sizeof(*took_ns));
	if (!took_ns)
		die("room for the times");
	for (int i = 0; i < count; i++)
		open_one(&connections[i], epoll_fd, (uint16_t)atoi(argv[1]));
	nanosleep(&pause, NULL); /* until the server has a thread for each */
	for (int i = 0; i < count; i++)
		ask(&connections[i], now_ns());
	run_until(epoll_fd, now_ns() + WARM_MS * INT64_C(1000000));
	answered = 0;
	counts = true;
	double used = used_ns();
	int64_t began = now_ns();
	run_until(epoll_fd, began + (int64_t)(seconds * 1e9));
	double took = (double)(now_ns() - began);
	printf("per_second %.0f\nused %.1f\nin_all %zu\n", (double)answered * 1e9 / took,
	       100 * (used_ns() - used) / took, in_all);
	print_percentiles(took_ns, answered < took_room ? answered : took_room);
	return 0;
}
