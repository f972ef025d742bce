/* What a scan tells its observer. */
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/array.h"
#include "base/clock.h"
#include "scan/session.h"

#define PROGRESS_NS (100 * NS_PER_MS)

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
	scan->summary.refused += result->reason == SONDE_SCAN_REFUSED;
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
					 .of_hosts = scan->is_pinging,
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
