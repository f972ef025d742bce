/* Sends whose result was not looked at: a short count, a peer that is gone. */
#include "finding/finding.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

static bool is_stream(const struct finding_facts *facts, uint32_t socket)
{
	uint8_t kind = facts->recording->sockets[socket - 1].kind;

	return kind == SONDE_SOCKET_TCP || kind == SONDE_SOCKET_UNIX_STREAM;
}

/* The next send takes up where this one stopped: from there in the same buffer, or with no
 * more than what is left (of a copy). */
static bool continues(const struct sonde_call *cut, const struct sonde_call *next)
{
	uint64_t left = cut->length - (uint64_t)cut->result;

	if (next->length <= left)
		return true;
	return next->buffer == cut->buffer + (uint64_t)cut->result;
}

/* It moves what there is, from another descriptor: its length is only the most. */
static bool is_carrying(const struct sonde_call *call)
{
	return strcmp(call->name, "splice") == 0 || strcmp(call->name, "sendfile") == 0 ||
	       strcmp(call->name, "tee") == 0 || strcmp(call->name, "vmsplice") == 0;
}

static void say_short(const struct finding_facts *facts, struct finding_list *list,
		      const struct sonde_call *cut)
{
	unsigned side = 0;
	struct sonde_finding *finding = finding_add(
		facts, list, "short-send-ignored", SONDE_ERROR,
		fact_stream(facts, cut->socket, &side), fact_statement(facts, cut->call));

	finding_why(
		finding,
		"%s() took %lld of %llu bytes, as it may when the send buffer is full; "
		"the rest was never sent.",
		cut->name, (long long)cut->result, (unsigned long long)cut->length);
	finding_remedy(finding, "Send the rest in a loop until all is taken; in Python, "
				"sendall() does that.");
}

static void find_short(const struct finding_facts *facts, struct finding_list *list,
		       uint32_t socket)
{
	const struct sonde_call *cut = NULL;
	bool has_gone_on = false;
	const uint32_t *calls;
	size_t count = fact_calls(facts, socket, &calls);

	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];

		if (cut && (call->kind == SONDE_CALL_CLOSE ||
			    call->kind == SONDE_CALL_SHUTDOWN ||
			    call->kind == SONDE_CALL_RECEIVE))
			has_gone_on = true;
		if (call->kind != SONDE_CALL_SEND || !call_returned(call) ||
		    is_carrying(call))
			continue;
		/* Not taken at all: it is still the same attempt. */
		if (call->result < 0 &&
		    (call->result == -EAGAIN || call->result == -EINTR))
			continue;
		if (cut && call->result >= 0 && !continues(cut, call))
			say_short(facts, list, cut);
		/* The peer is gone: what is left has nowhere to go. */
		cut = call->result > 0 && !call->datagrams &&
				      (uint64_t)call->result < call->length
			      ? call
			      : NULL;
		has_gone_on = false;
	}
	if (cut && has_gone_on && !fact_was_ended(facts, cut->program))
		say_short(facts, list, cut);
}

/* The packet that said that the peer is gone: its reset, or its FIN. */
static uint32_t find_end(const struct finding_facts *facts, uint32_t stream,
			 unsigned side, int64_t at_ns)
{
	const uint32_t *packets;
	size_t count = stream ? fact_packets(facts, stream, &packets) : 0;
	uint32_t end = 0;

	for (size_t i = 0; i < count; i++) {
		const struct sonde_packet *packet = fact_packet(facts, packets[i]);

		if (packet->at_ns <= at_ns &&
		    fact_place(facts, packets[i])->direction != side &&
		    (packet->decoded.tcp_flags & (SONDE_TCP_FIN | SONDE_TCP_RST)))
			end = packets[i];
	}
	return end;
}

static void find_pipes(const struct finding_facts *facts, struct finding_list *list,
		       uint32_t socket)
{
	const struct sonde_call *first = NULL;
	unsigned broken = 0, side = 0;
	const uint32_t *calls;
	size_t count = fact_calls(facts, socket, &calls);
	struct sonde_finding *finding;
	uint32_t stream;
	bool is_killed;

	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &facts->recording->calls[calls[i] - 1];

		if (call->kind == SONDE_CALL_SEND && call_returned(call) &&
		    call->result == -EPIPE) {
			first = broken++ ? first : call;
		}
	}
	if (!first)
		return;
	is_killed = facts->recording->programs[first->program - 1].exit_signal == SIGPIPE;
	/* One EPIPE is how a program learns of it. */
	if (!is_killed && broken < 2)
		return;
	stream = fact_stream(facts, socket, &side);
	finding = finding_add(facts, list,
			      is_killed ? "killed-by-sigpipe" : "epipe-ignored",
			      SONDE_ERROR, stream, fact_statement(facts, first->call));
	if (is_killed) {
		finding_why(finding, "The peer had closed the connection; sending on it "
				     "raised SIGPIPE, which ended the program.");
		finding_remedy(finding,
			       "Ignore SIGPIPE or send with MSG_NOSIGNAL, and look at "
			       "the result: it is EPIPE.");
	} else {
		finding_why(finding,
			    "The peer has closed the connection: sending failed with "
			    "EPIPE %u times, and was tried again each time.",
			    broken);
		finding_remedy(finding,
			       "Look at the result of each send; on EPIPE, close.");
	}
	finding_packet(finding, find_end(facts, stream, side, first->exit_ns));
}

void finding_send(const struct finding_facts *facts, struct finding_list *list)
{
	for (uint32_t i = 1; i <= facts->recording->socket_count; i++) {
		if (!is_stream(facts, i))
			continue;
		if (fact_is_single(facts, i))
			find_short(facts, list, i);
		find_pipes(facts, list, i);
	}
}
