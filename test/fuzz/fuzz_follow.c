/* Fuzz target: following a TCP stream.
 *
 * The input is a list of segments, five bytes each: who sends, flags, where they begin,
 * how long they are, what is acknowledged.  A byte's value follows from its number.
 *
 * Properties: whatever comes in whatever order, what is given is in order, gaps counted:
 * each byte has the value that belongs to its place, and none is given twice. */
#include <stdlib.h>
#include <string.h>

#include <sonde/follow.h>

enum {
	RECORD_BYTES = 5,
	ETHERNET_BYTES = 14,
	IP_BYTES = 20,
	TCP_BYTES = 20,
	HEADER_BYTES = ETHERNET_BYTES + IP_BYTES + TCP_BYTES,
	PAYLOAD_MOST = 64,
};

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

struct told {
	bool has_begun[2];
	uint32_t at[2]; /* the number of the byte that comes next */
	bool is_turned; /* b sent first, and is a to the follower */
};

static void require(bool holds)
{
	if (!holds)
		abort();
}

static uint8_t value_at(uint32_t number, bool is_b)
{
	return (uint8_t)(number * 31 + (number >> 8) + is_b);
}

static int take(void *context, const struct sonde_follow_piece *piece)
{
	struct told *told = context;
	bool is_b = piece->is_b != told->is_turned;

	require(told->has_begun[is_b]);
	require((piece->missing > 0) != (piece->size > 0));
	require(piece->missing <= UINT32_MAX);
	for (size_t i = 0; i < piece->size; i++)
		require(piece->bytes[i] == value_at(told->at[is_b] + (uint32_t)i, is_b));
	told->at[is_b] += (uint32_t)(piece->missing + piece->size);
	return 0;
}

static void put_be32(uint8_t *to, uint32_t number)
{
	for (unsigned i = 0; i < 4; i++)
		to[i] = (uint8_t)(number >> (24 - 8 * i));
}

/* Returns the frame's length. */
static uint32_t make_segment(const uint8_t record[RECORD_BYTES], struct told *told,
			     uint8_t *frame, uint32_t *ret_captured)
{
	/* Numbers near the place where they wrap. */
	static const uint32_t bases[2] = {0xffffff80u, 0x7fffff80u};
	bool is_b = record[0] & 1;
	uint8_t flags = (uint8_t)(record[0] & 2 ? SONDE_TCP_SYN : 0) |
			(uint8_t)(record[0] & 4 ? SONDE_TCP_FIN : 0) | SONDE_TCP_ACK;
	uint32_t seq = bases[is_b] + 2u * record[1], length = record[2] % PAYLOAD_MOST;
	uint32_t begin = seq + (flags & SONDE_TCP_SYN ? 1 : 0);
	uint32_t total = IP_BYTES + TCP_BYTES + length;
	uint8_t *ip = frame + ETHERNET_BYTES, *tcp = ip + IP_BYTES;

	memset(frame, 0, HEADER_BYTES);
	frame[12] = 0x08;
	ip[0] = 0x45;
	ip[2] = (uint8_t)(total >> 8);
	ip[3] = (uint8_t)total;
	ip[8] = 64;
	ip[9] = 6;
	put_be32(ip + 12, is_b ? 0xc0000202u : 0xc0000201u);
	put_be32(ip + 16, is_b ? 0xc0000201u : 0xc0000202u);
	tcp[is_b ? 3 : 1] = 7;
	tcp[is_b ? 1 : 3] = 9;
	put_be32(tcp + 4, seq);
	put_be32(tcp + 8, bases[!is_b] + 2u * record[3]);
	tcp[12] = 0x50;
	tcp[13] = flags;
	for (uint32_t i = 0; i < length; i++)
		tcp[TCP_BYTES + i] = value_at(begin + i, is_b);
	if (!told->has_begun[is_b]) {
		told->has_begun[is_b] = true;
		told->at[is_b] = begin;
		if (!told->has_begun[!is_b])
			told->is_turned = is_b;
	}
	/* Some captures keep the beginning only. */
	*ret_captured = HEADER_BYTES + (record[4] & 1 ? length / 2 : length);
	return HEADER_BYTES + length;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	uint8_t packet[HEADER_BYTES + PAYLOAD_MOST];
	struct sonde_dissector *dissector;
	struct sonde_follow *follow;
	struct told told = {0};

	require(sonde_dissector_new(&dissector) == 0);
	require(sonde_follow_new(true, 0, take, &told, &follow) == 0);
	require(sonde_follow_want(follow, dissector) == 0);
	for (size_t i = 0; (i + 1) * RECORD_BYTES <= n && i < 1000; i++) {
		struct sonde_dissection dissection;
		struct sonde_frame frame = {
			.number = (uint32_t)i + 1,
			.link = SONDE_LINK_ETHERNET,
			.at_ns = (int64_t)i,
			.bytes = packet,
		};
		/* A second handshake would begin another stream. */
		uint8_t record[RECORD_BYTES];

		memcpy(record, bytes + i * RECORD_BYTES, sizeof(record));
		if (told.has_begun[record[0] & 1])
			record[0] &= (uint8_t)~2;
		frame.wire_length =
			make_segment(record, &told, packet, &frame.captured_length);
		require(sonde_dissect(dissector, &frame, &dissection) == 0);
		require(sonde_follow_add(follow, &frame, &dissection) == 0);
	}
	require(sonde_follow_end(follow) == 0);
	sonde_follow_free(follow);
	sonde_dissector_free(dissector);
	return 0;
}
