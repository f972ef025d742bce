/* A dialogue by a script.
 *
 * What comes is kept until a step has found what it expects; what stands before that and
 * the found text are then gone, so that the next step looks behind it.  Of what nobody
 * expects the last bytes are kept, and no more.
 *
 * Nothing that came in the clear may pass for what came by TLS: somebody on the way could
 * have put it there (RFC 3207, section 6).  So `tls` drops the rest of the line that was
 * expected last, and refuses to begin when there is more. */
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

enum {
	SOURCE_SHOWN = 100,   /* of a step, in an error */
	PART_BYTES = 1 << 16, /* of a long text, which is sent in parts */
};

struct dialogue {
	struct sonde_session *session;
	const struct sonde_script *script;
	const struct sonde_tls_options *tls;
	int also_fd;
	uint8_t *bytes; /* owned: what came, and was not found yet */
	size_t used;
	bool is_in_line; /* they go on with the line whose beginning was found last */
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
		int64_t began_ns, enum sonde_error_kind kind, int error,
		const char *reason)
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
	sonde_error_set(dialogue->err, kind, error, "script", subject, "%s", text);
	if (dialogue->used > 0)
		sonde_error_hint(dialogue->err, "what came instead: \"%s\"", rest.chars);
	else
		sonde_error_hint(dialogue->err, "nothing came that was not expected "
						"before");
	return error;
}

/* What the session said is why, and helps. */
static int fail_inner(struct dialogue *dialogue, const struct script_step *step,
		      int64_t began_ns, const struct sonde_error *inner)
{
	bool is_sent = step->verb == SCRIPT_SEND || step->verb == SCRIPT_LINE;
	char reason[sizeof(inner->reason) + 32];

	snprintf(reason, sizeof(reason), "%s: %s",
		 is_sent                    ? "could not be sent"
		 : step->verb == SCRIPT_TLS ? "is not begun"
					    : "did not come",
		 inner->reason);
	int r = fail(dialogue, step, began_ns, inner->kind, inner->code, reason);
	if (inner->hint[0])
		sonde_error_hint(dialogue->err, "%s", inner->hint);
	return r;
}

static int fail_session(struct dialogue *dialogue, const struct script_step *step,
			int64_t began_ns, const char *operation, int error)
{
	struct sonde_error inner;

	session_fail(dialogue->session, operation, error, &inner);
	return fail_inner(dialogue, step, began_ns, &inner);
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
	dialogue->is_in_line = false;
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
		int r = sock_wait_or(stream_fd(session->stream),
				     (short)stream_events(session->stream, true, false),
				     dialogue->also_fd, deadline_ns);
		if (r < 0)
			return r == -ETIMEDOUT ? 0 : r == -EINTR ? 2 : r;
	}
}

/* --- steps */

/* 1: it is there, and everything up to its end is taken away; 0: it is not; or a code of
 * PCRE2: it cannot be told. */
static int find(struct dialogue *dialogue, const struct script_step *step)
{
	size_t end;

	if (step->verb == SCRIPT_EXPECT_REGEX) {
		int count = pcre2_match(step->regex, dialogue->bytes, dialogue->used, 0,
					PCRE2_NO_UTF_CHECK, dialogue->match, NULL);
		if (count == PCRE2_ERROR_NOMATCH)
			return 0;
		if (count < 0)
			return count;
		end = pcre2_get_ovector_pointer(dialogue->match)[1];
	} else {
		const uint8_t *found =
			memmem(dialogue->bytes, dialogue->used, step->bytes, step->count);
		if (!found)
			return 0;
		end = (size_t)(found - dialogue->bytes) + step->count;
	}
	if (end > 0)
		dialogue->is_in_line = dialogue->bytes[end - 1] != '\n';
	dialogue->used -= end;
	memmove(dialogue->bytes, dialogue->bytes + end, dialogue->used);
	return 1;
}

static int fail_match(struct dialogue *dialogue, const struct script_step *step,
		      int64_t began_ns, int code)
{
	PCRE2_UCHAR text[100];
	char reason[160];

	pcre2_get_error_message(code, text, sizeof(text));
	snprintf(reason, sizeof(reason), "cannot be looked for: %s", (const char *)text);
	int r = fail(dialogue, step, began_ns, SONDE_ERROR_USAGE, -EINVAL, reason);
	sonde_error_hint(dialogue->err, "a repetition inside of a repetition may try "
					"more ways than can be tried");
	return r;
}

static int expect(struct dialogue *dialogue, const struct script_step *step)
{
	struct sonde_session *session = dialogue->session;
	int64_t began_ns = clock_monotonic_ns();
	int64_t deadline_ns = clock_after_ns(began_ns, step->within_ns);
	char reason[64], limit[DURATION_CHARS];
	bool wants_end = step->verb == SCRIPT_EXPECT_END;

	for (;;) {
		int r = wants_end ? session->peer_end : find(dialogue, step);
		if (r < 0)
			return fail_match(dialogue, step, began_ns, r);
		if (r > 0)
			break;
		if (session->peer_end)
			return fail(dialogue, step, began_ns, SONDE_ERROR_NETWORK,
				    -ECONNABORTED, "did not come: the peer closed");
		r = receive(dialogue, deadline_ns);
		if (r == 2)
			return 1;
		if (r == 0) {
			duration_format(step->within_ns, limit);
			snprintf(reason, sizeof(reason), "did not come within %s", limit);
			return fail(dialogue, step, began_ns, SONDE_ERROR_NETWORK,
				    -ETIMEDOUT, reason);
		}
		if (r < 0)
			return fail_session(dialogue, step, began_ns, "receive from", r);
	}
	tell(dialogue, step, true, began_ns, step->source);
	return 0;
}

/* The next part, if the queue has room for it.  0, -EAGAIN, or -errno with *err. */
static int send_part(struct dialogue *dialogue, const struct script_step *step,
		     size_t *at, struct sonde_error *err)
{
	struct sonde_session *session = dialogue->session;
	size_t n = step->count - *at;

	if (!session_is_datagram(session) && n > PART_BYTES)
		n = PART_BYTES;
	int r = sonde_session_send(session, step->bytes + *at, n, err);
	if (r == 0)
		*at += n;
	return r;
}

/* All of it, although the peer may be slow to take it.  Meanwhile what comes is kept: a
 * peer that talks and does not read would otherwise wait for us as we do for it. */
static int send_all(struct dialogue *dialogue, const struct script_step *step)
{
	struct sonde_session *session = dialogue->session;
	int64_t began_ns = clock_monotonic_ns();
	struct sonde_error inner;
	size_t at = 0;

	int r = send_part(dialogue, step, &at, &inner);
	while (r == -EAGAIN || at < step->count ||
	       session->queue_at < session->queue_used) {
		if (r < 0 && r != -EAGAIN)
			return fail_inner(dialogue, step, began_ns, &inner);
		r = sock_wait_or(
			stream_fd(session->stream),
			(short)stream_events(session->stream, !session->peer_end, true),
			dialogue->also_fd, began_ns + NS_PER_S * LIMIT_SCRIPT_SEND_S);
		if (r == -EINTR)
			return 1;
		if (r == -ETIMEDOUT)
			return fail(dialogue, step, began_ns, SONDE_ERROR_NETWORK, r,
				    "could not be sent: the peer takes nothing");
		if (r == 0 && !session->peer_end)
			r = receive(dialogue, 0);
		if (r < 0)
			return fail_session(dialogue, step, began_ns, "receive from", r);
		r = session_flush(session);
		if (r < 0 && r != -EAGAIN)
			return fail_session(dialogue, step, began_ns, "send to", r);
		if (r == 0 && at < step->count)
			r = send_part(dialogue, step, &at, &inner);
	}
	if (r < 0)
		return fail_inner(dialogue, step, began_ns, &inner);
	tell(dialogue, step, true, began_ns, step->source);
	return 0;
}

/* The rest of a line that was expected is its answer's; there may be no more. */
static bool has_only_rest_of_line(const struct dialogue *dialogue)
{
	const uint8_t *feed = memchr(dialogue->bytes, '\n', dialogue->used);

	if (dialogue->used == 0)
		return true;
	return dialogue->is_in_line && dialogue->used < LIMIT_SCRIPT_BYTES / 2 &&
	       (!feed || feed == dialogue->bytes + dialogue->used - 1);
}

static int start_tls(struct dialogue *dialogue, const struct script_step *step)
{
	struct sonde_session *session = dialogue->session;
	int64_t began_ns = clock_monotonic_ns();
	bool is_clear = !session_is_datagram(session) && !stream_is_tls(session->stream);
	int r = is_clear;

	/* What the kernel has by now was sent before TLS, too. */
	while (r == 1 && !session->peer_end && has_only_rest_of_line(dialogue))
		r = receive(dialogue, 0);
	if (r < 0)
		return fail_session(dialogue, step, began_ns, "receive from", r);
	if (r == 2)
		return 1;
	if (is_clear && !has_only_rest_of_line(dialogue)) {
		r = fail(dialogue, step, began_ns, SONDE_ERROR_NETWORK, -EPROTO,
			 "is not begun: more came in the clear than was expected");
		sonde_error_hint(dialogue->err,
				 "somebody on the way may have put it there: \"%s\"",
				 show(dialogue->bytes, dialogue->used).chars);
		return r;
	}
	if (is_clear)
		dialogue->used = 0;
	r = session_start_tls(session, dialogue->tls,
			      clock_after_ns(began_ns, step->within_ns), dialogue->err);
	if (r == -EINTR)
		return 1;
	tell(dialogue, step, r == 0, began_ns, step->source);
	return r;
}

static int wait_for(struct dialogue *dialogue, const struct script_step *step)
{
	int64_t until_ns = clock_after_ns(clock_monotonic_ns(), step->within_ns);

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
		return start_tls(dialogue, step);
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

	session->also_fd = also_fd;
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
