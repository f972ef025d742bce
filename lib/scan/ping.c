/* Which hosts are up.
 *
 * On the own link the kernel finds the neighbour (ARP, neighbour discovery) before it
 * sends anything, and its table says whether that worked: no packet of ours is needed but
 * one to make it try, and no privilege to read it.  Beyond the link a host is up if it
 * answers an echo request or a TCP probe; who may not send raw packets connects.
 *
 * It is done for some hosts at a time: the neighbour table has a limit. */
#include "scan/ping.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "scan/route.h"

enum {
	GROUP = 256, /* hosts at a time */
	ROUNDS = 3,
	PORTS = 2,
	WAIT_MS = 1,
	ECHO_FIRST = 0x8000, /* so that none is taken for a sentinel */
};

static const int64_t round_at_ns[ROUNDS] = {0, 300 * NS_PER_MS, 900 * NS_PER_MS};
static const uint16_t ports[PORTS] = {443, 80};

#define END_NS (1500 * NS_PER_MS)
#define ECHO_PATIENCE_NS (100 * NS_PER_MS) /* for one that is a neighbour */

struct ping {
	struct sonde_scan *scan;
	struct raw *raw;       /* NULL: connect */
	int route_fd, news_fd; /* the whole table; what changes in it */
	uint32_t first, count; /* the group */
	int64_t began_ns, sent_ns, next_ns;
	unsigned round;
	struct pollfd connects[GROUP * PORTS]; /* fd -1: none */
};

static struct scan_host *find(struct ping *ping, const struct sonde_address *address)
{
	int64_t at = hosts_find(&ping->scan->plan.hosts, address);

	if (at < ping->first || at >= (int64_t)ping->first + ping->count)
		return NULL;
	return &ping->scan->hosts[at];
}

static void mark(struct scan_host *host, enum sonde_scan_reason reason, int64_t rtt_ns)
{
	host->is_up = true;
	host->reason = (uint8_t)reason;
	if (rtt_ns >= 0)
		host->rtt_ns = rtt_ns;
}

static void see_neighbour(void *context, const struct neighbour *neighbour)
{
	struct scan_host *host = find(context, &neighbour->address);

	if (!host || host->is_distant || host->is_local)
		return;
	if (host->interface_index == neighbour->link.interface_index)
		host->link = neighbour->link;
	if (!host->is_up)
		mark(host, SONDE_SCAN_NEIGHBOUR, -1);
}

static void refused(void *context, size_t at, int error_number)
{
	(void)context;
	(void)at;
	(void)error_number; /* no way there: it stays down */
}

static void flush(struct ping *ping)
{
	raw_send(ping->raw, refused, ping);
}

static void ask_raw(struct ping *ping, const struct scan_host *host)
{
	if (host->source.family == SONDE_FAMILY_NONE)
		return;
	if (raw_batched(ping->raw) + 1 + PORTS > RAW_BATCH)
		flush(ping);
	raw_add_echo(ping->raw, &host->source, &host->address,
		     (uint16_t)(ECHO_FIRST + ping->round));
	if (!host->is_distant)
		return;
	for (unsigned i = 0; i < PORTS; i++) {
		struct sonde_address to = host->address;

		to.port = ports[i];
		raw_add_syn(ping->raw, &host->source, &to, ping->round, 0);
	}
}

/* A refusal is as good as a connection. */
static void ask_by_connect(struct ping *ping, uint32_t at)
{
	struct scan_host *host = &ping->scan->hosts[ping->first + at];
	const struct linger reset = {.l_onoff = 1};

	for (unsigned i = 0; i < PORTS; i++) {
		struct pollfd *entry = &ping->connects[at * PORTS + i];
		struct sonde_address address = host->address;
		struct sockaddr_storage to;
		socklen_t length;

		if (entry->fd >= 0)
			continue;
		address.port = ports[i];
		length = sonde_address_to_sockaddr(&address, &to);
		entry->fd = socket(to.ss_family,
				   SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		entry->events = POLLOUT;
		if (entry->fd < 0)
			return; /* the rest goes without */
		setsockopt(entry->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
		if (connect(entry->fd, (const struct sockaddr *)&to, length) < 0 &&
		    errno != EINPROGRESS && errno != ECONNREFUSED) {
			close(entry->fd); /* no way there */
			entry->fd = -1;
		}
	}
}

/* --max-rate is kept here, too. */
static void keep_rate(struct ping *ping, unsigned packets)
{
	double rate = ping->scan->options.max_rate;
	int64_t now_ns = clock_monotonic_ns();

	if (rate <= 0)
		return;
	if (ping->raw)
		flush(ping);
	if (ping->next_ns < now_ns)
		ping->next_ns = now_ns;
	ping->next_ns += (int64_t)(packets / rate * (double)NS_PER_S);
	while (now_ns < ping->next_ns && !scan_is_stopped(ping->scan)) {
		int64_t wait_ms = (ping->next_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;

		poll(NULL, 0, wait_ms > 50 ? 50 : (int)wait_ms);
		now_ns = clock_monotonic_ns();
	}
}

static void ask(struct ping *ping)
{
	for (uint32_t i = 0; i < ping->count; i++) {
		const struct scan_host *host = &ping->scan->hosts[ping->first + i];

		if (host->is_up || ping->scan->skipped[ping->first + i])
			continue;
		if (ping->raw)
			ask_raw(ping, host);
		else
			ask_by_connect(ping, i);
		keep_rate(ping, !ping->raw ? PORTS : host->is_distant ? 1 + PORTS : 1);
	}
	if (ping->raw)
		flush(ping);
	ping->sent_ns = clock_monotonic_ns();
}

static void take_answers(struct ping *ping)
{
	struct raw_answer answer;

	while (raw_next(ping->raw, &answer) > 0) {
		struct sonde_address about = answer.reply.about;
		struct scan_host *host;
		int64_t rtt_ns = clock_monotonic_ns() - ping->sent_ns;

		about.port = 0;
		host = find(ping, &about);
		if (!host || answer.reply.kind == REPLY_ICMP)
			continue;
		if (answer.reply.kind == REPLY_ECHO) {
			/* The trip of an earlier round is not known. */
			if (answer.reply.echo != ECHO_FIRST + ping->round)
				rtt_ns = -1;
			if (!host->is_up || host->reason == SONDE_SCAN_NEIGHBOUR)
				mark(host, SONDE_SCAN_ECHO_REPLY, rtt_ns);
			host->has_echo = true;
		} else if (!host->is_up) {
			mark(host,
			     answer.reply.kind == REPLY_OPEN ? SONDE_SCAN_SYN_ACK
							     : SONDE_SCAN_RST,
			     answer.port_at == ping->round ? rtt_ns : -1);
		}
	}
}

static void take_connects(struct ping *ping)
{
	poll(ping->connects, ping->count * PORTS, 0);
	for (uint32_t i = 0; i < ping->count * PORTS; i++) {
		struct pollfd *entry = &ping->connects[i];
		struct scan_host *host = &ping->scan->hosts[ping->first + i / PORTS];
		int error = 0;
		socklen_t bytes = sizeof(error);

		if (entry->fd < 0 || !entry->revents)
			continue;
		getsockopt(entry->fd, SOL_SOCKET, SO_ERROR, &error, &bytes);
		if (!host->is_up && (error == 0 || error == ECONNREFUSED))
			mark(host, error ? SONDE_SCAN_RST : SONDE_SCAN_SYN_ACK,
			     ping->round ? -1 : clock_monotonic_ns() - ping->sent_ns);
		close(entry->fd);
		entry->fd = -1;
	}
}

/* Groups that are through, and as long for each of the others. */
static void tell_progress(struct ping *ping, int64_t now_ns)
{
	uint64_t total = ping->scan->plan.host_count, left = total - ping->first;
	double of_done = (double)(now_ns - ping->scan->started_ns) / (double)ping->first;

	scan_tell_progress(ping->scan, now_ns, left, total,
			   ping->first ? (int64_t)(of_done * (double)left) : -1);
}

/* Nothing more is worth waiting for. */
static bool is_settled(const struct ping *ping, int64_t now_ns)
{
	for (uint32_t i = 0; i < ping->count; i++) {
		const struct scan_host *host = &ping->scan->hosts[ping->first + i];

		if (ping->scan->skipped[ping->first + i] || host->has_no_route)
			continue;
		if (!host->is_up)
			return false;
		if (ping->raw && host->reason == SONDE_SCAN_NEIGHBOUR &&
		    now_ns - ping->began_ns < ECHO_PATIENCE_NS)
			return false;
	}
	return true;
}

/* The kernel tells what becomes known; the table, which may have thousands of entries, is
 * read when a round begins, at the end, and where news were lost. */
static void look_at_neighbours(struct ping *ping, bool whole)
{
	if (ping->news_fd < 0 ||
	    route_next_neighbours(ping->news_fd, see_neighbour, ping) < 0)
		whole = true;
	if (whole && ping->route_fd >= 0)
		route_each_neighbour(ping->route_fd, see_neighbour, ping);
}

static void run_group(struct ping *ping)
{
	struct pollfd polls[] = {
		{.fd = ping->raw ? raw_fd(ping->raw) : -1, .events = POLLIN},
		{.fd = ping->news_fd, .events = POLLIN},
	};

	for (uint32_t i = 0; i < ping->count * PORTS; i++)
		ping->connects[i].fd = -1;
	ping->began_ns = clock_monotonic_ns();
	for (unsigned next = 0; !scan_is_stopped(ping->scan);) {
		int64_t now_ns = clock_monotonic_ns();
		bool is_over, begins = false;

		if (next < ROUNDS && now_ns - ping->began_ns >= round_at_ns[next]) {
			ping->round = next++;
			begins = true;
			ask(ping);
		}
		poll(polls, 2, WAIT_MS);
		if (ping->raw)
			take_answers(ping);
		else
			take_connects(ping);
		now_ns = clock_monotonic_ns();
		is_over = now_ns - ping->began_ns >= END_NS;
		look_at_neighbours(ping, begins || is_over);
		tell_progress(ping, now_ns);
		if (is_over || is_settled(ping, now_ns))
			break;
	}
	for (uint32_t i = 0; i < ping->count * PORTS; i++)
		if (ping->connects[i].fd >= 0)
			close(ping->connects[i].fd);
}

/* Of a scan that was stopped: they could not answer any more. */
static void leave_out_silent(struct ping *ping)
{
	struct sonde_scan *scan = ping->scan;

	for (uint32_t i = ping->first; i < ping->first + ping->count; i++) {
		if (scan->skipped[i] || scan->hosts[i].is_up)
			continue;
		scan->skipped[i] = true;
		scan->summary.hosts_unknown++;
	}
}

void scan_ping(struct sonde_scan *scan, struct raw *raw)
{
	struct ping ping = {.scan = scan,
			    .raw = raw,
			    .route_fd = route_open(),
			    .news_fd = route_open_news()};
	bool skip = scan->options.skip_ping;

	scan->is_pinging = true;
	for (uint32_t at = 0; at < scan->plan.host_count; at += GROUP) {
		bool is_needed = false;

		ping.first = at;
		ping.count = scan->plan.host_count - at < GROUP
				     ? scan->plan.host_count - at
				     : GROUP;
		for (uint32_t i = at; i < at + ping.count; i++) {
			struct scan_host *host = &scan->hosts[i];

			if (host->is_local)
				mark(host, SONDE_SCAN_LOCAL, -1);
			/* A neighbour is asked all the same: packets to one that the
			 * kernel does not know yet are lost in its queue. */
			is_needed |= !host->is_local && !scan->skipped[i] &&
				     (!skip || !host->is_distant);
		}
		if (is_needed && !scan->is_stopped)
			run_group(&ping);
		if (scan->is_stopped && !skip)
			leave_out_silent(&ping);
	}
	scan->is_pinging = false;
	if (ping.route_fd >= 0)
		close(ping.route_fd);
	if (ping.news_fd >= 0)
		close(ping.news_fd);
	for (uint32_t i = 0; skip && i < scan->plan.host_count; i++)
		if (!scan->hosts[i].is_up && !scan->skipped[i])
			mark(&scan->hosts[i], SONDE_SCAN_USER, -1);
}
