/* Requests over many connections, by a load without a TCP of its own:
 *
 *	calc_load INTERFACE OWN HOST HOST'S-LINK PORT CONNECTIONS SECONDS
 *
 * Each connection has one request under way, as in a closed loop, and each answer is
 * compared.  Prints the requests "per_second" and "in_all", those before it measured too, and
 * their times: "p50" and "p99" (ns).
 *
 * A load of sockets takes as much processor time as a server that is good, and more than
 * half of it in the kernel: it is then the load that is measured, and over the loopback
 * interface the server's processor also does what receives the answers.  Here a connection
 * is a few numbers, its packets are made here, leave many at once as frames past the
 * queueing discipline, and come in through a ring; that side has no address, and nothing
 * there but this program looks at them.  So the server's processor does the server's work,
 * and the load waits for it, never the other way round: what it waited is printed as
 * "idle", in per cent of the time.
 *
 * What a lossless path of two interfaces needs of TCP (RFC 9293) is all there is: the
 * handshake, numbers, and a request that is sent again where none came back. */
#include <stdbool.h>

#include "frames.h"

enum {
	CONNECTIONS_MOST = 4096,
	FIRST_PORT = 20000,
	REQUEST = 18,
	ANSWER = 8,
	TCP_BYTES = 20,
	FRAME = FRAMES_TCP + TCP_BYTES + REQUEST,
	BATCH = 64,
	WINDOW =
		512, /* handshakes under way: the kernel's queue of a processor takes 1000 */
	WARM_MS = 300,
	WARM_TURNS = 5,
	AGAIN_MS = 400,
};

enum state { CLOSED, OPENING, IDLE, ASKING };

struct connection {
	enum state state;
	uint32_t next, expected; /* sequence numbers: ours, the server's */
	uint32_t id;             /* of the request */
	uint32_t answered;
	int64_t sent_ns;
	int64_t again_ns; /* when it left last */
	bool is_received; /* acknowledged, though not answered yet */
};

static struct connection connections[CONNECTIONS_MOST];
static uint32_t count, server_port;
static struct frames frames;
static uint8_t heads[FRAME];
static uint8_t bytes[BATCH][FRAME];
static struct iovec parts[BATCH];
static struct mmsghdr messages[BATCH];
static uint32_t batched;
static uint32_t opened;
static uint64_t answered, again, in_all;
static int64_t *took_ns;
static uint64_t took_room;
static bool counts;

static void flush(void)
{
	frames_send(&frames, messages, batched);
	batched = 0;
}

static void add(struct connection *connection, uint8_t flags, const uint8_t *payload,
		uint32_t n)
{
	uint8_t *frame = bytes[batched], *ip = frame + FRAMES_IP,
		*tcp = frame + FRAMES_TCP;

	memcpy(frame, heads, FRAMES_TCP);
	put16(ip + 2, FRAMES_TCP - FRAMES_IP + TCP_BYTES + n);
	put16(ip + 10, 0);
	put16(ip + 10, fold16(sum16(ip, 20, 0)));
	put16(tcp, (uint32_t)(FIRST_PORT + (connection - connections)));
	put16(tcp + 2, server_port);
	put32(tcp + 4, connection->next);
	put32(tcp + 8, flags & FRAMES_ACK ? connection->expected : 0);
	tcp[12] = TCP_BYTES / 4 << 4;
	tcp[13] = flags;
	put16(tcp + 14, 65535);
	put32(tcp + 16, 0);
	if (n)
		memcpy(tcp + TCP_BYTES, payload, n);
	put16(tcp + 16, fold16(frames_tcp_sum(frame, TCP_BYTES + n)));
	parts[batched] = (struct iovec){frame, FRAMES_TCP + TCP_BYTES + n};
	messages[batched].msg_hdr.msg_iov = &parts[batched];
	messages[batched].msg_hdr.msg_iovlen = 1;
	if (++batched == BATCH)
		flush();
}

/* The sum of 1 and 2, in this machine's byte order as the servers have it. */
static void ask(struct connection *connection, int64_t now)
{
	uint8_t request[REQUEST] = "\0\0\0\0Summe\2\1\0\0\0\2\0\0\0";

	memcpy(request, &connection->id, 4);
	connection->state = ASKING;
	connection->again_ns = now;
	add(connection, FRAMES_PSH | FRAMES_ACK, request, REQUEST);
}

static void ask_next(struct connection *connection, int64_t now)
{
	connection->sent_ns = now;
	connection->is_received = false;
	ask(connection, now);
}

static void open_one(struct connection *connection, int64_t now)
{
	connection->state = OPENING;
	connection->again_ns = now;
	add(connection, FRAMES_SYN, NULL, 0);
}

static void take_answer(struct connection *connection, const uint8_t *answer, int64_t now)
{
	uint8_t wanted[ANSWER] = {[4] = 3};

	memcpy(wanted, &connection->id, 4);
	if (memcmp(answer, wanted, ANSWER) != 0) {
		fprintf(stderr, "a wrong answer\n");
		exit(1);
	}
	connection->expected += ANSWER;
	connection->next += REQUEST;
	connection->id++;
	if (counts && answered < took_room)
		took_ns[answered] = now - connection->sent_ns;
	answered++;
	in_all++;
	connection->answered++;
	ask_next(connection, now);
}

static void take(const uint8_t *frame, int64_t now)
{
	const uint8_t *ip = frame + FRAMES_IP, *tcp = frame + FRAMES_TCP;
	uint32_t head = (uint32_t)(tcp[12] >> 4) * 4, at = get16(tcp + 2) - FIRST_PORT;
	uint32_t n = get16(ip + 2) - 20 - head;
	struct connection *connection = &connections[at];

	if (at >= count || get16(tcp) != server_port)
		return;
	if (tcp[13] & (FRAMES_RST | FRAMES_FIN)) {
		fprintf(stderr, "the server closed connection %u\n", at);
		exit(1);
	}
	if (tcp[13] & FRAMES_SYN) {
		if (connection->state != OPENING)
			return;
		connection->state = IDLE;
		connection->next++;
		connection->expected = get32(tcp + 4) + 1;
		opened++;
		add(connection, FRAMES_ACK, NULL, 0);
	} else if (connection->state == ASKING && n == ANSWER &&
		   get32(tcp + 4) == connection->expected) {
		take_answer(connection, tcp + head, now);
	} else if (connection->state == ASKING && (tcp[13] & FRAMES_ACK)) {
		connection->is_received |= get32(tcp + 8) == connection->next + REQUEST;
	}
}

/* Whether any came. */
static bool drain(void)
{
	const uint8_t *frame = frames_next(&frames);
	int64_t now = frame ? now_ns() : 0;
	bool any = frame;

	for (unsigned i = 0; frame && i < BATCH; i++, frame = frames_next(&frames)) {
		take(frame, now);
		frames_done(&frames);
	}
	if (batched)
		flush();
	return any;
}

/* A packet that was lost is a fault of the path, and counted.  A request that arrived is
 * not sent again: if its answer is lost, the server does that. */
static void repeat(int64_t now)
{
	for (uint32_t i = 0; i < count; i++) {
		struct connection *connection = &connections[i];

		if (now - connection->again_ns < AGAIN_MS * INT64_C(1000000))
			continue;
		if (connection->state == OPENING)
			open_one(connection, now);
		else if (connection->state == ASKING && !connection->is_received)
			ask(connection, now);
		else
			continue;
		again++;
	}
	if (batched)
		flush();
}

static void open_all(void)
{
	uint32_t asked = 0;

	while (opened < count) {
		for (; asked < count && asked < opened + WINDOW; asked++)
			open_one(&connections[asked], now_ns());
		flush();
		drain();
		repeat(now_ns());
	}
}

/* For so long; returns how much of it nothing was there to do, in ns. */
static int64_t run(int64_t for_ns)
{
	int64_t began = now_ns(), idle = 0, idle_since = 0, looked = began;

	for (;;) {
		int64_t now;

		if (drain()) {
			if (idle_since)
				idle += now_ns() - idle_since;
			idle_since = 0;
			now = now_ns();
		} else {
			now = now_ns();
			if (!idle_since)
				idle_since = now;
		}
		if (now - began >= for_ns)
			return idle;
		if (now - looked > 100 * INT64_C(1000000)) {
			looked = now;
			repeat(now);
		}
	}
}

static bool all_were_answered(void)
{
	for (uint32_t i = 0; i < count; i++)
		if (!connections[i].answered)
			return false;
	return true;
}

int main(int argc, char **argv)
{
	int64_t began, took, idle;
	double seconds;

	if (argc != 8) {
		fprintf(stderr,
			"calc_load INTERFACE OWN HOST HOST'S-LINK PORT CONNECTIONS "
			"SECONDS\n");
		return 2;
	}
	server_port = (uint32_t)atoi(argv[5]);
	count = (uint32_t)atoi(argv[6]);
	seconds = atof(argv[7]);
	if (count < 1 || count > CONNECTIONS_MOST || seconds <= 0)
		return 2;
	took_room = (uint64_t)(seconds * 2e6);
	took_ns = calloc(took_room, sizeof(*took_ns));
	if (!took_ns)
		die("room for the times");
	frames_begin(heads, argv[1], argv[2], argv[3], argv[4], TCP_BYTES);
	frames_open(&frames, argv[1], FIRST_PORT, (uint16_t)(FIRST_PORT + count - 1));
	for (uint32_t i = 0; i < count; i++)
		connections[i].next = 0x10000000 + (i << 12);
	open_all();
	for (uint32_t i = 0; i < count; i++)
		ask_next(&connections[i], now_ns());
	flush();
	/* A server that lets some of them starve does so while it is measured, too. */
	for (int i = 0; i < WARM_TURNS && (i == 0 || !all_were_answered()); i++)
		run(WARM_MS * INT64_C(1000000));
	answered = 0;
	again = 0;
	counts = true;
	began = now_ns();
	idle = run((int64_t)(seconds * 1e9));
	took = now_ns() - began;
	for (uint32_t i = 0; i < count; i++)
		add(&connections[i], FRAMES_RST | FRAMES_ACK, NULL, 0);
	flush();
	printf("per_second %.0f\nidle %.1f\nagain %llu\nin_all %llu\n",
	       (double)answered * 1e9 / (double)took, 100 * (double)idle / (double)took,
	       (unsigned long long)again, (unsigned long long)in_all);
	print_percentiles(took_ns, answered < took_room ? answered : took_room);
	return 0;
}
