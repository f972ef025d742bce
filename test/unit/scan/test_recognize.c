/* Services by their words, and the order of the questions. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "scan/recognize.h"

static const struct question *question_of(const char *name)
{
	const struct question *question;

	for (size_t i = 0; (question = recognize_question(1, i)); i++)
		if (strcmp(question->name, name) == 0)
			return question;
	return NULL;
}

static void asks_the_likely_one_first(void **state)
{
	(void)state;
	static const struct {
		uint16_t port;
		const char *first;
	} cases[] = {{80, "http"},   {8080, "http"}, {443, "tls"},    {993, "tls"},
		     {53, "domain"}, {7, "echo"},    {50000, "calc"}, {1, "http"}};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		size_t count = 0;

		assert_string_equal(recognize_question(cases[i].port, 0)->name,
				    cases[i].first);
		/* Each once. */
		while (recognize_question(cases[i].port, count)) {
			for (size_t k = 0; k < count; k++)
				assert_ptr_not_equal(
					recognize_question(cases[i].port, k),
					recognize_question(cases[i].port, count));
			count++;
		}
		assert_int_equal(count, 5);
	}
}

static const struct {
	const char *asked, *words;
	size_t n;
	const char *service;
} said[] = {
	{NULL, "SSH-2.0-OpenSSH\r\n", 17, "ssh"},
	{NULL, "220 mx.example.org ESMTP\r\n", 26, "smtp"},
	{NULL, "220 (an FTP server)\r\n", 21, "ftp"},
	{NULL, "220 hello\r\nsmtp", 15, NULL},
	{NULL, "+OK ready\r\n", 11, "pop3"},
	{NULL, "* OK [CAPABILITY]\r\n", 19, "imap"},
	{"http", "HTTP/1.1 400 Bad Request\r\n", 26, "http"},
	{"tls", "\x15\x03\x03\x00\x02\x02\x28", 7, "tls"},
	{"http", "\x15\x03\x03\x00\x02\x02\x28", 7, NULL},
	{"tls", "\x16\x03", 2, NULL},
	{"calc", "SNDE\0\0\0\0", 8, "calc"},
	{"calc", "SNDF\0\0\0\0", 8, NULL},
	{"calc", "SNDE\0\0\0", 7, NULL},
	{"domain", "\0\x0cSN\x81\x80\0\x01\0\0\0\0\0\0", 14, "domain"},
	{"domain", "\0\x0cSN\x01\x80\0\x01\0\0\0\0\0\0", 14, NULL},
	{"echo", "sonde says this once\r\n", 22, "echo"},
	{"echo", "SONDE SAYS THIS ONCE\r\n", 22, NULL},
	{NULL, "\xff\xfd\x18", 3, "telnet"},
	{NULL, "RFB 003.008\n", 12, "vnc"},
	{NULL, "J\0\0\0\n8.0.36\0", 12, "mysql"},
	{NULL, "", 0, NULL},
};

static void knows_services_by_their_words(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++) {
		const struct question *asked =
			said[i].asked ? question_of(said[i].asked) : NULL;
		const char *service =
			recognize(asked, (const uint8_t *)said[i].words, said[i].n);

		if (said[i].service)
			assert_string_equal(service, said[i].service);
		else
			assert_null(service);
	}
}

/* Cut at every byte, in memory of exactly that size. */
static void takes_what_is_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(said) / sizeof(said[0]); i++)
		for (size_t n = 0; n <= said[i].n; n++) {
			uint8_t *words = malloc(n ? n : 1);

			memcpy(words, said[i].words, n);
			for (size_t k = 0; k < 5; k++)
				recognize(recognize_question(1, k), words, n);
			recognize_datagram(53, words, n, words, n);
			recognize_datagram(123, words, 0, words, n);
			free(words);
		}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(asks_the_likely_one_first),
		cmocka_unit_test(knows_services_by_their_words),
		cmocka_unit_test(takes_what_is_cut),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
