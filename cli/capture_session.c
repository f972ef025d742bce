/* A capture that goes on: takes what is there, hands it on, waits for more. */
#include <poll.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "capture_session.h"
#include "capture_words.h"
#include "clock.h"

enum {
	POLLED_MOST = CAPTURE_INTERFACES_MOST + CAPTURE_PROGRAMS_MOST + 1,
	DRAIN_MS = 1000,
	SETTLE_MS = 100,     /* for the last packets of programs that have ended */
	TURN_PACKETS = 4096, /* then signals and times are looked at */
	REST_PACKETS = 32,   /* that came in one turn: less is no rush */
};

/* Takes what is there.  1 enough is there, 0, or a negative errno. */
static int take(struct capture_session *session, uint64_t *ret_taken,
		struct sonde_error *err)
{
	struct sonde_frame frame;
	uint64_t taken = 0;
	int r;

	while ((r = sonde_capture_next(session->capture, &frame, err)) > 0) {
		session->packets++;
		taken++;
		if (session->out.writer)
			r = capture_out_add(&session->out, session->capture, &frame, err);
		if (r >= 0 && session->view)
			r = capture_view_add(session->view, &frame, err);
		if (r < 0 || session->packets == session->packets_most)
			break;
		if (taken == TURN_PACKETS) {
			r = 0;
			break;
		}
	}
	*ret_taken = taken;
	if (r < 0)
		return r;
	return session->packets_most && session->packets == session->packets_most;
}

static bool is_told_to_end(struct capture_session *session)
{
	struct signalfd_siginfo signal;

	while (read(session->signal_fd, &signal, sizeof(signal)) == sizeof(signal)) {
		if (signal.ssi_signo != SIGUSR1)
			return true;
		capture_words_summarize(session, "counters");
	}
	return false;
}

/* The earliest of the times that are set. */
static int wait_ms(const struct capture_session *session, int64_t at_ns)
{
	const int64_t times[] = {
		session->end_at_ns,
		session->settled_at_ns,
		session->out.rotate_at_ns,
		session->shows_count ? at_ns + CAPTURE_COUNT_MS * INT64_C(1000000) : 0,
	};
	int64_t most = -1;

	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		int64_t left = (times[i] - at_ns + 999999) / 1000000;

		if (times[i] && (most < 0 || left < most))
			most = left < 0 ? 0 : left;
	}
	return most > INT32_MAX ? INT32_MAX : (int)most;
}

static void wait_for_more(struct capture_session *session, uint64_t taken, int64_t at_ns)
{
	struct timespec rest = {.tv_nsec = session->rest_ns};
	int64_t held_ns = sonde_capture_held(session->capture);
	struct pollfd polled[POLLED_MOST];
	int fds[CAPTURE_INTERFACES_MOST];
	size_t count = 0, rings;

	if (taken == TURN_PACKETS)
		return;
	if (held_ns && (!session->rest_ns || taken < REST_PACKETS))
		rest.tv_nsec = held_ns;
	/* Then there is something, or the next turn finds nothing and waits for it. */
	if (held_ns || (session->rest_ns && taken >= REST_PACKETS)) {
		nanosleep(&rest, NULL);
		return;
	}
	rings = sonde_capture_fds(session->capture, fds, CAPTURE_INTERFACES_MOST);
	polled[count++] = (struct pollfd){.fd = session->signal_fd, .events = POLLIN};
	for (size_t i = 0; i < rings; i++)
		polled[count++] = (struct pollfd){.fd = fds[i], .events = POLLIN};
	for (size_t i = 0; i < session->programs.count; i++)
		polled[count++] =
			(struct pollfd){.fd = session->programs.fds[i], .events = POLLIN};
	poll(polled, count, wait_ms(session, at_ns));
}

/* True when the programs' last packets have had their time, too. */
static bool have_programs_ended(struct capture_session *session, int64_t at_ns)
{
	if (!session->programs.count)
		return false;
	if (!session->settled_at_ns && capture_programs_have_ended(&session->programs))
		session->settled_at_ns = at_ns + SETTLE_MS * INT64_C(1000000);
	return session->settled_at_ns && at_ns >= session->settled_at_ns;
}

int capture_session_run(struct capture_session *session, struct sonde_error *err)
{
	uint64_t taken;
	int64_t at_ns;
	int r;

	for (;;) {
		r = take(session, &taken, err);
		at_ns = clock_now_ns(CLOCK_MONOTONIC);
		if (r >= 0 && (taken || session->out.rotate_at_ns)) {
			int flushed = capture_out_flush(&session->out, session->capture,
							at_ns, err);
			r = flushed < 0 ? flushed : r;
		}
		if (session->view)
			capture_view_flush(session->view);
		if (r != 0)
			return r < 0 ? r : 0;
		if (output_is_broken(session->output) || is_told_to_end(session) ||
		    (session->end_at_ns && at_ns >= session->end_at_ns) ||
		    have_programs_ended(session, at_ns))
			break;
		capture_words_show_count(session, at_ns);
		wait_for_more(session, taken, at_ns);
	}
	while (r == 0 && sonde_capture_drain(session->capture, DRAIN_MS) > 0)
		r = take(session, &taken, err);
	return r < 0 ? r : 0;
}
