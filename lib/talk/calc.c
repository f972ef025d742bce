/* The client of the calculation protocol: one question, one answer, one deadline.
 *
 * The protocol has no word for "no", so that silence and a closed connection are all that
 * some questions get.  What they may mean here is said in the error: the client knows the
 * numbers, and can tell whether there is an answer at all. */
#include <sonde/calc.h>

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <sonde/text.h>

#include "base/clock.h"
#include "base/limits.h"
#include "io/resolve.h"
#include "io/sock.h"
#include "talk/duration.h"
#include "talk/session.h"

enum { ONE_READ_BYTES = 1024 }; /* what many servers take in at once */

/* A question on its way. */
struct question {
	const struct sonde_calc_ask *ask;
	const struct sonde_calc_request *request;
	uint8_t bytes[SONDE_CALC_DIALECT_BYTES];
	size_t length;
	int64_t deadline_ns;
	char subject[SOCK_SUBJECT_CHARS]; /* whom it is put to */
	unsigned others;                  /* datagrams that were no answer to it */
	struct sonde_error *err;
};

/* --- what went wrong, in words */

/* Why a server may have said nothing; the most certain reason first. */
static void hint_at_no_answer(const struct question *question)
{
	int32_t result;
	const char *word = sonde_calc_word(question->request->operation);
	int r = sonde_calc_compute(question->request, &result);

	if (r == -ERANGE)
		sonde_error_hint(question->err,
				 "the result does not fit into 32 bits, and the protocol "
				 "has no answer that says so");
	else if (r == -EDOM)
		sonde_error_hint(question->err,
				 "%s of no numbers does not exist, and the protocol has "
				 "no answer that says so",
				 word);
	else if (question->length > ONE_READ_BYTES)
		sonde_error_hint(question->err,
				 "many servers read %d bytes at once; this question has "
				 "%zu",
				 ONE_READ_BYTES, question->length);
	else if (question->ask->udp)
		sonde_error_hint(question->err,
				 "a datagram may also get lost: ask again, or over TCP");
	else
		sonde_error_hint(question->err,
				 "it may expect another byte order or dialect: --order, "
				 "--dialect");
}

static int fail_silent(const struct question *question)
{
	char limit[DURATION_CHARS], others[64] = "";

	duration_format(question->ask->timeout_ns, limit);
	if (question->others > 0)
		snprintf(others, sizeof(others), " (%u other datagram%s came)",
			 question->others, question->others == 1 ? "" : "s");
	sonde_error_set(question->err, SONDE_ERROR_NETWORK, -ETIMEDOUT, "ask",
			question->subject,
			"no answer within %s%s: the server may not know the operation, "
			"or have no answer to it",
			limit, others);
	hint_at_no_answer(question);
	return -ETIMEDOUT;
}

static int fail_closed(const struct question *question, size_t got)
{
	sonde_error_set(question->err, SONDE_ERROR_NETWORK, -ECONNABORTED, "ask",
			question->subject,
			"the server closed the connection before the answer (%zu of %d "
			"bytes came)",
			got, SONDE_CALC_REPLY_BYTES);
	hint_at_no_answer(question);
	return -ECONNABORTED;
}

static uint32_t id_number(const uint8_t id[4], enum sonde_calc_order order)
{
	if (order == SONDE_CALC_BIG)
		return (uint32_t)id[0] << 24 | (uint32_t)id[1] << 16 |
		       (uint32_t)id[2] << 8 | id[3];
	return (uint32_t)id[3] << 24 | (uint32_t)id[2] << 16 | (uint32_t)id[1] << 8 |
	       id[0];
}

static int fail_id(const struct question *question, const uint8_t *reply)
{
	enum sonde_calc_order order = question->ask->order;

	sonde_error_set(question->err, SONDE_ERROR_NETWORK, -EBADMSG, "ask",
			question->subject,
			"the answer has the ID %" PRIu32 ", the question has %" PRIu32,
			id_number(reply, order), id_number(question->request->id, order));
	sonde_error_hint(question->err, "the server mixes up its clients, or it speaks "
					"another protocol");
	return -EBADMSG;
}

static int fail_connect(const struct question *question, int error)
{
	if (error == -ETIMEDOUT)
		return connect_fail_timeout("connect", question->subject,
					    question->ask->timeout_ns, question->err);
	sonde_error_set(question->err, sonde_error_kind_of(-error), error,
			question->ask->udp ? "ask" : "connect", question->subject, NULL);
	if (error == -ECONNREFUSED)
		sonde_error_hint(question->err,
				 "nothing listens there; `sonde serve calc` would");
	return error;
}

static int fail(const struct question *question, int error)
{
	if (error == -ETIMEDOUT)
		return fail_silent(question);
	if (error == -ECONNRESET || error == -EPIPE) {
		sonde_error_set(question->err, SONDE_ERROR_NETWORK, error, "ask",
				question->subject,
				"the server reset the connection before the answer (%s)",
				sonde_error_name(-error));
		hint_at_no_answer(question);
		return error;
	}
	return sonde_error_set(question->err, sonde_error_kind_of(-error), error, "ask",
			       question->subject, NULL);
}

/* --- the answer */

static int converse_tcp(const struct question *question, int fd, int32_t *ret)
{
	uint8_t reply[SONDE_CALC_REPLY_BYTES];
	size_t got = 0;

	int r = sock_send(fd, question->bytes, question->length, question->deadline_ns);
	if (r < 0)
		return fail(question, r);
	while (got < sizeof(reply)) {
		ssize_t n = sock_receive(fd, reply + got, sizeof(reply) - got,
					 question->deadline_ns);
		if (n < 0)
			return fail(question, (int)n);
		if (n == 0)
			return fail_closed(question, got);
		got += (size_t)n;
	}
	if (memcmp(reply, question->request->id, sizeof(question->request->id)) != 0)
		return fail_id(question, reply);
	*ret = sonde_calc_parse_reply(reply, question->ask->order);
	return 0;
}

/* What is no answer to this question may be a late one to another: it is passed over.
 * -ECONNREFUSED is left to the caller, who may know another address. */
static int converse_udp(struct question *question, int fd, int32_t *ret)
{
	uint8_t reply[SONDE_CALC_REPLY_BYTES + 1];

	int r = sock_send(fd, question->bytes, question->length, question->deadline_ns);
	if (r < 0)
		return r == -ECONNREFUSED ? r : fail(question, r);
	for (;;) {
		ssize_t n = sock_receive(fd, reply, sizeof(reply), question->deadline_ns);
		if (n == -ECONNREFUSED)
			return (int)n;
		if (n < 0)
			return fail(question, (int)n);
		if (n == SONDE_CALC_REPLY_BYTES &&
		    memcmp(reply, question->request->id, sizeof(question->request->id)) ==
			    0) {
			*ret = sonde_calc_parse_reply(reply, question->ask->order);
			return 0;
		}
		question->others++;
	}
}

/* --- the way there */

/* An address that does not answer at all shall leave time for the others. */
static int64_t share_deadline(int64_t deadline_ns, size_t addresses_left)
{
	int64_t now_ns = clock_monotonic_ns();

	if (deadline_ns == SOCK_NEVER || deadline_ns <= now_ns)
		return deadline_ns;
	return now_ns + (deadline_ns - now_ns) / (int64_t)addresses_left;
}

/* 0 with the result; > 0: this address is not to be had, *question->err says why; else
 * the question has failed. */
static int try_address(struct question *question, const struct sonde_address *address,
		       size_t addresses_left, int32_t *ret)
{
	enum sock_transport transport = question->ask->udp ? SOCK_UDP : SOCK_TCP;

	sock_format_subject(address, transport, question->subject);
	int fd = sock_open(address, transport);
	if (fd < 0)
		return -fail_connect(question, fd);
	int r = sock_connect(fd, address, -1,
			     share_deadline(question->deadline_ns, addresses_left));
	if (r < 0) {
		r = -fail_connect(question, r);
	} else if (question->ask->udp) {
		r = converse_udp(question, fd, ret);
		if (r == -ECONNREFUSED)
			r = -fail_connect(question, r);
	} else {
		r = converse_tcp(question, fd, ret);
	}
	close(fd);
	return r;
}

static int find_addresses(const struct sonde_calc_ask *ask, struct sonde_address *ret,
			  struct sonde_error *err)
{
	struct resolve_endpoint endpoint = {.port = SONDE_CALC_PORT};
	int r = resolve_parse_pair(ask->host ? ask->host : "",
				   ask->port ? ask->port : "50000", &endpoint, err);

	if (r < 0)
		return r;
	if (strcmp(endpoint.host, "*") == 0 || endpoint.port == 0) {
		sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "ask",
				endpoint.port == 0 ? "port 0" : "*",
				"no server can be reached there");
		sonde_error_hint(err, "* and 0 are for servers; write HOST:PORT, as in "
				      "localhost:50000");
		return -EINVAL;
	}
	return resolve_lookup(&endpoint, ret, LIMIT_ADDRESSES, err);
}

/* A family that this machine does not have says less than what another address said. */
static bool says_little(int error)
{
	return error == EAFNOSUPPORT || error == EADDRNOTAVAIL || error == ENETUNREACH;
}

int sonde_calc_ask(const struct sonde_calc_ask *ask,
		   const struct sonde_calc_request *request, int32_t *ret,
		   struct sonde_error *err)
{
	struct sonde_address addresses[LIMIT_ADDRESSES];
	struct sonde_error tried;
	struct question question = {.ask = ask, .request = request, .err = &tried};
	int reported = 0;

	int count = find_addresses(ask, addresses, err);
	if (count < 0)
		return count;
	if (ask->order == SONDE_CALC_AUTO)
		return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "ask", "a server",
				       "a question has one byte order");
	question.length =
		sonde_calc_format_as(request, ask->dialect, ask->order, question.bytes);
	question.deadline_ns = SOCK_NEVER;
	if (ask->timeout_ns > 0)
		question.deadline_ns = clock_monotonic_ns() + ask->timeout_ns;

	for (int i = 0; i < count; i++) {
		int r = try_address(&question, &addresses[i], (size_t)(count - i), ret);
		if (r == 0)
			return 0;
		if (reported == 0 || r < 0 || says_little(reported)) {
			reported = r < 0 ? -r : r;
			if (err)
				*err = tried;
		}
		if (r < 0)
			break;
	}
	return -reported;
}
