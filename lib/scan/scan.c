/* <sonde/scan.h>: a scan from its options to its summary. */
#include <sonde/scan.h>

#include <errno.h>
#include <netinet/in.h>
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
#include "scan/session.h"

#define BLIND_RATE 5000.0
#define NEAR_RATE 50000.0
#define DISTANT_RATE 1000.0

int scan_no_memory(struct sonde_error *err)
{
	return sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "scan", "", NULL);
}

int sonde_scan_new(const struct sonde_scan_options *options, struct sonde_scan **ret,
		   struct sonde_error *err)
{
	struct sonde_scan *scan = array_new(1, sizeof(*scan));

	if (!scan)
		return scan_no_memory(err);
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

size_t sonde_scan_ports(const struct sonde_scan *scan, const uint16_t **ret)
{
	*ret = scan->plan.ports;
	return scan->plan.port_count;
}

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
		return scan_no_memory(err);
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
	if (scan->is_stopped)
		scan->summary.states[SONDE_SCAN_UNKNOWN] =
			scan->options.only_ping ? 0 : scan->summary.targets;
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
