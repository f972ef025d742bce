/* A dialogue by a script.
 *
 * What comes is kept until a step has found what it expects; what stands before that and
 * the found text are then gone, so that the next step looks behind it.  Of what nobody
 * expects the last bytes are kept, and no more. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>

#include <sonde/text.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/limits.h"
#include "talk/script.h"
#include "talk/duration.h"
#include "talk/session.h"

enum { SOURCE_SHOWN = 200 }; /* of a step, in an error */

struct dialogue {
	struct sonde_session *session;
	const struct sonde_script *script;
	const struct sonde_tls_options *tls;
	int also_fd;
	uint8_t *bytes; /* owned: what came, and was not found yet */
	size_t used;
	pcre2_match_data *match; /* owned */
	struct sonde_error *err;
};

/* The beginning of bytes, for a line of words; who prints it escapes it. */
struct shown {
	char chars[120];
};

static struct shown show(const uint8_t *bytes, size_t n)
{
	struct shown shown;
	size_t room = sizeof(shown.chars) - 4;
	size_t used = n < room ? n : room;

	for (size_t i = 0; i < used; i++)
		shown.chars[i] = bytes[i] ? (char)bytes[i] : '.';
	snprintf(shown.chars + used, sizeof(shown.chars) - used, "%s",
		 used < n ? "..." : "");
	return shown;
}

static void tell(struct dialogue *dialogue, const struct script_step *step,
		 bool is_fulfilled, int64_t began_ns, const char *text)
{
	struct sonde_session_event event = {
		.kind = SONDE_SESSION_STEP,
		.line = step->line,
		.text = text,
		.by_user = is_fulfilled,
		.took_ns = clock_monotonic_ns() - began_ns,
	};
	session_tell(dialogue->session, &event);
}

static int fail(struct dialogue *dialogue, const struct script_step *step,
		int64_t began_ns, int error, const char *reason)
{
	char subject[160], text[512];
	struct shown rest = show(dialogue->bytes, dialogue->used);
	size_t length = step->what_count;
	size_t shown = length <= SOURCE_SHOWN
			       ? length
			       : sonde_text_whole_utf8(step->source, SOURCE_SHOWN);

	snprintf(subject, sizeof(subject), "%s:%u", dialogue->script->name, step->line);
	snprintf(text, sizeof(text), "%.*s%s %s", (int)shown, step->source,
		 shown < length ? "..." : "", reason);
	tell(dialogue, step, false, began_ns, text);
	sonde_error_set(dialogue->err, SONDE_ERROR_NETWORK, error, "script", subject,
			"%s", text);
	if (dialogue->used > 0)
		sonde_error_hint(dialogue->err, "what came instead: \"%s\"", rest.chars);
	else
		sonde_error_hint(dialogue->err, "nothing came that was not expected "
						"before");
	return error;
}

/* --- what comes */

/* Room for another read: the oldest half of what nobody wanted goes. */
static void make_room(struct dialogue *dialogue)
{
	size_t half = LIMIT_SCRIPT_BYTES / 2;

	if (dialogue->used <= half)
		return;
	memmove(dialogue->bytes, dialogue->bytes + dialogue->used - half, half);
	dialogue->used = half;
}

/* More bytes, or the end.  1: something is new; 0: the deadline; 2: also_fd; -errno. */
static int receive(struct dialogue *dialogue, int64_t deadline_ns)
{
	struct sonde_session *session = dialogue->session;

	make_room(dialogue);
	for (;;) {
		ssize_t got = session_read(session, dialogue->bytes + dialogue->used,
					   LIMIT_SCRIPT_BYTES - dialogue->used);
		if (got > 0)
			dialogue->used += (size_t)got;
		if (got >= 0)
			return 1;
		if (got != -EAGAIN)
			return (int)got;
		int64_t left_ns = deadline_ns - clock_monotonic_ns();
		if (left_ns <= 0)
			return 0;
		struct pollfd fds[] = {
			{.fd = stream_fd(session->stream),
			 .events = (short)stream_events(session->stream, true, false)},
			{.fd = dialogue->also_fd, .events = POLLIN},
		};
		int64_t left_ms = (left_ns + NS_PER_MS - 1) / NS_PER_MS;
		if (poll(fds, 2, left_ms > 3600000 ? 3600000 : (int)left_ms) < 0 &&
		    errno != EINTR)
			return -errno;
		if (fds[1].revents)
			return 2;
	}
}

/* --- steps */

/* Whether it is there; then everything up to its end is taken away. */
static bool find(struct dialogue *dialogue, const struct script_step *step)
{
	size_t end;

	if (step->verb == SCRIPT_EXPECT_REGEX) {
		int count = pcre2_match(step->regex, dialogue->bytes, dialogue->used, 0,
					PCRE2_NO_UTF_CHECK, dialogue->match, NULL);
		if (count < 0)
			return false;
		end = pcre2_get_ovector_pointer(dialogue->match)[1];
	} else {
		const uint8_t *found =
			memmem(dialogue->bytes, dialogue->used, step->bytes, step->count);
		if (!found)
			return false;
		end = (size_t)(found - dialogue->bytes) + step->count;
	}
	dialogue->used -= end;
	memmove(dialogue->bytes, dialogue->bytes + end, dialogue->used);
	return true;
}

static int expect(struct dialogue *dialogue, const struct script_step *step)
{
	struct sonde_session *session = dialogue->session;
	int64_t began_ns = clock_monotonic_ns();
	int64_t deadline_ns = began_ns + step->within_ns;
	char reason[64], limit[DURATION_CHARS];
	bool wants_end = step->verb == SCRIPT_EXPECT_END;

	while (wants_end ? !session->peer_end : !find(dialogue, step)) {
		if (session->peer_end)
			return fail(dialogue, step, began_ns, -ECONNABORTED,
				    "did not come: the peer closed");
		int r = receive(dialogue, deadline_ns);
		if (r == 2)
			return 1;
		if (r == 0) {
			duration_format(step->within_ns, limit);
			snprintf(reason, sizeof(reason), "did not come within %s", limit);
			return fail(dialogue, step, began_ns, -ETIMEDOUT, reason);
		}
		if (r < 0) {
			session_fail(session, "receive from", r, dialogue->err);
			return fail(dialogue, step, began_ns, r, dialogue->err->reason);
		}
	}
	tell(dialogue, step, true, began_ns, step->source);
	return 0;
}

/* All of it, although the peer may be slow to take it.  Meanwhile what comes is kept: a
 * peer that talks and does not read would otherwise wait for us as we do for it. */
static int send_all(struct dialogue *dialogue, const struct script_step *step)
{
	struct sonde_session *session = dialogue->session;
	int64_t began_ns = clock_monotonic_ns();
	struct sonde_error err;

	int r = sonde_session_send(session, step->bytes, step->count, &err);
	while (r == 0 && session->stream && session->queue_at < session->queue_used) {
		r = sock_wait(stream_fd(session->stream),
			      (short)stream_events(session->stream, true, true),
			      began_ns + NS_PER_S * LIMIT_SCRIPT_SEND_S);
		if (r == 0)
			r = receive(dialogue, 0) < 0 ? -ECONNRESET : 0;
		int flushed = r == 0 ? session_flush(session) : r;
		r = flushed == -EAGAIN ? 0 : flushed;
	}
	if (r < 0)
		return fail(dialogue, step, began_ns, r, "could not be sent");
	tell(dialogue, step, true, began_ns, step->source);
	return 0;
}

static int wait_for(struct dialogue *dialogue, const struct script_step *step)
{
	int64_t until_ns = clock_monotonic_ns() + step->within_ns;

	while (clock_monotonic_ns() < until_ns) {
		struct pollfd also = {.fd = dialogue->also_fd, .events = POLLIN};
		int64_t left_ms =
			(until_ns - clock_monotonic_ns() + NS_PER_MS - 1) / NS_PER_MS;
		if (poll(&also, 1, left_ms > 3600000 ? 3600000 : (int)left_ms) > 0)
			return 1;
	}
	return 0;
}

/* 0: fulfilled; 1: also_fd; or -errno. */
static int run_step(struct dialogue *dialogue, const struct script_step *step)
{
	int64_t began_ns = clock_monotonic_ns();
	int r = 0;

	switch (step->verb) {
	case SCRIPT_SEND:
	case SCRIPT_LINE:
		return send_all(dialogue, step);
	case SCRIPT_EXPECT:
	case SCRIPT_EXPECT_REGEX:
	case SCRIPT_EXPECT_END:
		return expect(dialogue, step);
	case SCRIPT_TLS:
		r = sonde_session_start_tls(dialogue->session, dialogue->tls,
					    step->within_ns, dialogue->err);
		break;
	case SCRIPT_WAIT:
		r = wait_for(dialogue, step);
		break;
	case SCRIPT_END:
		r = sonde_session_end(dialogue->session, dialogue->err);
		break;
	case SCRIPT_CLOSE:
		break;
	}
	if (r <= 0)
		tell(dialogue, step, r == 0, began_ns, step->source);
	return r;
}

int sonde_session_run_script(struct sonde_session *session,
			     const struct sonde_script *script,
			     const struct sonde_tls_options *tls, int also_fd,
			     struct sonde_error *err)
{
	struct sonde_error ignored = {0};
	struct dialogue dialogue = {
		.session = session,
		.script = script,
		.tls = tls,
		.also_fd = also_fd,
		.err = err ? err : &ignored,
	};
	int r = 0;

	dialogue.bytes = array_new(LIMIT_SCRIPT_BYTES, 1);
	dialogue.match = pcre2_match_data_create(1, NULL);
	if (!dialogue.bytes || !dialogue.match)
		r = sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "run script",
				    script->name, NULL);
	for (size_t i = 0; r == 0 && i < script->count; i++)
		r = run_step(&dialogue, &script->steps[i]);
	session_close(session, r == 0, r == 0 ? "the script is over" : "a step failed");
	pcre2_match_data_free(dialogue.match);
	array_free(dialogue.bytes);
	return r;
}
