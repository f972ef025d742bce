/* A recording told by hand. */
#include "story.h"

#include <stdlib.h>

static const struct {
	const char *name;
	uint8_t kind;
} kinds[] = {
	{"socket", SONDE_CALL_SOCKET},     {"dup2", SONDE_CALL_CLOSE},
	{"bind", SONDE_CALL_BIND},         {"listen", SONDE_CALL_LISTEN},
	{"connect", SONDE_CALL_CONNECT},   {"accept4", SONDE_CALL_ACCEPT},
	{"sendto", SONDE_CALL_SEND},       {"write", SONDE_CALL_SEND},
	{"sendmmsg", SONDE_CALL_SEND},     {"recvfrom", SONDE_CALL_RECEIVE},
	{"read", SONDE_CALL_RECEIVE},      {"recvmmsg", SONDE_CALL_RECEIVE},
	{"shutdown", SONDE_CALL_SHUTDOWN}, {"close", SONDE_CALL_CLOSE},
	{"poll", SONDE_CALL_WAIT},         {"select", SONDE_CALL_WAIT},
	{"epoll_wait", SONDE_CALL_WAIT},   {"setsockopt", SONDE_CALL_OPTION},
	{"getsockopt", SONDE_CALL_OPTION}, {"getsockname", SONDE_CALL_OPTION},
	{"ioctl", SONDE_CALL_OPTION},      {"exit_group", SONDE_CALL_EXIT},
};

static uint8_t kind_of(const char *name)
{
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].name, name))
			return kinds[i].kind;
	fail_msg("no kind for %s", name);
	return 0;
}

static uint32_t must(int number)
{
	assert_true(number > 0);
	return (uint32_t)number;
}

void story_begin(struct story *story)
{
	*story = (struct story){.recording = sonde_recording_new()};
	assert_non_null(story->recording);
	for (uint32_t i = CLIENT; i <= SERVER; i++)
		must(sonde_recording_add_program(
			story->recording,
			&(struct sonde_program){.pid = i * 1000,
						.name = i == CLIENT ? "client.py"
								    : "server.py"}));
	story->recording->margin_ns = MARGIN_US * 1000;
	story->recording->has_packets = true;
}

void story_end(struct story *story)
{
	sonde_recording_seal(story->recording);
	assert_int_equal(sonde_timeline_build(story->recording, &story->timeline), 0);
	assert_int_equal(sonde_tables_build(&story->timeline, &story->tables), 0);
}

void story_done(struct story *story)
{
	sonde_tables_done(&story->tables);
	sonde_timeline_done(&story->timeline);
	sonde_recording_free(story->recording);
}

struct sonde_address story_address(const char *host, uint16_t port)
{
	struct sonde_address address;

	assert_int_equal(sonde_address_parse_host(host, &address), 0);
	address.port = port;
	return address;
}

struct wire story_wire(uint16_t client_port)
{
	return (struct wire){
		.client = story_address("10.0.0.1", client_port),
		.server = story_address("10.0.0.2", 80),
		.client_isn = 1000000,
		.server_isn = 2000000,
	};
}

static uint32_t add_socket(struct story *story, const struct sonde_socket *socket)
{
	return must(sonde_recording_add_socket(story->recording, socket));
}

uint32_t story_listener(struct story *story)
{
	return add_socket(story,
			  &(struct sonde_socket){.program = SERVER,
						 .family = SONDE_FAMILY_INET,
						 .kind = SONDE_SOCKET_TCP,
						 .is_listening = true,
						 .local = story_address("0.0.0.0", 80)});
}

uint32_t story_connecting(struct story *story, const struct wire *wire)
{
	return add_socket(story, &(struct sonde_socket){.program = CLIENT,
							.family = SONDE_FAMILY_INET,
							.kind = SONDE_SOCKET_TCP,
							.local = wire->client,
							.peer = wire->server});
}

uint32_t story_accepted(struct story *story, const struct wire *wire)
{
	return add_socket(story, &(struct sonde_socket){.program = SERVER,
							.family = SONDE_FAMILY_INET,
							.kind = SONDE_SOCKET_TCP,
							.local = wire->server,
							.peer = wire->client});
}

void story_accepted_by(struct story *story, uint32_t socket, uint32_t call)
{
	story->recording->sockets[socket - 1].accepted_by = call;
}

void story_closed_by(struct story *story, uint32_t socket, uint32_t call)
{
	story->recording->sockets[socket - 1].closed_by = call;
	story->recording->sockets[socket - 1].closed_ns =
		story->recording->calls[call - 1].exit_ns;
}

uint32_t story_datagram(struct story *story, uint32_t program,
			const struct sonde_address *local,
			const struct sonde_address *peer)
{
	struct sonde_socket socket = {.program = program,
				      .family = SONDE_FAMILY_INET,
				      .kind = SONDE_SOCKET_UDP};

	if (local)
		socket.local = *local;
	if (peer)
		socket.peer = *peer;
	return add_socket(story, &socket);
}

/* A stack of up to three places: a system's instruction, the user's line, its caller. */
static uint32_t stack_of(struct story *story, const struct told *told)
{
	uint32_t places[3], count = 0;
	struct sonde_stack stack = {.places = places};

	if (!told->line)
		return 0;
	for (unsigned i = 0; i < story->stack_count; i++)
		if (story->stacks[i].line == told->line &&
		    story->stacks[i].inner == told->inner &&
		    story->stacks[i].caller == told->caller)
			return story->stacks[i].stack;
	for (int what = 0; what < 3; what++) {
		int line = what == 0   ? told->inner
			   : what == 1 ? told->line
				       : told->caller;
		uint64_t code = what == 0 ? 900 : what == 1 ? 100 : 200;
		uint32_t place = 0;

		if (!line)
			continue;
		for (uint32_t i = 0; i < story->recording->place_count; i++)
			if (story->recording->places[i].code == code &&
			    story->recording->places[i].line == line)
				place = i + 1;
		if (!place)
			place = must(sonde_recording_add_place(
				story->recording,
				&(struct sonde_place){.code = code,
						      .line = line,
						      .file = "a.py",
						      .is_system = what == 0}));
		if (what == 1)
			stack.user_place = place;
		places[count++] = place;
	}
	stack.place_count = count;
	assert_true(story->stack_count < 64);
	story->stacks[story->stack_count].line = told->line;
	story->stacks[story->stack_count].inner = told->inner;
	story->stacks[story->stack_count].caller = told->caller;
	return story->stacks[story->stack_count++].stack =
		       must(sonde_recording_add_stack(story->recording, &stack));
}

uint32_t story_call(struct story *story, uint32_t program, const char *name,
		    int64_t enter_us, int64_t exit_us, int64_t result,
		    const struct told *told)
{
	struct sonde_call call = {
		.program = program,
		.pid = program * 1000,
		.tid = program * 1000 + told->thread,
		.socket = told->socket,
		.new_socket = told->new_socket,
		.stack = stack_of(story, told),
		.kind = kind_of(name),
		.flags = told->flags,
		.datagrams = told->datagrams,
		.content_hash = told->content,
		.name = name,
		.enter_ns = enter_us * 1000,
		.exit_ns = exit_us == NEVER ? 0 : exit_us * 1000,
		.result = result,
		.buffer = told->buffer,
		.length = told->length ? told->length
				       : (uint64_t)(result > 0 ? result : 100),
		.how = told->how,
		.watched = told->watched,
		.timeout_ns = told->timeout_ms > 0   ? told->timeout_ms * 1000000
			      : told->timeout_ms < 0 ? 0
						     : -1,
	};

	if (told->address)
		call.address = *told->address;
	while (call.watched_count < 4 && told->watched[call.watched_count].socket)
		call.watched_count++;
	return must(sonde_recording_add_call(story->recording, &call));
}

static uint8_t flags_of(const char *letters)
{
	uint8_t flags = 0;

	for (; *letters; letters++) {
		switch (*letters) {
		case 'S':
			flags |= SONDE_TCP_SYN;
			break;
		case 'A':
			flags |= SONDE_TCP_ACK;
			break;
		case 'U':
			flags |= SONDE_TCP_URG;
			break;
		case 'P':
			flags |= SONDE_TCP_PSH;
			break;
		case 'F':
			flags |= SONDE_TCP_FIN;
			break;
		case 'R':
			flags |= SONDE_TCP_RST;
			break;
		default:
			fail_msg("no flag %c", *letters);
		}
	}
	return flags;
}

uint32_t story_tcp(struct story *story, const struct wire *wire, int64_t at_us, char way,
		   const char *flags, uint32_t seq, uint32_t ack, uint32_t length)
{
	bool is_client = way == '>';
	struct sonde_packet packet = {
		.at_ns = at_us * 1000,
		.decoded =
			{
				.proto = SONDE_PACKET_TCP,
				.tcp_flags = flags_of(flags),
				.src = is_client ? wire->client : wire->server,
				.dst = is_client ? wire->server : wire->client,
				.seq = seq +
				       (is_client ? wire->client_isn : wire->server_isn),
				.payload_length = length,
				.payload_captured = length,
			},
	};

	if (packet.decoded.tcp_flags & SONDE_TCP_ACK)
		packet.decoded.ack =
			ack + (is_client ? wire->server_isn : wire->client_isn);
	return must(sonde_recording_add_packet(story->recording, &packet));
}

void story_handshake(struct story *story, const struct wire *wire, int64_t at_us)
{
	story_tcp(story, wire, at_us, '>', "S", 0, 0, 0);
	story_tcp(story, wire, at_us + 10, '<', "SA", 0, 1, 0);
	story_tcp(story, wire, at_us + 20, '>', "A", 1, 1, 0);
}

uint32_t story_udp(struct story *story, int64_t at_us, const struct sonde_address *from,
		   const struct sonde_address *to, uint32_t length)
{
	return must(sonde_recording_add_packet(
		story->recording, &(struct sonde_packet){
					  .at_ns = at_us * 1000,
					  .decoded =
						  {
							  .proto = SONDE_PACKET_UDP,
							  .src = *from,
							  .dst = *to,
							  .payload_length = length,
						  },
				  }));
}

uint32_t story_icmp(struct story *story, const struct wire *wire, int64_t at_us,
		    uint8_t quote_proto)
{
	struct sonde_packet packet = {
		.at_ns = at_us * 1000,
		.decoded =
			{
				.proto = SONDE_PACKET_ICMP,
				.icmp_type = 3,
				.icmp_code = 3,
				.src = wire->server,
				.dst = wire->client,
				.has_quote = true,
				.quote_proto = quote_proto,
				.quote_src = wire->client,
				.quote_dst = wire->server,
				.quote_seq = wire->client_isn,
			},
	};

	packet.decoded.src.port = packet.decoded.dst.port = 0;
	return must(sonde_recording_add_packet(story->recording, &packet));
}

struct talk story_talk(struct story *story, uint16_t client_port, int64_t at_us)
{
	struct talk talk = {.wire = story_wire(client_port)};

	talk.listener = story_listener(story);
	talk.client = story_connecting(story, &talk.wire);
	talk.server = story_accepted(story, &talk.wire);
	talk.accept = CALL(story, SERVER, "accept4", at_us, at_us + 90, 5, .line = 91,
			   .socket = talk.listener, .new_socket = talk.server);
	talk.connect =
		CALL(story, CLIENT, "connect", at_us + 50, at_us + 80, 0, .line = 81,
		     .socket = talk.client, .address = &talk.wire.server);
	story_accepted_by(story, talk.server, talk.accept);
	story_handshake(story, &talk.wire, at_us + 55);
	return talk;
}

uint32_t statement_of(const struct story *story, uint32_t call)
{
	return story->timeline.statement_of_call[call - 1];
}

const struct sonde_statement *statement_at(const struct story *story, uint32_t statement)
{
	assert_in_range(statement, 1, story->timeline.statement_count);
	return &story->timeline.statements[statement - 1];
}

const struct sonde_packet_place *place_of(const struct story *story, uint32_t packet)
{
	return &story->timeline.packet_places[packet - 1];
}

const struct sonde_edge *edge_of(const struct story *story, enum sonde_edge_kind kind,
				 uint32_t packet, uint32_t call)
{
	for (uint32_t i = 0; i < story->timeline.edge_count; i++) {
		const struct sonde_edge *edge = &story->timeline.edges[i];

		if (edge->kind == kind && edge->packet == packet &&
		    (!call || edge->call == call))
			return edge;
	}
	return NULL;
}

unsigned count_edges(const struct story *story, enum sonde_edge_kind kind,
		     uint32_t packet)
{
	unsigned count = 0;

	for (uint32_t i = 0; i < story->timeline.edge_count; i++)
		count += story->timeline.edges[i].kind == kind &&
			 story->timeline.edges[i].packet == packet;
	return count;
}

void check_sent(const struct story *story, uint32_t packet, uint32_t call,
		enum sonde_carries carries)
{
	unsigned found = 0;

	for (uint32_t i = 0; i < story->timeline.edge_count; i++) {
		const struct sonde_edge *edge = &story->timeline.edges[i];

		if (edge->kind != SONDE_EDGE_SENT || edge->packet != packet ||
		    edge->carries != carries)
			continue;
		assert_int_equal(edge->call, call);
		assert_int_equal(edge->statement, statement_of(story, call));
		assert_true(edge->exact);
		found++;
	}
	assert_int_equal(found, 1);
	assert_int_equal(place_of(story, packet)->why, SONDE_WHY_NONE);
}

void check_not_sent(const struct story *story, uint32_t packet, enum sonde_why why)
{
	assert_int_equal(count_edges(story, SONDE_EDGE_SENT, packet), 0);
	assert_int_equal(count_edges(story, SONDE_EDGE_RELEASED, packet), 0);
	assert_int_equal(place_of(story, packet)->why, why);
}

void check_bytes(const struct story *story, uint32_t packet, uint32_t call, uint32_t from,
		 uint32_t to)
{
	const struct sonde_edge *edge = edge_of(story, SONDE_EDGE_SENT, packet, call);

	assert_non_null(edge);
	assert_int_equal(edge->carries, SONDE_DATA);
	assert_true(edge->exact);
	assert_int_equal(edge->from, from);
	assert_int_equal(edge->to, to);
}

void check_verdict(const struct story *story, uint32_t call, enum sonde_answer blocked,
		   enum sonde_why why, uint32_t packet)
{
	assert_int_equal(story->timeline.call_blocked[call - 1], blocked);
	assert_int_equal(story->timeline.call_why[call - 1], why);
	assert_int_equal(story->timeline.call_packet[call - 1], packet);
	if (blocked != SONDE_YES || !packet)
		for (uint32_t i = 0; i < story->timeline.edge_count; i++)
			assert_false(story->timeline.edges[i].kind ==
					     SONDE_EDGE_COMPLETED &&
				     story->timeline.edges[i].call == call);
}

void check_completed(const struct story *story, uint32_t call, uint32_t packet)
{
	const struct sonde_edge *edge;

	check_verdict(story, call, SONDE_YES, SONDE_WHY_NONE, packet);
	edge = edge_of(story, SONDE_EDGE_COMPLETED, packet, call);
	assert_non_null(edge);
	assert_true(edge->exact);
	assert_int_equal(edge->statement, statement_of(story, call));
	assert_int_equal(statement_at(story, edge->statement)->blocked, SONDE_YES);
}

void check_together(const struct story *story, uint32_t first, uint32_t last)
{
	uint32_t statement = statement_of(story, first), call;

	assert_int_equal(statement_at(story, statement)->first_call, first);
	assert_int_equal(statement_at(story, statement)->call_count, last - first + 1);
	for (call = first; call <= last; call++) {
		assert_int_equal(statement_of(story, call), statement);
		assert_int_equal(story->timeline.next_call[call - 1],
				 call == last ? 0 : call + 1);
	}
}

void check_apart(const struct story *story, uint32_t a, uint32_t b)
{
	assert_int_not_equal(statement_of(story, a), statement_of(story, b));
}
