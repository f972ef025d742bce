/* Link layers that are no link's own: Linux cooked captures, BSD's loopback, raw IP; and
 * what an EtherType leads to. */
#include <string.h>

#include "dissect/number.h"
#include "dissect/state.h"

/* ---- where types lead ---- */

void dissect_ether_type(struct sonde_dissector *d, uint16_t ether_type,
			const struct span *span)
{
	switch (ether_type) {
	case ETHER_TYPE_IPV4:
		dissect_call(d, &dissector_ip, span);
		break;
	case ETHER_TYPE_IPV6:
		dissect_call(d, &dissector_ipv6, span);
		break;
	case ETHER_TYPE_ARP:
		dissect_call(d, &dissector_arp, span);
		break;
	case ETHER_TYPE_VLAN_SERVICE:
		dissect_call(d, &dissector_ieee8021ad, span);
		break;
	case ETHER_TYPE_VLAN:
	case ETHER_TYPE_VLAN_OLD:
		dissect_call(d, &dissector_vlan, span);
		break;
	default:
		if (d->wants_columns && !d->is_quoted) {
			char type[8] = "0x0000";

			for (int i = 0; i < 4; i++)
				type[2 + i] =
					"0123456789abcdef"[ether_type >> (12 - 4 * i) &
							   0xf];
			memcpy(d->column_storage, type, sizeof(type));
			dissect_set_column(d, d->column_storage);
			column_add(&d->info, value_name(dissect_ether_types, ether_type,
							"Ethernet II"));
		}
		dissect_rest(d, span);
		break;
	}
}

void dissect_type_or_length(struct sonde_dissector *d, uint16_t value,
			    const struct span *span)
{
	if (value < 0x0600) {
		if (span_length(span))
			dissect_call(d, &dissector_llc, span);
		return;
	}
	/* What an EtherType names stands in the list of protocols, too. */
	if (d->wants_of[0]) {
		static const char word[] = "ethertype";

		if (d->protocols_used + sizeof(word) < sizeof(d->protocols)) {
			d->protocols[d->protocols_used++] = ':';
			memcpy(d->protocols + d->protocols_used, word, sizeof(word) - 1);
			d->protocols_used += sizeof(word) - 1;
		}
	}
	dissect_ether_type(d, value, span);
}

/* ---- Linux cooked ---- */

enum {
	SLL,
	SLL_PACKET_TYPE,
	SLL_HARDWARE_TYPE,
	SLL_ADDRESS_LENGTH,
	SLL_SOURCE_ETHERNET,
	SLL_SOURCE_OTHER,
	SLL_UNUSED,
	SLL_TYPE,
	SLL_LTYPE,
	SLL_INTERFACE,
};

enum {
	SLL_LENGTH = 16,
	SLL2_LENGTH = 20,
	HARDWARE_ETHERNET = 1,
	HARDWARE_LOOPBACK = 772
};

static const struct sonde_value_name packet_types[] = {
	{0, "Unicast to us"},           {1, "Broadcast"},  {2, "Multicast"},
	{3, "Unicast to another host"}, {4, "Sent by us"}, {0, NULL}};
static const struct sonde_value_name hardware_types[] = {{1, "Ethernet"},
							 {512, "PPP"},
							 {768, "IPIP tunnel"},
							 {772, "Loopback"},
							 {776, "IPv6-in-IPv4 tunnel"},
							 {778, "GRE"},
							 {65534, "Netlink / none"},
							 {0, NULL}};

static const struct sonde_field_info sll_fields[] = {
	[SLL] = FIELD("sll", "Linux cooked-mode capture", PROTOCOL),
	[SLL_PACKET_TYPE] =
		NUMBER("sll.pkttype", "Packet type", 16, DECIMAL, packet_types),
	[SLL_HARDWARE_TYPE] = NUMBER("sll.hatype", "Link-layer address type", 16, DECIMAL,
				     hardware_types),
	[SLL_ADDRESS_LENGTH] =
		NUMBER("sll.halen", "Link-layer address length", 16, DECIMAL, NULL),
	[SLL_SOURCE_ETHERNET] = FIELD("sll.src.eth", "Source", ETHERNET),
	[SLL_SOURCE_OTHER] = FIELD("sll.src.other", "Source", BYTES),
	[SLL_UNUSED] = FIELD("sll.unused", "Unused", BYTES),
	[SLL_TYPE] = NUMBER("sll.etype", "Protocol", 16, HEX, dissect_ether_types),
	[SLL_LTYPE] = NUMBER("sll.ltype", "Protocol", 16, HEX, NULL),
	[SLL_INTERFACE] = NUMBER("sll.ifindex", "Interface index", 32, DECIMAL, NULL),
};

/* The address in its field of 8 bytes. */
static void add_sll_source(struct sonde_dissector *d, const struct span *span,
			   uint32_t at, uint32_t length)
{
	if (length > 8)
		length = 8;
	if (length == 6)
		dissect_add_bytes(d, SLL_SOURCE_ETHERNET, span, at, 6);
	else if (length > 0)
		dissect_add_bytes(d, SLL_SOURCE_OTHER, span, at, length);
	if (length < 8)
		dissect_add_bytes(d, SLL_UNUSED, span, at + length, 8 - length);
}

static void dissect_sll(struct sonde_dissector *d, const struct span *span)
{
	bool is_second = d->frame->link == SONDE_LINK_SLL2;
	uint32_t header = is_second ? SLL2_LENGTH : SLL_LENGTH;
	const uint8_t *bytes = span_bytes(span);
	struct span inner;
	uint32_t address_length, type_at;
	uint16_t type;

	dissect_set_column(d, "SLL");
	if (span_left(span) < header) {
		dissect_open(d, span, span_left(span));
		dissect_set_short(d);
		return;
	}
	type_at = is_second ? 0 : 14;
	type = (uint16_t)(bytes[type_at] << 8 | bytes[type_at + 1]);
	address_length = is_second ? bytes[11] : (uint32_t)(bytes[4] << 8 | bytes[5]);
	dissect_set_ethernet_ends(
		d, address_length == 6 ? bytes + (is_second ? 12 : 6) : NULL, NULL);
	column_add(dissect_info(d),
		   value_name(packet_types, is_second ? bytes[10] : bytes[1], "Unknown"));
	dissect_set_label(d, dissect_open(d, span, header), "Linux cooked capture v%d",
			  is_second ? 2 : 1);
	if (dissect_wants_own(d) && is_second) {
		dissect_add_be(d, type < 0x0600 ? SLL_LTYPE : SLL_TYPE, span, 0, 2);
		dissect_add_be(d, SLL_INTERFACE, span, 4, 4);
		dissect_add_be(d, SLL_HARDWARE_TYPE, span, 8, 2);
		dissect_add_be(d, SLL_PACKET_TYPE, span, 10, 1);
		dissect_add_be(d, SLL_ADDRESS_LENGTH, span, 11, 1);
		add_sll_source(d, span, 12, address_length);
	} else if (dissect_wants_own(d)) {
		dissect_add_be(d, SLL_PACKET_TYPE, span, 0, 2);
		dissect_add_be(d, SLL_HARDWARE_TYPE, span, 2, 2);
		dissect_add_be(d, SLL_ADDRESS_LENGTH, span, 4, 2);
		add_sll_source(d, span, 6, address_length);
		dissect_add_be(d, type < 0x0600 ? SLL_LTYPE : SLL_TYPE, span, 14, 2);
	}
	inner = span_part(span, header, UINT32_MAX);
	if (type >= 0x0600)
		dissect_type_or_length(d, type, &inner);
	else if (type == 4) /* 802.2 */
		dissect_call(d, &dissector_llc, &inner);
	else
		dissect_rest(d, &inner);
}

const struct dissector dissector_sll = {
	.name = "sll",
	.column = "SLL",
	.fields = sll_fields,
	.field_count = sizeof(sll_fields) / sizeof(sll_fields[0]),
	.dissect = dissect_sll,
};

/* ---- null and loop ---- */

enum { NULL_LAYER, NULL_FAMILY };

/* BSD's numbers of address families; IPv6 has one in each of them. */
static const struct sonde_value_name families[] = {
	{2, "IP"}, {24, "IPv6"}, {28, "IPv6"}, {30, "IPv6"}, {10, "IPv6"}, {0, NULL}};

static const struct sonde_field_info null_fields[] = {
	[NULL_LAYER] = FIELD("null", "Null/Loopback", PROTOCOL),
	[NULL_FAMILY] = NUMBER("null.family", "Family", 32, DECIMAL, families),
};

static void dissect_null(struct sonde_dissector *d, const struct span *span)
{
	const uint8_t *bytes = span_bytes(span);
	struct span inner = span_part(span, 4, UINT32_MAX);
	uint32_t family;

	dissect_set_column(d, "NULL");
	dissect_open(d, span, 4);
	if (span_left(span) < 4) {
		dissect_set_short(d);
		return;
	}
	family = (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 |
		 (uint32_t)bytes[2] << 8 | bytes[3];
	/* NULL is in the order of the machine that captured; families are small. */
	if (family >> 16)
		family = (uint32_t)bytes[3] << 24 | (uint32_t)bytes[2] << 16 |
			 (uint32_t)bytes[1] << 8 | bytes[0];
	dissect_add_number(d, NULL_FAMILY, span, 0, 4, family);
	switch (family) {
	case 2:
		dissect_call(d, &dissector_ip, &inner);
		break;
	case 10:
	case 24:
	case 28:
	case 30:
		dissect_call(d, &dissector_ipv6, &inner);
		break;
	default:
		dissect_rest(d, &inner);
		break;
	}
}

const struct dissector dissector_null = {
	.name = "null",
	.column = "NULL",
	.fields = null_fields,
	.field_count = sizeof(null_fields) / sizeof(null_fields[0]),
	.dissect = dissect_null,
};

/* ---- raw IP ---- */

static const struct sonde_field_info raw_fields[] = {
	FIELD("raw", "Raw packet data", PROTOCOL),
};

static void dissect_raw(struct sonde_dissector *d, const struct span *span)
{
	dissect_set_column(d, "Raw");
	dissect_open(d, span, span_left(span));
	if (!span_left(span))
		return;
	switch (span_bytes(span)[0] >> 4) {
	case 4:
		dissect_call(d, &dissector_ip, span);
		break;
	case 6:
		dissect_call(d, &dissector_ipv6, span);
		break;
	default:
		dissect_rest(d, span);
		break;
	}
}

const struct dissector dissector_raw = {
	.name = "raw",
	.column = "Raw",
	.fields = raw_fields,
	.field_count = 1,
	.dissect = dissect_raw,
};
