/* bench_packets FLOWS FILE: a capture file (pcap, nanoseconds) of so many TCP connections,
 * 17.6 packets each on average, 64 at a time, a request and an answer of 8,688 bytes, with
 * right checksums and sequence numbers.  The same arguments make the same file.
 *
 *	bench_packets 50000 big.pcap	880,000 packets, 513 MB */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	ALIVE = 64,
	SEGMENTS = 6,
	SEGMENT_BYTES = 1448,
	REQUEST_BYTES = 200,
	FIN = 1,
	SYN = 2,
	PSH = 8,
	ACK = 16,
};

struct flow {
	uint32_t number, step, seq[2], ack[2];
};

static FILE *out;
static int64_t now_ns = INT64_C(1700000000000000000);
static uint64_t written;

static uint32_t sum_words(const uint8_t *bytes, size_t n, uint32_t sum)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	return n % 2 ? sum + ((uint32_t)bytes[n - 1] << 8) : sum;
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value & 0xffff);
}

static void put_checksum(uint8_t *at, uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	put16(at, ~sum & 0xffff);
}

/* side: 0 the client, 1 the server. */
static void put_packet(struct flow *flow, int side, uint8_t flags, size_t n)
{
	static const uint8_t syn_options[] = {2, 4, 5, 0xb4, 4, 2, 8, 10, 0, 0,
					      0, 0, 0, 0,    0, 0, 1, 3,  3, 7};
	uint8_t bytes[14 + 20 + 40 + SEGMENT_BYTES] = {2, 0, 0, 0, 0, 2, 2,
						       0, 0, 0, 0, 1, 8};
	size_t tcp_bytes = flags & SYN ? 40 : 32, length = 20 + tcp_bytes + n;
	uint8_t *ip = bytes + 14, *tcp = ip + 20;
	uint32_t record[4], client = 0x0a000001 + flow->number % 5000;
	uint32_t server = 0xc0000201 + flow->number % 50;

	ip[0] = 0x45;
	put16(ip + 2, (uint32_t)length);
	put16(ip + 4, (uint32_t)written & 0xffff);
	ip[6] = 0x40;
	ip[8] = 64;
	ip[9] = 6;
	put32(ip + 12, side ? server : client);
	put32(ip + 16, side ? client : server);
	put_checksum(ip + 10, sum_words(ip, 20, 0));
	put16(tcp + (side ? 2 : 0),
	      1024 + flow->number / 5000 * 5000 % 60000 + flow->number % 4000);
	put16(tcp + (side ? 0 : 2), 9000);
	put32(tcp + 4, flow->seq[side]);
	put32(tcp + 8, flags & ACK ? flow->ack[side] : 0);
	tcp[12] = (uint8_t)(tcp_bytes / 4 << 4);
	tcp[13] = flags;
	put16(tcp + 14, flags & SYN ? 64240 : 502);
	if (flags & SYN) {
		memcpy(tcp + 20, syn_options, sizeof(syn_options));
		put32(tcp + 28, (uint32_t)(now_ns / 1000000));
	} else {
		tcp[20] = tcp[21] = 1;
		tcp[22] = 8;
		tcp[23] = 10;
		put32(tcp + 24, (uint32_t)(now_ns / 1000000));
		put32(tcp + 28, (uint32_t)(now_ns / 1000000 - 1));
	}
	for (size_t i = 0; i < n; i++)
		tcp[tcp_bytes + i] = (uint8_t)('a' + (i + flow->number) % 26);
	put_checksum(tcp + 16,
		     sum_words(tcp, tcp_bytes + n,
			       sum_words(ip + 12, 8, 6 + (uint32_t)(tcp_bytes + n))));
	now_ns += 3000 + flow->number % 977;
	record[0] = (uint32_t)(now_ns / 1000000000);
	record[1] = (uint32_t)(now_ns % 1000000000);
	record[2] = record[3] = (uint32_t)(14 + length);
	fwrite(record, sizeof(record), 1, out);
	fwrite(bytes, 14 + length, 1, out);
	written++;
	flow->seq[side] += (uint32_t)n + !!(flags & (SYN | FIN));
	flow->ack[!side] = flow->seq[side];
}

/* The flow's next packet.  0 when that was the last one. */
static int step(struct flow *flow)
{
	uint32_t i = flow->step++;

	if (i == 0)
		put_packet(flow, 0, SYN, 0);
	else if (i == 1)
		put_packet(flow, 1, SYN | ACK, 0);
	else if (i == 2)
		put_packet(flow, 0, ACK, 0);
	else if (i == 3)
		put_packet(flow, 0, PSH | ACK, REQUEST_BYTES);
	else if (i == 4)
		put_packet(flow, 1, ACK, 0);
	else if (i < 5 + SEGMENTS / 2 * 3) /* two segments, an acknowledgement */
		put_packet(flow, i % 3 != 1, i % 3 ? ACK : PSH | ACK,
			   i % 3 != 1 ? SEGMENT_BYTES : 0);
	else if (i == 14 && flow->number % 5 < 3)
		put_packet(flow, 0, PSH | ACK, 20);
	else if (i == 14)
		return step(flow);
	else if (i == 15)
		put_packet(flow, 0, FIN | ACK, 0);
	else if (i == 16)
		put_packet(flow, 1, FIN | ACK, 0);
	else
		put_packet(flow, 0, ACK, 0);
	return i < 17;
}

int main(int argc, char **argv)
{
	const uint32_t header[6] = {0xa1b23c4d, 2 | 4 << 16, 0, 0, 262144, 1};
	struct flow alive[ALIVE] = {{0}};
	uint32_t next = 0, count = argc == 3 ? (uint32_t)atol(argv[1]) : 0;
	int left;

	out = count ? fopen(argv[2], "w") : NULL;
	if (!out) {
		fprintf(stderr, "usage: bench_packets FLOWS FILE\n");
		return 2;
	}
	setvbuf(out, NULL, _IOFBF, 1 << 20);
	fwrite(header, sizeof(header), 1, out);
	do {
		left = 0;
		for (int i = 0; i < ALIVE; i++) {
			struct flow *flow = &alive[i];

			if (!flow->seq[0]) {
				if (next == count)
					continue;
				*flow = (struct flow){
					.number = next,
					.seq = {1 + next * 77777, next * 99991}};
				next++;
			}
			left = 1;
			if (!step(flow))
				*flow = (struct flow){0};
		}
	} while (left);
	return fclose(out) != 0;
}
