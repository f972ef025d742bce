/* What programs said: mails as they come in pieces, calculations and their readings. */
#include "story.h"

#include <sonde/calc.h>

#include "timeline/said.h"

/* The senders of a mail, fed whole or in pieces of n bytes; false: nothing to say. */
static bool hear(const char *command, const char *text, size_t n, struct said_mail *mail,
		 struct sonde_saying *ret)
{
	size_t size = strlen(text);
	unsigned said = 0;

	said_mail_begin(mail, (const uint8_t *)command, strlen(command));
	said_mail_open(mail);
	for (size_t at = 0; at < size; at += n) {
		size_t piece = size - at < n ? size - at : n;

		if (!said_mail_take(mail, (const uint8_t *)text + at, piece, ret))
			continue;
		said++;
		assert_string_equal(ret->text, "mallory@example.org");
		mail->envelope[0] = '\0';
	}
	assert_true(said < 2);
	return said;
}

static void check_mail(const char *command, const char *text, const char *from)
{
	for (size_t n = 1; n <= strlen(text); n++) {
		struct said_mail mail;
		struct sonde_saying saying = {0};

		assert_int_equal(hear(command, text, n, &mail, &saying), from != NULL);
		if (from)
			assert_string_equal(saying.more, from);
	}
}

static void test_senders(void **state)
{
	static const char envelope[] = "MAIL FROM:<mallory@example.org> SIZE=10\r\n";

	(void)state;
	check_mail(envelope,
		   "From: Alice <alice@example.org>\r\nTo: x@example.org\r\n\r\nhi",
		   "Alice <alice@example.org>");
	check_mail(envelope, "Subject: x\r\nFROM:\r\n alice@example.org\r\n\r\n",
		   "alice@example.org");
	check_mail(envelope, "From: M <Mallory@Example.org>\r\n\r\n", NULL);
	check_mail(envelope, "From: a@example.org\r\nSender: mallory@example.org\r\n\r\n",
		   NULL);
	check_mail(envelope, "From: a@example.org\r\nList-Id: <x>\r\n\r\n", NULL);
	check_mail(envelope, "From: a@example.org\r\n", NULL); /* the header goes on */
	check_mail(envelope, "X: y\r\n\r\nFrom: alice@example.org\r\n", NULL);
	check_mail("MAIL FROM:<>\r\n", "From: a@example.org\r\n\r\n", NULL);
	check_mail("MAIL FROM\r\n", "From: a@example.org\r\n\r\n", NULL);
}

static void test_long_header(void **state)
{
	static char text[5000];
	struct said_mail mail;
	struct sonde_saying saying = {0};

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "From: a@b", 9);
	memcpy(text + sizeof(text) - 5, "\n\n\n\n", 4);
	assert_true(hear("MAIL FROM:<mallory@example.org>", text, 7, &mail, &saying));
	assert_true(strlen(saying.more) < SAID_CHARS);
}

static size_t format(enum sonde_calc_operation operation, int32_t a, int32_t b,
		     enum sonde_calc_order order, uint8_t ret[SONDE_CALC_REQUEST_BYTES])
{
	const struct sonde_calc_request request = {.id = {1, 2, 3, 4},
						   .operation = operation,
						   .count = 2,
						   .numbers = {a, b}};

	return sonde_calc_format(&request, order, ret);
}

static void test_calculations(void **state)
{
	uint8_t bytes[SONDE_CALC_REQUEST_BYTES + 2] = {0}, padded[20] = {0};
	struct sonde_saying saying;
	char id[SAID_ID];
	size_t n = format(SONDE_CALC_MAXIMUM, 1, 256, SONDE_CALC_BIG, bytes);

	(void)state;
	assert_true(said_calc_request(bytes, n, id, &saying));
	assert_string_equal(saying.more, "01020304");
	assert_true(saying.is_big);
	assert_int_equal(saying.numbers[SONDE_CALC_MEANT], 256);
	assert_int_equal(saying.numbers[SONDE_CALC_SWAPPED], 0x01000000);
	assert_true(saying.numbers[SONDE_CALC_UNPADDED] == SONDE_SAYS_NOTHING);

	n = format(SONDE_CALC_SUM, 1, 2, SONDE_CALC_LITTLE, bytes);
	assert_int_equal(n, 18);
	memcpy(padded, bytes, 10);
	memcpy(padded + 12, bytes + 10, 8);
	assert_true(said_calc_request(padded, sizeof(padded), id, &saying));
	assert_int_equal(saying.numbers[SONDE_CALC_MEANT], 3);
	assert_int_equal(saying.numbers[SONDE_CALC_UNPADDED], 0x00030000);

	/* Equal either way: no order can be wrong. */
	n = format(SONDE_CALC_SUM, 0, 0, SONDE_CALC_LITTLE, bytes);
	assert_true(said_calc_request(bytes, n, id, &saying));
	assert_true(saying.numbers[SONDE_CALC_SWAPPED] == SONDE_SAYS_NOTHING);
	for (size_t cut = 0; cut < n; cut++)
		assert_false(said_calc_request(bytes, cut, id, &saying));
	assert_false(said_calc_reply(bytes, 7, id, &saying));
	assert_true(said_calc_reply((const uint8_t *)"\1\2\3\4\3\0\0\0", 8, id, &saying));
	assert_int_equal(saying.numbers[0], 3);
	assert_int_equal(saying.numbers[1], 0x03000000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_senders),
		cmocka_unit_test(test_long_header),
		cmocka_unit_test(test_calculations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
