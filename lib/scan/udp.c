/* UDP without privilege: one socket for each own address; ICMP errors come through its
 * error queue (IP_RECVERR), which names the port that they are about.
 *
 * A port of this machine that one of these very sockets is bound to would answer itself;
 * it is asked last, by a socket with another number, when the first is closed. */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/limits.h"
#include "scan/icmp.h"
#include "scan/permutation.h"
#include "scan/recognize.h"
#include "scan/risk.h"
#include "scan/session.h"
#include "scan/udp_host.h"
#include "scan/udp_payload.h"

#define RTO_LEAST (60 * NS_PER_MS)
#define RTO_MOST (3000 * NS_PER_MS)
#define NEAR_RATE 20000.0
#define DISTANT_RATE 1000.0

enum {
	GROUP = 64, /* hosts at a time */
	ROUNDS = 2, /* of all ports, at first */
	RECEIVE_BUFFER = 4 << 20,
	SEND_TRIES = 16,
	WAIT_MOST_MS = 20,
};

struct source {
	int fd;
	struct sonde_address address; /* as bound */
};

struct udp {
	struct sonde_scan *scan;
	struct source *sources; /* owned */
	struct pollfd *polls;   /* owned; as many */
	size_t source_count;
	size_t turn;       /* the source that is next */
	uint8_t *status;   /* owned; of each target */
	uint32_t *sent_us; /* owned; since epoch_ns, 0 never */
	uint8_t *tries;    /* owned */
	struct udp_host hosts[GROUP];
	uint32_t first, count; /* the group */
	int64_t epoch_ns, next_ns;
	double rate;
	int64_t srtt_ns, rttvar_ns;            /* srtt -1 not known */
	uint64_t first_answers, later_answers; /* of open ports */
	uint64_t controls, controls_lost;
	uint32_t deferred;    /* ports of ours */
	uint64_t left_before; /* targets of the groups before and after */
	int result;
};

/* --- sockets */

static int open_source(const struct sonde_address *from, struct source *ret)
{
	bool is_inet6 = from->family == SONDE_FAMILY_INET6;
	const int one = 1, bytes = RECEIVE_BUFFER;
	struct sockaddr_storage storage;
	socklen_t length = sonde_address_to_sockaddr(from, &storage);
	int fd = socket(is_inet6 ? AF_INET6 : AF_INET,
			SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int r;

	if (fd < 0)
		return -errno;
	if (is_inet6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (setsockopt(fd, is_inet6 ? (int)IPPROTO_IPV6 : (int)IPPROTO_IP,
		       is_inet6 ? IPV6_RECVERR : IP_RECVERR, &one, sizeof(one)) < 0 ||
	    bind(fd, (struct sockaddr *)&storage, length) < 0) {
		r = -errno;
		close(fd);
		return r;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes));
	length = sizeof(storage);
	getsockname(fd, (struct sockaddr *)&storage, &length);
	ret->fd = fd;
	return sonde_address_from_sockaddr((const struct sockaddr *)&storage, length,
					   &ret->address);
}

static int add_source(struct udp *udp, const struct sonde_address *from,
		      struct sonde_error *err)
{
	char subject[SONDE_ADDRESS_CHARS];
	int r = open_source(from, &udp->sources[udp->source_count]);

	if (r < 0) {
		sonde_address_format_host(from, subject);
		sonde_error_set(err,
				r == -EADDRNOTAVAIL ? SONDE_ERROR_USAGE
						    : sonde_error_kind_of(-r),
				r, "send from", subject, NULL);
		if (r == -EADDRNOTAVAIL)
			sonde_error_hint(err, "sources are addresses of this machine: ip "
					      "address shows them");
		return r;
	}
	udp->polls[udp->source_count] = (struct pollfd){
		.fd = udp->sources[udp->source_count].fd, .events = POLLIN};
	udp->source_count++;
	return 0;
}

static bool has_family(const struct sonde_scan *scan, uint8_t family)
{
	for (uint32_t i = 0; i < scan->plan.host_count; i++)
		if (!scan->skipped[i] && scan->hosts[i].address.family == family)
			return true;
	return false;
}

static int open_sources(struct udp *udp, struct sonde_error *err)
{
	static const uint8_t families[] = {SONDE_FAMILY_INET, SONDE_FAMILY_INET6};
	struct sonde_scan *scan = udp->scan;
	struct hosts none = {0};
	uint64_t count;
	int r = hosts_settle(&scan->source_hosts, &none);

	count = hosts_size(&scan->source_hosts);
	if (r == 0 && count > LIMIT_SCAN_SOURCES)
		return sonde_error_set(err, SONDE_ERROR_USAGE, -E2BIG, "scan",
				       "the sources", "more than %d addresses",
				       LIMIT_SCAN_SOURCES);
	udp->sources = array_new(count + 2, sizeof(udp->sources[0]));
	udp->polls = array_new(count + 2, sizeof(udp->polls[0]));
	if (r < 0 || !udp->sources || !udp->polls)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "scan", "",
				       NULL);
	for (uint64_t i = 0; i < count && r == 0; i++) {
		struct sonde_address from = hosts_at(&scan->source_hosts, i);
		r = add_source(udp, &from, err);
	}
	for (size_t i = 0; i < 2 && r == 0; i++) {
		struct sonde_address any = {.family = families[i]};
		bool has_one = false;

		for (size_t k = 0; k < udp->source_count; k++)
			has_one |= udp->sources[k].address.family == families[i];
		if (!has_one && has_family(scan, families[i]))
			r = add_source(udp, &any, err);
	}
	return r;
}

/* --- answers */

static int64_t rto(const struct udp *udp)
{
	int64_t most =
		udp->scan->options.timeout_ns ? udp->scan->options.timeout_ns : RTO_MOST;
	int64_t ns =
		udp->srtt_ns < 0 ? 5 * RTO_LEAST : 2 * udp->srtt_ns + 4 * udp->rttvar_ns;

	if (ns < RTO_LEAST)
		ns = RTO_LEAST;
	return ns < most ? ns : most;
}

static void add_sample(struct udp *udp, int64_t trip_ns)
{
	int64_t off = trip_ns - udp->srtt_ns;

	if (udp->srtt_ns < 0) {
		udp->srtt_ns = trip_ns;
		udp->rttvar_ns = trip_ns / 2;
		return;
	}
	udp->srtt_ns += off / 8;
	udp->rttvar_ns += ((off < 0 ? -off : off) - udp->rttvar_ns) / 4;
}

static bool is_own(const struct udp *udp, const struct sonde_address *address)
{
	for (size_t i = 0; i < udp->source_count; i++)
		if (udp->sources[i].address.port == address->port)
			return true;
	return false;
}

static const uint8_t *payload(const struct udp *udp, uint16_t port, size_t *ret_bytes)
{
	const struct sonde_scan_options *options = &udp->scan->options;

	if (!options->say)
		return udp_payload(port, ret_bytes);
	*ret_bytes = options->say_bytes;
	return (const uint8_t *)options->say;
}

/* The datagram that answered says something, too. */
static void tell_words(struct udp *udp, const struct scan_result *result)
{
	uint16_t port = result->address.port;
	size_t asked_bytes;
	const uint8_t *asked = payload(udp, port, &asked_bytes);
	struct sonde_scan_event event = {
		.kind = SONDE_SCAN_SAID,
		.address = result->address,
		.state = SONDE_SCAN_OPEN,
		.bytes = result->bytes,
		.n = result->n,
		.service = recognize_datagram(port, asked, asked_bytes, result->bytes,
					      result->n),
		.was_asked = true,
		.rtt_ns = -1,
	};

	if (udp->scan->options.talk || udp->scan->options.say)
		scan_emit(udp->scan, &event);
}

/* About this target; its result holds all but address, trip and tries. */
static void take_answer(struct udp *udp, uint64_t target, struct scan_result *result,
			int64_t now_ns)
{
	uint32_t ports = udp->scan->plan.port_count;
	uint64_t at = target / ports - udp->first;
	int64_t trip_ns;
	int r;

	if (target == PLAN_NONE || target / ports < udp->first || at >= udp->count ||
	    !udp->sent_us[target])
		return;
	trip_ns = now_ns - udp->epoch_ns - udp->sent_us[target] * NS_PER_US;
	if (!udp_host_answer(&udp->hosts[at], (uint32_t)(target % ports), result->state,
			     now_ns))
		return;
	if (udp->tries[target] == 1)
		add_sample(udp, trip_ns);
	if (result->state == SONDE_SCAN_OPEN) {
		udp->first_answers += udp->tries[target] == 1;
		udp->later_answers += udp->tries[target] > 1;
	}
	result->address = plan_address(&udp->scan->plan, target);
	result->rtt_ns = trip_ns < 0 ? 0 : trip_ns;
	result->tries = udp->tries[target];
	r = scan_tell_port(udp->scan, result);
	if (r < 0 && udp->result == 0)
		udp->result = r;
	if (result->n)
		tell_words(udp, result);
}

static void take_error(struct udp *udp, const struct icmp_report *report, int64_t now_ns)
{
	bool is_inet6 = report->about.family == SONDE_FAMILY_INET6;
	struct scan_result result = {
		.state = SONDE_SCAN_UNREACHABLE,
		.reason = SONDE_SCAN_ICMP,
		.icmp_type = report->type,
		.icmp_code = report->code,
		.from = report->from,
		.error_number = report->error_number,
	};

	if (!report->is_icmp)
		return;
	/* Only the host itself knows that nobody listens; a router that says so, too,
	 * says it for itself. */
	if (report->type == (is_inet6 ? 1 : 3) && report->code == (is_inet6 ? 4 : 3) &&
	    sonde_address_equal_host(&report->from, &report->about))
		result.state = SONDE_SCAN_CLOSED;
	take_answer(udp, plan_find(&udp->scan->plan, &report->about), &result, now_ns);
}

static void receive(struct udp *udp, int fd)
{
	int64_t now_ns = clock_monotonic_ns();
	struct icmp_report report;
	uint8_t bytes[2048];

	for (;;) {
		struct sockaddr_storage from;
		socklen_t length = sizeof(from);
		struct scan_result result = {.state = SONDE_SCAN_OPEN,
					     .reason = SONDE_SCAN_UDP_REPLY,
					     .bytes = bytes};
		struct sonde_address address;
		ssize_t n = recvfrom(fd, bytes, sizeof(bytes), 0,
				     (struct sockaddr *)&from, &length);

		if (n < 0 && errno != EAGAIN)
			continue; /* what the error queue tells better */
		if (n < 0)
			break;
		if (sonde_address_from_sockaddr((const struct sockaddr *)&from, length,
						&address) < 0)
			continue;
		uint64_t target = plan_find(&udp->scan->plan, &address);
		if (target == PLAN_NONE || !udp->sent_us[target]) {
			udp->scan->summary.foreign++;
			continue;
		}
		result.n = (size_t)n;
		take_answer(udp, target, &result, now_ns);
	}
	while (icmp_read_error(fd, &report) > 0)
		take_error(udp, &report, now_ns);
}

/* Until then, or until something came. */
static void wait_until(struct udp *udp, int64_t until_ns)
{
	int64_t left_ns = until_ns - clock_monotonic_ns();
	struct timespec left;

	if (left_ns < 0)
		left_ns = 0;
	if (left_ns > WAIT_MOST_MS * NS_PER_MS)
		left_ns = WAIT_MOST_MS * NS_PER_MS;
	left = (struct timespec){.tv_sec = 0, .tv_nsec = left_ns};
	if (ppoll(udp->polls, udp->source_count, &left, NULL) <= 0)
		return;
	for (size_t i = 0; i < udp->source_count; i++)
		if (udp->polls[i].revents)
			receive(udp, udp->polls[i].fd);
}

/* --- questions */

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

	take_answer(udp, target, &result, clock_monotonic_ns());
}

/* Errors that came meanwhile are told by the next call, too: they are not about it. */
static bool is_stale(int error_number)
{
	return error_number == ECONNREFUSED || error_number == EHOSTUNREACH ||
	       error_number == ENETUNREACH || error_number == EACCES ||
	       error_number == ENOPROTOOPT || error_number == EPROTO ||
	       error_number == ENONET || error_number == EHOSTDOWN;
}

static void send_to(struct udp *udp, uint64_t target)
{
	struct sonde_address address = plan_address(&udp->scan->plan, target);
	struct source *source = next_source(udp, address.family);
	struct sockaddr_storage to;
	socklen_t length = sonde_address_to_sockaddr(&address, &to);
	size_t n;
	const uint8_t *bytes = payload(udp, address.port, &n);
	int error = 0;

	if (udp->scan->hosts[target / udp->scan->plan.port_count].is_local &&
	    is_own(udp, &address)) {
		udp->deferred++;
		return;
	}
	udp->sent_us[target] =
		(uint32_t)((clock_monotonic_ns() - udp->epoch_ns) / NS_PER_US) + 1;
	if (udp->tries[target] < UINT8_MAX)
		udp->tries[target]++;
	udp->scan->summary.probes++;
	udp->scan->summary.repeated += udp->tries[target] > 1;
	for (unsigned i = 0; i < SEND_TRIES; i++) {
		if (sendto(source->fd, bytes, n, 0, (struct sockaddr *)&to, length) >= 0)
			return;
		error = errno;
		if (error == EAGAIN || error == ENOBUFS)
			wait_until(udp, clock_monotonic_ns() + NS_PER_MS);
		else if (!is_stale(error))
			break;
	}
	if (error != EAGAIN && error != ENOBUFS)
		refuse(udp, target, error);
}

/* Waits as the rate demands, then asks. */
static void ask(struct udp *udp, uint64_t target)
{
	int64_t now_ns = clock_monotonic_ns();

	while (now_ns < udp->next_ns && !scan_is_stopped(udp->scan)) {
		wait_until(udp, udp->next_ns);
		now_ns = clock_monotonic_ns();
	}
	if (now_ns - udp->next_ns > 2 * NS_PER_MS) /* a pause is not made up for */
		udp->next_ns = now_ns;
	udp->next_ns += (int64_t)((double)NS_PER_S / udp->rate);
	send_to(udp, target);
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

/* Everything, twice: what talks is known then. */
static void ask_all(struct udp *udp)
{
	uint32_t ports = udp->scan->plan.port_count;
	struct permutation permutation;
	uint64_t seed = 0;

	if (getrandom(&seed, sizeof(seed), 0) < 0)
		seed = (uint64_t)clock_monotonic_ns();
	permutation_init(&permutation, (uint64_t)udp->count * ports, seed);
	for (unsigned round = 0; round < ROUNDS; round++) {
		uint64_t asked = 0;

		for (uint64_t at = 0; at < permutation.count; at++) {
			uint64_t one = permutation_at(&permutation, at);
			uint32_t host = (uint32_t)(one / ports);
			uint32_t port = (uint32_t)(one % ports);

			if (udp->scan->skipped[udp->first + host] ||
			    udp_host_state(&udp->hosts[host], port) != SONDE_SCAN_UNKNOWN)
				continue;
			ask(udp, target_of(udp, host, port));
			if (++asked % 16 == 0) {
				wait_until(udp, 0);
				tell_progress(udp);
			}
			if (scan_is_stopped(udp->scan) || udp->result < 0)
				return;
		}
		for (int64_t end_ns = clock_monotonic_ns() + rto(udp);
		     has_unknown(udp) && clock_monotonic_ns() < end_ns;)
			wait_until(udp, end_ns);
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
			unsigned count = udp_host_next(host, now_ns, rto(udp), ports);

			for (unsigned k = 0; k < count; k++)
				ask(udp, target_of(udp, i, ports[k]));
			is_done &= host->is_done;
			if (!host->is_done && host->due_ns < due_ns)
				due_ns = host->due_ns;
		}
		if (!is_done)
			wait_until(udp, due_ns);
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
	uint16_t held[8];
	size_t count = udp->source_count < 8 ? udp->source_count : 8;
	uint32_t ports = udp->scan->plan.port_count;
	int r;

	for (size_t i = 0; i < count; i++)
		held[i] = udp->sources[i].address.port;
	for (size_t i = 0; i < udp->source_count; i++)
		close(udp->sources[i].fd);
	udp->source_count = 0;
	array_free(udp->sources);
	array_free(udp->polls);
	udp->sources = NULL;
	udp->polls = NULL;
	r = open_sources(udp, err);
	for (unsigned tries = 0; r == 0 && tries < 3; tries++) {
		for (uint64_t i = 0; i < (uint64_t)udp->count * ports; i++) {
			struct udp_host *host = &udp->hosts[i / ports];
			uint16_t port = udp->scan->plan.ports[i % ports];
			bool is_held = false;

			for (size_t k = 0; k < count; k++)
				is_held |= held[k] == port;
			if (is_held && udp_host_state(host, (uint32_t)(i % ports)) ==
					       SONDE_SCAN_UNKNOWN)
				ask(udp, target_of(udp, (uint32_t)(i / ports),
						   (uint32_t)(i % ports)));
		}
		for (int64_t end_ns = clock_monotonic_ns() + rto(udp);
		     clock_monotonic_ns() < end_ns;)
			wait_until(udp, end_ns);
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

/* Of the ports that talk: each silent one was asked at least as often as there were
 * rounds. */
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
		summary->miss_probability = (responders < 1 ? 1 : responders) *
					    risk_power(risk_upper(x, n), ROUNDS + 3);
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
			add_sample(udp, scan->hosts[i].rtt_ns);
	}
	if (scan->options.max_rate > 0 && scan->options.max_rate < udp->rate)
		udp->rate = scan->options.max_rate;
	return open_sources(udp, err);
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
	for (uint32_t at = 0; r == 0 && at < scan->plan.host_count; at += GROUP) {
		udp->first = at;
		udp->count = scan->plan.host_count - at < GROUP
				     ? scan->plan.host_count - at
				     : GROUP;
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
