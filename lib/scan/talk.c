/* Talks to what is open: waits for its greeting; where it is silent, asks one question
 * after the other, each on a connection of its own, until it says something. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/limits.h"
#include "io/sock.h"
#include "scan/recognize.h"
#include "scan/session.h"

#define CONNECT_NS (3000 * NS_PER_MS)
#define GREETING_NS (400 * NS_PER_MS) /* then it is asked */
#define ANSWER_NS (1000 * NS_PER_MS)
#define QUIET_NS (150 * NS_PER_MS) /* it said what it had to say */

enum stage { STAGE_CONNECT = 0, STAGE_GREETING, STAGE_ANSWER };

struct talk {
	int fd; /* -1: free */
	enum stage stage;
	struct sonde_address address;
	const struct question *asked;
	size_t next; /* question */
	int64_t deadline_ns;
	size_t n;
	uint8_t bytes[LIMIT_SCAN_SAID];
};

struct talks {
	struct sonde_scan *scan;
	struct talk *list; /* owned */
	struct pollfd polls[LIMIT_SCAN_TALKS];
	size_t next; /* of scan->open */
	unsigned busy;
};

static void set_deadline(struct talk *talk, int64_t in_ns)
{
	talk->deadline_ns = clock_monotonic_ns() + in_ns;
}

/* A connection to the port; false: there is none to be had, and the port is done. */
static bool dial(struct talk *talk)
{
	struct sockaddr_storage to;
	socklen_t length = sonde_address_to_sockaddr(&talk->address, &to);

	talk->fd = sock_open(&talk->address, SOCK_TCP);
	if (talk->fd < 0)
		return false;
	talk->stage = STAGE_CONNECT;
	talk->asked = NULL;
	talk->n = 0;
	set_deadline(talk, CONNECT_NS);
	if (connect(talk->fd, (struct sockaddr *)&to, length) < 0 &&
	    errno != EINPROGRESS) {
		close(talk->fd);
		talk->fd = -1;
		return false;
	}
	return true;
}

static void finish(struct talks *talks, struct talk *talk)
{
	struct sonde_scan_event event = {
		.kind = SONDE_SCAN_SAID,
		.address = talk->address,
		.state = SONDE_SCAN_OPEN,
		.bytes = talk->bytes,
		.n = talk->n,
		.service = recognize(talk->asked, talk->bytes, talk->n),
		.was_asked = talk->asked || talks->scan->options.say,
		.rtt_ns = -1,
	};

	if (talk->n)
		scan_emit(talks->scan, &event);
	if (talk->fd >= 0)
		close(talk->fd);
	talk->fd = -1;
	talks->busy--;
}

/* The next question; on this connection where it has not been asked anything yet. */
static void ask(struct talks *talks, struct talk *talk)
{
	const struct question *question =
		recognize_question(talk->address.port, talk->next++);

	if (!question) {
		finish(talks, talk);
		return;
	}
	if (send(talk->fd, question->bytes, question->n, MSG_NOSIGNAL) !=
	    (ssize_t)question->n) {
		finish(talks, talk);
		return;
	}
	talk->asked = question;
	talk->stage = STAGE_ANSWER;
	set_deadline(talk, ANSWER_NS);
}

/* It said nothing to that question: once more from the start, with the next one. */
static void try_next(struct talks *talks, struct talk *talk)
{
	close(talk->fd);
	talk->fd = -1;
	if (talks->scan->options.say ||
	    !recognize_question(talk->address.port, talk->next) || !dial(talk))
		finish(talks, talk);
}

static void see_connected(struct talks *talks, struct talk *talk)
{
	const struct sonde_scan_options *options = &talks->scan->options;
	int error = 0;
	socklen_t bytes = sizeof(error);

	getsockopt(talk->fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
	if (error) {
		finish(talks, talk);
		return;
	}
	talk->stage = STAGE_GREETING;
	set_deadline(talk, GREETING_NS);
	if (options->say) {
		send(talk->fd, options->say, options->say_bytes, MSG_NOSIGNAL);
		talk->stage = STAGE_ANSWER;
		set_deadline(talk, ANSWER_NS);
	} else if (talk->next > 0) {
		ask(talks, talk);
	}
}

static void read_more(struct talks *talks, struct talk *talk)
{
	ssize_t n =
		recv(talk->fd, talk->bytes + talk->n, sizeof(talk->bytes) - talk->n, 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		talk->n += (size_t)n;
		set_deadline(talk, QUIET_NS);
		if (talk->n < sizeof(talk->bytes))
			return;
	}
	if (talk->n || talk->stage == STAGE_GREETING)
		finish(talks, talk);
	else
		try_next(talks, talk);
}

static void see_late(struct talks *talks, struct talk *talk)
{
	if (talk->n || talk->stage == STAGE_CONNECT)
		finish(talks, talk);
	else if (talk->stage == STAGE_GREETING)
		ask(talks, talk);
	else
		try_next(talks, talk);
}

static void start_more(struct talks *talks)
{
	for (unsigned i = 0; i < LIMIT_SCAN_TALKS; i++) {
		struct talk *talk = &talks->list[i];

		if (talk->fd >= 0 || talks->next >= talks->scan->open_count)
			continue;
		*talk = (struct talk){.fd = -1,
				      .address = talks->scan->open[talks->next++]};
		talks->busy += dial(talk);
	}
}

static void turn(struct talks *talks)
{
	int64_t now_ns = clock_monotonic_ns(), due_ns = now_ns + CONNECT_NS, wait_ms;
	unsigned count = 0;
	struct talk *at[LIMIT_SCAN_TALKS];

	for (unsigned i = 0; i < LIMIT_SCAN_TALKS; i++) {
		struct talk *talk = &talks->list[i];

		if (talk->fd < 0)
			continue;
		at[count] = talk;
		talks->polls[count++] = (struct pollfd){
			.fd = talk->fd,
			.events = talk->stage == STAGE_CONNECT ? POLLOUT : POLLIN};
		if (talk->deadline_ns < due_ns)
			due_ns = talk->deadline_ns;
	}
	wait_ms = (due_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
	poll(talks->polls, count, wait_ms < 0 ? 0 : wait_ms > 50 ? 50 : (int)wait_ms);
	now_ns = clock_monotonic_ns();
	for (unsigned i = 0; i < count; i++) {
		if (talks->polls[i].revents && at[i]->stage == STAGE_CONNECT)
			see_connected(talks, at[i]);
		else if (talks->polls[i].revents)
			read_more(talks, at[i]);
		else if (now_ns >= at[i]->deadline_ns)
			see_late(talks, at[i]);
	}
}

int scan_talk(struct sonde_scan *scan, struct sonde_error *err)
{
	struct talks talks = {.scan = scan};

	talks.list = array_new(LIMIT_SCAN_TALKS, sizeof(talks.list[0]));
	if (!talks.list)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "talk", "",
				       NULL);
	for (unsigned i = 0; i < LIMIT_SCAN_TALKS; i++)
		talks.list[i].fd = -1;
	while (!scan_is_stopped(scan)) {
		start_more(&talks);
		if (!talks.busy && talks.next >= scan->open_count)
			break;
		turn(&talks);
		scan_tell_progress(scan, clock_monotonic_ns(),
				   scan->open_count - talks.next + talks.busy,
				   scan->open_count, -1);
	}
	for (unsigned i = 0; i < LIMIT_SCAN_TALKS; i++)
		if (talks.list[i].fd >= 0)
			close(talks.list[i].fd);
	array_free(talks.list);
	return 0;
}
