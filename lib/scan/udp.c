/* UDP without privilege: one socket for each own address; ICMP errors come through its
 * error queue (IP_RECVERR), which names the port that they are about.
 *
 * A port of this machine that one of these very sockets is bound to would answer itself;
 * it is asked last, by a socket with another number, when the first is closed. */
#include <errno.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/limits.h"
#include "scan/permutation.h"
#include "scan/risk.h"
#include "scan/stamp.h"
#include "scan/udp_parts.h"

#define NEAR_RATE 20000.0
#define DISTANT_RATE 1000.0

enum {
	ROUNDS = 2,      /* of all ports, at first */
	ROUNDS_MORE = 8, /* of those whose questions did not leave */
	SEND_TRIES = 16,
	UNSENT_MOST = 64, /* in a row: nothing leaves any more */
	WAIT_MOST_MS = 20,
};

static struct source *next_source(struct udp *udp, uint8_t family)
{
	for (size_t i = 0; i < udp->source_count; i++) {
		struct source *source =
			&udp->sources[(udp->turn + i) % udp->source_count];

		if (source->address.family == family) {
			udp->turn += i + 1;
			return source;
		}
	}
	return NULL;
}

static void refuse(struct udp *udp, uint64_t target, int error_number)
{
	struct scan_result result = {
		.state = SONDE_SCAN_UNREACHABLE,
		.reason = SONDE_SCAN_REFUSED,
		.error_number = error_number,
	};

	udp_take_answer(udp, target, &result, clock_monotonic_ns());
}

/* Errors that came meanwhile are told by the next call, too: they are not about it. */
static bool is_stale(int error_number)
{
	return error_number == ECONNREFUSED || error_number == EHOSTUNREACH ||
	       error_number == ENETUNREACH || error_number == EACCES ||
	       error_number == ENOPROTOOPT || error_number == EPROTO ||
	       error_number == ENONET || error_number == EHOSTDOWN;
}

static void count_probe(struct udp *udp, uint64_t target, int64_t sent_ns)
{
	udp->sent_us[target] = stamp_of(sent_ns - udp->epoch_ns);
	if (udp->tries[target] < UINT8_MAX)
		udp->tries[target]++;
	udp->scan->summary.probes++;
	udp->scan->summary.repeated += udp->tries[target] > 1;
	udp->unsent_in_row = 0;
}

/* False: it did not leave this machine, where there was no room for it, and counts for
 * nothing; where nothing leaves at all, that is the result. */
static bool send_to(struct udp *udp, uint64_t target)
{
	struct sonde_address address = plan_address(&udp->scan->plan, target);
	struct source *source = next_source(udp, address.family);
	struct sockaddr_storage to;
	socklen_t length = sonde_address_to_sockaddr(&address, &to);
	size_t n;
	const uint8_t *bytes = udp_payload_of(udp, address.port, &n);
	unsigned tries = udp->unsent_in_row < UNSENT_MOST ? SEND_TRIES : 1;
	int64_t sent_ns = 0;
	int error = 0;

	if (udp->scan->hosts[target / udp->scan->plan.port_count].is_local &&
	    udp_is_own(udp, &address)) {
		udp->deferred++;
		return true;
	}
	for (unsigned i = 0; i < tries; i++) {
		sent_ns = clock_monotonic_ns();
		if (sendto(source->fd, bytes, n, 0, (struct sockaddr *)&to, length) >=
		    0) {
			count_probe(udp, target, sent_ns);
			return true;
		}
		error = errno;
		if (error == EAGAIN || error == ENOBUFS)
			udp_wait_until(udp, clock_monotonic_ns() + NS_PER_MS);
		else if (!is_stale(error))
			break;
	}
	if ((error == EAGAIN || error == ENOBUFS) && udp->unsent_in_row < UNSENT_MOST) {
		udp->unsent_in_row++;
		return false;
	}
	count_probe(udp, target, sent_ns);
	udp->unsent_in_row = UNSENT_MOST; /* until something leaves */
	refuse(udp, target, error);
	return true;
}

/* Waits as the rate demands, then asks.  False: the question did not leave. */
static bool ask(struct udp *udp, uint64_t target)
{
	int64_t now_ns = clock_monotonic_ns();

	while (now_ns < udp->next_ns && !scan_is_stopped(udp->scan)) {
		udp_wait_until(udp, udp->next_ns);
		now_ns = clock_monotonic_ns();
	}
	if (now_ns - udp->next_ns > 2 * NS_PER_MS) /* a pause is not made up for */
		udp->next_ns = now_ns;
	udp->next_ns += (int64_t)((double)NS_PER_S / udp->rate);
	return send_to(udp, target);
}

static void tell_progress(struct udp *udp)
{
	uint64_t left = udp->left_before;
	int64_t eta_ns = 0;

	for (uint32_t i = 0; i < udp->count; i++) {
		int64_t own = udp_host_eta(&udp->hosts[i]);

		left += udp->hosts[i].is_done ? 0 : udp->hosts[i].unknown;
		if (own < 0 || eta_ns < 0)
			eta_ns = -1;
		else if (own > eta_ns)
			eta_ns = own;
	}
	scan_tell_progress(udp->scan, clock_monotonic_ns(), left,
			   udp->scan->summary.targets, eta_ns);
}

static uint64_t target_of(const struct udp *udp, uint32_t host, uint32_t port)
{
	return (uint64_t)(udp->first + host) * udp->scan->plan.port_count + port;
}

static bool has_unknown(const struct udp *udp)
{
	for (uint32_t i = 0; i < udp->count; i++)
		if (!udp->hosts[i].is_done && udp->hosts[i].unknown > 0)
			return true;
	return false;
}

/* What a round asks: also what did not leave in those before it. */
static bool is_due(const struct udp *udp, uint32_t host, uint32_t port, unsigned round)
{
	unsigned wanted = round < ROUNDS ? round + 1 : ROUNDS;

	return !udp->scan->skipped[udp->first + host] &&
	       udp_host_state(&udp->hosts[host], port) == SONDE_SCAN_UNKNOWN &&
	       udp->tries[target_of(udp, host, port)] < wanted;
}

/* Everything, twice: what talks is known then. */
static void ask_all(struct udp *udp)
{
	uint32_t ports = udp->scan->plan.port_count;
	struct permutation permutation;
	unsigned rounds = ROUNDS;
	uint64_t seed = 0;

	if (getrandom(&seed, sizeof(seed), 0) < 0)
		seed = (uint64_t)clock_monotonic_ns();
	permutation_init(&permutation, (uint64_t)udp->count * ports, seed);
	for (unsigned round = 0; round < rounds; round++) {
		uint64_t asked = 0, unsent = 0;

		for (uint64_t at = 0; at < permutation.count; at++) {
			uint64_t one = permutation_at(&permutation, at);
			uint32_t host = (uint32_t)(one / ports);
			uint32_t port = (uint32_t)(one % ports);

			if (!is_due(udp, host, port, round))
				continue;
			unsent += !ask(udp, target_of(udp, host, port));
			if (++asked % 16 == 0) {
				udp_wait_until(udp, 0);
				tell_progress(udp);
			}
			if (scan_is_stopped(udp->scan) || udp->result < 0)
				return;
		}
		for (int64_t end_ns = clock_monotonic_ns() + udp_rto(udp);
		     has_unknown(udp) && clock_monotonic_ns() < end_ns;)
			udp_wait_until(udp, end_ns);
		rounds += unsent > 0 && rounds < ROUNDS + ROUNDS_MORE;
	}
}

/* What the limits of the hosts hold back. */
static void ask_on(struct udp *udp)
{
	bool is_done = false;

	while (!is_done && !scan_is_stopped(udp->scan) && udp->result == 0) {
		int64_t now_ns = clock_monotonic_ns();
		int64_t due_ns = now_ns + WAIT_MOST_MS * NS_PER_MS;

		is_done = true;
		for (uint32_t i = 0; i < udp->count; i++) {
			struct udp_host *host = &udp->hosts[i];
			uint32_t ports[UDP_HOST_BATCH];
			unsigned count = udp_host_next(host, now_ns, udp_rto(udp), ports);

			for (unsigned k = 0; k < count; k++)
				if (!ask(udp, target_of(udp, i, ports[k])))
					udp_host_unsent(host);
			is_done &= host->is_done;
			if (!host->is_done && host->due_ns < due_ns)
				due_ns = host->due_ns;
		}
		if (!is_done)
			udp_wait_until(udp, due_ns);
		tell_progress(udp);
	}
}

static unsigned sources_for(const struct udp *udp, uint8_t family)
{
	unsigned count = 0;

	for (size_t i = 0; i < udp->source_count; i++)
		count += udp->sources[i].address.family == family;
	return count;
}

/* The ports that our own sockets were bound to. */
static int ask_deferred(struct udp *udp, struct sonde_error *err)
{
	bool held[UINT16_MAX + 1] = {false};
	const struct sonde_scan *scan = udp->scan;
	uint32_t ports = scan->plan.port_count;
	int r;

	for (size_t i = 0; i < udp->source_count; i++)
		held[udp->sources[i].address.port] = true;
	for (size_t i = 0; i < udp->source_count; i++)
		close(udp->sources[i].fd);
	udp->source_count = 0;
	array_free(udp->sources);
	array_free(udp->polls);
	udp->sources = NULL;
	udp->polls = NULL;
	r = udp_open_sources(udp, held, err);
	for (unsigned tries = 0; r == 0 && tries < 3; tries++) {
		for (uint64_t i = 0; i < (uint64_t)udp->count * ports; i++) {
			uint64_t at = udp->first + i / ports;

			if (scan->skipped[at] || !scan->hosts[at].is_local ||
			    !held[scan->plan.ports[i % ports]])
				continue;
			if (udp_host_state(&udp->hosts[i / ports],
					   (uint32_t)(i % ports)) == SONDE_SCAN_UNKNOWN)
				ask(udp, target_of(udp, (uint32_t)(i / ports),
						   (uint32_t)(i % ports)));
		}
		for (int64_t end_ns = clock_monotonic_ns() + udp_rto(udp);
		     clock_monotonic_ns() < end_ns;)
			udp_wait_until(udp, end_ns);
	}
	return r;
}

/* What is left of a group said nothing. */
static void tell_silent(struct udp *udp)
{
	uint32_t ports = udp->scan->plan.port_count;

	for (uint64_t i = 0; i < (uint64_t)udp->count * ports; i++) {
		struct scan_result result = {.state = SONDE_SCAN_OPEN_FILTERED,
					     .rtt_ns = -1};
		uint64_t target = (uint64_t)udp->first * ports + i;

		if (udp->scan->skipped[udp->first + i / ports] ||
		    udp_host_state(&udp->hosts[i / ports], (uint32_t)(i % ports)) !=
			    SONDE_SCAN_UNKNOWN)
			continue;
		if (udp->scan->is_stopped) {
			udp->scan->summary.states[SONDE_SCAN_UNKNOWN]++;
			continue;
		}
		result.address = plan_address(&udp->scan->plan, target);
		result.tries = udp->tries[target];
		if (!result.tries) { /* no question about it has left */
			result.state = SONDE_SCAN_UNREACHABLE;
			result.reason = SONDE_SCAN_REFUSED;
			result.error_number = ENOBUFS;
		} else if (result.tries < udp->least_tries) {
			udp->least_tries = (uint8_t)result.tries;
		}
		if (scan_tell_port(udp->scan, &result) < 0)
			udp->result = -ENOMEM;
	}
}

static int run_group(struct udp *udp, struct sonde_error *err)
{
	uint32_t ports = udp->scan->plan.port_count;
	int r = 0;

	for (uint32_t i = 0; i < udp->count; i++) {
		uint32_t at = udp->first + i;

		udp_host_init(&udp->hosts[i], udp->status + (uint64_t)at * ports, ports,
			      sources_for(udp, udp->scan->hosts[at].address.family),
			      clock_monotonic_ns());
		udp->hosts[i].is_done = udp->scan->skipped[at];
		if (!udp->scan->skipped[at])
			udp->left_before -= ports;
	}
	ask_all(udp);
	udp->deferred = 0;
	for (uint32_t i = 0; i < udp->count; i++)
		udp->hosts[i].gain_ns = udp->hosts[i].due_ns = clock_monotonic_ns();
	ask_on(udp);
	if (udp->deferred && !udp->scan->is_stopped)
		r = ask_deferred(udp, err);
	for (uint32_t i = 0; i < udp->count; i++) {
		udp->controls_lost += udp->hosts[i].controls_lost;
		if (udp->hosts[i].control >= 0)
			udp->controls +=
				udp->hosts[i].controls_lost + udp->hosts[i].misses;
		if (udp->hosts[i].interval_ns)
			udp->scan->summary.rate_limit =
				(double)NS_PER_S / (double)udp->hosts[i].interval_ns;
	}
	tell_silent(udp);
	return r < 0 ? r : udp->result;
}

/* Of the ports that talk: all of them were lost so often as the least asked of the silent
 * ones was asked. */
static void reckon_risk(struct udp *udp)
{
	struct sonde_scan_summary *summary = &udp->scan->summary;
	double n = (double)(udp->first_answers + udp->later_answers + udp->controls);
	double x = (double)(udp->later_answers + udp->controls_lost);
	double responders = (double)summary->states[SONDE_SCAN_OPEN];

	summary->rtt_ns = udp->srtt_ns;
	if (udp->scan->is_stopped)
		return;
	if (summary->states[SONDE_SCAN_OPEN_FILTERED] == 0) {
		summary->miss_probability = 0;
	} else if (n > 0) {
		summary->loss = x / n;
		summary->miss_probability =
			(responders < 1 ? 1 : responders) *
			risk_power(risk_upper(x, n), udp->least_tries);
		if (summary->miss_probability > 1)
			summary->miss_probability = 1;
	}
}

static int prepare(struct udp *udp, struct sonde_error *err)
{
	const struct sonde_scan *scan = udp->scan;
	uint64_t size = plan_size(&scan->plan);

	udp->status = array_new(size, 1);
	udp->sent_us = array_new(size, sizeof(udp->sent_us[0]));
	udp->tries = array_new(size, 1);
	udp->least_tries = UINT8_MAX;
	if (!udp->status || !udp->sent_us || !udp->tries)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "scan", "",
				       NULL);
	udp->epoch_ns = udp->next_ns = clock_monotonic_ns();
	udp->srtt_ns = -1;
	udp->rate = NEAR_RATE;
	udp->left_before = scan->summary.targets;
	for (uint32_t i = 0; i < scan->plan.host_count; i++) {
		if (scan->skipped[i])
			continue;
		if (scan->hosts[i].is_distant)
			udp->rate = DISTANT_RATE;
		if (scan->hosts[i].rtt_ns > 0)
			udp_add_trip(udp, scan->hosts[i].rtt_ns);
	}
	if (scan->options.max_rate > 0 && scan->options.max_rate < udp->rate)
		udp->rate = scan->options.max_rate;
	return udp_open_sources(udp, NULL, err);
}

int scan_udp(struct sonde_scan *scan, struct sonde_error *err)
{
	struct udp *udp = array_new(1, sizeof(*udp));
	int r;

	if (!udp)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "scan", "",
				       NULL);
	udp->scan = scan;
	r = prepare(udp, err);
	for (uint32_t at = 0; r == 0 && at < scan->plan.host_count; at += UDP_GROUP) {
		udp->first = at;
		udp->count = scan->plan.host_count - at < UDP_GROUP
				     ? scan->plan.host_count - at
				     : UDP_GROUP;
		r = run_group(udp, err);
	}
	reckon_risk(udp);
	for (size_t i = 0; i < udp->source_count; i++)
		close(udp->sources[i].fd);
	array_free(udp->sources);
	array_free(udp->polls);
	array_free(udp->status);
	array_free(udp->sent_us);
	array_free(udp->tries);
	array_free(udp);
	return r;
}
