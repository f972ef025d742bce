/* SPEC: what is understood, and what is said of the rest. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "serve/spec.h"

enum { BOTH = SERVICE_TCP | SERVICE_UDP };

struct good {
	const char *text;
	const char *service;
	const char *host;
	uint16_t port;
	unsigned transports;
};

static void reads_every_form(void **state)
{
	(void)state;
	static const struct good cases[] = {
		{"calc", "calc", "", 50000, BOTH},
		{"echo", "echo", "", 7, BOTH},
		{"calc/tcp", "calc", "", 50000, SERVICE_TCP},
		{"calc/udp", "calc", "", 50000, SERVICE_UDP},
		{"calc@:0", "calc", "", 0, BOTH},
		{"calc@:5000/udp", "calc", "", 5000, SERVICE_UDP},
		{"calc@*:5000", "calc", "*", 5000, BOTH},
		{"calc@127.0.0.2:5000", "calc", "127.0.0.2", 5000, BOTH},
		{"calc@[::1]:5000/tcp", "calc", "::1", 5000, SERVICE_TCP},
		{"calc@localhost:5000", "calc", "localhost", 5000, BOTH},
		{"calc,order=be", "calc", "", 50000, BOTH},
		{"echo,once", "echo", "", 7, BOTH},
		{"echo@:0/tcp,once", "echo", "", 0, SERVICE_TCP},
		{"tell,prefix=server got: ", "tell", "", 12345, BOTH},
		{"tell,prefix=a,,b,once", "tell", "", 12345, BOTH},
		{"qotd,file=/no/such,,file", "qotd", "", 17, BOTH},
		{"calc@:5000/tcp,order=le", "calc", "", 5000, SERVICE_TCP},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct serve_spec spec;
		struct sonde_error err = {0};
		assert_int_equal(serve_spec_parse(cases[i].text, &spec, &err), 0);
		assert_string_equal(spec.service->name, cases[i].service);
		assert_string_equal(spec.endpoint.host, cases[i].host);
		assert_int_equal(spec.endpoint.port, cases[i].port);
		assert_int_equal(spec.transports, cases[i].transports);
		serve_spec_done(&spec);
	}
}

static void hands_options_to_the_service(void **state)
{
	(void)state;
	struct serve_spec little, big;

	assert_int_equal(serve_spec_parse("calc,order=le", &little, NULL), 0);
	assert_int_equal(serve_spec_parse("calc,order=be", &big, NULL), 0);
	assert_memory_not_equal(little.config, big.config, service_calc.config_bytes);
	serve_spec_done(&little);
	serve_spec_done(&big);
}

struct bad {
	const char *text;
	const char *subject;
	const char *reason;
	const char *hint; /* a part of it */
};

static void says_what_is_wrong(void **state)
{
	(void)state;
	static const struct bad cases[] = {
		{"", "\"\"", "no such service", "calc"},
		{"clac", "clac", "no such service", "did you mean calc?"},
		{"quux", "quux", "no such service", "the services are calc, chargen"},
		{"\x1b[2J", "\\x1b[2J", "no such service", ""},
		{"calc:50000", "50000", "a place is written behind @", "calc@:50000"},
		{"calc@50000", "50000", "a port is written behind a colon",
		 "calc@:50000"},
		{"calc@:66000", "66000", "ports are 0 to 65535", ""},
		{"calc/sctp", "/sctp", "no such transport", "/tcp or /udp"},
		{"calc@:5000/tcp,order=be,order=le", "calc",
		 "the option order stands there twice", ""},
		{"calc,echo", "echo",
		 "an option of a service is NAME=VALUE, or the word once", "spaces"},
		{"echo/tcp/udp", "echo", "only one of /tcp and /udp can stand there",
		 "without /tcp and /udp it is served on both"},
		{"echo@:7/udp/udp", "echo", "only one of /tcp and /udp can stand there",
		 "both"},
		{"calc,", "calc", "an option is missing behind the comma", "order=le|be"},
		{"echo,", "echo", "an option is missing behind the comma",
		 "write echo,once"},
		{"echo,once,", "echo", "an option is missing behind the comma", ""},
		{"qotd,file=", "qotd", "file has no file name", "write qotd,file="},
		{"calc,order", "order",
		 "an option of a service is NAME=VALUE, or the word once", ""},
		{"calc,order=me", "calc", "it does not take order=me", "order=le|be"},
		/* Two commas are one comma of the value. */
		{"calc,order=be,,x", "calc", "it does not take order=be,x", ""},
		{"calc,ordre=be", "calc", "it has no option ordre", "order=le|be"},
		{"echo,order=be", "echo", "it has no option order", "write echo,once"},
		{"time,order=be", "time", "it has no option order", "no options"},
		{"chargen,once", "chargen", "it has no option once", "no options"},
		{"calc,onse=1", "calc", "it has no option onse", "or calc,once"},
		{"echo,once=1", "echo", "once takes no value", "write echo,once"},
		{"calc,once=1", "calc", "once takes no value", "write calc,once"},
		{"chargen,once=1", "chargen", "it has no option once", "no options"},
		{"echo/udp,once", "echo", "once closes a connection, and UDP has none",
		 ""},
		{"daytime,format=rfc", "daytime", "it does not take format=rfc",
		 "daytime,format=ctime|xinetd|windows|iso"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct serve_spec spec;
		struct sonde_error err = {0};
		assert_int_equal(serve_spec_parse(cases[i].text, &spec, &err), -EINVAL);
		assert_int_equal(err.kind, SONDE_ERROR_USAGE);
		assert_string_equal(err.subject, cases[i].subject);
		assert_string_equal(err.reason, cases[i].reason);
		assert_non_null(strstr(err.hint, cases[i].hint));
		assert_int_equal(serve_spec_parse(cases[i].text, &spec, NULL), -EINVAL);
	}
}

struct file {
	const char *text;
	size_t n;
	int result;
	const char *reason;
};

/* What a service reads: parsing looks at no file, loading says what is wrong with it. */
static void reads_the_file_of_an_option(void **state)
{
	(void)state;
	static char long_quote[600];
	static const struct file files[] = {
		{"one\n%\ntwo\n", 10, 0, NULL},
		{"one, without an end", 19, 0, NULL},
		{"", 0, -EINVAL, "the service cannot use what is in it"},
		{"%\n%\n", 4, -EINVAL, "the service cannot use what is in it"},
		{long_quote, 510, -EINVAL, "the service cannot use what is in it"},
		{long_quote, 509, 0, NULL},
		{"a\0b", 3, -EINVAL, "it is no text: a byte of it is 0"},
	};

	memset(long_quote, 'x', sizeof(long_quote));
	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		char name[] = "/tmp/sonde-test-XXXXXX", text[64];
		int fd = mkstemp(name);
		assert_true(fd >= 0);
		assert_int_equal(write(fd, files[i].text, files[i].n), files[i].n);
		close(fd);
		snprintf(text, sizeof(text), "qotd,file=%s", name);

		struct serve_spec spec;
		struct sonde_error err = {0};
		assert_int_equal(serve_spec_parse(text, &spec, &err), 0);
		assert_int_equal(serve_spec_load(&spec, &err), files[i].result);
		if (files[i].reason) {
			assert_string_equal(err.reason, files[i].reason);
			assert_string_equal(err.subject, name);
		}
		serve_spec_done(&spec);
		unlink(name);
	}

	static const struct bad missing[] = {
		{"qotd,file=/no/such/file", "/no/such/file",
		 "No such file or directory (ENOENT)", ""},
		{"qotd,file=/dev/null", "/dev/null", "it is no ordinary file", ""},
		{"qotd,file=/", "/", "it is no ordinary file", ""},
	};
	for (size_t i = 0; i < sizeof(missing) / sizeof(missing[0]); i++) {
		struct serve_spec spec;
		struct sonde_error err = {0};
		assert_int_equal(serve_spec_parse(missing[i].text, &spec, &err), 0);
		assert_true(serve_spec_load(&spec, &err) < 0);
		assert_int_equal(err.kind, SONDE_ERROR_USAGE);
		assert_string_equal(err.subject, missing[i].subject);
		assert_string_equal(err.reason, missing[i].reason);
		serve_spec_done(&spec);
	}
}

static void refuses_what_is_too_long(void **state)
{
	(void)state;
	static char text[4096];
	struct serve_spec spec;
	struct sonde_error err = {0};

	memset(text, 'x', sizeof(text) - 1);
	memcpy(text, "calc,", 5);
	assert_int_equal(serve_spec_parse(text, &spec, &err), -EINVAL);
	assert_string_equal(err.reason, "too long for a SPEC");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_every_form),
		cmocka_unit_test(hands_options_to_the_service),
		cmocka_unit_test(says_what_is_wrong),
		cmocka_unit_test(reads_the_file_of_an_option),
		cmocka_unit_test(refuses_what_is_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
