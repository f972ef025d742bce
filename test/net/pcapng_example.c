/* pcapng_example FILE: writes a pcapng file with everything that sonde puts into one; its
 * test knows what to expect. */
#include <stdio.h>
#include <string.h>

#include "file/pcapng.h"

/* UDP 127.0.0.1:50000 -> 127.0.0.1:50001 "ping", on loopback. */
static const uint8_t datagram[] = {
	0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,    0,
	0x08, 0x00, 0x45, 0x00, 0x00, 0x20, 0x00, 0x00, 0x40, 0x00, 64,   17,
	0x3c, 0xcb, 127,  0,    0,    1,    127,  0,    0,    1,    0xc3, 0x50,
	0xc3, 0x51, 0x00, 0x0c, 0xfe, 0x1f, 'p',  'i',  'n',  'g',
};

static const int64_t start_ns = INT64_C(1795165735000000000);

struct example {
	FILE *file;
	struct pcapng_block block;
	bool failed;
};

static void flush(struct example *to)
{
	to->failed =
		to->failed || to->block.error ||
		fwrite(to->block.bytes, 1, to->block.used, to->file) != to->block.used;
}

static void add_call(struct example *to, const char *time_us, const char *message,
		     const char *line, const char *json)
{
	const char *const fields[][2] = {
		{"__REALTIME_TIMESTAMP", time_us},
		{"MESSAGE", message},
		{"PRIORITY", "6"},
		{"SYSLOG_IDENTIFIER", "client.py"},
		{"_PID", "4711"},
		{"CODE_FILE", "client.py"},
		{"CODE_LINE", line},
		{"CODE_FUNC", "main"},
		{"SONDE_CALL", json},
	};

	pcapng_journal_begin(&to->block);
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		pcapng_journal_add(&to->block, fields[i][0], fields[i][1],
				   strlen(fields[i][1]));
	pcapng_journal_end(&to->block);
	flush(to);
}

static void add_packet(struct example *to, const struct pcapng_packet *packet)
{
	pcapng_format_packet(&to->block, packet);
	flush(to);
}

int main(int argc, char **argv)
{
	static const char *const first[] = {"packet 1: sent by client.py:7 sock.send(b)",
					    "ends server.py:5 recv(1024) \xc3\xa4"};
	static char lengthy[70001];
	const char *const second[] = {lengthy};
	struct example to = {0};

	if (argc != 2)
		return 2;
	to.file = fopen(argv[1], "wb");
	if (!to.file)
		return 1;
	memset(lengthy, 'x', sizeof(lengthy) - 1);
	pcapng_block_init(&to.block);
	pcapng_format_section(&to.block, "sonde 0.1.0", "about the file");
	flush(&to);
	pcapng_format_interface(&to.block, 1, 262144, "lo");
	flush(&to);
	pcapng_format_interface(&to.block, 1, 262144, "veth0");
	flush(&to);

	add_call(&to, "1795165735000001", "client.py:7 sock.send(b)", "7",
		 "{\"name\":\"send\",\"result\":4}");
	add_packet(&to, &(struct pcapng_packet){
				.at_ns = start_ns + 1234567,
				.captured_length = sizeof(datagram),
				.wire_length = sizeof(datagram),
				.bytes = datagram,
				.direction = PCAPNG_OUTBOUND,
				.pid = 4711,
				.tid = 4712,
				.comments = first,
				.comment_count = 2,
			});
	add_call(&to, "1795165735000002", "two\nlines", "8",
		 "{\"name\":\"close\",\"result\":0}");
	add_packet(&to, &(struct pcapng_packet){
				.interface = 1,
				.at_ns = start_ns + 2000000001,
				.captured_length = sizeof(datagram) - 1,
				.wire_length = sizeof(datagram),
				.bytes = datagram,
				.direction = PCAPNG_INBOUND,
				.comments = second,
				.comment_count = 1,
			});
	pcapng_format_statistics(&to.block, 0, start_ns, start_ns + 3000000000, 7, 6);
	flush(&to);
	pcapng_block_done(&to.block);
	return fclose(to.file) || to.failed;
}
