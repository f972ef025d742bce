/* <sonde/scan.h>: a scan from its options to its summary. */
#include <sonde/scan.h>

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/limits.h"
#include "io/service_name.h"
#include "scan/ping.h"
#include "scan/raw.h"
#include "scan/route.h"
#include "scan/session.h"

#define PROGRESS_NS (100 * NS_PER_MS)
#define BLIND_RATE 5000.0
#define NEAR_RATE 50000.0
#define DISTANT_RATE 1000.0

static int no_memory(struct sonde_error *err)
{
	return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "scan", "", NULL);
}

int sonde_scan_new(const struct sonde_scan_options *options, struct sonde_scan **ret,
		   struct sonde_error *err)
{
	struct sonde_scan *scan = array_new(1, sizeof(*scan));

	if (!scan)
		return no_memory(err);
	scan->options = *options;
	if (scan->options.blind_rate <= 0)
		scan->options.blind_rate = BLIND_RATE;
	scan->also_fd = -1;
	scan->summary.loss = scan->summary.miss_probability = -1;
	scan->summary.rtt_ns = -1;
	*ret = scan;
	return 0;
}

void sonde_scan_free(struct sonde_scan *scan)
{
	if (!scan)
		return;
	hosts_done(&scan->wanted);
	hosts_done(&scan->excluded);
	hosts_done(&scan->source_hosts);
	plan_done(&scan->plan);
	array_free(scan->hosts);
	array_free(scan->skipped);
	array_free(scan->open);
	array_free(scan);
}

int sonde_scan_add_ports(struct sonde_scan *scan, const char *text,
			 struct sonde_error *err)
{
	return ports_parse(&scan->ports, text, err);
}

static void add_port(void *context, const char *name, uint16_t port, bool udp)
{
	struct sonde_scan *scan = context;

	(void)name;
	if (port > 0 && udp == (scan->options.method == SONDE_SCAN_UDP))
		ports_add(&scan->ports, port, port);
}

int sonde_scan_add_default_ports(struct sonde_scan *scan, struct sonde_error *err)
{
	static const uint16_t labs[] = {2143,  2465,  2525,  2587,  2993,  8000,  8080,
					8443,  10007, 10009, 10013, 10017, 10019, 10037,
					12000, 12001, 12002, 12345, 50000};

	(void)err;
	/* Without the list there are still the labs' ports. */
	service_name_each(add_port, scan);
	for (size_t i = 0; i < sizeof(labs) / sizeof(labs[0]); i++)
		ports_add(&scan->ports, labs[i], labs[i]);
	return 0;
}

int sonde_scan_add_target(struct sonde_scan *scan, const char *text,
			  struct sonde_error *err)
{
	return hosts_parse(&scan->wanted, text, err);
}

int sonde_scan_exclude(struct sonde_scan *scan, const char *text, struct sonde_error *err)
{
	return hosts_parse(&scan->excluded, text, err);
}

int sonde_scan_add_source(struct sonde_scan *scan, const char *text,
			  struct sonde_error *err)
{
	return hosts_parse(&scan->source_hosts, text, err);
}

const struct sonde_scan_summary *sonde_scan_summary(const struct sonde_scan *scan)
{
	return &scan->summary;
}

/* --- what is told */

void scan_emit(struct sonde_scan *scan, struct sonde_scan_event *event)
{
	event->at_ns = clock_realtime_ns();
	event->udp = scan->options.method == SONDE_SCAN_UDP;
	if (scan->options.observer)
		scan->options.observer(scan->options.context, event);
}

int scan_tell_port(struct sonde_scan *scan, const struct scan_result *result)
{
	struct sonde_scan_event event = {
		.kind = SONDE_SCAN_PORT,
		.address = result->address,
		.state = result->state,
		.reason = result->reason,
		.icmp_type = result->icmp_type,
		.icmp_code = result->icmp_code,
		.ttl = result->ttl,
		.error_number = result->error_number,
		.from = result->from,
		.rtt_ns = result->rtt_ns,
		.tries = result->tries,
		.bytes = result->bytes,
		.n = result->n,
	};

	scan->summary.states[result->state]++;
	if (result->reason == SONDE_SCAN_ICMP) {
		int64_t at = hosts_find(&scan->plan.hosts, &result->address);

		if (at >= 0)
			scan->hosts[at].rejected++;
	}
	if (result->state == SONDE_SCAN_OPEN) {
		if (array_reserve(&scan->open, &scan->open_room, scan->open_count + 1,
				  sizeof(scan->open[0])) < 0)
			return -ENOMEM;
		scan->open[scan->open_count++] = result->address;
	} else if (scan->options.only_open) {
		return 0;
	}
	scan_emit(scan, &event);
	return 0;
}

void scan_tell_note(struct sonde_scan *scan, const char *format, ...)
{
	char text[512];
	struct sonde_scan_event event = {.kind = SONDE_SCAN_NOTE, .text = text};
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	scan_emit(scan, &event);
}

void scan_tell_host(struct sonde_scan *scan, const struct scan_host *host)
{
	struct sonde_scan_event event = {
		.kind = SONDE_SCAN_HOST,
		.address = host->address,
		.is_up = host->is_up,
		.reason = (enum sonde_scan_reason)host->reason,
		.rtt_ns = host->rtt_ns,
	};

	scan_emit(scan, &event);
}

void scan_tell_progress(struct sonde_scan *scan, int64_t now_ns, uint64_t remaining,
			uint64_t total, int64_t eta_ns)
{
	struct sonde_scan_event event = {.kind = SONDE_SCAN_PROGRESS,
					 .remaining = remaining,
					 .total = total,
					 .eta_ns = eta_ns};

	if (now_ns - scan->told_ns < PROGRESS_NS)
		return;
	scan->told_ns = now_ns;
	scan_emit(scan, &event);
}

bool scan_is_stopped(struct sonde_scan *scan)
{
	struct pollfd also = {.fd = scan->also_fd, .events = POLLIN};
	int64_t now_ns = clock_monotonic_ns();

	/* Not a system call for each batch. */
	if (now_ns - scan->asked_ns < NS_PER_MS)
		return scan->is_stopped;
	scan->asked_ns = now_ns;
	if (!scan->is_stopped && scan->also_fd >= 0 && poll(&also, 1, 0) > 0)
		scan->is_stopped = true;
	return scan->is_stopped;
}

/* --- targets and fences */

static int settle(struct sonde_scan *scan, struct sonde_error *err)
{
	int r;

	if (scan->is_settled)
		return 0;
	if (hosts_settle(&scan->wanted, &scan->excluded) < 0)
		return no_memory(err);
	if (!hosts_size(&scan->wanted)) {
		sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "scan", "",
				"no target is left");
		sonde_error_hint(err, "name one that is not excluded");
		return -EINVAL;
	}
	r = plan_init(&scan->plan, &scan->wanted, &scan->ports, err);
	if (r < 0)
		return r;
	scan->hosts = array_new(scan->plan.host_count, sizeof(scan->hosts[0]));
	scan->skipped = array_new(scan->plan.host_count, sizeof(scan->skipped[0]));
	if (!scan->hosts || !scan->skipped)
		return no_memory(err);
	for (uint32_t i = 0; i < scan->plan.host_count; i++) {
		scan->hosts[i].address = hosts_at(&scan->plan.hosts, i);
		scan->hosts[i].rtt_ns = -1;
	}
	scan->summary.hosts = scan->plan.host_count;
	scan->summary.ports = scan->plan.port_count;
	scan->is_settled = true;
	return 0;
}

static bool is_multicast(const struct sonde_address *address)
{
	return address->family == SONDE_FAMILY_INET ? address->bytes[0] >> 4 == 0xe
						    : address->bytes[0] == 0xff;
}

static bool is_broadcast(const struct sonde_address *address)
{
	static const uint8_t all[4] = {255, 255, 255, 255};

	return address->family == SONDE_FAMILY_INET &&
	       memcmp(address->bytes, all, 4) == 0;
}

/* Loopback, link-local, RFC 1918, RFC 4193. */
static bool is_private(const struct sonde_address *address)
{
	const uint8_t *b = address->bytes;

	if (sonde_address_is_loopback(address))
		return true;
	if (address->family == SONDE_FAMILY_INET)
		return b[0] == 10 || (b[0] == 172 && (b[1] & 0xf0) == 16) ||
		       (b[0] == 192 && b[1] == 168) || (b[0] == 169 && b[1] == 254);
	return (b[0] & 0xfe) == 0xfc || (b[0] == 0xfe && (b[1] & 0xc0) == 0x80);
}

static int refuse_address(const struct sonde_address *address, const char *what,
			  struct sonde_error *err)
{
	char subject[SONDE_ADDRESS_CHARS];

	sonde_address_format_host(address, subject);
	sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "scan", subject, "%s", what);
	sonde_error_hint(err, "name single machines, or leave it out with --exclude %s",
			 subject);
	return -EINVAL;
}

/* Where each host is.  A broadcast address that lies inside of a network is left out; one
 * that stands alone was meant. */
static int look_at_routes(struct sonde_scan *scan, struct sonde_error *err)
{
	int fd = route_open();

	for (uint32_t i = 0; fd >= 0 && i < scan->plan.host_count; i++) {
		struct scan_host *host = &scan->hosts[i];
		struct route route;

		if (route_get(fd, &host->address, &route) < 0) {
			host->has_no_route = true;
			continue;
		}
		host->source = route.source;
		host->is_local = route.kind == ROUTE_LOCAL;
		host->is_distant = route.has_gateway;
		host->interface_index = route.interface_index;
		if (route.kind != ROUTE_BROADCAST)
			continue;
		if (scan->plan.host_count == 1) {
			close(fd);
			return refuse_address(&host->address,
					      "it is a broadcast address: every machine "
					      "would answer",
					      err);
		}
		scan->skipped[i] = true;
		scan->broadcasts++;
	}
	if (fd >= 0)
		close(fd);
	return 0;
}

int sonde_scan_check(struct sonde_scan *scan, struct sonde_address *ret,
		     struct sonde_error *err)
{
	int r = settle(scan, err);
	bool is_public = false;

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < scan->plan.host_count; i++) {
		const struct sonde_address *address = &scan->hosts[i].address;

		if (sonde_address_is_any(address))
			return refuse_address(
				address, "it is no machine's address: it means any", err);
		if (is_multicast(address))
			return refuse_address(address,
					      "it is a multicast address: many machines "
					      "would answer",
					      err);
		if (is_broadcast(address))
			return refuse_address(address,
					      "it is a broadcast address: every machine "
					      "would answer",
					      err);
		if (!is_private(address) && !is_public) {
			is_public = true;
			*ret = *address;
		}
	}
	if (!scan->has_routes)
		r = look_at_routes(scan, err);
	scan->has_routes = true;
	return r < 0 ? r : is_public;
}

/* --- the run */

int scan_new_course(struct sonde_scan *scan, struct course **ret, struct sonde_error *err)
{
	struct course_options options = {
		.targets = plan_size(&scan->plan),
		.ports = scan->plan.port_count,
		.start_rate = NEAR_RATE,
		.max_rate = scan->options.max_rate,
		.blind_rate = scan->options.blind_rate,
		.timeout_ns = scan->options.timeout_ns,
		.max_tries = scan->options.max_tries,
		.spares_open = scan->options.method == SONDE_SCAN_CONNECT,
		.skipped = scan->skipped,
	};

	if (getrandom(&options.seed, sizeof(options.seed), 0) < 0)
		options.seed = (uint64_t)clock_monotonic_ns();
	for (uint32_t i = 0; i < scan->plan.host_count; i++) {
		const struct scan_host *host = &scan->hosts[i];

		if (host->is_up && host->is_distant)
			options.start_rate = DISTANT_RATE;
		if (host->is_up && host->rtt_ns > options.rtt_ns)
			options.rtt_ns = host->rtt_ns;
	}
	if (course_new(&options, clock_monotonic_ns(), ret) < 0)
		return no_memory(err);
	return 0;
}

/* Silent ports of a host that says of others that they cannot be reached: ICMP errors are
 * limited almost everywhere (RFC 1812, 4.3.2.8). */
static void note_limited_errors(struct sonde_scan *scan, uint32_t host, uint64_t silent)
{
	char address[SONDE_ADDRESS_CHARS];

	if (!scan->hosts[host].rejected || !silent)
		return;
	sonde_address_format_host(&scan->hosts[host].address, address);
	scan_tell_note(
		scan,
		"%s: ICMP errors came for %u ports and not for %llu: such errors are "
		"limited, and those that are filtered may be unreachable, too",
		address, scan->hosts[host].rejected, (unsigned long long)silent);
}

/* What stayed silent is told now; of a scan that was stopped, only what got all the
 * tries that silence needs is not known here, so none of it is. */
int scan_end_course(struct sonde_scan *scan, const struct course *course)
{
	struct course_report report;

	course_get_report(course, &report);
	scan->summary.probes = report.probes + report.sentinels;
	scan->summary.repeated = report.repeated;
	scan->summary.loss = report.loss;
	scan->summary.rtt_ns = report.rtt_ns;
	scan->summary.rate_limit = report.reset_limit;
	if (scan->is_stopped) {
		scan->summary.states[SONDE_SCAN_UNKNOWN] = report.unknown;
		return 0;
	}
	scan->summary.miss_probability = report.miss;
	for (uint32_t host = 0; host < scan->plan.host_count; host++) {
		uint64_t first = (uint64_t)host * scan->plan.port_count, silent = 0;

		if (scan->skipped[host])
			continue;
		for (uint64_t i = first; i < first + scan->plan.port_count; i++) {
			struct scan_result result = {.state = SONDE_SCAN_FILTERED,
						     .rtt_ns = -1};
			int r;

			if (course_state(course, i) != SONDE_SCAN_UNKNOWN)
				continue;
			silent++;
			result.address = plan_address(&scan->plan, i);
			result.tries = course_tries(course, i);
			r = scan_tell_port(scan, &result);
			if (r < 0)
				return r;
		}
		note_limited_errors(scan, host, silent);
	}
	return 0;
}

static void tell_hosts(struct sonde_scan *scan)
{
	if (scan->broadcasts)
		scan_tell_note(scan, "%u broadcast address%s left out", scan->broadcasts,
			       scan->broadcasts == 1 ? " is" : "es are");
	for (uint32_t i = 0; i < scan->plan.host_count; i++) {
		if (scan->skipped[i])
			continue;
		scan_tell_host(scan, &scan->hosts[i]);
		if (scan->hosts[i].is_up)
			scan->summary.hosts_up++;
		else
			scan->skipped[i] = true;
	}
	if (scan->summary.hosts_up == 0 && !scan->is_stopped)
		scan_tell_note(scan, "no host answers; -Pn scans them all the same");
	scan->summary.targets = scan->summary.hosts_up * scan->plan.port_count;
}

/* Who is on the own link shows in the kernel's table of neighbours. */
static bool has_distant(const struct sonde_scan *scan)
{
	for (uint32_t i = 0; i < scan->plan.host_count; i++)
		if (scan->hosts[i].is_distant && !scan->skipped[i])
			return true;
	return false;
}

static int run_method(struct sonde_scan *scan, struct raw *raw, struct sonde_error *err)
{
	switch (scan->options.method) {
	case SONDE_SCAN_SYN:
		return scan_syn(scan, raw, err);
	case SONDE_SCAN_UDP:
		return scan_udp(scan, err);
	case SONDE_SCAN_CONNECT:
	default:
		return scan_connect(scan, err);
	}
}

int sonde_scan_run(struct sonde_scan *scan, int also_fd, struct sonde_error *err)
{
	struct sonde_address public;
	struct raw *raw = NULL;
	int r = sonde_scan_check(scan, &public, err);

	if (r < 0)
		return r;
	scan->also_fd = also_fd;
	scan->started_ns = clock_monotonic_ns();
	scan->told_ns = scan->started_ns;
	if (scan->options.method == SONDE_SCAN_SYN ||
	    (has_distant(scan) && sonde_scan_can_syn()))
		r = raw_open(&raw, scan->options.method == SONDE_SCAN_SYN ? err : NULL);
	if (r < 0 && scan->options.method == SONDE_SCAN_SYN)
		return r;
	scan_ping(scan, raw);
	tell_hosts(scan);
	/* A ring looks at every packet of the machine, in and out: it would slow the
	 * connects and datagrams down. */
	if (scan->options.method != SONDE_SCAN_SYN) {
		raw_close(raw);
		raw = NULL;
	}
	r = 0;
	if (!scan->is_stopped && scan->summary.targets > 0 && !scan->options.only_ping)
		r = run_method(scan, raw, err);
	if (r == 0 && !scan->is_stopped && scan->options.method != SONDE_SCAN_UDP &&
	    (scan->options.talk || scan->options.say))
		r = scan_talk(scan, err);
	raw_close(raw);
	scan->summary.took_ns = clock_monotonic_ns() - scan->started_ns;
	scan->summary.is_complete = r == 0 && !scan->is_stopped;
	return r < 0 ? r : scan->is_stopped;
}

bool sonde_scan_can_syn(void)
{
	/* The same privilege as a packet socket, whose close() would wait for all
	 * processors. */
	int fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}
