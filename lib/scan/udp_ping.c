/* A ping over UDP: numbered datagrams to a port, and what comes back for each.
 *
 * The datagram is a line, "Ping SEQUENCE TIME", as the labs' servers expect it: an echo
 * gives it back, others in capital letters, or with words around it.  The number in the
 * answer says which question it answers; where an answer has none, it is that of the
 * oldest one that is still open. */
#include <sonde/scan.h>

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/array.h"
#include "base/clock.h"
#include "base/limits.h"
#include "io/resolve.h"
#include "io/sock.h"
#include "scan/icmp.h"

enum { LINE_BYTES = 80, OPEN_MOST = 1 << 16 };

struct udp_ping {
	const struct sonde_udp_ping_options *options;
	struct sonde_udp_ping_result result;
	int fd;
	int64_t *sent_ns; /* owned; of a sequence modulo OPEN_MOST; 0: answered or lost */
	uint64_t oldest;  /* sequence that is open */
	double sum_us, squares;
};

static void tell(struct udp_ping *ping, uint64_t sequence, int64_t rtt_ns,
		 const struct icmp_report *error)
{
	struct sonde_scan_event event = {
		.kind = SONDE_SCAN_PONG,
		.at_ns = clock_realtime_ns(),
		.address = ping->result.address,
		.udp = true,
		.sequence = sequence,
		.rtt_ns = rtt_ns,
		.reason = rtt_ns >= 0 ? SONDE_SCAN_UDP_REPLY : SONDE_SCAN_NO_RESPONSE,
	};

	if (error) {
		event.reason = SONDE_SCAN_ICMP;
		event.icmp_type = error->type;
		event.icmp_code = error->code;
		event.from = error->from;
	}
	if (ping->options->observer)
		ping->options->observer(ping->options->context, &event);
}

/* The number that stands behind "ping " in the answer, wherever that is; -1 none. */
static int64_t find_number(const char *bytes, size_t n)
{
	for (size_t i = 0; i + 5 < n; i++) {
		int64_t number = 0;
		size_t digits = 0;

		if (strncasecmp(bytes + i, "ping ", 5) != 0)
			continue;
		for (i += 5; i < n && bytes[i] >= '0' && bytes[i] <= '9' && digits < 18;
		     i++, digits++)
			number = number * 10 + (bytes[i] - '0');
		return digits ? number : -1;
	}
	return -1;
}

static void count_trip(struct udp_ping *ping, int64_t rtt_ns)
{
	struct sonde_udp_ping_result *result = &ping->result;
	double us = (double)rtt_ns / 1000;

	result->received++;
	if (result->received == 1 || rtt_ns < result->least_ns)
		result->least_ns = rtt_ns;
	if (rtt_ns > result->most_ns)
		result->most_ns = rtt_ns;
	ping->sum_us += us;
	ping->squares += us * us;
}

static void take_answer(struct udp_ping *ping, const char *bytes, size_t n)
{
	int64_t number = find_number(bytes, n);
	uint64_t sequence = number > 0 ? (uint64_t)number : ping->oldest;
	int64_t *sent_ns = &ping->sent_ns[sequence % OPEN_MOST];

	if (sequence > ping->result.sent || sequence + OPEN_MOST <= ping->result.sent)
		return; /* none of ours */
	if (!*sent_ns) {
		ping->result.duplicates++;
		return;
	}
	int64_t rtt_ns = clock_monotonic_ns() - *sent_ns;
	*sent_ns = 0;
	count_trip(ping, rtt_ns);
	tell(ping, sequence, rtt_ns, NULL);
}

static void receive(struct udp_ping *ping)
{
	struct icmp_report error;
	char bytes[2048];
	ssize_t n;

	while ((n = recv(ping->fd, bytes, sizeof(bytes), MSG_DONTWAIT)) >= 0)
		take_answer(ping, bytes, (size_t)n);
	while (icmp_read_error(ping->fd, &error) > 0) {
		if (!error.is_icmp)
			continue;
		ping->result.refused++;
		if (ping->oldest <= ping->result.sent &&
		    ping->sent_ns[ping->oldest % OPEN_MOST]) {
			ping->sent_ns[ping->oldest % OPEN_MOST] = 0;
			tell(ping, ping->oldest, -1, &error);
		}
	}
}

/* Those that waited long enough are lost. */
static void expire(struct udp_ping *ping, int64_t now_ns)
{
	while (ping->oldest <= ping->result.sent) {
		int64_t *sent_ns = &ping->sent_ns[ping->oldest % OPEN_MOST];

		if (*sent_ns && now_ns - *sent_ns < ping->options->timeout_ns)
			return;
		if (*sent_ns) {
			*sent_ns = 0;
			tell(ping, ping->oldest, -1, NULL);
		}
		ping->oldest++;
	}
}

/* 0, or why it could not leave. */
static int send_one(struct udp_ping *ping)
{
	char line[LINE_BYTES];
	uint64_t sequence = ++ping->result.sent;
	int n = snprintf(line, sizeof(line), "Ping %llu %lld\n",
			 (unsigned long long)sequence,
			 (long long)(clock_realtime_ns() / NS_PER_US));

	ping->sent_ns[sequence % OPEN_MOST] = clock_monotonic_ns();
	/* An error that came meanwhile is told here, too, and in its queue. */
	for (unsigned tries = 0; tries < 2; tries++)
		if (send(ping->fd, line, (size_t)n, 0) >= 0)
			return 0;
	ping->result.not_sent++;
	return -errno;
}

static int fail_send(const struct udp_ping *ping, int error, struct sonde_error *err)
{
	char subject[SOCK_SUBJECT_CHARS];

	sock_format_subject(&ping->result.address, SOCK_UDP, subject);
	sonde_error_set(err, sonde_error_kind_of(-error), error, "ping", subject, NULL);
	if (error == -EPERM)
		sonde_error_hint(err, "a firewall of this machine does not let it out");
	if (error == -ENETUNREACH)
		sonde_error_hint(err, "this machine has no route there: ip route");
	return error;
}

static int open_socket(struct udp_ping *ping, struct sonde_error *err)
{
	struct resolve_endpoint endpoint;
	struct sonde_address list[LIMIT_ADDRESSES];
	struct sockaddr_storage to;
	char subject[SOCK_SUBJECT_CHARS];
	const int one = 1;
	int r = resolve_parse_pair(ping->options->host, ping->options->port, &endpoint,
				   err);

	if (r == 0 && endpoint.port == 0) {
		r = sonde_error_set(err, SONDE_ERROR_USAGE, -EINVAL, "ping", "port 0",
				    "no server can be reached there");
		sonde_error_hint(err, "--ports takes one of 1 to 65535; without it 7, "
				      "the echo service");
	}
	if (r == 0)
		r = resolve_lookup(&endpoint, list, LIMIT_ADDRESSES, err);
	if (r < 0)
		return r;
	ping->result.address = list[0];
	sock_format_subject(&list[0], SOCK_UDP, subject);
	ping->fd = sock_open(&list[0], SOCK_UDP);
	if (ping->fd < 0)
		return sonde_error_set(err, SONDE_ERROR_TROUBLE, ping->fd, "ping",
				       subject, NULL);
	setsockopt(ping->fd, IPPROTO_IP, IP_RECVERR, &one, sizeof(one));
	setsockopt(ping->fd, IPPROTO_IPV6, IPV6_RECVERR, &one, sizeof(one));
	if (connect(ping->fd, (struct sockaddr *)&to,
		    sonde_address_to_sockaddr(&list[0], &to)) < 0)
		return fail_send(ping, -errno, err);
	return 0;
}

/* 1 also_fd, 0 all is answered or lost, or why the first could not leave. */
static int run(struct udp_ping *ping, int also_fd)
{
	const struct sonde_udp_ping_options *options = ping->options;
	int64_t next_ns = clock_monotonic_ns();

	for (;;) {
		struct pollfd polls[2] = {{.fd = ping->fd, .events = POLLIN},
					  {.fd = also_fd, .events = POLLIN}};
		int64_t now_ns = clock_monotonic_ns(), due_ns;
		bool has_more = !options->count || ping->result.sent < options->count;

		receive(ping);
		expire(ping, now_ns);
		if (has_more && now_ns >= next_ns) {
			int r = send_one(ping);
			/* Not one has left: this is no loss. */
			if (r < 0 && ping->result.sent == 1)
				return r;
			next_ns += options->interval_ns;
			if (next_ns < now_ns)
				next_ns = now_ns + options->interval_ns;
			continue;
		}
		if (!has_more && ping->oldest > ping->result.sent)
			return 0;
		due_ns = has_more ? next_ns : now_ns + options->timeout_ns;
		if (ping->oldest <= ping->result.sent &&
		    ping->sent_ns[ping->oldest % OPEN_MOST] + options->timeout_ns <
			    due_ns)
			due_ns = ping->sent_ns[ping->oldest % OPEN_MOST] +
				 options->timeout_ns;
		int64_t wait_ms = (due_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;
		poll(polls, 2, wait_ms < 0 ? 0 : wait_ms > 1000 ? 1000 : (int)wait_ms);
		if (polls[1].revents)
			return 1;
	}
}

static double root(double x)
{
	double guess = x > 1 ? x : 1;

	for (unsigned i = 0; i < 60 && x > 0; i++)
		guess = (guess + x / guess) / 2;
	return x > 0 ? guess : 0;
}

int sonde_udp_ping(const struct sonde_udp_ping_options *options, int also_fd,
		   struct sonde_udp_ping_result *ret, struct sonde_error *err)
{
	struct udp_ping ping = {.options = options, .fd = -1, .oldest = 1};
	int r;

	ping.sent_ns = array_new(OPEN_MOST, sizeof(ping.sent_ns[0]));
	r = ping.sent_ns ? open_socket(&ping, err)
			 : sonde_error_set(err, SONDE_ERROR_TROUBLE, -ENOMEM, "ping", "",
					   NULL);
	if (r == 0) {
		r = run(&ping, also_fd);
		if (r < 0)
			fail_send(&ping, r, err);
		if (ping.result.received) {
			double n = (double)ping.result.received, mean = ping.sum_us / n;

			ping.result.mean_ns = (int64_t)(mean * 1000);
			ping.result.deviation_ns =
				(int64_t)(root(ping.squares / n - mean * mean) * 1000);
		}
		*ret = ping.result;
	}
	if (ping.fd >= 0)
		close(ping.fd);
	array_free(ping.sent_ns);
	return r;
}
