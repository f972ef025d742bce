/* What became of each stream, counted in one pass over the packets. */
#include <sonde/explain.h>

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "finding/heard.h"

enum { ERRORS_MOST = 1000 };

/* What a pass remembers of a stream. */
struct passing {
	bool has_begun;
	int64_t last_ns;
	bool is_closed[2]; /* the side's window */
};

bool heard_is_tls(const char *protocol)
{
	return strncmp(protocol, "TLS", 3) == 0 || strncmp(protocol, "SSL", 3) == 0;
}

/* The version of TLS is what the answer says; the question names an old one, too. */
static void note_protocol(struct sonde_account *account, const char *protocol,
			  uint32_t packet)
{
	if (!account->protocol ||
	    (heard_is_tls(account->protocol) && heard_is_tls(protocol))) {
		account->protocol = protocol;
	} else if (heard_is_tls(protocol)) {
		account->tls = protocol;
		if (!account->tls_from)
			account->tls_from = packet;
	}
}

static void count_data(struct sonde_account *account, unsigned side,
		       const struct sonde_packet *packet,
		       const struct sonde_packet_place *place,
		       const struct sonde_heard *heard)
{
	const char *protocol = heard_protocol(heard, packet->frame);
	const uint8_t *bytes;
	uint8_t count;

	if (place->is_retransmission)
		account->again[side] += packet->decoded.payload_length > 0;
	else
		account->bytes[side] += packet->decoded.payload_length;
	if (protocol)
		note_protocol(account, protocol, packet->packet);
	bytes = heard_bytes(heard, packet->frame, &count);
	if (bytes && !account->first_count[side]) {
		memcpy(account->first[side], bytes, count);
		account->first_count[side] = count;
		account->is_summary[side] = heard_is_summary(heard, packet->frame);
	}
}

static void count_tcp(struct sonde_account *account, struct passing *passing,
		      unsigned side, const struct sonde_packet *packet,
		      const struct sonde_packet_place *place)
{
	uint8_t flags = packet->decoded.tcp_flags;
	bool is_closed;

	if ((flags & SONDE_TCP_SYN) && !(flags & SONDE_TCP_ACK)) {
		account->syns++;
		if (!account->syn)
			account->syn = packet->packet;
	} else if ((flags & SONDE_TCP_SYN) && !account->syn_ack) {
		account->syn_ack = packet->packet;
	}
	if (place->is_handshake_ack && !account->ack)
		account->ack = packet->packet;
	if ((flags & SONDE_TCP_FIN) && !account->fin[side])
		account->fin[side] = packet->packet;
	if ((flags & SONDE_TCP_RST) && !account->reset) {
		account->reset = packet->packet;
		account->reset_by = (uint8_t)side;
	}
	if (flags & (SONDE_TCP_SYN | SONDE_TCP_RST))
		return;
	is_closed = packet->decoded.window == 0;
	account->zero_windows[side] += is_closed && !passing->is_closed[side];
	passing->is_closed[side] = is_closed;
}

static void count_packet(struct sonde_account *account, struct passing *passing,
			 const struct sonde_packet *packet,
			 const struct sonde_packet_place *place,
			 const struct sonde_heard *heard)
{
	unsigned side = place->direction & 1;

	if (passing->has_begun &&
	    packet->at_ns - passing->last_ns > account->longest_ns) {
		account->longest_ns = packet->at_ns - passing->last_ns;
		account->longest_before = packet->packet;
	}
	passing->last_ns = packet->at_ns;
	passing->has_begun = true;
	account->packets[side] += packet->decoded.payload_length > 0;
	account->probes[side] += place->why == SONDE_WHY_KERNEL_PROBE;
	count_data(account, side, packet, place, heard);
	if (packet->decoded.proto == SONDE_PACKET_TCP)
		count_tcp(account, passing, side, packet, place);
}

/* The stream of the datagram or segment that an ICMP error quotes; 0 none. */
static uint32_t find_quoted(const struct sonde_timeline *timeline,
			    const struct sonde_decoded *decoded)
{
	uint8_t kind = decoded->quote_proto == SONDE_PACKET_TCP ? SONDE_SOCKET_TCP
								: SONDE_SOCKET_UDP;

	for (uint32_t i = timeline->stream_count; i > 0; i--) {
		const struct sonde_stream *stream = &timeline->streams[i - 1];

		if (stream->kind == kind &&
		    ((sonde_address_equal(&decoded->quote_src, &stream->client) &&
		      sonde_address_equal(&decoded->quote_dst, &stream->server)) ||
		     (sonde_address_equal(&decoded->quote_src, &stream->server) &&
		      sonde_address_equal(&decoded->quote_dst, &stream->client))))
			return i;
	}
	return 0;
}

int sonde_accounts_build(const struct sonde_timeline *timeline,
			 const struct sonde_heard *heard, struct sonde_account **ret)
{
	size_t count = (size_t)timeline->stream_count + 1;
	unsigned errors = 0;
	struct sonde_account *accounts = array_new(count, sizeof(*accounts));
	struct passing *passing = array_new(count, sizeof(*passing));

	if (!accounts || !passing) {
		array_free(accounts);
		array_free(passing);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < timeline->recording->packet_count; i++) {
		const struct sonde_packet_place *place = &timeline->packet_places[i];
		const struct sonde_packet *packet = &timeline->recording->packets[i];
		uint32_t quoted = 0;

		/* Each is looked up among all streams: a flood of them is not. */
		if (!place->stream && packet->decoded.has_quote && errors < ERRORS_MOST) {
			quoted = find_quoted(timeline, &packet->decoded);
			errors++;
		}
		if (quoted && !accounts[quoted - 1].refusal)
			accounts[quoted - 1].refusal = packet->packet;
		if (place->stream && place->stream <= timeline->stream_count)
			count_packet(&accounts[place->stream - 1],
				     &passing[place->stream - 1],
				     &timeline->recording->packets[i], place, heard);
	}
	array_free(passing);
	*ret = accounts;
	return 0;
}

void sonde_accounts_free(struct sonde_account *accounts)
{
	array_free(accounts);
}
