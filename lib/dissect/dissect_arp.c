/* ARP (RFC 826), with probes and announcements (RFC 5227). */
#include <string.h>

#include "dissect/number.h"
#include "dissect/state.h"

enum {
	ARP,
	HARDWARE_TYPE,
	PROTOCOL_TYPE,
	HARDWARE_SIZE,
	PROTOCOL_SIZE,
	OPCODE,
	IS_GRATUITOUS,
	IS_PROBE,
	IS_ANNOUNCEMENT,
	SENDER_MAC,
	SENDER_HARDWARE,
	SENDER_IP,
	SENDER_PROTOCOL,
	TARGET_MAC,
	TARGET_HARDWARE,
	TARGET_IP,
	TARGET_PROTOCOL,
};

enum { FIXED_LENGTH = 8, REQUEST = 1, REPLY = 2 };

static const struct sonde_value_name opcodes[] = {{1, "request"},
						  {2, "reply"},
						  {3, "reverse request"},
						  {4, "reverse reply"},
						  {8, "inverse request"},
						  {9, "inverse reply"},
						  {0, NULL}};
static const struct sonde_value_name hardware_types[] = {
	{1, "Ethernet"}, {6, "IEEE 802"}, {772, "Loopback"}, {0, NULL}};

static const struct sonde_field_info fields[] = {
	[ARP] = FIELD("arp", "Address Resolution Protocol", PROTOCOL),
	[HARDWARE_TYPE] =
		NUMBER("arp.hw.type", "Hardware type", 16, DECIMAL, hardware_types),
	[PROTOCOL_TYPE] =
		NUMBER("arp.proto.type", "Protocol type", 16, HEX, dissect_ether_types),
	[HARDWARE_SIZE] = NUMBER("arp.hw.size", "Hardware size", 8, DECIMAL, NULL),
	[PROTOCOL_SIZE] = NUMBER("arp.proto.size", "Protocol size", 8, DECIMAL, NULL),
	[OPCODE] = NUMBER("arp.opcode", "Opcode", 16, DECIMAL, opcodes),
	[IS_GRATUITOUS] = FIELD("arp.isgratuitous", "Is gratuitous", BOOL),
	[IS_PROBE] = FIELD("arp.isprobe", "Is probe", BOOL),
	[IS_ANNOUNCEMENT] = FIELD("arp.isannouncement", "Is announcement", BOOL),
	[SENDER_MAC] = FIELD("arp.src.hw_mac", "Sender MAC address", ETHERNET),
	[SENDER_HARDWARE] = FIELD("arp.src.hw", "Sender hardware address", BYTES),
	[SENDER_IP] = FIELD("arp.src.proto_ipv4", "Sender IP address", IPV4),
	[SENDER_PROTOCOL] = FIELD("arp.src.proto", "Sender protocol address", BYTES),
	[TARGET_MAC] = FIELD("arp.dst.hw_mac", "Target MAC address", ETHERNET),
	[TARGET_HARDWARE] = FIELD("arp.dst.hw", "Target hardware address", BYTES),
	[TARGET_IP] = FIELD("arp.dst.proto_ipv4", "Target IP address", IPV4),
	[TARGET_PROTOCOL] = FIELD("arp.dst.proto", "Target protocol address", BYTES),
};

struct arp {
	bool is_ethernet, is_ipv4; /* what the addresses are */
	bool is_open;              /* the target's hardware address is 0 */
	uint16_t opcode;
	uint32_t sender, sender_ip, target, target_ip; /* positions */
	uint32_t hardware_size, protocol_size;
};

static bool is_zero(const uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (bytes[i])
			return false;
	return true;
}

static void add_flag(struct sonde_dissector *d, unsigned own)
{
	dissect_add_made(d, own, 1);
}

static void add_fields(struct sonde_dissector *d, const struct span *span,
		       const struct arp *arp, bool is_gratuitous, bool is_probe)
{
	dissect_add_be(d, HARDWARE_TYPE, span, 0, 2);
	dissect_add_be(d, PROTOCOL_TYPE, span, 2, 2);
	dissect_add_be(d, HARDWARE_SIZE, span, 4, 1);
	dissect_add_be(d, PROTOCOL_SIZE, span, 5, 1);
	dissect_add_be(d, OPCODE, span, 6, 2);
	if (is_probe)
		add_flag(d, IS_PROBE);
	if (is_gratuitous)
		add_flag(d, IS_GRATUITOUS);
	if (is_gratuitous && arp->is_open && arp->opcode == REQUEST)
		add_flag(d, IS_ANNOUNCEMENT);
	dissect_add_bytes(d, arp->is_ethernet ? SENDER_MAC : SENDER_HARDWARE, span,
			  arp->sender, arp->hardware_size);
	if (arp->is_ipv4)
		dissect_add_be(d, SENDER_IP, span, arp->sender_ip, 4);
	else
		dissect_add_bytes(d, SENDER_PROTOCOL, span, arp->sender_ip,
				  arp->protocol_size);
	dissect_add_bytes(d, arp->is_ethernet ? TARGET_MAC : TARGET_HARDWARE, span,
			  arp->target, arp->hardware_size);
	if (arp->is_ipv4)
		dissect_add_be(d, TARGET_IP, span, arp->target_ip, 4);
	else
		dissect_add_bytes(d, TARGET_PROTOCOL, span, arp->target_ip,
				  arp->protocol_size);
}

static void add_host(struct sonde_dissector *d, const uint8_t *bytes)
{
	struct sonde_address address = {.family = SONDE_FAMILY_INET};

	memcpy(address.bytes, bytes, 4);
	column_add_host(dissect_info(d), &address);
}

static void describe(struct sonde_dissector *d, const uint8_t *bytes,
		     const struct arp *arp, bool is_gratuitous, bool is_probe)
{
	struct column *info = dissect_info(d);
	char ethernet[17];

	if (!arp->is_ethernet || !arp->is_ipv4) {
		column_add(info, value_name(opcodes, arp->opcode, "unknown"));
		return;
	}
	switch (arp->opcode) {
	case REQUEST:
		if (is_gratuitous) {
			column_add(info, arp->is_open ? "ARP Announcement for "
						      : "Gratuitous ARP for ");
			add_host(d, bytes + arp->target_ip);
			column_add(info, arp->is_open ? "" : " (Request)");
			break;
		}
		column_add(info, "Who has ");
		add_host(d, bytes + arp->target_ip);
		column_add(info, "? ");
		if (is_probe) {
			column_add(info, "(ARP Probe)");
			break;
		}
		column_add(info, "Tell ");
		add_host(d, bytes + arp->sender_ip);
		break;
	case REPLY:
		if (is_gratuitous)
			column_add(info, "Gratuitous ARP for ");
		add_host(d, bytes + arp->sender_ip);
		column_add(info, is_gratuitous ? " (Reply)" : " is at ");
		if (!is_gratuitous)
			column_add_bytes(info, ethernet,
					 column_ethernet(bytes + arp->sender, ethernet));
		break;
	default:
		column_add(info, value_name(opcodes, arp->opcode, "Unknown ARP opcode "));
		break;
	}
}

static void dissect(struct sonde_dissector *d, const struct span *span)
{
	const uint8_t *bytes = span_bytes(span);
	uint32_t left = span_left(span), length;
	bool is_gratuitous = false, is_probe = false;
	struct arp arp;

	dissect_set_column(d, "ARP");
	if (left < FIXED_LENGTH) {
		dissect_open(d, span, left);
		dissect_set_short(d);
		return;
	}
	arp = (struct arp){
		.hardware_size = bytes[4],
		.protocol_size = bytes[5],
		.opcode = (uint16_t)(bytes[6] << 8 | bytes[7]),
		.is_ethernet = bytes[4] == 6 && bytes[0] == 0 &&
			       (bytes[1] == 1 || bytes[1] == 6),
		.is_ipv4 = bytes[5] == 4 && bytes[2] == 8 && bytes[3] == 0,
		.sender = FIXED_LENGTH,
	};
	arp.sender_ip = arp.sender + arp.hardware_size;
	arp.target = arp.sender_ip + arp.protocol_size;
	arp.target_ip = arp.target + arp.hardware_size;
	length = arp.target_ip + arp.protocol_size;
	if (left < length) {
		dissect_open(d, span, left);
		dissect_set_short(d);
		return;
	}
	if (arp.is_ipv4 && arp.is_ethernet &&
	    (arp.opcode == REQUEST || arp.opcode == REPLY)) {
		is_gratuitous =
			memcmp(bytes + arp.sender_ip, bytes + arp.target_ip, 4) == 0;
		arp.is_open = is_zero(bytes + arp.target, arp.hardware_size);
		is_probe = arp.opcode == REQUEST && arp.is_open &&
			   is_zero(bytes + arp.sender_ip, 4);
		if (is_probe)
			is_gratuitous = false;
	}
	dissect_open(d, span, length);
	if (dissect_wants_own(d))
		add_fields(d, span, &arp, is_gratuitous, is_probe);
	if (dissect_wants_columns(d))
		describe(d, bytes, &arp, is_gratuitous, is_probe);
}

const struct dissector dissector_arp = {
	.name = "arp",
	.column = "ARP",
	.fields = fields,
	.field_count = sizeof(fields) / sizeof(fields[0]),
	.dissect = dissect,
};
