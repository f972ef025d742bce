/* An account in sentences: how it began, what was said, what was unusual, how it ended. */
#include <sonde/explain.h>

#include <string.h>

#include "finding/heard.h"

enum { LINE_CHARS = 60, MILLISECOND_NS = 1000000, PAUSE_MS = 1000 };

/* What the sentences are made from. */
struct telling {
	const struct sonde_recording *recording;
	const struct sonde_stream *stream;
	const struct sonde_account *account;
	struct sonde_text *text;
	char names[2][SONDE_ADDRESS_CHARS];
};

static const struct sonde_packet *packet_of(const struct telling *telling,
					    uint32_t number)
{
	return number ? &telling->recording->packets[number - 1] : NULL;
}

static void add_time_between(const struct telling *telling, uint32_t from, uint32_t to)
{
	sonde_text_add_duration(telling->text, packet_of(telling, to)->at_ns -
						       packet_of(telling, from)->at_ns);
}

static const char *plural(uint64_t count)
{
	return count == 1 ? "" : "s";
}

/* "MSS 1460, window scale 7, SACK, timestamps" of both SYNs. */
static void tell_options(const struct telling *telling)
{
	const struct sonde_decoded *syn =
		&packet_of(telling, telling->account->syn)->decoded;
	const struct sonde_decoded *answer =
		&packet_of(telling, telling->account->syn_ack)->decoded;

	if (!syn->mss || !answer->mss)
		return;
	if (syn->mss == answer->mss)
		sonde_text_add(telling->text,
			       " Both take segments of up to %u bytes (MSS)", syn->mss);
	else
		sonde_text_add(telling->text,
			       " The client takes segments of up to %u bytes, the server "
			       "of up to %u (MSS)",
			       syn->mss, answer->mss);
	if (syn->window_scale >= 0 && answer->window_scale >= 0)
		sonde_text_add(telling->text, "; window scales %d and %d",
			       syn->window_scale, answer->window_scale);
	if (syn->sack_permitted && answer->sack_permitted)
		sonde_text_add(telling->text, "; SACK");
	if (syn->has_timestamps && answer->has_timestamps)
		sonde_text_add(telling->text, "; timestamps");
	sonde_text_add(telling->text, ".");
}

static bool is_refused(const struct sonde_account *account)
{
	return account->syn && !account->syn_ack && account->reset &&
	       account->reset_by == 1;
}

static void tell_beginning(const struct telling *telling)
{
	const struct sonde_account *account = telling->account;
	struct sonde_text *text = telling->text;

	if (telling->stream->kind != SONDE_SOCKET_TCP) {
		sonde_text_add(text, "%s sent datagrams to %s.", telling->names[0],
			       telling->names[1]);
		return;
	}
	if (!account->syn && !account->syn_ack) {
		sonde_text_add(text,
			       "%s and %s were connected already when the capture began "
			       "(which of them had connected cannot be told).",
			       telling->names[0], telling->names[1]);
		return;
	}
	if (!account->syn || !account->syn_ack) {
		sonde_text_add(text, "%s tried to connect to %s", telling->names[0],
			       telling->names[1]);
		if (!account->syn)
			sonde_text_add(text,
				       ": the SYN is not in the capture, its answer "
				       "is (packet %u).",
				       account->syn_ack);
		else if (account->syns > 1)
			sonde_text_add(text, ": it sent %u SYNs, from packet %u on.",
				       account->syns, account->syn);
		else
			sonde_text_add(text, " (SYN: packet %u).", account->syn);
		return;
	}
	sonde_text_add(text, "%s connected to %s: SYN (packet %u), SYN-ACK (%u) ",
		       telling->names[0], telling->names[1], account->syn,
		       account->syn_ack);
	add_time_between(telling, account->syn, account->syn_ack);
	if (account->ack) {
		sonde_text_add(text, " later, ACK (%u) after ", account->ack);
		add_time_between(telling, account->syn_ack, account->ack);
		sonde_text_add(text, " more.");
	} else {
		sonde_text_add(text, " later, and no ACK was seen after it.");
	}
	if (account->syns > 1)
		sonde_text_add(text, " The SYN was sent %u times.", account->syns);
	tell_options(telling);
}

/* The first line that a side said, in quotes; nothing of what is no text. */
static void add_first_line(const struct telling *telling, unsigned side)
{
	const uint8_t *bytes = telling->account->first[side];
	size_t count = telling->account->first_count[side], length = 0, printable = 0;
	bool is_cut;

	while (length < count && bytes[length] != '\n' && bytes[length] != '\r')
		printable += (bytes[length] >= 0x20 && bytes[length] != 0x7f) ||
			     bytes[length] == '\t',
			length++;
	if (!length)
		return;
	is_cut = length > LINE_CHARS;
	if (is_cut)
		length = LINE_CHARS;
	/* Not in the middle of a character. */
	while (is_cut && length && (bytes[length] & 0xc0) == 0x80)
		length--;
	sonde_text_add(telling->text, "%s",
		       telling->account->is_summary[side] ? ", first: \""
		       : printable * 2 < length ? ", beginning with the bytes \""
						: ", beginning with \"");
	if (telling->account->is_summary[side]) /* escaped already */
		sonde_text_add_bytes(telling->text, (const char *)bytes, length);
	else
		sonde_text_add_escaped(telling->text, bytes, length);
	sonde_text_add(telling->text, is_cut ? "...\"" : "\"");
}

static void tell_protocol(const struct telling *telling)
{
	const struct sonde_account *account = telling->account;

	if (!account->protocol)
		return;
	sonde_text_add(telling->text, " They spoke %s", account->protocol);
	if (account->tls)
		sonde_text_add(telling->text,
			       ", and from packet %u on %s: nobody in between can read "
			       "what they said then.",
			       account->tls_from, account->tls);
	else if (heard_is_tls(account->protocol))
		sonde_text_add(telling->text,
			       ": nobody in between can read what they said.");
	else
		sonde_text_add(telling->text, ".");
}

static void tell_side(const struct telling *telling, unsigned side)
{
	static const char *const words[] = {"client", "server"};
	const struct sonde_account *account = telling->account;

	if (!account->bytes[side]) {
		sonde_text_add(telling->text, " The %s said nothing.", words[side]);
		return;
	}
	sonde_text_add(telling->text, " The %s sent %llu byte%s in %u packet%s",
		       words[side], (unsigned long long)account->bytes[side],
		       plural(account->bytes[side]), account->packets[side],
		       plural(account->packets[side]));
	add_first_line(telling, side);
	sonde_text_add(telling->text, ".");
}

static void tell_unusual(const struct telling *telling)
{
	static const char *const words[] = {"client", "server"};
	const struct sonde_account *account = telling->account;
	struct sonde_text *text = telling->text;

	for (unsigned side = 0; side < 2; side++) {
		if (account->probes[side])
			sonde_text_add(
				text,
				" The %s asked %u time%s whether the other side is "
				"still there (probes without data).",
				words[side], account->probes[side],
				plural(account->probes[side]));
		if (account->again[side])
			sonde_text_add(text, " The %s sent %u packet%s again.",
				       words[side], account->again[side],
				       plural(account->again[side]));
		if (account->zero_windows[side])
			sonde_text_add(
				text,
				" The %s did not read: its buffer was full (window "
				"0) %u time%s.",
				words[side], account->zero_windows[side],
				plural(account->zero_windows[side]));
	}
	if (account->longest_ns > PAUSE_MS * (int64_t)MILLISECOND_NS) {
		sonde_text_add(text, " The longest silence lasted ");
		sonde_text_add_duration(text, account->longest_ns);
		sonde_text_add(text, ", before packet %u.", account->longest_before);
	}
}

static void tell_closing(const struct telling *telling)
{
	static const char *const words[] = {"client", "server"};
	const struct sonde_account *account = telling->account;
	struct sonde_text *text = telling->text;
	unsigned first = !account->fin[0] ||
			 (account->fin[1] && account->fin[1] < account->fin[0]);

	if (account->fin[first]) {
		sonde_text_add(text, " The %s closed first (FIN: packet %u)",
			       words[first], account->fin[first]);
		if (account->fin[!first])
			sonde_text_add(text, ", the %s after it (%u).", words[!first],
				       account->fin[!first]);
		else if (account->reset)
			sonde_text_add(text, ".");
		else
			sonde_text_add(text,
				       "; the %s never did: the connection was left half "
				       "closed.",
				       words[!first]);
	}
	if (account->reset)
		sonde_text_add(text, " The %s reset the connection (RST: packet %u).",
			       words[account->reset_by], account->reset);
	else if (!account->fin[first])
		sonde_text_add(text, " Nobody closed it while the capture ran.");
}

/* NULL: it is told by its numbers. */
static const char *icmp_words(const struct sonde_decoded *decoded)
{
	bool is_old = decoded->proto == SONDE_PACKET_ICMP;

	if (decoded->icmp_type != (is_old ? 3 : 1))
		return NULL;
	switch (decoded->icmp_code) {
	case 0:
		return "there is no way to that network";
	case 1:
		return is_old ? "that host is not reached" : "that is prohibited";
	case 3:
		return is_old ? "nobody has that port" : "that host is not reached";
	case 4:
		return is_old ? "it is too long, and may not be cut"
			      : "nobody has that port";
	case 9:
	case 10:
	case 13:
		return is_old ? "that is prohibited" : NULL;
	default:
		return NULL;
	}
}

static void tell_icmp(const struct telling *telling)
{
	const struct sonde_packet *packet = packet_of(telling, telling->account->refusal);
	char host[SONDE_ADDRESS_CHARS];
	const char *words;

	if (!packet)
		return;
	words = icmp_words(&packet->decoded);
	sonde_address_format_host(&packet->decoded.src, host);
	if (words)
		sonde_text_add(telling->text,
			       " %s answered with an ICMP error: %s (packet %u).", host,
			       words, packet->packet);
	else
		sonde_text_add(
			telling->text,
			" %s answered with an ICMP error (packet %u: type %u, code "
			"%u).",
			host, packet->packet, packet->decoded.icmp_type,
			packet->decoded.icmp_code);
}

/* An earlier stream with the same two ports. */
static void tell_reuse(const struct telling *telling,
		       const struct sonde_timeline *timeline, uint32_t stream)
{
	for (uint32_t i = stream - 1; i > 0; i--) {
		const struct sonde_stream *earlier = &timeline->streams[i - 1];

		if (earlier->kind != telling->stream->kind ||
		    !sonde_address_equal(&earlier->client, &telling->stream->client) ||
		    !sonde_address_equal(&earlier->server, &telling->stream->server))
			continue;
		sonde_text_add(telling->text, " Stream %u had the same two ports before.",
			       i - 1);
		return;
	}
}

void sonde_account_add_text(const struct sonde_timeline *timeline,
			    const struct sonde_account *accounts, uint32_t stream,
			    struct sonde_text *text)
{
	const struct sonde_account *account = &accounts[stream - 1];
	struct telling telling = {
		.recording = timeline->recording,
		.stream = &timeline->streams[stream - 1],
		.account = account,
		.text = text,
	};
	bool is_tcp = telling.stream->kind == SONDE_SOCKET_TCP;

	if (!telling.stream->packet_count)
		return;
	sonde_address_format(&telling.stream->client, telling.names[0]);
	sonde_address_format(&telling.stream->server, telling.names[1]);
	tell_beginning(&telling);
	tell_reuse(&telling, timeline, stream);
	if (is_refused(account)) {
		sonde_text_add(text,
			       " It was refused (RST: packet %u): nothing listens there.",
			       account->reset);
		tell_icmp(&telling);
		return;
	}
	tell_icmp(&telling);
	if (is_tcp && account->syn && !account->syn_ack && !account->bytes[0]) {
		if (!account->refusal)
			sonde_text_add(text, " Nobody ever answered.");
		return;
	}
	tell_protocol(&telling);
	tell_side(&telling, 0);
	tell_side(&telling, 1);
	tell_unusual(&telling);
	if (is_tcp)
		tell_closing(&telling);
}
