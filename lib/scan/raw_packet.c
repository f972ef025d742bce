/* Raw probes: their bytes, and how they leave. */
#include "scan/raw_parts.h"

#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <string.h>

#include "scan/mate.h"

enum {
	IPV4_BYTES = 20,
	IPV6_BYTES = 40,
	SYN_BYTES = 24,
	ECHO_BYTES = 16,
	HOPS = 64,
	SEGMENT = 1460,
	PIECE = 32, /* packets in one call */
};

static uint32_t sum(const uint8_t *bytes, size_t n, uint32_t start)
{
	for (size_t i = 0; i + 1 < n; i += 2)
		start += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	return start;
}

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void put32(uint8_t *at, uint32_t value)
{
	put16(at, value >> 16);
	put16(at + 2, value);
}

static void put_checksum(uint8_t *at, uint32_t start)
{
	while (start >> 16)
		start = (start & 0xffff) + (start >> 16);
	put16(at, ~start & 0xffff);
}

/* The IP header, with n bytes to follow.  Returns where they begin; *ret_sum is the
 * pseudo header's (RFC 9293 3.1, RFC 8200 8.1). */
static uint8_t *begin(struct raw *raw, const struct sonde_address *from,
		      const struct sonde_address *to, uint8_t protocol, uint8_t n,
		      uint32_t *ret_sum)
{
	size_t at = raw->count++;
	uint8_t *ip = raw->bytes[at] + LINK_HEADER_BYTES;
	struct sonde_address portless = *to;
	uint8_t header_bytes;

	portless.port = 0; /* raw sockets take a protocol there */
	raw->ways[at] = to->family == SONDE_FAMILY_INET6 ? INET6 : INET;
	memset(ip, 0, PACKET_BYTES - LINK_HEADER_BYTES);
	if (raw->ways[at] == INET6) {
		header_bytes = IPV6_BYTES;
		ip[0] = 0x60;
		put16(ip + 4, n);
		ip[6] = protocol;
		ip[7] = HOPS;
		memcpy(ip + 8, from->bytes, 16);
		memcpy(ip + 24, to->bytes, 16);
		*ret_sum = sum(ip + 8, 32, 0);
	} else {
		header_bytes = IPV4_BYTES;
		ip[0] = 0x45;
		put16(ip + 2, (uint32_t)IPV4_BYTES + n);
		ip[6] = 0x40; /* do not fragment */
		ip[8] = HOPS;
		ip[9] = protocol;
		memcpy(ip + 12, from->bytes, 4);
		memcpy(ip + 16, to->bytes, 4);
		*ret_sum = sum(ip + 12, 8, 0); /* its own checksum is the kernel's work */
	}
	*ret_sum += (uint32_t)protocol + n;
	raw->parts[at].iov_base = ip;
	raw->parts[at].iov_len = (size_t)header_bytes + n;
	raw->messages[at].msg_hdr.msg_namelen =
		sonde_address_to_sockaddr(&portless, &raw->to[at]);
	return ip + header_bytes;
}

void raw_add_syn(struct raw *raw, const struct sonde_address *from,
		 const struct sonde_address *to, unsigned port_at, uint32_t serial)
{
	uint16_t own = (uint16_t)(raw->first_port + port_at);
	uint32_t pseudo;
	uint8_t *tcp = begin(raw, from, to, IPPROTO_TCP, SYN_BYTES, &pseudo);

	put16(tcp, own);
	put16(tcp + 2, to->port);
	put32(tcp + 4, reply_cookie(raw->key, to, own) + serial);
	tcp[12] = SYN_BYTES / 4 << 4;
	tcp[13] = SONDE_TCP_SYN;
	put16(tcp + 14, 1024);
	tcp[20] = 2; /* the largest segment */
	tcp[21] = 4;
	put16(tcp + 22, SEGMENT);
	put_checksum(tcp + 16, sum(tcp, SYN_BYTES, pseudo));
}

/* What the kernel would have filled in: the header's checksum, and all of the link's. */
void raw_use_link(struct raw *raw, const struct link *link)
{
	size_t at = raw->count - 1;
	uint8_t *frame = raw->bytes[at], *ip = frame + LINK_HEADER_BYTES;
	struct sockaddr_ll to = {
		.sll_family = AF_PACKET,
		.sll_ifindex = link->interface_index,
		.sll_halen = LINK_BYTES,
		.sll_protocol = htons(raw->ways[at] == INET6 ? ETH_P_IPV6 : ETH_P_IP),
	};

	if (raw->own_index != link->interface_index) {
		raw->own_index = link->interface_index;
		raw->has_own = link_get_own(raw->own_index, raw->own) == 0;
	}
	if (!raw->has_own)
		return;
	if (raw->ways[at] == INET)
		put_checksum(ip + 10, sum(ip, IPV4_BYTES, 0));
	link_put_header(frame, link, raw->own, raw->ways[at] == INET6);
	memcpy(to.sll_addr, link->bytes, LINK_BYTES);
	memcpy(&raw->to[at], &to, sizeof(to));
	raw->messages[at].msg_hdr.msg_namelen = sizeof(to);
	raw->parts[at].iov_base = frame;
	raw->parts[at].iov_len += LINK_HEADER_BYTES;
	raw->ways[at] = FRAME;
}

void raw_add_echo(struct raw *raw, const struct sonde_address *from,
		  const struct sonde_address *to, uint16_t sequence)
{
	bool is_inet6 = to->family == SONDE_FAMILY_INET6;
	uint32_t pseudo;
	uint8_t *icmp = begin(raw, from, to, is_inet6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP,
			      ECHO_BYTES, &pseudo);

	icmp[0] = is_inet6 ? 128 : 8;
	put16(icmp + 4, raw->echo_id);
	put16(icmp + 6, sequence);
	put_checksum(icmp + 2, sum(icmp, ECHO_BYTES, is_inet6 ? pseudo : 0));
}

size_t raw_batched(const struct raw *raw)
{
	return raw->count;
}

/* From one packet to another, each row of one way in one call. */
static void send_some(struct raw *raw, size_t at, size_t end)
{
	while (at < end) {
		size_t stop = at;
		int r;

		while (stop < end && raw->ways[stop] == raw->ways[at])
			stop++;
		r = sendmmsg(raw->fds[raw->ways[at]], raw->messages + at,
			     (unsigned)(stop - at), 0);
		if (r < 0) {
			raw->errors[at] = errno;
			r = 1;
		}
		at += (size_t)r;
	}
}

/* By the mate and by the caller's thread at once. */
static void send_pieces(void *context)
{
	struct raw *raw = context;

	for (;;) {
		size_t at = __atomic_fetch_add(&raw->next, PIECE, __ATOMIC_RELAXED);

		if (at >= raw->count)
			return;
		send_some(raw, at, at + PIECE < raw->count ? at + PIECE : raw->count);
	}
}

void raw_send(struct raw *raw,
	      void (*refused)(void *context, size_t at, int error_number), void *context)
{
	bool is_shared = raw->mate && raw->count > 2 * PIECE;
	size_t count = raw->count;

	memset(raw->errors, 0, count * sizeof(raw->errors[0]));
	raw->next = 0;
	if (is_shared)
		mate_begin(raw->mate, send_pieces, raw);
	send_pieces(raw);
	if (is_shared)
		mate_wait(raw->mate);
	raw->count = 0;
	for (size_t i = 0; i < count; i++)
		if (raw->errors[i])
			refused(context, i, raw->errors[i]);
}
