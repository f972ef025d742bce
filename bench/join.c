/* What joining and drawing costs: join PACKETS CONNECTIONS
 *
 * Makes up a recording of question and answer on many connections (two data packets and an
 * acknowledgement for four calls), as large as is wanted, and then does with it what
 * `sonde trace` does when the programs have ended.  Prints milliseconds of its processor, so
 * that what else the machine does counts less, and megabytes:
 *
 *	join 412.0		sonde_timeline_build()
 *	draw 510.2		ladders and tables, as a terminal would get them
 *	sum 1168.0
 *	recording-MB 612.1	the peak before, of the recording alone
 *	peak-MB 980.3		and of everything */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <sys/resource.h>

#include <sonde/timeline.h>

#include "output.h"
#include "render.h"

enum {
	ISN = 1000,
	QUESTION = 120,
	ANSWER = 300,
	US = 1000,
	STEP_NS = 40 * US, /* from one exchange to the next one's begin */
	PER_EXCHANGE = 3,
	PER_CONNECTION = 3 + 3, /* packets of its begin and end */
};

struct wire {
	struct sonde_address client, server;
	uint32_t sockets[2];
	uint32_t sent[2];
};

static struct sonde_recording *recording;
static int64_t now_ns = INT64_C(1700000000000000000);
static uint32_t stacks[8];

static uint32_t must(int number)
{
	if (number < 0) {
		fprintf(stderr, "join: the recording takes no more: %d\n", number);
		exit(1);
	}
	return (uint32_t)number;
}

static struct sonde_address address(uint16_t port)
{
	return (struct sonde_address){
		.family = SONDE_FAMILY_INET, .port = port, .bytes = {127, 0, 0, 1}};
}

static void add_programs(void)
{
	for (uint32_t i = 1; i <= 2; i++) {
		struct sonde_program program = {.pid = 1000 * i,
						.name = i == 1 ? "client.py"
							       : "server.py",
						.started_ns = now_ns,
						.exit_status = -1};

		must(sonde_recording_add_program(recording, &program));
	}
	for (uint32_t i = 0; i < sizeof(stacks) / sizeof(stacks[0]); i++) {
		struct sonde_place place = {.code = 100 + i,
					    .file = i % 2 ? "/tmp/server.py"
							  : "/tmp/client.py",
					    .function = "main",
					    .text = "sock.sendall(request)",
					    .line = (int)i + 1};
		uint32_t number = must(sonde_recording_add_place(recording, &place));
		struct sonde_stack stack = {
			.place_count = 1, .places = &number, .user_place = number};

		stacks[i] = must(sonde_recording_add_stack(recording, &stack));
	}
}

static uint32_t add_socket(bool is_server, bool is_listening,
			   const struct sonde_address *local,
			   const struct sonde_address *peer)
{
	struct sonde_socket socket = {.program = is_server ? 2 : 1,
				      .pid = is_server ? 2000 : 1000,
				      .fd = 3,
				      .family = SONDE_FAMILY_INET,
				      .kind = SONDE_SOCKET_TCP,
				      .is_listening = is_listening,
				      .local = *local,
				      .opened_ns = now_ns};

	if (peer)
		socket.peer = *peer;
	return must(sonde_recording_add_socket(recording, &socket));
}

static uint32_t add_call(uint32_t socket, bool is_server, enum sonde_call_kind kind,
			 const char *name, int64_t from_us, int64_t until_us,
			 int64_t result)
{
	struct sonde_call call = {
		.program = is_server ? 2 : 1,
		.pid = is_server ? 2000 : 1000,
		.tid = (is_server ? 2000000 : 1000000) + socket,
		.socket = socket,
		.stack =
			stacks[(kind - SONDE_CALL_CONNECT) % 4 * 2 + (is_server ? 1 : 0)],
		.kind = (uint8_t)kind,
		.fd = 3,
		.name = name,
		.enter_ns = now_ns + from_us * US,
		.exit_ns = now_ns + until_us * US,
		.result = result,
		.length = result > 0 ? (uint64_t)result : 0,
		.timeout_ns = -1};

	return must(sonde_recording_add_call(recording, &call));
}

static void add_packet(struct wire *wire, bool is_server, uint8_t flags, int64_t at_us,
		       uint32_t length)
{
	struct sonde_packet packet = {.interface = 1,
				      .at_ns = now_ns + at_us * US,
				      .captured_length = 66 + length,
				      .wire_length = 66 + length};
	struct sonde_decoded *decoded = &packet.decoded;

	decoded->proto = SONDE_PACKET_TCP;
	decoded->tcp_flags = flags;
	decoded->ttl = 64;
	decoded->window = 512;
	decoded->window_scale = -1;
	decoded->src = is_server ? wire->server : wire->client;
	decoded->dst = is_server ? wire->client : wire->server;
	decoded->seq = ISN + wire->sent[is_server];
	if (flags & SONDE_TCP_ACK)
		decoded->ack = ISN + wire->sent[!is_server];
	decoded->payload_offset = 66;
	decoded->payload_length = decoded->payload_captured = length;
	wire->sent[is_server] += length;
	if (flags & (SONDE_TCP_SYN | SONDE_TCP_FIN))
		wire->sent[is_server]++;
	must(sonde_recording_add_packet(recording, &packet));
}

static void begin(struct wire *wire, uint32_t listener, uint32_t number)
{
	uint32_t connect, accept;

	wire->client = address((uint16_t)(1024 + number % 60000));
	wire->server = address(80);
	wire->sockets[0] = add_socket(false, false, &wire->client, &wire->server);
	wire->sockets[1] = add_socket(true, false, &wire->server, &wire->client);
	connect = add_call(wire->sockets[0], false, SONDE_CALL_CONNECT, "connect", 0, 10,
			   0);
	recording->calls[connect - 1].address = wire->server;
	accept = add_call(listener, true, SONDE_CALL_ACCEPT, "accept4", 0, 15, 3);
	recording->calls[accept - 1].new_socket = wire->sockets[1];
	recording->calls[accept - 1].tid = 2000000 + wire->sockets[1];
	recording->sockets[wire->sockets[1] - 1].accepted_by = accept;
	add_packet(wire, false, SONDE_TCP_SYN, 3, 0);
	add_packet(wire, true, SONDE_TCP_SYN | SONDE_TCP_ACK, 5, 0);
	add_packet(wire, false, SONDE_TCP_ACK, 7, 0);
	now_ns += STEP_NS;
}

static void exchange(struct wire *wire)
{
	const uint8_t data = SONDE_TCP_PSH | SONDE_TCP_ACK;

	add_call(wire->sockets[1], true, SONDE_CALL_RECEIVE, "recvfrom", -30, 8,
		 QUESTION);
	add_call(wire->sockets[0], false, SONDE_CALL_SEND, "sendto", 0, 6, QUESTION);
	add_call(wire->sockets[0], false, SONDE_CALL_RECEIVE, "recvfrom", 7, 25, ANSWER);
	add_call(wire->sockets[1], true, SONDE_CALL_SEND, "sendto", 10, 20, ANSWER);
	add_packet(wire, false, data, 3, QUESTION);
	add_packet(wire, true, data, 15, ANSWER);
	add_packet(wire, false, SONDE_TCP_ACK, 18, 0);
	now_ns += STEP_NS;
}

static void end(struct wire *wire)
{
	const uint8_t fin = SONDE_TCP_FIN | SONDE_TCP_ACK;

	for (int i = 0; i < 2; i++) {
		uint32_t call = add_call(wire->sockets[i], i == 1, SONDE_CALL_CLOSE,
					 "close", i * 10, i * 10 + 5, 0);
		struct sonde_socket *socket = &recording->sockets[wire->sockets[i] - 1];

		recording->calls[call - 1].flags = SONDE_CALL_LAST_REFERENCE;
		socket->closed_by = call;
		socket->closed_ns = recording->calls[call - 1].exit_ns;
		add_packet(wire, i == 1, fin, i * 10 + 3, 0);
	}
	add_packet(wire, false, SONDE_TCP_ACK, 18, 0);
	now_ns += STEP_NS;
}

static void make_up(uint32_t packets, uint32_t connections)
{
	struct wire *wires = calloc(connections, sizeof(*wires));
	struct sonde_address here = address(80);
	struct sonde_interface interface = {
		.index = 1, .link = SONDE_LINK_ETHERNET, .name = "lo"};
	uint32_t listener, each = packets / connections;

	if (!wires)
		exit(1);
	recording->has_packets = true;
	recording->started_ns = now_ns;
	recording->main_program = 1;
	must(sonde_recording_add_interface(recording, &interface));
	add_programs();
	listener = add_socket(true, true, &here, NULL);
	for (uint32_t i = 0; i < connections; i++)
		begin(&wires[i], listener, i);
	for (uint32_t at = PER_CONNECTION; at + PER_EXCHANGE <= each; at += PER_EXCHANGE)
		for (uint32_t i = 0; i < connections; i++)
			exchange(&wires[i]);
	for (uint32_t i = 0; i < connections; i++)
		end(&wires[i]);
	recording->ended_ns = now_ns;
	free(wires);
	sonde_recording_seal(recording);
}

static double now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static double peak_mb(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)usage.ru_maxrss / 1024;
}

/* Prints what this part took, and returns when the next one begins. */
static double say(const char *what, double since_ms)
{
	printf("%s %.1f\n", what, now_ms() - since_ms);
	return now_ms();
}

int main(int argc, char **argv)
{
	uint32_t packets = argc == 3 ? (uint32_t)atol(argv[1]) : 0;
	uint32_t connections = argc == 3 ? (uint32_t)atol(argv[2]) : 0;
	const struct render_options options = {.is_full = false};
	struct sonde_timeline timeline;
	struct output output;
	double began_ms, since_ms, recording_mb;

	if (!connections || packets / connections < PER_CONNECTION) {
		fprintf(stderr, "usage: join PACKETS CONNECTIONS\n");
		return 2;
	}
	recording = sonde_recording_new();
	if (!recording)
		return 1;
	make_up(packets, connections);
	recording_mb = peak_mb();

	began_ms = since_ms = now_ms();
	must(sonde_timeline_build(recording, &timeline));
	since_ms = say("join", since_ms);
	output_init(&output, COLOR_NEVER);
	output.width = 100;
	output.file = fopen("/dev/null", "w");
	if (!output.file)
		return 1;
	must(render_ladders(&output, &timeline, &options));
	must(render_tables(&output, &timeline, &options));
	fclose(output.file);
	say("draw", since_ms);
	say("sum", began_ms);
	printf("recording-MB %.1f\npeak-MB %.1f\n", recording_mb, peak_mb());
	/* A bench of wrong answers is worth nothing: every packet but the kernel's own
	 * has its statement. */
	if (timeline.packets_mapped !=
	    recording->packet_count - connections * 3 -
		    (recording->packet_count - connections * PER_CONNECTION) /
			    PER_EXCHANGE) {
		fprintf(stderr, "join: %u of %u packets have a statement\n",
			timeline.packets_mapped, recording->packet_count);
		return 1;
	}
	sonde_timeline_done(&timeline);
	sonde_recording_free(recording);
	return 0;
}
