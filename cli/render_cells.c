/* The words in the cells of the tables, and which rows there are: the same for a terminal
 * and for a report. */
#include <sonde/text.h>

#include "label.h"
#include "render.h"

const char *render_severity(enum sonde_severity severity)
{
	static const char *const words[] = {
		[SONDE_NOTE] = "note",
		[SONDE_WARNING] = "warning",
		[SONDE_ERROR] = "error",
	};

	return words[severity];
}

/* Who sent the packet: the program, else the address. */
static void add_sender(struct sonde_text *text, const struct sonde_timeline *timeline,
		       uint32_t packet)
{
	const struct sonde_recording *recording = timeline->recording;
	uint32_t socket = timeline->packet_places[packet - 1].sender;
	const struct sonde_address *src;
	char address[SONDE_ADDRESS_CHARS];

	if (socket) {
		label_process(text, recording, recording->sockets[socket - 1].program);
		return;
	}
	src = &recording->packets[packet - 1].decoded.src;
	/* ICMP has no ports. */
	if (src->port)
		sonde_address_format(src, address);
	else
		sonde_address_format_host(src, address);
	sonde_text_add(text, "%s", address);
}

static void add_reason(struct sonde_text *text, bool has_utf8, uint8_t why)
{
	sonde_text_add(text, "%s %s", has_utf8 ? "–" : "-",
		       sonde_why_text((enum sonde_why)why));
}

void cell_sender(struct sonde_text *text, const struct sonde_timeline *timeline,
		 const struct sonde_sent_row *row, bool has_utf8)
{
	const struct sonde_packet *packet =
		&timeline->recording->packets[row->packet - 1];

	if (!row->statement) {
		add_sender(text, timeline, row->packet);
		sonde_text_add(text, " ");
		add_reason(text, has_utf8, row->why);
		return;
	}
	if (!row->exact)
		sonde_text_add(text, "perhaps ");
	/* A FIN that rides on data has a cause of its own. */
	if (row->carries == SONDE_FIN && packet->decoded.payload_length > 0)
		sonde_text_add(text, "FIN: ");
	label_statement(text, timeline, row->statement);
}

/* What ended the wait, or why nothing did. */
enum ink cell_completed(struct sonde_text *text, const struct sonde_timeline *timeline,
			const struct sonde_completed_row *row, bool has_utf8)
{
	const char *perhaps = row->exact ? "" : "perhaps ";

	if (row->packet && row->why == SONDE_WHY_NONE) {
		const struct sonde_packet *packet =
			&timeline->recording->packets[row->packet - 1];

		sonde_text_add(text, "%s%u ", perhaps, row->packet);
		label_packet(text, packet, LABEL_LONG);
		return packet->decoded.tcp_flags & SONDE_TCP_RST ? INK_ERROR : INK_PLAIN;
	}
	if (row->packet && row->why == SONDE_WHY_NOT_BLOCKED) {
		sonde_text_add(text, "%s %spacket %u was there already",
			       has_utf8 ? "–" : "-", perhaps, row->packet);
		return INK_DIM;
	}
	if (row->by_statement && row->why == SONDE_WHY_NONE) {
		sonde_text_add(text, "%s", perhaps);
		label_statement(text, timeline, row->by_statement);
		return INK_PLAIN;
	}
	if (row->by_statement && row->why == SONDE_WHY_NOT_BLOCKED) {
		sonde_text_add(text, "%s there already: %s", has_utf8 ? "–" : "-",
			       perhaps);
		label_statement(text, timeline, row->by_statement);
		return INK_DIM;
	}
	add_reason(text, has_utf8, row->why);
	if (row->by_statement && row->why == SONDE_WHY_MAYBE) {
		sonde_text_add(text, ": ");
		label_statement(text, timeline, row->by_statement);
	}
	if (row->packet)
		sonde_text_add(text, " (%u)", row->packet);
	return INK_DIM;
}

void cell_waited(struct sonde_text *text, const struct sonde_completed_row *row)
{
	switch ((enum sonde_answer)row->blocked) {
	case SONDE_NO:
		sonde_text_add(text, "no");
		break;
	case SONDE_UNKNOWN:
		sonde_text_add(text, "?");
		break;
	case SONDE_YES:
		sonde_text_add_duration(text, row->waited_ns);
		break;
	}
}

/* Whether a call has completed another one: that needs no packets. */
bool cell_is_by_call(const struct sonde_tables *tables)
{
	for (uint32_t i = 0; i < tables->completed_count; i++)
		if (tables->completed[i].by_call)
			return true;
	return false;
}

/* A socket that listens, and one for datagrams, has statements for other streams, too. */
static bool is_of_stream(const struct sonde_timeline *timeline,
			 const struct sonde_stream *stream,
			 const struct sonde_completed_row *row)
{
	uint32_t socket = timeline->statements[row->statement - 1].socket;
	uint32_t other =
		row->packet ? timeline->packet_places[row->packet - 1].stream : 0;

	if (other && other != stream->stream)
		return false;
	return socket &&
	       (socket == stream->client_socket || socket == stream->server_socket ||
		socket == stream->listening_socket);
}

void cell_choose(const struct sonde_timeline *timeline, struct sonde_tables *tables,
		 uint32_t stream)
{
	const struct sonde_stream *it;
	uint32_t kept = 0;

	if (!stream)
		return;
	it = &timeline->streams[stream - 1];
	for (uint32_t i = 0; i < tables->sent_count; i++)
		if (timeline->packet_places[tables->sent[i].packet - 1].stream == stream)
			tables->sent[kept++] = tables->sent[i];
	tables->sent_count = kept;
	kept = 0;
	for (uint32_t i = 0; i < tables->completed_count; i++) {
		const struct sonde_completed_row *row = &tables->completed[i];

		if (is_of_stream(timeline, it, row))
			tables->completed[kept++] = *row;
	}
	tables->completed_count = kept;
	kept = 0;
	for (uint32_t i = 0; i < tables->taken_count; i++)
		if (tables->taken[i].stream == stream)
			tables->taken[kept++] = tables->taken[i];
	tables->taken_count = kept;
}
