/* What a program may ask about the services, through the public header alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include <sonde/serve.h>

/* 0 where there is none of that name. */
static uint16_t port_of(const char *name)
{
	for (size_t i = 0; i < sonde_serve_service_count(); i++)
		if (strcmp(sonde_serve_service_name(i), name) == 0)
			return sonde_serve_service_port(i);
	return 0;
}

static void have_a_name_a_port_and_a_summary(void **state)
{
	size_t count = sonde_serve_service_count();

	(void)state;
	assert_true(count > 0);
	for (size_t i = 0; i < count; i++) {
		const char *summary = sonde_serve_service_summary(i);

		assert_true(strlen(sonde_serve_service_name(i)) > 0);
		assert_true(strlen(summary) > 0 && strlen(summary) <= 60);
		assert_int_not_equal(summary[strlen(summary) - 1], '.');
		assert_int_not_equal(sonde_serve_service_port(i), 0);
		assert_int_equal(port_of(sonde_serve_service_name(i)),
				 sonde_serve_service_port(i));
		if (i > 0)
			assert_true(strcmp(sonde_serve_service_name(i - 1),
					   sonde_serve_service_name(i)) < 0);
	}
	/* RFC 862, 863, 867, 864, 868, 865; and the calculation protocol's own. */
	assert_int_equal(port_of("echo"), 7);
	assert_int_equal(port_of("discard"), 9);
	assert_int_equal(port_of("daytime"), 13);
	assert_int_equal(port_of("qotd"), 17);
	assert_int_equal(port_of("chargen"), 19);
	assert_int_equal(port_of("time"), 37);
	assert_int_equal(port_of("calc"), 50000);
}

static void end_with_the_last(void **state)
{
	size_t count = sonde_serve_service_count();

	(void)state;
	assert_null(sonde_serve_service_name(count));
	assert_null(sonde_serve_service_summary(count));
	assert_int_equal(sonde_serve_service_port(count), 0);
	assert_null(sonde_serve_service_name(SIZE_MAX));
}

/* The name is one that a server takes. */
static void can_be_served(void **state)
{
	(void)state;
	for (size_t i = 0; i < sonde_serve_service_count(); i++) {
		const struct sonde_serve_options options = {.workers = 1};
		struct sonde_server *server = NULL;
		struct sonde_error err = {0};
		char text[64] = "";

		strcat(strcpy(text, sonde_serve_service_name(i)), "@127.0.0.1:0/tcp");
		assert_int_equal(sonde_server_new(&options, &server, &err), 0);
		assert_int_equal(sonde_server_add(server, text, &err), 0);
		sonde_server_free(server);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(have_a_name_a_port_and_a_summary),
		cmocka_unit_test(end_with_the_last),
		cmocka_unit_test(can_be_served),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
