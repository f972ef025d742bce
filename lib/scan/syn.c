/* TCP by SYN packets: what is asked comes from the course, what is answered from the
 * ring, and this joins the two.
 *
 * Answers are taken in before the course looks at the clock: when this process did not
 * get a processor for a while, they lie in the ring, and are not late.  Their time is the
 * kernel's. */
#include <errno.h>
#include <poll.h>
#include <string.h>

#include "base/clock.h"
#include "base/limits.h"
#include "scan/raw.h"
#include "scan/session.h"

#define DROPS_NS (5 * NS_PER_MS)

enum { WAIT_MOST_MS = 20 };

struct syn {
	struct sonde_scan *scan;
	struct course *course;
	struct raw *raw;
	struct course_probe batch[RAW_BATCH];
	int64_t drops_ns; /* when they were asked for last */
	int result;       /* the first -ENOMEM */
	bool has_links;   /* frames may be sent */
};

static void tell(struct syn *syn, const struct scan_result *result)
{
	int r = scan_tell_port(syn->scan, result);

	if (r < 0 && syn->result == 0)
		syn->result = r;
}

static bool is_final(int error_number)
{
	return error_number != ENOBUFS && error_number != EAGAIN &&
	       error_number != ENOMEM && error_number != EINTR;
}

/* This machine does not send it: no way there, a filter of its own, or no room now. */
static void refuse(struct syn *syn, const struct course_probe *probe, int error_number)
{
	struct scan_result result = {
		.state = SONDE_SCAN_UNREACHABLE,
		.reason = SONDE_SCAN_REFUSED,
		.error_number = error_number,
		.rtt_ns = -1,
	};
	int64_t now_ns = clock_monotonic_ns();

	if (probe->is_sentinel || !is_final(error_number)) {
		course_unsent(syn->course, probe, now_ns);
		return;
	}
	result.address = plan_address(&syn->scan->plan, probe->target);
	if (course_answer(syn->course, probe->target, probe->attempt, result.state,
			  now_ns))
		tell(syn, &result);
}

static void refused(void *context, size_t at, int error_number)
{
	struct syn *syn = context;

	refuse(syn, &syn->batch[at], error_number);
}

static void add_probe(struct syn *syn, const struct course_probe *probe)
{
	const struct plan *plan = &syn->scan->plan;
	const struct scan_host *host;
	struct sonde_address to;
	unsigned port_at = probe->attempt;

	if (probe->is_sentinel && probe->kind == COURSE_ECHO) {
		host = &syn->scan->hosts[probe->target];
		syn->batch[raw_batched(syn->raw)] = *probe;
		raw_add_echo(syn->raw, &host->source, &host->address, probe->serial);
		return;
	}
	host = &syn->scan->hosts[probe->target / plan->port_count];
	if (host->source.family == SONDE_FAMILY_NONE) {
		refuse(syn, probe, ENETUNREACH);
		return;
	}
	to = host->address;
	to.port = plan->ports[probe->target % plan->port_count];
	if (probe->is_sentinel)
		port_at = COURSE_ATTEMPTS + probe->serial % RAW_SENTINEL_PORTS;
	syn->batch[raw_batched(syn->raw)] = *probe;
	raw_add_syn(syn->raw, &host->source, &to, port_at,
		    probe->is_sentinel ? probe->serial : 0);
	if (syn->has_links && host->link.interface_index && !probe->is_sentinel &&
	    probe->attempt == 0)
		raw_use_link(syn->raw, &host->link);
}

static void take_answer(struct syn *syn, const struct raw_answer *answer, int64_t at_ns)
{
	const struct reply *reply = &answer->reply;
	struct scan_result result = {
		.icmp_type = reply->icmp_type,
		.icmp_code = reply->icmp_code,
		.ttl = reply->ttl,
	};
	uint64_t target;
	int64_t sent_ns;

	if (reply->kind == REPLY_ECHO) {
		course_sentinel_answer(syn->course, reply->echo, at_ns);
		return;
	}
	target = plan_find(&syn->scan->plan, &reply->about);
	if (target == PLAN_NONE ||
	    syn->scan->skipped[target / syn->scan->plan.port_count])
		return;
	if (reply->kind == REPLY_CHALLENGE) {
		if (answer->port_at < COURSE_ATTEMPTS)
			course_void(syn->course, target, at_ns);
		return;
	}
	if (answer->port_at >= COURSE_ATTEMPTS) {
		if (answer->difference % RAW_SENTINEL_PORTS ==
		    answer->port_at - COURSE_ATTEMPTS)
			course_sentinel_answer(syn->course, answer->difference, at_ns);
		return;
	}
	switch (reply->kind) {
	case REPLY_OPEN:
		result.state = SONDE_SCAN_OPEN;
		result.reason = SONDE_SCAN_SYN_ACK;
		break;
	case REPLY_CLOSED:
		result.state = SONDE_SCAN_CLOSED;
		result.reason = SONDE_SCAN_RST;
		break;
	default:
		result.state = SONDE_SCAN_UNREACHABLE;
		result.reason = SONDE_SCAN_ICMP;
		result.from = reply->from;
		break;
	}
	sent_ns = course_sent_at(syn->course, target, at_ns);
	if (sent_ns > at_ns)
		at_ns = sent_ns;
	if (!course_answer(syn->course, target, answer->port_at, result.state, at_ns))
		return;
	result.address = plan_address(&syn->scan->plan, target);
	result.rtt_ns = at_ns - sent_ns;
	result.tries = course_tries(syn->course, target);
	tell(syn, &result);
}

/* How many came. */
static unsigned take_answers(struct syn *syn)
{
	struct raw_answer answer;
	int64_t now_ns = clock_monotonic_ns();
	int64_t offset_ns = clock_realtime_ns() - now_ns;
	unsigned count = 0;
	uint64_t drops;

	while (raw_next(syn->raw, &answer) > 0) {
		int64_t at_ns = answer.at_ns - offset_ns;

		take_answer(syn, &answer, at_ns < now_ns ? at_ns : now_ns);
		count++;
	}
	if (now_ns - syn->drops_ns > DROPS_NS) {
		syn->drops_ns = now_ns;
		drops = raw_drops(syn->raw);
		syn->scan->summary.own_drops += drops;
		if (drops)
			course_lost_here(syn->course, now_ns);
	}
	return count;
}

static void tell_progress(struct syn *syn, int64_t now_ns)
{
	struct course_report report;

	if (now_ns - syn->scan->told_ns < 100 * NS_PER_MS)
		return;
	course_get_report(syn->course, &report);
	scan_tell_progress(
		syn->scan, now_ns, report.unknown, syn->scan->summary.targets,
		(int64_t)((double)report.ahead / report.rate * (double)NS_PER_S));
}

static void run(struct syn *syn)
{
	struct pollfd ring = {.fd = raw_fd(syn->raw), .events = POLLIN};

	while (syn->result == 0 && !scan_is_stopped(syn->scan)) {
		/* Before the answers: what comes later than this is looked at later. */
		int64_t now_ns = clock_monotonic_ns(), wait_ns;
		unsigned count = take_answers(syn);
		struct course_probe probe;
		int r;

		do {
			r = course_next(syn->course, now_ns, &probe);
			if (r > 0)
				add_probe(syn, &probe);
		} while (r > 0 && raw_batched(syn->raw) < RAW_BATCH);
		if (raw_batched(syn->raw)) {
			raw_send(syn->raw, refused, syn);
			count++;
		}
		if (r < 0)
			return;
		tell_progress(syn, now_ns);
		if (count)
			continue;
		wait_ns = course_due(syn->course, now_ns) - now_ns;
		/* Shorter than what poll() can wait is spent asking. */
		if (wait_ns >= NS_PER_MS / 4)
			poll(&ring, 1,
			     wait_ns > WAIT_MOST_MS * NS_PER_MS
				     ? WAIT_MOST_MS
				     : (int)((wait_ns + NS_PER_MS - 1) / NS_PER_MS));
	}
}

int scan_syn(struct sonde_scan *scan, struct raw *raw, struct sonde_error *err)
{
	struct syn syn = {.scan = scan, .raw = raw, .has_links = link_is_free()};
	int r = scan_new_course(scan, &syn.course, err);

	if (r < 0)
		return r;
	for (uint32_t i = 0; i < scan->plan.host_count; i++)
		if (scan->hosts[i].is_up && scan->hosts[i].has_echo)
			course_add_echo(syn.course, i);
	run(&syn);
	r = syn.result;
	scan->summary.foreign = raw_foreign(raw);
	if (r == 0)
		r = scan_end_course(scan, syn.course);
	if (r < 0)
		sonde_error_set(err, SONDE_ERROR_TROUBLE, r, "scan", "", NULL);
	course_free(syn.course);
	return r;
}
