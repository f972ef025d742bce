/* Fuzz target: the packet decoder.  The first byte chooses the link type.
 *
 * Properties: offsets stay inside the bytes given; decoding depends on nothing else; and
 * of a packet that was cut, nothing is told that is not told of the longer one too. */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/packet.h>

enum { CUTS_MOST = 160 }; /* longer than the headers of almost every packet */

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static void require(bool holds)
{
	if (!holds)
		abort();
}

/* From memory of just that size, so that a sanitizer sees every step too far. */
static void decode(enum sonde_link link, const uint8_t *bytes, size_t n,
		   struct sonde_decoded *ret)
{
	uint8_t *part = malloc(n ? n : 1);

	require(part);
	memcpy(part, bytes, n);
	memset(ret, 0xa5, sizeof(*ret));
	sonde_packet_decode(link, part, n, ret);
	free(part);
	require(ret->network_offset <= n);
	require(ret->payload_offset + (size_t)ret->payload_captured <= n);
	require(ret->payload_captured <= ret->payload_length);
	require(ret->window_scale >= -1 && ret->window_scale <= 14);
	require(ret->proto <= SONDE_PACKET_ICMP6);
	require(!ret->has_quote || ret->quote_proto == SONDE_PACKET_TCP ||
		ret->quote_proto == SONDE_PACKET_UDP);
}

static void check_number(uint64_t part, uint64_t whole)
{
	require(part == 0 || part == whole);
}

static void check_address(const struct sonde_address *part,
			  const struct sonde_address *whole)
{
	check_number(part->family, whole->family);
	check_number(part->port, whole->port);
	require(part->family == SONDE_FAMILY_NONE ||
		memcmp(part->bytes, whole->bytes, sizeof(part->bytes)) == 0);
}

static void check_part(const struct sonde_decoded *part,
		       const struct sonde_decoded *whole)
{
	check_number(part->proto, whole->proto);
	check_number(part->ttl, whole->ttl);
	check_number(part->tcp_flags, whole->tcp_flags);
	check_number(part->ether_type, whole->ether_type);
	check_number(part->window, whole->window);
	check_address(&part->src, &whole->src);
	check_address(&part->dst, &whole->dst);
	check_number(part->seq, whole->seq);
	check_number(part->ack, whole->ack);
	check_number(part->icmp_type, whole->icmp_type);
	check_number(part->icmp_code, whole->icmp_code);
	check_number(part->has_quote, whole->has_quote);
	check_number(part->quote_proto, whole->quote_proto);
	check_address(&part->quote_src, &whole->quote_src);
	check_address(&part->quote_dst, &whole->quote_dst);
	check_number(part->quote_seq, whole->quote_seq);
	check_number(part->sack_permitted, whole->sack_permitted);
	check_number(part->network_offset, whole->network_offset);
	check_number(part->payload_offset, whole->payload_offset);
	check_number(part->has_timestamps, whole->has_timestamps);
	/* Where no header tells the length, it is that of what is there. */
	require(part->payload_length == 0 ||
		part->payload_length == whole->payload_length ||
		(part->payload_length == part->payload_captured &&
		 part->payload_length < whole->payload_length));
	require((part->trouble & ~SONDE_PACKET_CUT & ~whole->trouble) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
	static const enum sonde_link links[] = {SONDE_LINK_ETHERNET, SONDE_LINK_RAW,
						SONDE_LINK_SLL, SONDE_LINK_SLL2};
	struct sonde_decoded whole, again, part;
	enum sonde_link link;

	if (n == 0)
		return 0;
	link = links[bytes[0] % 4];
	bytes++;
	n--;
	decode(link, bytes, n, &whole);
	decode(link, bytes, n, &again);
	check_part(&again, &whole);
	check_part(&whole, &again);
	for (size_t cut = 0; cut < n && cut < CUTS_MOST; cut++) {
		decode(link, bytes, cut, &part);
		check_part(&part, &whole);
	}
	return 0;
}
