/* What a packet answers: whole, cut at every byte, and with other flags. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "scan/reply.h"

enum { IP = 20, TCP = 20 };

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

/* 192.0.2.7 to 192.0.2.1 (or back), with n bytes to follow. */
static uint8_t *begin(uint8_t *ip, uint8_t protocol, unsigned n, bool back)
{
	const uint8_t host[4] = {192, 0, 2, 7}, own[4] = {192, 0, 2, 1};

	memset(ip, 0, IP + n);
	ip[0] = 0x45;
	put16(ip + 2, IP + n);
	ip[8] = 61;
	ip[9] = protocol;
	memcpy(ip + 12, back ? own : host, 4);
	memcpy(ip + 16, back ? host : own, 4);
	return ip + IP;
}

static size_t make_tcp(uint8_t *bytes, uint8_t flags)
{
	uint8_t *tcp = begin(bytes, 6, TCP, false);

	put16(tcp, 22);
	put16(tcp + 2, 40001);
	put16(tcp + 10, 4712); /* acknowledges 4711 */
	tcp[12] = 0x50;
	tcp[13] = flags;
	return IP + TCP;
}

/* An error about our SYN, with so many bytes of it. */
static size_t make_error(uint8_t *bytes, uint8_t type, uint8_t code, unsigned quoted)
{
	uint8_t *icmp = begin(bytes, 1, 8 + IP + quoted, false), *tcp;

	icmp[0] = type;
	icmp[1] = code;
	tcp = begin(icmp + 8, 6, quoted, true);
	put16(icmp + 8 + 2, IP + TCP);
	put16(tcp, 40001);
	put16(tcp + 2, 22);
	put16(tcp + 6, 4711);
	return IP + 8 + IP + quoted;
}

static enum reply_kind kind_of(const uint8_t *bytes, size_t n, struct reply *ret)
{
	*ret = (struct reply){0};
	return reply_read(SONDE_LINK_RAW, bytes, n, ret) ? ret->kind : REPLY_NONE;
}

static void tells_answers_by_their_flags(void **state)
{
	(void)state;
	static const struct {
		uint8_t flags;
		enum reply_kind kind;
	} cases[] = {
		{SONDE_TCP_SYN | SONDE_TCP_ACK, REPLY_OPEN},
		{SONDE_TCP_SYN | SONDE_TCP_ACK | SONDE_TCP_ECE, REPLY_OPEN},
		{SONDE_TCP_RST | SONDE_TCP_ACK, REPLY_CLOSED},
		{SONDE_TCP_ACK, REPLY_CHALLENGE},
		{SONDE_TCP_RST,
		 REPLY_NONE}, /* of what acknowledges nothing, it is not ours */
		{SONDE_TCP_SYN, REPLY_NONE},
		{0, REPLY_NONE},
	};
	uint8_t bytes[128];
	struct reply reply;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t n = make_tcp(bytes, cases[i].flags);

		assert_int_equal(kind_of(bytes, n, &reply), cases[i].kind);
		if (cases[i].kind == REPLY_NONE)
			continue;
		assert_int_equal(reply.about.port, 22);
		assert_int_equal(reply.about.bytes[3], 7);
		assert_int_equal(reply.own_port, 40001);
		assert_int_equal(reply.number, 4711);
		assert_int_equal(reply.ttl, 61);
	}
}

static void reads_errors_about_a_probe(void **state)
{
	(void)state;
	uint8_t bytes[128];
	struct reply reply;

	/* RFC 792 quotes eight bytes, RFC 1812 more. */
	for (unsigned quoted = 8; quoted <= TCP; quoted += 12) {
		size_t n = make_error(bytes, 3, 13, quoted);

		assert_int_equal(kind_of(bytes, n, &reply), REPLY_ICMP);
		assert_int_equal(reply.icmp_type, 3);
		assert_int_equal(reply.icmp_code, 13);
		assert_int_equal(reply.about.port, 22);
		assert_int_equal(reply.about.bytes[3], 7);
		assert_int_equal(reply.own_port, 40001);
		assert_int_equal(reply.number, 4711);
	}
	/* A redirect is no answer. */
	assert_int_equal(kind_of(bytes, make_error(bytes, 5, 1, 8), &reply), REPLY_NONE);
	/* Without the number nobody can tell whose it is. */
	make_error(bytes, 3, 13, 8);
	put16(bytes + 2, IP + 8 + IP + 4);
	assert_int_equal(kind_of(bytes, IP + 8 + IP + 4, &reply) == REPLY_ICMP &&
				 reply.number == 4711,
			 0);
}

static void takes_what_is_cut(void **state)
{
	(void)state;
	uint8_t bytes[128];
	struct reply reply;

	for (unsigned which = 0; which < 2; which++) {
		size_t whole = which ? make_error(bytes, 3, 1, 8)
				     : make_tcp(bytes, SONDE_TCP_SYN | SONDE_TCP_ACK);

		for (size_t n = 0; n < whole; n++) {
			uint8_t *cut = malloc(n ? n : 1);

			memcpy(cut, bytes, n);
			/* Whatever is said of it, its number is not made up. */
			if (kind_of(cut, n, &reply) != REPLY_NONE)
				assert_true(reply.number == 4711 || reply.number == 0);
			free(cut);
		}
	}
}

static void depends_on_everything(void **state)
{
	(void)state;
	const uint64_t key[2] = {1, 2}, other[2] = {1, 3};
	struct sonde_address address = {.family = SONDE_FAMILY_INET, .port = 22};
	uint32_t cookie = reply_cookie(key, &address, 40000);

	assert_int_equal(reply_cookie(key, &address, 40000), cookie);
	assert_int_not_equal(reply_cookie(other, &address, 40000), cookie);
	assert_int_not_equal(reply_cookie(key, &address, 40001), cookie);
	address.port = 23;
	assert_int_not_equal(reply_cookie(key, &address, 40000), cookie);
	address.port = 22;
	address.bytes[3] = 1;
	assert_int_not_equal(reply_cookie(key, &address, 40000), cookie);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tells_answers_by_their_flags),
		cmocka_unit_test(reads_errors_about_a_probe),
		cmocka_unit_test(takes_what_is_cut),
		cmocka_unit_test(depends_on_everything),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
