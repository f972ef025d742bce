/* Connections that only weigh, and how long those beside them wait:
 *
 *	crowd PORT IDLE SLOW			prints "ready" when all are connected, and stays
 *	crowd PORT IDLE SLOW RATE SECONDS	then measures; prints "p50 NS" and "p99 NS"
 *
 * IDLE of them say nothing; SLOW send a byte a second each, of a request for a sum, and
 * read a byte a second of its answer.  Beside them, FAST connections send RATE requests a
 * second, each at its time, whether or not the one before is answered; how long it took
 * counts from that time.
 *
 * One thread does all of it and never sleeps while it measures, so that neither a scheduler
 * nor a wake-up of ours is in the figures: two programs on one processor would wait for
 * each other there, and that would be what is measured. */
#include <stdbool.h>

#include "calc.h"

enum {
	CROWD_MOST = 20000,
	FAST = 50,
	REQUEST = 18,
	ANSWER = 8,
	WARM_MS = 200,
};

static const uint8_t request[] = "\1\0\0\0Summe\2\1\0\0\0\2\0\0\0";
static int fds[CROWD_MOST];
static int idle, slow;

struct fast {
	int fd;
	uint32_t asked, answered; /* the requests of this one, one after the other */
	size_t rest;              /* bytes of an answer that is not whole yet */
};

static struct fast fast[FAST];

static int open_one(uint16_t port)
{
	const struct sockaddr_in to = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	const int yes = 1;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (const struct sockaddr *)&to, sizeof(to)) < 0)
		die("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof(yes));
	return fd;
}

/* The turn of the next slow one. */
static void step(uint64_t turn)
{
	int fd = fds[idle + (int)(turn % (uint64_t)slow)];
	uint8_t byte;

	send(fd, &request[turn / (uint64_t)slow % REQUEST], 1, MSG_NOSIGNAL);
	recv(fd, &byte, 1, MSG_DONTWAIT);
}

static void stay(void)
{
	/* Spread over the second, so that they do not come in a flood. */
	const struct timespec pause = {.tv_nsec = 999999999 / slow};

	for (uint64_t turn = 0;; turn++) {
		step(turn);
		nanosleep(&pause, NULL);
	}
}

/* Request i leaves at start + i * gap, by connection i % FAST. */
static void take(struct fast *each, size_t at, int64_t start, int64_t gap, int64_t *took)
{
	uint8_t answers[ANSWER * 512];
	ssize_t n = recv(each->fd, answers, sizeof(answers), MSG_DONTWAIT);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0)
		die("an answer");
	each->rest += (size_t)n;
	for (int64_t now = now_ns(); each->rest >= ANSWER; each->rest -= ANSWER) {
		size_t i = each->answered++ * (size_t)FAST + at;

		took[i] = now - (start + (int64_t)i * gap);
	}
}

static void measure(double rate, double seconds)
{
	const int64_t gap = (int64_t)(1e9 / rate), pause = slow ? 1000000000 / slow : 0;
	const size_t warm = (size_t)(rate * WARM_MS / 1000);
	const size_t count = warm + (size_t)(rate * seconds);
	int64_t *took = calloc(count, sizeof(*took)), start = now_ns();
	uint64_t turn = 0;
	size_t asked = 0, answered = 0;

	if (!took)
		die("room for the times");
	while (answered < count) {
		int64_t now = now_ns() - start;

		if (asked < count && now >= (int64_t)asked * gap) {
			struct fast *each = &fast[asked++ % FAST];

			each->asked++;
			if (send(each->fd, request, REQUEST, MSG_NOSIGNAL) != REQUEST)
				die("send");
		} else if (pause && now >= (int64_t)turn * pause) {
			step(turn++);
		}
		answered = 0;
		for (size_t i = 0; i < FAST; i++) {
			if (fast[i].answered < fast[i].asked)
				take(&fast[i], i, start, gap, took);
			answered += fast[i].answered;
		}
	}
	print_percentiles(took + warm, count - warm);
}

int main(int argc, char **argv)
{
	bool measures = argc == 6;

	if (argc != 4 && !measures)
		return 2;
	idle = atoi(argv[2]);
	slow = atoi(argv[3]);
	if (idle < 0 || slow < 0 || (slow == 0 && !measures) || idle + slow > CROWD_MOST)
		return 2;
	for (int i = 0; i < idle + slow; i++)
		fds[i] = open_one((uint16_t)atoi(argv[1]));
	for (int i = 0; measures && i < FAST; i++)
		fast[i].fd = open_one((uint16_t)atoi(argv[1]));
	puts("ready");
	fflush(stdout);
	if (measures)
		measure(atof(argv[4]), atof(argv[5]));
	else
		stay();
	return 0;
}
