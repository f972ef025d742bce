/* What a relay is measured with; it knows nothing of what it measures.
 *
 *	relay_load stream TO FROM SECONDS	one stream into port TO, read where the relay
 *					brings it: port FROM, where we listen; prints MB/s
 *	relay_load line TO FROM COUNT	a line there and back, one after the other; prints
 *					the 50th and the 99th percentile, in us
 *	relay_load crowd TO FROM PID COUNT	COUNT clients at once, of each 16 KiB and of some
 *					8 MiB there and back, every byte compared; prints what
 *					the process PID and its children had resident at most,
 *					in KiB, and the time, in ms
 *	relay_load fill			writes for ever
 *	relay_load drain SECONDS	reads for so long from the first byte on; prints MB/s
 *
 * A port is tried again until somebody listens there. */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "peer.h"

enum {
	CHUNK = 1 << 18,
	WARM_MS = 100,
	LINE = 18,
	SMALL = 16 << 10,
	BIG = 8 << 20,
	BIG_EVERY = 50, /* one client of so many */
	CROWD_MOST = 4096,
};

static struct sockaddr_in loopback(const char *port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(port)),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static void set_no_delay(int fd)
{
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
}

static int open_listener(const char *port)
{
	const struct sockaddr_in at = loopback(port);
	const int on = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ||
	    listen(fd, 4096) < 0)
		die("listen");
	return fd;
}

static int open_to(const char *port)
{
	const struct sockaddr_in to = loopback(port);
	const struct timespec pause = {.tv_nsec = 5000000};

	for (int i = 0; i < 2000; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (connect(fd, (const struct sockaddr *)&to, sizeof(to)) == 0) {
			set_no_delay(fd);
			return fd;
		}
		close(fd);
		nanosleep(&pause, NULL);
	}
	die("connect");
	return -1;
}

static int accept_one(int listener)
{
	int fd = accept(listener, NULL, NULL);

	if (fd < 0)
		die("accept");
	set_no_delay(fd);
	return fd;
}

static void start(void *(*run)(void *), void *argument)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, argument) != 0)
		die("thread");
	pthread_detach(thread);
}

/* ---- one stream */

static void *fill(void *argument)
{
	int fd = *(int *)argument;
	char *bytes = calloc(1, CHUNK);

	while (bytes && write(fd, bytes, CHUNK) > 0)
		;
	return NULL;
}

/* MB/s between a moment after the first byte and the end of the time. */
static double drain(int fd, double seconds)
{
	char *bytes = malloc(CHUNK);
	int64_t first_ns = 0, from_ns = 0, now = 0;
	uint64_t total = 0;

	for (;;) {
		ssize_t got = read(fd, bytes, CHUNK);
		if (got <= 0)
			die("the stream ended");
		now = now_ns();
		if (first_ns == 0)
			first_ns = now;
		if (now - first_ns < WARM_MS * 1000000)
			continue;
		if (from_ns == 0)
			from_ns = now;
		else
			total += (uint64_t)got;
		if ((double)(now - from_ns) >= seconds * 1e9)
			break;
	}
	free(bytes);
	return (double)total * 1e3 / (double)(now - from_ns);
}

static int measure_stream(char **words)
{
	int listener = open_listener(words[1]);
	int to = open_to(words[0]);

	start(fill, &to);
	printf("%.1f\n", drain(accept_one(listener), atof(words[2])));
	return 0;
}

/* ---- lines */

static void *echo(void *argument)
{
	int fd = accept_one(*(int *)argument);
	char line[LINE];

	for (;;) {
		ssize_t got = recv(fd, line, sizeof(line), 0);
		if (got <= 0 || send(fd, line, (size_t)got, MSG_NOSIGNAL) != got)
			return NULL;
	}
}

static int compare_times(const void *a, const void *b)
{
	int64_t left = *(const int64_t *)a, right = *(const int64_t *)b;

	return (left > right) - (left < right);
}

static int measure_lines(char **words)
{
	int listener = open_listener(words[1]);
	size_t count = (size_t)atoi(words[2]), warm = count / 10;
	int64_t *times = calloc(count + warm, sizeof(*times));
	const char said[LINE + 1] = "a line of 18 chars";
	char heard[LINE];

	start(echo, &listener);
	int fd = open_to(words[0]);
	for (size_t i = 0; i < count + warm; i++) {
		int64_t began_ns = now_ns();
		send(fd, said, LINE, MSG_NOSIGNAL);
		if (recv(fd, heard, LINE, MSG_WAITALL) != LINE ||
		    memcmp(said, heard, LINE) != 0)
			die("the line");
		times[i] = now_ns() - began_ns;
	}
	qsort(times + warm, count, sizeof(*times), compare_times);
	printf("%.1f %.1f\n", (double)times[warm + count / 2] / 1e3,
	       (double)times[warm + count * 99 / 100] / 1e3);
	return 0;
}

/* ---- a crowd */

struct client {
	int fd;
	uint64_t seed;
	size_t size, sent, heard;
	bool is_shut;
};

/* Byte `at` of a client's stream. */
static uint8_t byte_of(uint64_t seed, size_t at)
{
	uint64_t x = (seed + at / 8) * UINT64_C(0x9e3779b97f4a7c15);

	x ^= x >> 29;
	return (uint8_t)(x >> at % 8 * 8);
}

/* Gives back what comes, and the end; all peers in one thread, without a queue: who does not
 * read what it gets back is not read. */
static void *echo_crowd(void *argument)
{
	static struct pollfd fds[CROWD_MOST];
	static uint8_t *kept[CROWD_MOST];
	static size_t at[CROWD_MOST], used[CROWD_MOST];
	size_t count = 1;

	fds[0] = (struct pollfd){.fd = *(int *)argument, .events = POLLIN};
	for (;;) {
		if (poll(fds, count, -1) < 0)
			die("poll");
		if (fds[0].revents && count < CROWD_MOST) {
			kept[count] = malloc(SMALL);
			at[count] = used[count] = 0;
			fds[count++] = (struct pollfd){.fd = accept_one(fds[0].fd),
						       .events = POLLIN};
		}
		for (size_t i = 1; i < count; i++) {
			if (!fds[i].revents)
				continue;
			if (at[i] == used[i]) {
				ssize_t got =
					recv(fds[i].fd, kept[i], SMALL, MSG_DONTWAIT);
				if (got <= 0) {
					if (got < 0 && errno == EAGAIN)
						continue;
					close(fds[i].fd);
					fds[i].fd = -1;
					continue;
				}
				at[i] = 0;
				used[i] = (size_t)got;
			}
			ssize_t sent = send(fds[i].fd, kept[i] + at[i], used[i] - at[i],
					    MSG_DONTWAIT | MSG_NOSIGNAL);
			at[i] += sent > 0 ? (size_t)sent : 0;
			fds[i].events = at[i] < used[i] ? POLLOUT : POLLIN;
		}
	}
	return NULL;
}

static void talk(struct client *client)
{
	uint8_t bytes[SMALL];
	size_t n = client->size - client->sent;

	if (n > 0) {
		n = n < SMALL ? n : SMALL;
		for (size_t i = 0; i < n; i++)
			bytes[i] = byte_of(client->seed, client->sent + i);
		ssize_t sent = send(client->fd, bytes, n, MSG_DONTWAIT | MSG_NOSIGNAL);
		client->sent += sent > 0 ? (size_t)sent : 0;
	} else if (!client->is_shut) {
		shutdown(client->fd, SHUT_WR);
		client->is_shut = true;
	}
	for (;;) {
		ssize_t got = recv(client->fd, bytes, SMALL, MSG_DONTWAIT);
		if (got < 0 && errno == EAGAIN)
			return;
		if (got < 0)
			die("a client");
		if (got == 0)
			break;
		for (ssize_t i = 0; i < got; i++) {
			if (bytes[i] != byte_of(client->seed, client->heard++)) {
				fprintf(stderr, "a byte is another one\n");
				exit(1);
			}
		}
	}
	if (client->heard != client->size) {
		fprintf(stderr, "%zu bytes of %zu came back\n", client->heard,
			client->size);
		exit(1);
	}
	close(client->fd);
	client->fd = -1;
}

/* KiB, of a process and of those that it started. */
static long resident(const char *pid)
{
	char command[256];
	long sum = 0;

	snprintf(command, sizeof(command),
		 "cat /proc/%s/status $(sed 's:[0-9]*:/proc/&/status:g' "
		 "/proc/%s/task/%s/children) 2>/dev/null | "
		 "awk '/^VmRSS/ { sum += $2 } END { print sum + 0 }'",
		 pid, pid, pid);
	FILE *file = popen(command, "r");
	if (!file || fscanf(file, "%ld", &sum) != 1)
		die("the memory");
	pclose(file);
	return sum;
}

static int measure_crowd(char **words)
{
	static struct client clients[CROWD_MOST];
	static struct pollfd fds[CROWD_MOST];
	int listener = open_listener(words[1]);
	size_t count = (size_t)atoi(words[3]), left = count;
	long most = 0;
	int64_t next_ns = 0;

	if (count >= CROWD_MOST)
		return 2;
	start(echo_crowd, &listener);
	int64_t began_ns = now_ns();
	for (size_t i = 0; i < count; i++)
		clients[i] = (struct client){
			.fd = open_to(words[0]),
			.seed = i * 1000003,
			.size = i % BIG_EVERY == 0 ? BIG : SMALL,
		};
	while (left > 0) {
		for (size_t i = 0; i < count; i++) {
			short events = clients[i].is_shut ? POLLIN : POLLIN | POLLOUT;
			fds[i] = (struct pollfd){.fd = clients[i].fd, .events = events};
		}
		if (poll(fds, count, 10000) <= 0) {
			fprintf(stderr, "%zu clients wait in vain\n", left);
			return 1;
		}
		for (size_t i = 0; i < count; i++) {
			if (!fds[i].revents)
				continue;
			talk(&clients[i]);
			left -= clients[i].fd < 0;
		}
		if (now_ns() > next_ns) {
			long now = resident(words[2]);
			most = now > most ? now : most;
			next_ns = now_ns() + 100000000;
		}
	}
	printf("%ld %.1f\n", most, (double)(now_ns() - began_ns) / 1e6);
	return 0;
}

int main(int argc, char **argv)
{
	int out = STDOUT_FILENO;

	signal(SIGPIPE, SIG_IGN);
	if (argc == 5 && strcmp(argv[1], "stream") == 0)
		return measure_stream(argv + 2);
	if (argc == 5 && strcmp(argv[1], "line") == 0)
		return measure_lines(argv + 2);
	if (argc == 6 && strcmp(argv[1], "crowd") == 0)
		return measure_crowd(argv + 2);
	if (argc == 2 && strcmp(argv[1], "fill") == 0)
		return fill(&out) ? 1 : 0;
	if (argc == 3 && strcmp(argv[1], "drain") == 0) {
		printf("%.1f\n", drain(STDIN_FILENO, atof(argv[2])));
		return 0;
	}
	return 2;
}
