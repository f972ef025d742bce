/* Errors: names, kinds, texts that fit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <sonde/error.h>

/* The C library's own table is the oracle. */
static void names_every_errno(void **state)
{
	int named = 0;

	(void)state;
	for (int number = 1; number < 200; number++) {
		const char *expected = strerrorname_np(number);
		char numbered[16];

		snprintf(numbered, sizeof(numbered), "E%d", number);
		assert_string_equal(sonde_error_name(number),
				    expected ? expected : numbered);
		named += expected != NULL;
	}
	assert_true(named > 120);
	assert_string_equal(sonde_error_name(512), "ERESTARTSYS");
	assert_string_equal(sonde_error_name(516), "ERESTART_RESTARTBLOCK");
	assert_string_equal(sonde_error_name(517), "E517");
	assert_string_equal(sonde_error_name(0), "E0");
	assert_string_equal(sonde_error_name(-1), "E-1");
	assert_string_equal(sonde_error_name(-2147483647 - 1), "E-2147483648");
}

static void kinds(void **state)
{
	static const struct {
		int number;
		enum sonde_error_kind expected;
	} cases[] = {
		{0, SONDE_ERROR_NONE},
		{EPERM, SONDE_ERROR_PERMISSION},
		{EACCES, SONDE_ERROR_PERMISSION},
		{ECONNREFUSED, SONDE_ERROR_NETWORK},
		{ECONNRESET, SONDE_ERROR_NETWORK},
		{ECONNABORTED, SONDE_ERROR_NETWORK},
		{EHOSTUNREACH, SONDE_ERROR_NETWORK},
		{EHOSTDOWN, SONDE_ERROR_NETWORK},
		{ENETUNREACH, SONDE_ERROR_NETWORK},
		{ENETDOWN, SONDE_ERROR_NETWORK},
		{ENETRESET, SONDE_ERROR_NETWORK},
		{ETIMEDOUT, SONDE_ERROR_NETWORK},
		{EINVAL, SONDE_ERROR_USAGE},
		{ENOMEM, SONDE_ERROR_TROUBLE},
		{EMFILE, SONDE_ERROR_TROUBLE},
		{ENOSPC, SONDE_ERROR_TROUBLE},
		{4711, SONDE_ERROR_TROUBLE},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		assert_int_equal(sonde_error_kind_of(cases[i].number), cases[i].expected);
}

static void is_filled(void **state)
{
	struct sonde_error err;

	(void)state;
	memset(&err, 'x', sizeof(err));
	assert_int_equal(sonde_error_set(&err, SONDE_ERROR_NETWORK, -ECONNREFUSED,
					 "connect to", "127.0.0.1:7/tcp", NULL),
			 -ECONNREFUSED);
	assert_int_equal(err.kind, SONDE_ERROR_NETWORK);
	assert_int_equal(err.code, -ECONNREFUSED);
	assert_string_equal(err.operation, "connect to");
	assert_string_equal(err.subject, "127.0.0.1:7/tcp");
	assert_string_equal(err.reason, "Connection refused (ECONNREFUSED)");
	assert_string_equal(err.hint, "");
	sonde_error_hint(&err, "port %d, 100%%", 7);
	assert_string_equal(err.hint, "port 7, 100%");
	sonde_error_set(&err, SONDE_ERROR_USAGE, -EINVAL, "parse", NULL, "bad %s", "x");
	assert_string_equal(err.subject, "");
	assert_string_equal(err.reason, "bad x");
	assert_string_equal(err.hint, ""); /* that of the error before is gone */
}

static void may_be_null(void **state)
{
	(void)state;
	assert_int_equal(
		sonde_error_set(NULL, SONDE_ERROR_USAGE, -EINVAL, "a", "b", "%d", 1),
		-EINVAL);
	sonde_error_hint(NULL, "%s", "x");
}

static void unknown_codes_are_said(void **state)
{
	struct sonde_error err;

	(void)state;
	sonde_error_set(&err, SONDE_ERROR_TROUBLE, -4097, "a", "b", NULL);
	assert_string_equal(err.reason, "Unknown error (-4097)");
	sonde_error_set(&err, SONDE_ERROR_TROUBLE, -999, "a", "b", NULL);
	assert_string_equal(err.reason, "Unknown error (E999)");
	sonde_error_set(&err, SONDE_ERROR_TROUBLE, -2147483647 - 1, "a", "b", NULL);
	assert_string_equal(err.reason, "Unknown error (-2147483648)");
}

static void long_texts_are_cut_between_characters(void **state)
{
	struct sonde_error err;
	char euros[601] = "";

	(void)state;
	for (int i = 0; i < 200; i++)
		memcpy(euros + 3 * i, "\xe2\x82\xac", 4);
	sonde_error_set(&err, SONDE_ERROR_USAGE, -EINVAL, euros, euros, "%s", euros);
	sonde_error_hint(&err, "a%s", euros);
	assert_int_equal(strlen(err.operation), 30); /* of 31 */
	assert_int_equal(strlen(err.subject), 189);  /* of 191 */
	assert_int_equal(strlen(err.reason), 255);
	assert_int_equal(strlen(err.hint), 253); /* 1 + 3 * 84 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_every_errno),
		cmocka_unit_test(kinds),
		cmocka_unit_test(is_filled),
		cmocka_unit_test(may_be_null),
		cmocka_unit_test(unknown_codes_are_said),
		cmocka_unit_test(long_texts_are_cut_between_characters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
