/* decode_tsv FILE: what sonde decodes of each packet of a pcapng file, as tab-separated
 * values under a line of names, in the way tshark prints them.  Empty: not there. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sonde/packet.h>

#include "file/pcapng.h"

enum { INTERFACES_MOST = 16 };

static const char *const proto_names[] = {"other", "tcp", "udp", "icmp", "icmp6"};

static void print_host(const struct sonde_address *address)
{
	char text[SONDE_ADDRESS_CHARS];

	if (address->family != SONDE_FAMILY_NONE) {
		sonde_address_format_host(address, text);
		fputs(text, stdout);
	}
	putchar('\t');
}

static void print_if(bool there, uint32_t number)
{
	if (there)
		printf("%" PRIu32, number);
	putchar('\t');
}

static void print_packet(const struct pcapng_packet *packet, enum sonde_link link,
			 unsigned long number)
{
	struct sonde_decoded d;
	bool has_ports, is_tcp, is_icmp;

	sonde_packet_decode(link, packet->bytes, packet->captured_length, &d);
	has_ports = d.src.port || d.dst.port;
	is_tcp = d.proto == SONDE_PACKET_TCP && has_ports;
	is_icmp = (d.proto == SONDE_PACKET_ICMP || d.proto == SONDE_PACKET_ICMP6) &&
		  d.payload_offset;
	printf("%lu\t%" PRId64 ".%09" PRId64 "\t%" PRIu32 "\t", number,
	       packet->at_ns / 1000000000, packet->at_ns % 1000000000,
	       packet->wire_length);
	printf("%s\t%u\t0x%04x\t", proto_names[d.proto], d.trouble, d.ether_type);
	print_if(d.src.family != SONDE_FAMILY_NONE, d.ttl);
	print_host(&d.src);
	print_host(&d.dst);
	print_if(has_ports, d.src.port);
	print_if(has_ports, d.dst.port);
	print_if(is_tcp, d.seq);
	print_if(is_tcp, d.ack);
	print_if(is_tcp, d.tcp_flags);
	print_if(is_tcp, d.window);
	print_if(d.mss, d.mss);
	print_if(d.window_scale >= 0, (uint32_t)d.window_scale);
	print_if(d.sack_permitted, 1);
	print_if(d.has_timestamps, d.timestamp_value);
	print_if(d.has_timestamps, d.timestamp_echo);
	print_if(is_icmp, d.icmp_type);
	print_if(is_icmp, d.icmp_code);
	print_host(&d.quote_src);
	print_host(&d.quote_dst);
	print_if(d.has_quote, d.quote_src.port);
	print_if(d.has_quote, d.quote_dst.port);
	print_if(d.has_quote && d.quote_proto == SONDE_PACKET_TCP, d.quote_seq);
	printf("%" PRIu32 "\t", d.payload_length);
	for (uint32_t i = 0; i < d.payload_captured; i++)
		printf("%02x", packet->bytes[d.payload_offset + i]);
	putchar('\n');
}

static uint8_t *read_file(const char *path, size_t *ret_size)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = NULL;
	size_t capacity = 1 << 16, size = 0, got;

	if (!file)
		return NULL;
	do {
		capacity *= 2;
		bytes = realloc(bytes, capacity);
		if (!bytes)
			break;
		got = fread(bytes + size, 1, capacity - size, file);
		size += got;
	} while (got);
	fclose(file);
	*ret_size = size;
	return bytes;
}

int main(int argc, char **argv)
{
	uint16_t links[INTERFACES_MOST];
	unsigned long number = 0;
	uint32_t interface_count = 0, snap_bytes;
	struct pcapng_view view;
	size_t at = 0, size;
	bool swapped = false;
	uint8_t *bytes;
	ssize_t length;

	if (argc != 2)
		return 2;
	bytes = read_file(argv[1], &size);
	if (!bytes) {
		fprintf(stderr, "decode_tsv: %s: %s\n", argv[1], strerror(errno));
		return 1;
	}
	puts("number\ttime\twire_length\tproto\ttrouble\tether_type\tttl\tsrc\tdst\t"
	     "src_port\tdst_port\tseq\tack\tflags\twindow\tmss\tscale\tsack_permitted\t"
	     "timestamp_value\ttimestamp_echo\ticmp_type\ticmp_code\tquote_src\tquote_"
	     "dst\t"
	     "quote_src_port\tquote_dst_port\tquote_seq\tpayload_length\tpayload");
	for (; at < size; at += (size_t)length) {
		struct pcapng_packet packet;
		int r = 0;

		length = pcapng_parse(bytes + at, size - at, &swapped, &view);
		if (length <= 0) {
			fprintf(stderr, "decode_tsv: bad block at %zu\n", at);
			return 1;
		}
		if (view.type == PCAPNG_INTERFACE && interface_count < INTERFACES_MOST)
			r = pcapng_parse_interface(&view, &links[interface_count++],
						   &snap_bytes);
		else if (view.type == PCAPNG_PACKET)
			r = pcapng_parse_packet(&view, &packet);
		if (r < 0 ||
		    (view.type == PCAPNG_PACKET && packet.interface >= interface_count)) {
			fprintf(stderr, "decode_tsv: bad contents at %zu\n", at);
			return 1;
		}
		if (view.type == PCAPNG_PACKET)
			print_packet(&packet, (enum sonde_link)links[packet.interface],
				     ++number);
	}
	free(bytes);
	return 0;
}
