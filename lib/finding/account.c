/* What became of each stream, counted in one pass over the packets. */
#include <sonde/explain.h>

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "finding/heard.h"

/* What a pass remembers of a stream. */
struct passing {
	bool has_begun;
	int64_t last_ns;
	bool is_closed[2]; /* the side's window */
};

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
	if (protocol && !account->protocol)
		account->protocol = protocol;
	bytes = heard_bytes(heard, packet->frame, &count);
	if (bytes && !account->first_count[side]) {
		memcpy(account->first[side], bytes, count);
		account->first_count[side] = count;
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
	if (packet->decoded.proto == SONDE_PACKET_ICMP ||
	    packet->decoded.proto == SONDE_PACKET_ICMP6) {
		if (!account->refusal)
			account->refusal = packet->packet;
		return;
	}
	account->packets[side] += packet->decoded.payload_length > 0;
	count_data(account, side, packet, place, heard);
	if (packet->decoded.proto == SONDE_PACKET_TCP)
		count_tcp(account, passing, side, packet, place);
}

int sonde_accounts_build(const struct sonde_timeline *timeline,
			 const struct sonde_heard *heard, struct sonde_account **ret)
{
	size_t count = (size_t)timeline->stream_count + 1;
	struct sonde_account *accounts = array_new(count, sizeof(*accounts));
	struct passing *passing = array_new(count, sizeof(*passing));

	if (!accounts || !passing) {
		array_free(accounts);
		array_free(passing);
		return -ENOMEM;
	}
	for (uint32_t i = 0; i < timeline->recording->packet_count; i++) {
		const struct sonde_packet_place *place = &timeline->packet_places[i];

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
