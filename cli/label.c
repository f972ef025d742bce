/* Words for programs, statements and packets. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include <sonde/error.h>

#include "label.h"

const char *label_program(const struct sonde_recording *recording, uint32_t program)
{
	const char *name = NULL;

	if (program > 0 && program <= recording->program_count)
		name = recording->programs[program - 1].name;
	return name ? name : "?";
}

void label_process(struct sonde_text *text, const struct sonde_recording *recording,
		   uint32_t program)
{
	const char *name = label_program(recording, program);
	bool is_shared = false;

	if (program == 0 || program > recording->program_count) {
		sonde_text_add(text, "%s", name);
		return;
	}
	for (uint32_t i = 1; i <= recording->program_count && !is_shared; i++)
		is_shared = recording->programs[i - 1].pid !=
				    recording->programs[program - 1].pid &&
			    strcmp(label_program(recording, i), name) == 0;
	sonde_text_add(text, "%s", name);
	if (is_shared)
		sonde_text_add(text, "[%u]", recording->programs[program - 1].pid);
}

static const char *last_part(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash && slash[1] ? slash + 1 : path;
}

static const struct sonde_place *place_of(const struct sonde_timeline *timeline,
					  const struct sonde_statement *statement)
{
	return statement->place ? &timeline->recording->places[statement->place - 1]
				: NULL;
}

static bool has_line(const struct sonde_place *place)
{
	return place && place->file && place->line > 0;
}

/* "sendto()"; the end of a program is no function. */
static void add_call_name(struct sonde_text *text, const struct sonde_timeline *timeline,
			  const struct sonde_statement *statement)
{
	uint32_t number =
		statement->principal ? statement->principal : statement->first_call;
	const struct sonde_call *call;

	if (!number) {
		sonde_text_add(text, "?");
		return;
	}
	call = &timeline->recording->calls[number - 1];
	sonde_text_add(text, call->kind == SONDE_CALL_EXIT ? "%s" : "%s()", call->name);
}

/* What the call does, for a source line that does not say so: "17 [connect]
 * print(urlopen(...))".  Each kind has the words by which a line says it. */
static void add_deed(struct sonde_text *text, const struct sonde_timeline *timeline,
		     const struct sonde_statement *statement, const char *source)
{
	static const char *const words[][3] = {
		[SONDE_CALL_SOCKET] = {"socket"},
		[SONDE_CALL_BIND] = {"bind"},
		[SONDE_CALL_LISTEN] = {"listen"},
		[SONDE_CALL_CONNECT] = {"connect"},
		[SONDE_CALL_ACCEPT] = {"accept"},
		[SONDE_CALL_SEND] = {"send", "write"},
		[SONDE_CALL_RECEIVE] = {"recv", "read"},
		[SONDE_CALL_SHUTDOWN] = {"shutdown"},
		[SONDE_CALL_CLOSE] = {"close"},
		[SONDE_CALL_WAIT] = {"wait", "poll", "select"},
	};
	uint8_t kind;

	if (!statement->principal)
		return;
	kind = timeline->recording->calls[statement->principal - 1].kind;
	if (kind >= sizeof(words) / sizeof(words[0]) || !words[kind][0])
		return;
	for (size_t i = 0; i < 3 && words[kind][i]; i++) {
		if (strcasestr(source, words[kind][i]))
			return;
	}
	sonde_text_add(text, "[%s] ", words[kind][0]);
}

/* The source text of a statement that has a line. */
static void add_source(struct sonde_text *text, const struct sonde_timeline *timeline,
		       const struct sonde_statement *statement,
		       const struct sonde_place *place)
{
	if (place->text && place->text[0]) {
		add_deed(text, timeline, statement, place->text);
		sonde_text_add(text, "%s", place->text);
	} else {
		add_call_name(text, timeline, statement);
	}
}

void label_statement(struct sonde_text *text, const struct sonde_timeline *timeline,
		     uint32_t number)
{
	const struct sonde_statement *statement = &timeline->statements[number - 1];
	const struct sonde_place *place = place_of(timeline, statement);

	if (has_line(place)) {
		sonde_text_add(text, "%s:%d  ", last_part(place->file), place->line);
		add_source(text, timeline, statement, place);
		return;
	}
	sonde_text_add(text, "%s[%u] ",
		       label_program(timeline->recording, statement->program),
		       statement->pid);
	if (place && place->function)
		sonde_text_add(text, "%s: ", place->function);
	add_call_name(text, timeline, statement);
}

/* Whether the place lies in the file that gives the program its name. */
static bool is_main_file(const struct sonde_timeline *timeline,
			 const struct sonde_statement *statement,
			 const struct sonde_place *place)
{
	return strcmp(last_part(place->file),
		      label_program(timeline->recording, statement->program)) == 0;
}

void label_statement_key(struct sonde_text *text, const struct sonde_timeline *timeline,
			 uint32_t number)
{
	const struct sonde_statement *statement = &timeline->statements[number - 1];
	const struct sonde_place *place = place_of(timeline, statement);

	if (!has_line(place) && place && place->function)
		sonde_text_add(text, "%s", place->function);
	else if (!has_line(place))
		add_call_name(text, timeline, statement);
	else if (is_main_file(timeline, statement, place))
		sonde_text_add(text, "%d", place->line);
	else
		sonde_text_add(text, "%s:%d", last_part(place->file), place->line);
}

void label_statement_in_lane(struct sonde_text *text,
			     const struct sonde_timeline *timeline, uint32_t number)
{
	const struct sonde_statement *statement = &timeline->statements[number - 1];
	const struct sonde_place *place = place_of(timeline, statement);

	label_statement_key(text, timeline, number);
	if (has_line(place)) {
		sonde_text_add(text, " ");
		add_source(text, timeline, statement, place);
	} else if (place && place->function) {
		sonde_text_add(text, ": ");
		add_call_name(text, timeline, statement);
	}
}

/* The kernel's own codes for a call that a signal ended: no program sees them. */
static bool is_interrupted(int64_t result)
{
	return result == -EINTR || (result <= -512 && result >= -516);
}

static bool is_pending(int64_t result)
{
	return result == -EINPROGRESS || result == -EAGAIN || result == -EALREADY;
}

/* What a wait in the same statement saw on the socket: SONDE_READY_* bits. */
static uint16_t ready_bits(const struct sonde_call *call, uint32_t socket)
{
	uint16_t bits = 0;

	for (uint32_t i = 0; i < call->watched_count; i++) {
		if (call->watched[i].socket == socket)
			bits |= call->watched[i].ready;
	}
	return bits;
}

/* A connect that was told not to wait: what came of it shows in the wait after it, and in
 * the packet that ended that. */
static bool label_late_connect(struct sonde_text *text,
			       const struct sonde_timeline *timeline,
			       const struct sonde_statement *statement)
{
	for (uint32_t number = statement->first_call; number;
	     number = timeline->next_call[number - 1]) {
		const struct sonde_call *call = &timeline->recording->calls[number - 1];
		uint32_t packet = timeline->call_packet[number - 1];
		uint16_t ready = ready_bits(call, statement->socket);
		uint8_t flags = 0;

		if (packet)
			flags = timeline->recording->packets[packet - 1]
					.decoded.tcp_flags;
		if (flags & SONDE_TCP_RST) {
			sonde_text_add(text, "refused");
			return true;
		}
		if (ready & (SONDE_READY_ERROR | SONDE_READY_HANGUP)) {
			sonde_text_add(text, "failed");
			return true;
		}
		if ((flags & SONDE_TCP_SYN) || (ready & SONDE_READY_WRITE)) {
			sonde_text_add(text, "connected");
			return false;
		}
	}
	sonde_text_add(text, "in progress");
	return false;
}

/* exit(2)'s status, or the signal. */
static void label_exit(struct sonde_text *text, const struct sonde_call *call)
{
	const char *signal;

	if (strcmp(call->name, "killed") != 0) {
		sonde_text_add(text, "status %d", call->how);
		return;
	}
	signal = sigabbrev_np(call->how);
	if (signal)
		sonde_text_add(text, "by SIG%s", signal);
	else
		sonde_text_add(text, "by signal %d", call->how);
}

static bool label_success(struct sonde_text *text, const struct sonde_call *call)
{
	switch (call->kind) {
	case SONDE_CALL_CONNECT:
		sonde_text_add(text, "connected");
		break;
	case SONDE_CALL_ACCEPT:
		sonde_text_add(text, "accepted");
		break;
	case SONDE_CALL_RECEIVE:
	case SONDE_CALL_SEND:
		if (call->datagrams > 1)
			sonde_text_add(text, "%u datagrams, ", call->datagrams);
		sonde_text_add(text, "%lld byte%s", (long long)call->result,
			       call->result == 1 ? "" : "s");
		break;
	case SONDE_CALL_WAIT:
		sonde_text_add(text, call->result ? "ready" : "timed out");
		break;
	default:
		sonde_text_add(text, "done");
		break;
	}
	return false;
}

bool label_outcome(struct sonde_text *text, const struct sonde_timeline *timeline,
		   uint32_t number)
{
	const struct sonde_statement *statement = &timeline->statements[number - 1];
	const struct sonde_call *call;

	for (uint32_t c = statement->first_call; c; c = timeline->next_call[c - 1]) {
		if (timeline->call_why[c - 1] == SONDE_WHY_TIMED_OUT) {
			sonde_text_add(text, "timed out");
			return true;
		}
	}
	if (!statement->principal) {
		sonde_text_add(text, "done");
		return false;
	}
	call = &timeline->recording->calls[statement->principal - 1];
	if (call->kind == SONDE_CALL_EXIT) {
		label_exit(text, call);
		return false;
	}
	if (!statement->exit_ns) {
		sonde_text_add(text, "never came back");
		return true;
	}
	if (call->result >= 0)
		return label_success(text, call);
	if (call->kind == SONDE_CALL_CONNECT && is_pending(call->result))
		return label_late_connect(text, timeline, statement);
	if (is_interrupted(call->result))
		sonde_text_add(text, "interrupted");
	else
		sonde_text_add(text, "%s", sonde_error_name((int)-call->result));
	return !is_pending(call->result);
}

/* RFC 792, RFC 1812 and RFC 4443: the errors that end a connect or a receive. */
static const char *icmp_words(const struct sonde_decoded *decoded)
{
	static const char *const four[] = {
		[0] = "network unreachable",
		[1] = "host unreachable",
		[2] = "protocol unreachable",
		[3] = "port unreachable",
		[4] = "too long",
		[13] = "prohibited",
	};
	static const char *const six[] = {
		[0] = "no route",
		[1] = "prohibited",
		[3] = "host unreachable",
		[4] = "port unreachable",
	};

	if (decoded->proto == SONDE_PACKET_ICMP)
		return decoded->icmp_type == 3 &&
				       decoded->icmp_code < sizeof(four) / sizeof(four[0])
			       ? four[decoded->icmp_code]
			       : NULL;
	return decoded->icmp_type == 1 &&
			       decoded->icmp_code < sizeof(six) / sizeof(six[0])
		       ? six[decoded->icmp_code]
		       : NULL;
}

static void label_icmp(struct sonde_text *text, const struct sonde_decoded *decoded,
		       enum label_form form)
{
	const char *proto = decoded->proto == SONDE_PACKET_ICMP ? "ICMP" : "ICMPv6";
	const char *words = icmp_words(decoded);

	if (!words || form == LABEL_LETTERS)
		sonde_text_add(text, "%s %u/%u", proto, decoded->icmp_type,
			       decoded->icmp_code);
	else if (form == LABEL_LONG)
		sonde_text_add(text, "ICMP %s", words);
	else
		sonde_text_add(text, "%s", words);
}

void label_packet(struct sonde_text *text, const struct sonde_packet *packet,
		  enum label_form form)
{
	const struct sonde_decoded *decoded = &packet->decoded;
	char flags[48] = "";
	size_t n = 0;

	switch ((enum sonde_packet_proto)decoded->proto) {
	case SONDE_PACKET_TCP:
		if (form == LABEL_LETTERS) {
			char letters[9];

			sonde_packet_flag_letters(decoded->tcp_flags, letters);
			snprintf(flags, sizeof(flags), "%s", letters);
		} else {
			sonde_packet_flag_words(decoded->tcp_flags, flags);
			/* "SYN, ACK" costs a column that the ladder has not. */
			for (size_t i = 0; flags[i]; i++) {
				if (flags[i] != ' ')
					flags[n++] = flags[i];
			}
			flags[n] = '\0';
		}
		sonde_text_add(text, "%s", decoded->tcp_flags ? flags : "no flags");
		if (decoded->payload_length == 0)
			return;
		break;
	case SONDE_PACKET_UDP:
		sonde_text_add(text, "UDP");
		break;
	case SONDE_PACKET_ICMP:
	case SONDE_PACKET_ICMP6:
		label_icmp(text, decoded, form);
		return;
	case SONDE_PACKET_OTHER:
		sonde_text_add(text, "other");
		return;
	}
	sonde_text_add(text, form == LABEL_LONG ? " %u byte%s" : " %u B%s",
		       decoded->payload_length,
		       form == LABEL_LONG && decoded->payload_length != 1 ? "s" : "");
}

void label_pass(struct sonde_text *text, const struct sonde_timeline *timeline,
		const struct sonde_edge *edge, enum label_form form)
{
	const struct sonde_call *call = &timeline->recording->calls[edge->call - 1];
	const struct sonde_call *by = &timeline->recording->calls[edge->by_call - 1];
	uint32_t bytes = edge->to - edge->from;

	if (edge->kind == SONDE_EDGE_TAKEN && !bytes)
		sonde_text_add(text, call->datagrams ? "%u messages" : "empty message",
			       call->datagrams);
	else if (edge->kind == SONDE_EDGE_TAKEN)
		sonde_text_add(text, form == LABEL_LONG ? "%u byte%s" : "%u B", bytes,
			       bytes == 1 ? "" : "s");
	else if (by->kind == SONDE_CALL_CONNECT)
		sonde_text_add(text, "connect");
	else if (by->kind == SONDE_CALL_RECEIVE || by->kind == SONDE_CALL_ACCEPT)
		sonde_text_add(text, "room");
	else if (by->kind == SONDE_CALL_SEND)
		sonde_text_add(text, "readable");
	else
		sonde_text_add(text, "end");
	if (!edge->exact)
		sonde_text_add(text, "?");
}

const char *label_kind(uint8_t kind)
{
	switch ((enum sonde_socket_kind)kind) {
	case SONDE_SOCKET_TCP:
		return "TCP";
	case SONDE_SOCKET_UDP:
		return "UDP";
	case SONDE_SOCKET_UNIX_STREAM:
		return "Unix stream";
	case SONDE_SOCKET_UNIX_DATAGRAM:
		return "Unix datagrams";
	case SONDE_SOCKET_UNIX_SEQPACKET:
		return "Unix seqpacket";
	case SONDE_SOCKET_PIPE:
		return "pipe";
	case SONDE_SOCKET_OTHER:
		break;
	}
	return "other";
}

static void add_name(struct sonde_text *text, const char *name)
{
	sonde_text_add(text, " ");
	sonde_text_add_escaped(text, name, strlen(name));
}

void label_socket(struct sonde_text *text, const struct sonde_recording *recording,
		  uint32_t number, const struct sonde_address *address)
{
	const struct sonde_socket *socket =
		number ? &recording->sockets[number - 1] : NULL;
	char shown[SONDE_ADDRESS_CHARS];

	if (socket && socket->kind == SONDE_SOCKET_PIPE) {
		sonde_text_add(text, "%s end",
			       socket->pipe_end == SONDE_PIPE_READ ? "read" : "write");
	} else {
		sonde_address_format(address, shown);
		sonde_text_add(text, "%s", shown);
	}
	if (socket && socket->name)
		add_name(text, socket->name);
	else if (socket && address->family != SONDE_FAMILY_INET &&
		 address->family != SONDE_FAMILY_INET6)
		sonde_text_add(text, " fd %d", socket->fd);
}
