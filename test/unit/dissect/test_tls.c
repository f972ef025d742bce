/* TLS's handshake messages, cut into records in every way: each is told once, where its
 * last byte comes, in the order in which they stand; what is not put together says so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sonde/dissect.h>

#include "base/limits.h"

enum { HEADERS = 40, RECORD_HEADER = 5, FRAME_MOST = 1 << 16 };
enum { ALERT = 21, HANDSHAKE = 22, CHANGE_CIPHER = 20 };

/* A connection to port 443, and what its last frame said. */
struct talk {
	struct sonde_dissector *dissector;
	uint32_t client; /* its number among the clients */
	uint32_t seq[2], frame;
	uint8_t segment[FRAME_MOST]; /* of records, not sent yet */
	size_t size;
	char types[512]; /* "2 11 ", of this frame */
	char name[64];   /* the server's, of this frame; else "" */
	char info[1100];
	unsigned fragments; /* count in this frame, 0 none */
	bool is_malformed;
};

static void begin(struct talk *talk, uint32_t client)
{
	*talk = (struct talk){.client = client, .seq = {1000, 0xfffffff0}};
	assert_int_equal(sonde_dissector_new(&talk->dissector), 0);
	sonde_dissector_want_all(talk->dissector);
	sonde_dissector_want_columns(talk->dissector);
}

static void end(struct talk *talk)
{
	sonde_dissector_free(talk->dissector);
}

static void put32(uint8_t *to, uint32_t value)
{
	for (int i = 0; i < 4; i++)
		to[i] = (uint8_t)(value >> (24 - 8 * i));
}

static void note(struct talk *talk, const struct sonde_dissection *found)
{
	talk->types[0] = talk->name[0] = '\0';
	talk->fragments = 0;
	talk->is_malformed = false;
	for (size_t i = 0; i < found->field_count; i++) {
		const struct sonde_field *field = &found->fields[i];
		const char *name = sonde_field_info(field->field)->name;
		size_t n = strlen(talk->types);

		if (strcmp(name, "tls.handshake.type") == 0 &&
		    n + 8 < sizeof(talk->types))
			snprintf(talk->types + n, sizeof(talk->types) - n, "%u ",
				 (unsigned)field->value.number);
		if (strcmp(name, "tls.handshake.extensions_server_name") == 0)
			snprintf(talk->name, sizeof(talk->name), "%.*s",
				 (int)field->value.data.size,
				 (const char *)field->value.data.bytes);
		if (strcmp(name, "tls.handshake.fragment.count") == 0)
			talk->fragments = (unsigned)field->value.number;
		if (strcmp(name, "_ws.malformed") == 0)
			talk->is_malformed = true;
	}
	snprintf(talk->info, sizeof(talk->info), "%s", found->info);
}

/* Sends what there is, as one segment. */
static void send_segment(struct talk *talk, bool from_server)
{
	struct sonde_frame frame = {.link = SONDE_LINK_RAW};
	struct sonde_dissection found;
	size_t n = talk->size;
	uint8_t *packet = calloc(1, HEADERS + n);

	assert_non_null(packet);
	packet[0] = 0x45;
	packet[2] = (uint8_t)((HEADERS + n) >> 8);
	packet[3] = (uint8_t)(HEADERS + n);
	packet[8] = 64;
	packet[9] = 6;
	put32(packet + 12, from_server ? 0x0a000001 : 0x0b000000 + talk->client);
	put32(packet + 16, from_server ? 0x0b000000 + talk->client : 0x0a000001);
	packet[from_server ? 22 : 20] = 0x80;
	packet[from_server ? 20 : 22] = 443 >> 8;
	packet[from_server ? 21 : 23] = 443 & 0xff;
	put32(packet + 24, talk->seq[from_server]);
	put32(packet + 28, talk->seq[!from_server]);
	packet[32] = 0x50;
	packet[33] = SONDE_TCP_ACK | SONDE_TCP_PSH;
	packet[34] = 0x20;
	memcpy(packet + HEADERS, talk->segment, n);
	frame.number = ++talk->frame;
	frame.bytes = packet;
	frame.captured_length = frame.wire_length = (uint32_t)(HEADERS + n);
	frame.at_ns = talk->frame;
	assert_int_equal(sonde_dissect(talk->dissector, &frame, &found), 0);
	note(talk, &found);
	free(packet);
	talk->seq[from_server] += (uint32_t)n;
	talk->size = 0;
}

static void add_record(struct talk *talk, uint8_t type, const uint8_t *bytes, size_t n)
{
	uint8_t *to = talk->segment + talk->size;

	assert_true(talk->size + RECORD_HEADER + n <= sizeof(talk->segment) - HEADERS);
	to[0] = type;
	to[1] = 3;
	to[2] = 1;
	to[3] = (uint8_t)(n >> 8);
	to[4] = (uint8_t)n;
	if (n)
		memcpy(to + RECORD_HEADER, bytes, n);
	talk->size += RECORD_HEADER + n;
}

static void send_record(struct talk *talk, bool from_server, uint8_t type,
			const uint8_t *bytes, size_t n)
{
	add_record(talk, type, bytes, n);
	send_segment(talk, from_server);
}

static void expect(const struct talk *talk, const char *types, const char *info)
{
	assert_string_equal(talk->types, types);
	assert_string_equal(talk->info, info);
}

static const char client_hello[] = "\1\0\0\x39\3\3"
				   "01234567890123456789012345678901"
				   "\0\0\2\x13\1\1\0\0\x0e\0\0\0\x0a\0\x08\0\0\x05h.org";
/* A hello of TLS 1.2, a certificate of three bytes, the end. */
static const char server_hello[] = "\2\0\0\x26\3\3"
				   "01234567890123456789012345678901"
				   "\0\xc0\x2f\0"
				   "\x0b\0\0\x09\0\0\6\0\0\3abc"
				   "\x0e\0\0\0";
enum { CLIENT_HELLO = sizeof(client_hello) - 1, SERVER_HELLO = sizeof(server_hello) - 1 };
enum { SERVER_HELLO_END = 42, CERTIFICATE_END = 55 };

static const uint8_t *client_bytes(void)
{
	return (const uint8_t *)client_hello;
}

static const uint8_t *server_bytes(void)
{
	return (const uint8_t *)server_hello;
}

/* ---- cut in every way ---- */

static void test_in_two_records(void **state)
{
	(void)state;
	for (size_t cut = 1; cut < CLIENT_HELLO; cut++) {
		struct talk talk;

		begin(&talk, 1);
		send_record(&talk, false, HANDSHAKE, client_bytes(), cut);
		expect(&talk, "", "[Client Hello Fragment]");
		send_record(&talk, false, HANDSHAKE, client_bytes() + cut,
			    CLIENT_HELLO - cut);
		expect(&talk, "1 ", "Client Hello");
		assert_string_equal(talk.name, "h.org");
		assert_int_equal(talk.fragments, 2);
		send_record(&talk, false, HANDSHAKE, client_bytes(), CLIENT_HELLO);
		expect(&talk, "1 ", "Client Hello");
		assert_int_equal(talk.fragments, 0);
		end(&talk);
	}
}

/* A byte a record: each a segment, and all of them one. */
static void test_by_bytes(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, 1);
	for (size_t i = 0; i < CLIENT_HELLO; i++) {
		bool is_last = i + 1 == CLIENT_HELLO;

		send_record(&talk, false, HANDSHAKE, client_bytes() + i, 1);
		expect(&talk, is_last ? "1 " : "",
		       is_last ? "Client Hello" : "[Client Hello Fragment]");
	}
	assert_string_equal(talk.name, "h.org");
	for (size_t i = 0; i < CLIENT_HELLO; i++)
		add_record(&talk, HANDSHAKE, client_bytes() + i, 1);
	send_segment(&talk, false);
	expect(&talk, "1 ", "[Client Hello Fragment], Client Hello");
	assert_string_equal(talk.name, "h.org");
	assert_int_equal(talk.fragments, CLIENT_HELLO);
	end(&talk);
}

/* Which messages end in bytes [from, to) of the server's. */
static const char *types_within(size_t from, size_t to, char *text)
{
	snprintf(text, 16, "%s%s%s",
		 from < SERVER_HELLO_END && to >= SERVER_HELLO_END ? "2 " : "",
		 from < CERTIFICATE_END && to >= CERTIFICATE_END ? "11 " : "",
		 from < SERVER_HELLO && to >= SERVER_HELLO ? "14 " : "");
	return text;
}

/* Three messages in three records, in segments of their own and in one; the client's
 * message goes on in between. */
static void test_several(void **state)
{
	char text[16];

	(void)state;
	for (size_t one = 1; one < SERVER_HELLO; one++) {
		for (size_t two = one + 1; two < SERVER_HELLO; two++) {
			const size_t cuts[] = {0, one, two, SERVER_HELLO};
			struct talk talk;

			begin(&talk, 1);
			send_record(&talk, false, HANDSHAKE, client_bytes(), one);
			for (int i = 0; i < 3; i++) {
				send_record(&talk, true, HANDSHAKE,
					    server_bytes() + cuts[i],
					    cuts[i + 1] - cuts[i]);
				assert_string_equal(
					talk.types,
					types_within(cuts[i], cuts[i + 1], text));
				assert_true(talk.info[0] != '\0');
			}
			send_record(&talk, false, HANDSHAKE, client_bytes() + one,
				    CLIENT_HELLO - one);
			expect(&talk, "1 ", "Client Hello");
			for (int i = 0; i < 3; i++)
				add_record(&talk, HANDSHAKE, server_bytes() + cuts[i],
					   cuts[i + 1] - cuts[i]);
			send_segment(&talk, true);
			assert_string_equal(talk.types, "2 11 14 ");
			end(&talk);
		}
	}
}

/* Records that segments cut, too. */
static void test_over_segments(void **state)
{
	struct talk talk;
	uint8_t bytes[CLIENT_HELLO + 2 * RECORD_HEADER];
	unsigned told = 0;

	(void)state;
	begin(&talk, 1);
	add_record(&talk, HANDSHAKE, client_bytes(), 20);
	add_record(&talk, HANDSHAKE, client_bytes() + 20, CLIENT_HELLO - 20);
	memcpy(bytes, talk.segment, sizeof(bytes));
	for (size_t i = 0; i < sizeof(bytes); i++) {
		talk.segment[0] = bytes[i];
		talk.size = 1;
		send_segment(&talk, false);
		told += strcmp(talk.name, "h.org") == 0;
	}
	assert_int_equal(told, 1);
	expect(&talk, "1 ", "Client Hello");
	end(&talk);
}

/* ---- what comes between ---- */

static void test_between(void **state)
{
	static const uint8_t warning[] = {1, 0}, one = 1;
	struct talk talk;

	(void)state;
	begin(&talk, 1);
	send_record(&talk, false, HANDSHAKE, client_bytes(), 20);
	send_record(&talk, false, ALERT, warning, sizeof(warning));
	expect(&talk, "", "Alert (Level: Warning, Description: Close Notify)");
	send_record(&talk, false, HANDSHAKE, NULL, 0);
	assert_true(talk.is_malformed);
	send_record(&talk, false, HANDSHAKE, client_bytes() + 20, CLIENT_HELLO - 20);
	expect(&talk, "1 ", "Client Hello");
	assert_string_equal(talk.name, "h.org");
	/* Nothing goes on behind a change of cipher. */
	send_record(&talk, false, HANDSHAKE, client_bytes(), 20);
	send_record(&talk, false, CHANGE_CIPHER, &one, 1);
	expect(&talk, "", "Change Cipher Spec");
	send_record(&talk, false, HANDSHAKE, client_bytes() + 20, CLIENT_HELLO - 20);
	expect(&talk, "", "Encrypted Handshake Message");
	send_record(&talk, true, HANDSHAKE, server_bytes(), SERVER_HELLO);
	expect(&talk, "2 11 14 ", "Server Hello, Certificate, Server Hello Done");
	end(&talk);
}

/* What a lost segment had is not made up, and what comes later is read. */
static void test_lost(void **state)
{
	struct talk talk;

	(void)state;
	begin(&talk, 1);
	send_record(&talk, false, HANDSHAKE, client_bytes(), 20);
	talk.seq[0] += RECORD_HEADER + 10;
	add_record(&talk, HANDSHAKE, client_bytes() + 30, CLIENT_HELLO - 30);
	send_segment(&talk, false);
	send_record(&talk, true, HANDSHAKE, server_bytes(), SERVER_HELLO);
	expect(&talk, "2 11 14 ",
	       "[TCP ACKed unseen segment] Server Hello, Certificate, Server Hello Done");
	send_record(&talk, false, HANDSHAKE, client_bytes(), CLIENT_HELLO);
	assert_string_equal(talk.types, "1 ");
	assert_int_equal(talk.fragments, 0);
	end(&talk);
}

/* ---- limits ---- */

/* A message that is longer than what is kept; the next one is found behind it. */
static void test_too_long(void **state)
{
	enum { RECORD = 1 << 14, LENGTH = LIMIT_DISSECT_PARTED_MESSAGE };
	struct talk talk;
	uint8_t *bytes = calloc(1, LENGTH + 8);
	size_t at = 0;

	(void)state;
	assert_non_null(bytes);
	bytes[0] = 0x0b;
	put32(bytes, 0x0b000000u | LENGTH);
	bytes[LENGTH + 4] = 0x0e;
	begin(&talk, 1);
	for (; at + RECORD < LENGTH + 8; at += RECORD) {
		send_record(&talk, true, HANDSHAKE, bytes + at, RECORD);
		expect(&talk, "", "[Certificate Fragment, not put together]");
	}
	send_record(&talk, true, HANDSHAKE, bytes + at, LENGTH + 8 - at);
	expect(&talk, "14 ", "Server Hello Done");
	/* As long as may be. */
	put32(bytes, 0x0b000000u | (LENGTH - 4));
	bytes[LENGTH] = 0x0e;
	for (at = 0; at + RECORD < LENGTH + 4; at += RECORD) {
		send_record(&talk, true, HANDSHAKE, bytes + at, RECORD);
		assert_string_equal(talk.types, at + RECORD == LENGTH ? "11 " : "");
	}
	end(&talk);
	free(bytes);
}

/* Of more conversations than are kept, the oldest are forgotten, and say so. */
static void test_too_many(void **state)
{
	enum { CLIENTS = LIMIT_DISSECT_PARTED + 2 };
	struct talk talk;

	(void)state;
	begin(&talk, 0);
	for (talk.client = 0; talk.client < CLIENTS; talk.client++) {
		talk.seq[0] = 1000;
		send_record(&talk, false, HANDSHAKE, client_bytes(), 20);
	}
	for (talk.client = 0; talk.client < CLIENTS; talk.client++) {
		bool is_gone = talk.client < 2;

		talk.seq[0] = 1000 + RECORD_HEADER + 20;
		send_record(&talk, false, HANDSHAKE, client_bytes() + 20,
			    CLIENT_HELLO - 20);
		expect(&talk, is_gone ? "" : "1 ",
		       is_gone ? "[Client Hello Fragment, not put together]"
			       : "Client Hello");
	}
	end(&talk);
}

/* And of more bytes. */
static void test_too_many_bytes(void **state)
{
	enum { LENGTH = 1 << 15, CLIENTS = LIMIT_DISSECT_PARTED_BYTES / LENGTH + 4 };
	struct talk talk;
	uint8_t *bytes = calloc(1, LENGTH);
	unsigned whole = 0;

	(void)state;
	assert_non_null(bytes);
	put32(bytes, 0x0b000000u | (LENGTH - 4 + 1));
	begin(&talk, 0);
	for (talk.client = 0; talk.client < CLIENTS; talk.client++) {
		talk.seq[0] = 1000;
		add_record(&talk, HANDSHAKE, bytes, LENGTH / 2);
		add_record(&talk, HANDSHAKE, bytes + LENGTH / 2, LENGTH / 2);
		send_segment(&talk, false);
	}
	for (talk.client = 0; talk.client < CLIENTS; talk.client++) {
		talk.seq[0] = 1000 + 2 * RECORD_HEADER + LENGTH;
		send_record(&talk, false, HANDSHAKE, bytes, 1);
		whole += strcmp(talk.types, "11 ") == 0;
		assert_string_equal(talk.info, talk.types[0]
						       ? "Certificate"
						       : "[Certificate Fragment, not put "
							 "together]");
	}
	assert_in_range(whole, CLIENTS - 12, CLIENTS - 4);
	end(&talk);
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_in_two_records),
		cmocka_unit_test(test_by_bytes),
		cmocka_unit_test(test_several),
		cmocka_unit_test(test_over_segments),
		cmocka_unit_test(test_between),
		cmocka_unit_test(test_lost),
		cmocka_unit_test(test_too_long),
		cmocka_unit_test(test_too_many),
		cmocka_unit_test(test_too_many_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
