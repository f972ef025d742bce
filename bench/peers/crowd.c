/* Connections that only weigh, and how long those beside them wait:
 *
 *	crowd PORT IDLE SLOW			prints "ready" when all are connected, and stays
 *	crowd PORT IDLE SLOW RATE SECONDS	then measures; prints "p50 NS", "p99 NS", the
 *						median "p99-of-1000 NS" and "away PER CENT"
 *
 * IDLE of them say nothing; SLOW send a byte a second each, of a request for a sum, and
 * read a byte a second of its answer.  Beside them, FAST connections send RATE requests a
 * second, each at its time, whether or not the one before is answered; how long it took
 * counts from that time.
 *
 * One thread does all of it and never sleeps while it measures, so that neither a scheduler
 * nor a wake-up of ours is in the figures: two programs on one processor would wait for
 * each other there, and that would be what is measured.  It sees when it had no processor
 * for a while, because its host or another program had it: requests of that while are left
 * out, and counted as "away".  The same happens to the server, unseen: some milliseconds once
 * a second are enough to be the 99th percentile.  So there is one of each thousand requests,
 * too, and the median of these. */
#include <stdbool.h>

#include "calc.h"

enum {
	CROWD_MOST = 20000,
	FAST = 50,
	REQUEST = 18,
	ANSWER = 8,
	WARM_MS = 200,
	WINDOW = 1000,
	AWAY_NS = 100000, /* a turn takes some 10 us */
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

struct measured {
	int64_t start,
		gap; /* request i is due at start + i * gap, by connection i % FAST */
	int64_t away_until; /* a moment at which we had no processor, the last one */
	size_t warm, away;  /* requests before it counts; of those after, left out */
	size_t count;       /* of */
	int64_t *took;
};

static void take(struct measured *measured, struct fast *each, size_t at)
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
		int64_t due = measured->start + (int64_t)i * measured->gap;

		if (i < measured->warm)
			continue;
		if (due < measured->away_until)
			measured->away++;
		else
			measured->took[measured->count++] = now - due;
	}
}

static void print_p99_of_windows(const struct measured *measured)
{
	size_t windows = measured->count / WINDOW;
	int64_t *found = calloc(windows + 1, sizeof(*found));

	if (!found)
		die("room for the percentiles");
	for (size_t i = 0; i < windows; i++) {
		int64_t *window = measured->took + i * WINDOW;

		qsort(window, WINDOW, sizeof(*window), compare_ns);
		found[i] = window[WINDOW * 99 / 100];
	}
	qsort(found, windows, sizeof(*found), compare_ns);
	printf("p99-of-1000 %lld\n", (long long)found[windows / 2]);
	free(found);
}

static void measure(double rate, double seconds)
{
	const int64_t pause = slow ? 1000000000 / slow : 0;
	const size_t warm = (size_t)(rate * WARM_MS / 1000);
	const size_t count = warm + (size_t)(rate * seconds);
	struct measured measured = {
		.start = now_ns(),
		.gap = (int64_t)(1e9 / rate),
		.warm = warm,
		.took = calloc(count, sizeof(int64_t)),
	};
	int64_t last = measured.start;
	uint64_t turn = 0;
	size_t asked = 0, answered = 0;

	if (!measured.took)
		die("room for the times");
	while (answered < count) {
		int64_t now = now_ns(), since = now - measured.start;

		if (now - last > AWAY_NS)
			measured.away_until = now;
		last = now;
		if (asked < count && since >= (int64_t)asked * measured.gap) {
			struct fast *each = &fast[asked++ % FAST];

			each->asked++;
			if (send(each->fd, request, REQUEST, MSG_NOSIGNAL) != REQUEST)
				die("send");
		} else if (pause && since >= (int64_t)turn * pause) {
			step(turn++);
		}
		answered = 0;
		for (size_t i = 0; i < FAST; i++) {
			if (fast[i].answered < fast[i].asked)
				take(&measured, &fast[i], i);
			answered += fast[i].answered;
		}
	}
	print_p99_of_windows(&measured);
	print_percentiles(measured.took, measured.count);
	printf("away %.1f\n", 100.0 * (double)measured.away / (double)(count - warm));
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
		fds[i] = calc_connect((uint16_t)atoi(argv[1]));
	for (int i = 0; measures && i < FAST; i++)
		fast[i].fd = calc_connect((uint16_t)atoi(argv[1]));
	puts("ready");
	fflush(stdout);
	if (measures)
		measure(atof(argv[4]), atof(argv[5]));
	else
		stay();
	return 0;
}
