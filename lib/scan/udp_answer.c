/* What comes back to an UDP scan: datagrams, and ICMP errors. */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "scan/icmp.h"
#include "scan/recognize.h"
#include "scan/stamp.h"
#include "scan/udp_parts.h"
#include "scan/udp_payload.h"

#define RTO_LEAST (60 * NS_PER_MS)
#define RTO_MOST (3000 * NS_PER_MS)

enum { WAIT_MOST_MS = 20 };

int64_t udp_rto(const struct udp *udp)
{
	int64_t most =
		udp->scan->options.timeout_ns ? udp->scan->options.timeout_ns : RTO_MOST;
	int64_t ns =
		udp->srtt_ns < 0 ? 5 * RTO_LEAST : 2 * udp->srtt_ns + 4 * udp->rttvar_ns;

	if (ns < RTO_LEAST)
		ns = RTO_LEAST;
	return ns < most ? ns : most;
}

void udp_add_trip(struct udp *udp, int64_t trip_ns)
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

const uint8_t *udp_payload_of(const struct udp *udp, uint16_t port, size_t *ret_bytes)
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
	const uint8_t *asked = udp_payload_of(udp, port, &asked_bytes);
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

void udp_take_answer(struct udp *udp, uint64_t target, struct scan_result *result,
		     int64_t now_ns)
{
	uint32_t ports = udp->scan->plan.port_count;
	uint64_t at = target / ports - udp->first;
	int64_t trip_ns;
	int r;

	if (target == PLAN_NONE || target / ports < udp->first || at >= udp->count ||
	    !udp->sent_us[target])
		return;
	trip_ns = now_ns - udp->epoch_ns;
	trip_ns -= stamp_time(udp->sent_us[target], trip_ns);
	if (!udp_host_answer(&udp->hosts[at], (uint32_t)(target % ports), result->state,
			     now_ns))
		return;
	if (udp->tries[target] == 1)
		udp_add_trip(udp, trip_ns);
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
	udp_take_answer(udp, plan_find(&udp->scan->plan, &report->about), &result,
			now_ns);
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
		udp_take_answer(udp, target, &result, now_ns);
	}
	while (icmp_read_error(fd, &report) > 0)
		take_error(udp, &report, now_ns);
}

void udp_wait_until(struct udp *udp, int64_t until_ns)
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
