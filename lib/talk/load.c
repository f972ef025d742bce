/* A load: its connections, its time, what came of it.
 *
 * In the open loop, request i of all is due at begin + i / rate, and belongs to connection
 * i modulo their number.  A request that is due and cannot go, because `depth` others are
 * on their way, is only counted; its due moment follows from its number.  However far
 * the server falls behind, this takes no memory, and nothing that was due is left out. */
#include "talk/load.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/limits.h"
#include "io/resolve.h"

enum {
	SPIN_NS =
		2000000, /* epoll waits whole milliseconds: the last two are not slept */
	EXPIRE_STEP_NS = 50000000,
	STEP_NS = 100000000, /* how often the end and silence are looked at */
};

enum { KIND_PEER, KIND_ALSO, KINDS };

/* The end is now.  What is under way has a moment yet, as long as a server that is alive
 * takes for it.  One look is enough: also_fd stays readable. */
static void stop(void *context, void *object, uint32_t events)
{
	struct load *load = context;
	int64_t now_ns = clock_monotonic_ns();

	(void)object;
	(void)events;
	loop_close(load->loop, load->also_slot);
	load->stopped = true;
	if (now_ns < load->end_ns)
		load->end_ns = now_ns;
	int64_t wait_ns = now_ns - load->end_ns + LIMIT_LOAD_DRAIN_MS * INT64_C(1000000);
	if (wait_ns < load->wait_ns)
		load->wait_ns = wait_ns;
}

static const struct loop_kind kinds[KINDS] = {
	[KIND_PEER] = {.name = "peer", .ready = load_peer_ready},
	[KIND_ALSO] = {.name = "also", .ready = stop, .borrowed = true},
};

/* --- errors */

static void hint_at_server(struct sonde_error *err)
{
	sonde_error_hint(err, "nothing listens there; `sonde serve calc echo` would");
}

static int fail_connect(const struct load *load, unsigned connected, int error,
			struct sonde_error *err)
{
	sonde_error_set(err, sonde_error_kind_of(-error), error, "connect", load->subject,
			NULL);
	if (error == -ECONNREFUSED)
		hint_at_server(err);
	if (error == -EMFILE)
		sonde_error_hint(err, "%u connections are open; `ulimit -n` allows more",
				 connected);
	return error;
}

static int fail_run(const struct load *load, struct sonde_error *err)
{
	int error = load->failed;
	unsigned long long number = load->failed_number;

	switch (error) {
	case -EBADMSG:
		sonde_error_set(err, SONDE_ERROR_NETWORK, error, "ask", load->subject,
				"the answer to request %llu of a connection is wrong",
				number);
		sonde_error_hint(err,
				 "is it the right service, in the right byte order?");
		return error;
	case -ECONNABORTED:
		return sonde_error_set(
			err, SONDE_ERROR_NETWORK, error, "ask", load->subject,
			"the server closed a connection after %llu answers", number);
	case -ETIMEDOUT:
		return sonde_error_set(
			err, SONDE_ERROR_NETWORK, error, "ask", load->subject,
			"no answer any more: %" PRIu64 " requests are on their way",
			load->on_their_way);
	default:
		sonde_error_set(err, sonde_error_kind_of(-error), error, "ask",
				load->subject, NULL);
		if (error == -ECONNREFUSED) /* UDP learns it from the first datagram */
			hint_at_server(err);
		return error;
	}
}

/* --- connections */

/* Connections that are taken at once never wait, and so would not look. */
static int open_one(struct load *load, unsigned i)
{
	struct pollfd also = {.fd = load->also_fd, .events = POLLIN};

	if (load->also_fd >= 0 && poll(&also, 1, 0) > 0)
		return -EINTR;
	return load_peer_open(load, i, clock_monotonic_ns() + load->options->timeout_ns);
}

/* 1: also_fd. */
static int open_all(struct load *load, struct sonde_error *err)
{
	const struct sonde_load_options *options = load->options;
	struct sonde_address addresses[LIMIT_ADDRESSES];
	struct resolve_endpoint endpoint = {0};
	int count = 0;

	int r = resolve_parse_pair(options->host ? options->host : "", options->port,
				   &endpoint, err);
	if (r == 0 && (strcmp(endpoint.host, "*") == 0 || endpoint.port == 0))
		return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "ask",
				       endpoint.port == 0 ? "port 0" : "*",
				       "no server can be reached there");
	if (r == 0)
		r = count = resolve_lookup(&endpoint, addresses, LIMIT_ADDRESSES, err);
	if (r < 0)
		return r;
	/* The first address that takes a connection is asked. */
	for (int i = 0; i < count; i++) {
		load->address = addresses[i];
		sock_format_subject(&load->address, options->udp ? SOCK_UDP : SOCK_TCP,
				    load->subject);
		r = open_one(load, 0);
		if (r == 0 || r == -EINTR)
			break;
	}
	for (unsigned i = 1; r == 0 && i < options->connections; i++)
		r = open_one(load, i);
	load->stopped = r == -EINTR;
	if (load->stopped)
		return 1;
	return r < 0 ? fail_connect(load, load->connected, r, err) : 0;
}

/* --- the plan */

static int64_t due_ns(const struct load *load, uint64_t i)
{
	return load->begin_ns + (int64_t)((double)i * 1e9 / load->options->rate);
}

int64_t load_due_ns(const struct load *load, const struct load_peer *peer,
		    uint64_t number)
{
	return due_ns(load, number * load->options->connections + peer->index);
}

/* Hands out what is due. */
static void make_due(struct load *load, int64_t now_ns)
{
	int64_t until_ns = now_ns < load->end_ns ? now_ns : load->end_ns - 1;

	while (due_ns(load, load->due) <= until_ns) {
		/* check_options() wants one at least.
		 * NOLINTNEXTLINE(clang-analyzer-core.DivideZero) */
		size_t at = load->due % load->options->connections;
		struct load_peer *peer = &load->peers[at];
		load->due++;
		peer->owed++;
		load_peer_pump(load, peer);
	}
}

static void expire_all(struct load *load, int64_t now_ns)
{
	for (unsigned i = 0; i < load->options->connections; i++) {
		load_peer_expire(load, &load->peers[i],
				 now_ns - load->options->timeout_ns);
		load_peer_pump(load, &load->peers[i]);
	}
}

/* Open loop: whether something that was due waits to be sent. */
static bool owes(const struct load *load)
{
	for (unsigned i = 0; i < load->options->connections; i++) {
		if (load->peers[i].owed > 0)
			return true;
	}
	return false;
}

/* --- the run */

/* Until the next request is due, the end, or the next look at the clock. */
static int turn(struct load *load, int64_t now_ns)
{
	int64_t until_ns = now_ns + STEP_NS;

	loop_set_busy(load->loop, 0);
	if (!load->ended && load->end_ns < until_ns)
		until_ns = load->end_ns;
	if (load->options->rate > 0 && !load->ended) {
		int64_t next_ns = due_ns(load, load->due);
		if (next_ns <= now_ns + SPIN_NS) {
			until_ns = next_ns;
			loop_set_busy(load->loop, SPIN_NS);
		} else if (next_ns - SPIN_NS < until_ns) {
			until_ns = next_ns - SPIN_NS;
		}
	}
	return loop_turn(load->loop, until_ns);
}

/* Whether it is over. */
static bool look(struct load *load, int64_t now_ns, int64_t *expired_ns)
{
	const struct sonde_load_options *options = load->options;

	if (options->udp && now_ns - *expired_ns >= EXPIRE_STEP_NS) {
		*expired_ns = now_ns;
		expire_all(load, now_ns);
	}
	if (options->rate > 0 && !load->ended)
		make_due(load, now_ns);
	load->ended = now_ns >= load->end_ns;
	if (load->ended) {
		bool waits = options->rate > 0 && (load->on_their_way > 0 || owes(load));
		return !waits || now_ns >= load->end_ns + load->wait_ns;
	}
	if (!options->udp && load->on_their_way > 0 &&
	    now_ns - load->heard_ns > options->timeout_ns &&
	    now_ns - load->begin_ns > options->timeout_ns)
		load->failed = -ETIMEDOUT;
	return false;
}

static int run(struct load *load)
{
	int64_t now_ns = clock_monotonic_ns();
	int64_t expired_ns = now_ns;

	load->begin_ns = now_ns;
	load->heard_ns = now_ns;
	load->end_ns = now_ns + load->options->for_ns;
	load->counts_ns = now_ns + load->options->for_ns / 10;
	load->wait_ns = load->options->timeout_ns;
	if (load->also_fd >= 0) {
		int slot = loop_add(load->loop, KIND_ALSO, load->also_fd, EPOLLIN, NULL);
		if (slot < 0)
			return slot;
		load->also_slot = slot;
	}
	if (load->options->rate == 0) {
		for (unsigned i = 0; i < load->options->connections; i++)
			load_peer_pump(load, &load->peers[i]);
	}
	while (load->failed == 0) {
		if (look(load, now_ns, &expired_ns))
			break;
		int r = turn(load, now_ns);
		if (r < 0)
			return r;
		now_ns = clock_monotonic_ns();
	}
	/* Ctrl-C ends a server of the same terminal as well. */
	return load->stopped ? 0 : load->failed;
}

/* A server that is closed upon while it answers gets a reset, and what it said is lost: so
 * the answers that are under way are taken, for a moment. They do not count. */
static void drain(struct load *load)
{
	int64_t now_ns = clock_monotonic_ns();
	int64_t until_ns = now_ns + LIMIT_LOAD_DRAIN_MS * INT64_C(1000000);

	load->ended = true;
	while (load->on_their_way > 0 && load->failed == 0 && now_ns < until_ns) {
		if (loop_turn(load->loop, until_ns) < 0)
			return;
		now_ns = clock_monotonic_ns();
	}
}

/* What was due and is not answered: it is at least as late as it is old. */
static uint64_t count_unanswered(struct load *load, int64_t now_ns)
{
	const struct sonde_load_options *options = load->options;
	uint64_t count = 0;

	for (unsigned i = 0; i < options->connections; i++) {
		struct load_peer *peer = &load->peers[i];
		for (unsigned k = 0; k < options->depth; k++) {
			const struct load_slot *slot = &peer->slots[k];
			if (!slot->busy || slot->due_ns < load->counts_ns)
				continue;
			histogram_add(&load->histogram, now_ns - slot->due_ns);
			count++;
		}
		for (uint64_t k = 0; k < peer->owed; k++) {
			int64_t due = load_due_ns(load, peer, peer->queued + k);
			if (due < load->counts_ns)
				continue;
			histogram_add(&load->histogram, now_ns - due);
			count++;
		}
	}
	return count;
}

static void report(struct load *load, struct sonde_load_result *ret)
{
	int64_t now_ns = clock_monotonic_ns();
	int64_t until_ns = load->end_ns;

	*ret = (struct sonde_load_result){
		.address = load->address,
		.answered = load->answered,
		.lost = load->lost,
		.connected = load->connected,
	};
	if (load->counts_ns == 0 || until_ns <= load->counts_ns)
		return; /* stopped before anything counts */
	if (load->options->rate > 0) {
		ret->unanswered = count_unanswered(load, now_ns);
		if (load->heard_ns > until_ns)
			until_ns = load->heard_ns;
	}
	ret->counted_ns = until_ns - load->counts_ns;
	ret->per_second = (double)ret->answered * 1e9 / (double)ret->counted_ns;
	ret->p50_ns = histogram_at(&load->histogram, 0.50);
	ret->p99_ns = histogram_at(&load->histogram, 0.99);
	ret->p999_ns = histogram_at(&load->histogram, 0.999);
	ret->max_ns = load->histogram.max;
}

static int check_options(const struct sonde_load_options *options,
			 struct sonde_error *err)
{
	if (options->connections == 0 || options->connections > SONDE_LOAD_CONNECTIONS ||
	    options->depth == 0 || options->depth > SONDE_LOAD_DEPTH ||
	    options->for_ns <= 0 || options->timeout_ns <= 0 ||
	    !(options->rate >= 0 && options->rate <= 1e9) || options->request_bytes < 4 ||
	    options->answer_bytes < 4 ||
	    options->request_bytes > SONDE_LOAD_MESSAGE_BYTES ||
	    options->answer_bytes > SONDE_LOAD_MESSAGE_BYTES)
		return sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "measure", "",
				       "an option is out of its range");
	return 0;
}

int sonde_load_run(const struct sonde_load_options *options, int also_fd,
		   struct sonde_load_result *ret, struct sonde_error *err)
{
	struct load *load = NULL;
	int r = check_options(options, err);

	if (r < 0)
		return r;
	load = array_new(1, sizeof(*load));
	if (!load)
		goto no_memory;
	load->options = options;
	load->also_fd = also_fd;
	load->peers = array_new(options->connections, sizeof(*load->peers));
	load->slots = array_new((size_t)options->connections * options->depth,
				sizeof(*load->slots));
	if (!load->peers || !load->slots)
		goto no_memory;
	r = loop_new(kinds, KINDS, load, &load->loop);
	if (r < 0) {
		sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "measure", "", NULL);
		goto out;
	}
	r = open_all(load, err);
	if (r < 0)
		goto out;
	if (r == 0)
		r = run(load);
	if (r >= 0) {
		report(load, ret);
		drain(load);
		r = load->stopped;
	} else if (load->failed != 0) {
		fail_run(load, err);
	} else {
		sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "measure", load->subject,
				NULL);
	}
	goto out;
no_memory:
	r = sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "measure", "", NULL);
out:
	if (load) {
		loop_free(load->loop);
		array_free(load->peers);
		array_free(load->slots);
	}
	array_free(load);
	return r;
}
