/* Recordings made by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "sample.h"

#define START_NS INT64_C(1795168717375351000)

static int64_t since_start(int us)
{
	return START_NS + us * INT64_C(1000);
}

static struct sonde_address loopback(uint16_t port)
{
	struct sonde_address address = {.family = SONDE_FAMILY_INET, .port = port};
	static const uint8_t bytes[4] = {127, 0, 0, 1};

	if (port)
		memcpy(address.bytes, bytes, sizeof(bytes));
	else
		address.family = SONDE_FAMILY_NONE;
	return address;
}

void sample_init(struct sample *sample)
{
	memset(sample, 0, sizeof(*sample));
	sample->recording = sonde_recording_new();
	assert_non_null(sample->recording);
	sample->recording->started_ns = START_NS;
	sample->recording->ended_ns = since_start(500000);
	sample->recording->margin_ns = 1000;
	sample->recording->has_packets = true;
	sample->recording->main_program = 1;
	sample->seq[0] = 1000;
	sample->seq[1] = 9000;
}

uint32_t sample_program(struct sample *sample, const char *name, uint32_t pid)
{
	const char *const arguments[] = {"python3", name};
	struct sonde_program program = {
		.pid = pid,
		.name = name,
		.argument_count = 2,
		.arguments = arguments,
		.started_ns = START_NS,
		.ended_ns = since_start(400000),
		.lines = SONDE_LINES_READ,
		.interpreter = "Python 3.11.2",
	};
	int r = sonde_recording_add_program(sample->recording, &program);

	assert_true(r > 0);
	return (uint32_t)r;
}

uint32_t sample_socket(struct sample *sample, uint32_t program, int fd, int at_us,
		       uint16_t local_port, uint16_t peer_port)
{
	struct sonde_socket made = {
		.program = program,
		.pid = sample->recording->programs[program - 1].pid,
		.fd = fd,
		.family = SONDE_FAMILY_INET,
		.kind = SONDE_SOCKET_TCP,
		.is_listening = peer_port == 0,
		.local = loopback(local_port),
		.peer = loopback(peer_port),
		.opened_ns = since_start(at_us),
	};
	int r = sonde_recording_add_socket(sample->recording, &made);

	assert_true(r > 0);
	return (uint32_t)r;
}

uint32_t sample_call(struct sample *sample, uint32_t program, int line, const char *text,
		     int enter_us, int exit_us, struct sonde_call call)
{
	const struct sonde_program *by = &sample->recording->programs[program - 1];
	int r;

	if (line) {
		/* A call at a line is at the same instruction each time. */
		struct sonde_place place = {
			.code = program * 1000u + (unsigned)line,
			.offset = 2,
			.file = by->name,
			.function = "<module>",
			.text = text,
			.line = line,
		};
		struct sonde_stack stack = {.place_count = 1};
		uint32_t number;

		r = sonde_recording_add_place(sample->recording, &place);
		assert_true(r > 0);
		number = (uint32_t)r;
		stack.places = &number;
		stack.user_place = number;
		r = sonde_recording_add_stack(sample->recording, &stack);
		assert_true(r > 0);
		call.stack = (uint32_t)r;
	}
	if (call.kind == SONDE_CALL_CONNECT)
		call.address = sample->recording->sockets[call.socket - 1].peer;
	call.program = program;
	call.pid = call.tid = by->pid;
	call.enter_ns = since_start(enter_us);
	call.exit_ns = exit_us ? since_start(exit_us) : 0;
	r = sonde_recording_add_call(sample->recording, &call);
	assert_true(r > 0);
	if (call.kind == SONDE_CALL_ACCEPT)
		sample->recording->sockets[call.new_socket - 1].accepted_by = (uint32_t)r;
	return (uint32_t)r;
}

uint32_t sample_packet(struct sample *sample, int at_us, uint16_t from, uint16_t to,
		       uint8_t flags, uint32_t length)
{
	int side;
	struct sonde_packet packet = {.is_outgoing = false,
				      .at_ns = since_start(at_us),
				      .captured_length = 66 + length,
				      .wire_length = 66 + length,
				      .decoded = {
					      .proto = SONDE_PACKET_TCP,
					      .ttl = 64,
					      .tcp_flags = flags,
					      .window = 512,
					      .src = loopback(from),
					      .dst = loopback(to),
					      .window_scale = -1,
					      .payload_offset = 66,
					      .payload_length = length,
					      .payload_captured = length,
				      }};
	int r;

	if (!sample->client_port)
		sample->client_port = from;
	side = from != sample->client_port;
	packet.decoded.seq = sample->seq[side];
	packet.decoded.ack = flags & SONDE_TCP_ACK ? sample->seq[!side] : 0;
	sample->seq[side] += length + !!(flags & (SONDE_TCP_SYN | SONDE_TCP_FIN));
	r = sonde_recording_add_packet(sample->recording, &packet);
	assert_true(r > 0);
	return (uint32_t)r;
}
