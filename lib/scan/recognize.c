/* Services by their words. */
#include "scan/recognize.h"

#include <stdbool.h>
#include <string.h>

#include "base/wire.h"

#define BYTES(text) (const uint8_t *)(text), sizeof(text) - 1

/* A TLS 1.2 ClientHello (RFC 5246) with a handful of cipher suites. */
#define HELLO                                                                            \
	"\x16\x03\x01\x00\x37\x01\x00\x00\x33\x03\x03"                                   \
	"sonde asks whether this is TLS. "                                               \
	"\x00\x00\x0c\xc0\x2f\xc0\x30\xc0\x13\xc0\x14\x00\x2f\x00\x35\x01\x00"
/* The calculation protocol: sum of nothing, with an ID that comes back. */
#define CALC "SNDESumme\x00"
/* DNS over TCP (RFC 7766): the servers of the root. */
#define DNS "\x00\x11\x53\x4e\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\x01"
#define ECHO "sonde says this once\r\n"

/* Small letters and capitals in each: who answers in capitals is no echo. */
static const struct question questions[] = {
	{"http", 80, BYTES("GET / HTTP/1.0\r\nAccept: text/*\r\n\r\n")},
	{"tls", 443, BYTES(HELLO)},
	{"calc", 50000, BYTES(CALC)},
	{"domain", 53, BYTES(DNS)},
	{"echo", 7, BYTES(ECHO)},
};

enum { QUESTIONS = sizeof(questions) / sizeof(questions[0]) };

static bool speaks_tls(uint16_t port)
{
	static const uint16_t ports[] = {443, 465, 563, 636,  853,  989,  990,  992,
					 993, 994, 995, 2465, 2993, 5061, 6697, 8443};

	for (size_t i = 0; i < sizeof(ports) / sizeof(ports[0]); i++)
		if (ports[i] == port)
			return true;
	return false;
}

const struct question *recognize_question(uint16_t port, size_t i)
{
	size_t first = 0;

	for (size_t k = 0; k < QUESTIONS; k++)
		if (questions[k].port == port)
			first = k;
	if (speaks_tls(port))
		first = 1;
	if (i >= QUESTIONS)
		return NULL;
	/* The first one changes places with the one in front. */
	if (i == 0)
		return &questions[first];
	return &questions[i <= first ? i - 1 : i];
}

static bool begins(const uint8_t *bytes, size_t n, const char *with)
{
	size_t length = strlen(with);

	return n >= length && memcmp(bytes, with, length) == 0;
}

/* In its first line, whatever the case. */
static bool mentions(const uint8_t *bytes, size_t n, const char *word)
{
	size_t length = strlen(word);

	for (size_t i = 0; i + length <= n && bytes[i] != '\n'; i++) {
		size_t k = 0;

		while (k < length && (bytes[i + k] | 0x20) == (word[k] | 0x20))
			k++;
		if (k == length)
			return true;
	}
	return false;
}

static bool is_tls(const uint8_t *bytes, size_t n)
{
	struct wire_reader reader;
	uint8_t type, major;
	uint16_t length;

	wire_reader_init(&reader, bytes, n);
	type = wire_read_u8(&reader);
	major = wire_read_u8(&reader);
	wire_skip(&reader, 1);
	length = wire_read_be16(&reader);
	return !reader.failed && (type == 0x15 || type == 0x16) && major == 3 &&
	       length > 0 && length <= 16384 + 2048;
}

/* A response with the ID that was asked with. */
static bool is_dns(const uint8_t *bytes, size_t n, uint16_t id)
{
	struct wire_reader reader;
	uint16_t own, flags;

	wire_reader_init(&reader, bytes, n);
	own = wire_read_be16(&reader);
	flags = wire_read_be16(&reader);
	wire_skip(&reader, 8);
	return !reader.failed && own == id && (flags & 0xf800) == 0x8000;
}

static bool is_mysql(const uint8_t *bytes, size_t n)
{
	return n > 8 && bytes[3] == 0 && bytes[4] == 10 && bytes[5] >= '3' &&
	       bytes[5] <= '9' && memchr(bytes + 5, 0, n - 5) != NULL;
}

static const char *by_greeting(const uint8_t *bytes, size_t n)
{
	if (begins(bytes, n, "SSH-"))
		return "ssh";
	if (begins(bytes, n, "220") && mentions(bytes, n, "smtp"))
		return "smtp";
	if (begins(bytes, n, "220") && mentions(bytes, n, "ftp"))
		return "ftp";
	if (begins(bytes, n, "+OK"))
		return "pop3";
	if (begins(bytes, n, "* OK") || begins(bytes, n, "* PREAUTH"))
		return "imap";
	if (begins(bytes, n, "HTTP/1."))
		return "http";
	if (begins(bytes, n, "RFB 00"))
		return "vnc";
	if (n >= 3 && bytes[0] == 0xff && bytes[1] >= 0xfb && bytes[1] <= 0xfe)
		return "telnet";
	return is_mysql(bytes, n) ? "mysql" : NULL;
}

const char *recognize(const struct question *asked, const uint8_t *bytes, size_t n)
{
	const char *service = by_greeting(bytes, n);

	if (service || !asked)
		return service;
	if (n == asked->n && memcmp(bytes, asked->bytes, n) == 0)
		return "echo";
	if (strcmp(asked->name, "tls") == 0 && is_tls(bytes, n))
		return "tls";
	if (strcmp(asked->name, "domain") == 0 && n > 2 &&
	    is_dns(bytes + 2, n - 2, 0x534e))
		return "domain";
	if (strcmp(asked->name, "calc") == 0 && n == 8 &&
	    memcmp(bytes, asked->bytes, 4) == 0)
		return "calc";
	return NULL;
}

const char *recognize_datagram(uint16_t port, const uint8_t *asked, size_t asked_bytes,
			       const uint8_t *bytes, size_t n)
{
	if (n == asked_bytes && memcmp(bytes, asked, n) == 0)
		return "echo";
	if (port == 53 && is_dns(bytes, n, 0x534e))
		return "domain";
	if (port == 123 && n >= 48 && (bytes[0] & 7) == 4)
		return "ntp";
	if (port == 50000 && n == 8 && asked_bytes >= 4 && memcmp(bytes, asked, 4) == 0)
		return "calc";
	if (begins(bytes, n, "SIP/2.0 "))
		return "sip";
	return begins(bytes, n, "HTTP/1.1 200") && port == 1900 ? "ssdp" : NULL;
}
