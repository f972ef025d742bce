/* Theory of operation.
 *
 * A closed UDP port is told by an ICMP error, and hosts limit those: Linux gives each
 * asker a bucket of six and then one a second.  Nothing can be faster than the bucket, so
 * the art is to waste none of it, and not to take what the bucket held back for silence.
 *
 * All ports were asked twice before this begins: services that talk are known at once.
 * Then questions go round over what is not known, a few in each quarter of the interval
 * in which errors come; a question that the bucket denies costs it nothing.  Where every
 * question is answered there is no limit, and more are asked at once.
 *
 * When nothing came for some intervals, what is left may be silent: the host is left
 * alone until its bucket has something in it, all that is left is asked at once, and then
 * a port that is known to be closed.  Where that one is answered and none of the others,
 * they were silent while the host could speak.  It takes SILENT_ROUNDS of these. */
#include "scan/udp_host.h"

#include "base/clock.h"

enum udp_phase { PHASE_ASK = 0, PHASE_REST, PHASE_SUSPECTS, PHASE_LISTEN, PHASE_CONTROL };

enum {
	STATE_MASK = 0x07,
	ROUNDS_SHIFT = 4,
	SILENT_ROUNDS = 3,
	BURST_LEAST = 2,
	CONTROLS_LOST_MOST = 20, /* in a row: it says nothing any more */
};

#define INTERVAL_UNKNOWN (50 * NS_PER_MS)
#define TICK_LEAST NS_PER_MS
#define TICK_MOST (250 * NS_PER_MS)
#define IDLE_LEAST (300 * NS_PER_MS)
#define IDLE_UNKNOWN (2000 * NS_PER_MS)
#define GAP_LEAST (NS_PER_MS / 2)

void udp_host_init(struct udp_host *host, uint8_t *status, uint32_t ports,
		   unsigned sources, int64_t now_ns)
{
	*host = (struct udp_host){
		.ports = ports,
		.unknown = ports,
		.sources = sources,
		.due_ns = now_ns,
		.burst = BURST_LEAST,
		.gain_ns = now_ns,
		.control = -1,
	};
	host->status = status;
}

enum sonde_scan_state udp_host_state(const struct udp_host *host, uint32_t port)
{
	return (enum sonde_scan_state)(host->status[port] & STATE_MASK);
}

/* Of one bucket: as many errors as there are askers take as long.  Their buckets may fill
 * at the same time, so that a gap between two errors says nothing. */
static void learn_interval(struct udp_host *host, int64_t now_ns)
{
	int64_t sample = now_ns - host->turn_ns, least_ns = GAP_LEAST * host->sources;

	host->errors++;
	if (host->errors < 8 * (uint64_t)host->sources)
		host->turn_errors = 0; /* of what the buckets held */
	else if (++host->turn_errors <= host->sources)
		return;
	else if (sample > least_ns && !host->interval_ns)
		host->interval_ns = sample;
	else if (sample > least_ns && sample < host->interval_ns * 3 / 2)
		host->interval_ns += (sample - host->interval_ns) / 5;
	host->turn_ns = now_ns;
	host->turn_errors = 1;
}

bool udp_host_answer(struct udp_host *host, uint32_t port, enum sonde_scan_state state,
		     int64_t now_ns)
{
	if (state != SONDE_SCAN_OPEN)
		learn_interval(host, now_ns);
	if (host->phase == PHASE_CONTROL && host->control == (int32_t)port)
		host->controls++;
	if (udp_host_state(host, port) != SONDE_SCAN_UNKNOWN)
		return false;
	host->status[port] = (uint8_t)state;
	host->unknown--;
	host->gain_ns = now_ns;
	host->has_news = true;
	host->errors_in_tick++;
	if (state == SONDE_SCAN_CLOSED)
		host->control = (int32_t)port;
	return true;
}

void udp_host_unsent(struct udp_host *host)
{
	host->has_news = true;
}

static int64_t tick(const struct udp_host *host)
{
	int64_t ns = (host->interval_ns ? host->interval_ns : INTERVAL_UNKNOWN) / 4;

	return ns < TICK_LEAST ? TICK_LEAST : ns > TICK_MOST ? TICK_MOST : ns;
}

static int64_t rest(const struct udp_host *host)
{
	return 2 * (host->interval_ns ? host->interval_ns : INTERVAL_UNKNOWN);
}

/* The next port that is not known, from the cursor on; -1 none. */
static int64_t step(struct udp_host *host)
{
	for (uint32_t i = 0; i < host->ports; i++) {
		uint32_t port = host->cursor;

		host->cursor = (host->cursor + 1) % host->ports;
		if (udp_host_state(host, port) == SONDE_SCAN_UNKNOWN)
			return port;
	}
	return -1;
}

static unsigned ask(struct udp_host *host, unsigned most, uint32_t *ret)
{
	unsigned count = 0;

	while (count < most && count < host->unknown && count < UDP_HOST_BATCH)
		ret[count++] = (uint32_t)step(host);
	return count;
}

static void begin(struct udp_host *host, enum udp_phase phase, int64_t due_ns)
{
	host->phase = (uint8_t)phase;
	host->due_ns = due_ns;
}

/* What is left is as silent as can be known. */
static void give_up(struct udp_host *host)
{
	host->is_done = true;
}

static void end_round(struct udp_host *host, int64_t now_ns)
{
	unsigned controls = host->controls;

	host->controls = 0;
	if (host->has_news) {
		host->misses = 0;
		begin(host, PHASE_ASK, now_ns);
		return;
	}
	if (!controls && host->control >= 0) {
		if (++host->controls_lost > CONTROLS_LOST_MOST)
			give_up(host);
	} else if (++host->misses >= SILENT_ROUNDS) {
		give_up(host);
	}
	begin(host, PHASE_REST, now_ns + rest(host));
}

static unsigned ask_on(struct udp_host *host, int64_t now_ns, uint32_t *ret)
{
	int64_t idle = host->interval_ns   ? 4 * host->interval_ns
		       : host->control < 0 ? 0
					   : IDLE_UNKNOWN / 4;

	if (idle < IDLE_LEAST)
		idle = IDLE_LEAST;
	if (now_ns - host->gain_ns > idle) {
		begin(host, PHASE_REST, now_ns + rest(host));
		return 0;
	}
	/* Everything was answered: there is no limit that would be felt. */
	if (host->sent_in_tick && host->errors_in_tick >= host->sent_in_tick)
		host->burst = host->burst * 2 > UDP_HOST_BATCH ? UDP_HOST_BATCH
							       : host->burst * 2;
	else if (!host->errors_in_tick)
		host->burst = BURST_LEAST * host->sources;
	if (host->burst < BURST_LEAST * host->sources)
		host->burst = BURST_LEAST * host->sources;
	host->errors_in_tick = 0;
	host->sent_in_tick = ask(host, host->burst, ret);
	host->due_ns = now_ns + tick(host);
	return host->sent_in_tick;
}

unsigned udp_host_next(struct udp_host *host, int64_t now_ns, int64_t rto_ns,
		       uint32_t ret[UDP_HOST_BATCH])
{
	unsigned count;

	if (host->unknown == 0)
		host->is_done = true;
	if (host->is_done || now_ns < host->due_ns)
		return 0;
	switch ((enum udp_phase)host->phase) {
	case PHASE_REST:
		host->has_news = false;
		host->asked = 0;
		begin(host, PHASE_SUSPECTS, now_ns);
		return 0;
	case PHASE_SUSPECTS:
		count = ask(host, UDP_HOST_BATCH, ret);
		host->asked += count;
		if (host->asked >= host->unknown)
			begin(host, PHASE_LISTEN, now_ns + rto_ns);
		else
			host->due_ns = now_ns + TICK_LEAST;
		return count;
	case PHASE_LISTEN:
		if (host->has_news || host->control < 0) {
			end_round(host, now_ns);
			return 0;
		}
		begin(host, PHASE_CONTROL, now_ns + rto_ns);
		ret[0] = (uint32_t)host->control;
		return 1;
	case PHASE_CONTROL:
		end_round(host, now_ns);
		return 0;
	case PHASE_ASK:
	default:
		return ask_on(host, now_ns, ret);
	}
}

int64_t udp_host_eta(const struct udp_host *host)
{
	if (host->is_done || !host->unknown)
		return 0;
	if (!host->interval_ns)
		return -1;
	return host->interval_ns / host->sources * host->unknown;
}
