/* The client of the calculation protocol against a server in this very process: results,
 * and failures with and without room for their words. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <sonde/calc.h>
#include <sonde/serve.h>

#define MS INT64_C(1000000)

struct world {
	struct sonde_server *server;
	pthread_t thread;
	int stop_fd;
	char port[8];
};

static void observe(void *context, const struct sonde_serve_event *event)
{
	struct world *world = context;

	if (event->kind == SONDE_SERVE_LISTENING)
		snprintf(world->port, sizeof(world->port), "%u", event->address.port);
}

static void *run(void *context)
{
	struct world *world = context;

	return sonde_server_run(world->server, world->stop_fd, NULL) == 1 ? world : NULL;
}

static int start(void **state)
{
	static struct world world;
	struct sonde_serve_options options = {.observer = observe, .context = &world};

	if (sonde_server_new(&options, &world.server, NULL) < 0 ||
	    sonde_server_add(world.server, "calc@127.0.0.1:0", NULL) < 0)
		return -1;
	world.stop_fd = eventfd(0, EFD_CLOEXEC);
	*state = &world;
	return pthread_create(&world.thread, NULL, run, &world);
}

static int stop(void **state)
{
	struct world *world = *state;
	uint64_t one = 1;
	void *result = NULL;

	if (write(world->stop_fd, &one, sizeof(one)) != sizeof(one))
		return -1;
	pthread_join(world->thread, &result);
	sonde_server_free(world->server);
	close(world->stop_fd);
	return result == world ? 0 : -1;
}

static struct sonde_calc_request request_of(enum sonde_calc_operation operation,
					    size_t count, int32_t each)
{
	struct sonde_calc_request request = {
		.id = {4, 3, 2, 1},
		.operation = operation,
		.count = (uint8_t)count,
	};
	for (size_t i = 0; i < count; i++)
		request.numbers[i] = each;
	return request;
}

static void gets_the_result(void **state)
{
	struct world *world = *state;
	struct sonde_calc_request request = request_of(SONDE_CALC_SUM, 255, -7);

	for (int udp = 0; udp < 2; udp++) {
		struct sonde_calc_ask ask = {.port = world->port, .udp = udp == 1};
		int32_t result = 0;
		assert_int_equal(sonde_calc_ask(&ask, &request, &result, NULL), 0);
		assert_int_equal(result, -255 * 7);
	}
}

static void leaves_the_result_alone_when_there_is_none(void **state)
{
	struct world *world = *state;
	struct sonde_calc_request request = request_of(SONDE_CALC_MINIMUM, 0, 0);

	for (int udp = 0; udp < 2; udp++) {
		/* Over TCP the server closes, however long that takes it. */
		struct sonde_calc_ask ask = {
			.port = world->port,
			.udp = udp == 1,
			.timeout_ns = udp == 1 ? 100 * MS : 0,
		};
		int wanted = udp == 1 ? -ETIMEDOUT : -ECONNABORTED;
		struct sonde_error err = {0};
		int32_t result = 4711;
		assert_int_equal(sonde_calc_ask(&ask, &request, &result, &err), wanted);
		assert_int_equal(err.kind, SONDE_ERROR_NETWORK);
		assert_int_equal(err.code, wanted);
		assert_string_equal(err.operation, "ask");
		assert_non_null(strstr(err.subject, udp == 1 ? "/udp" : "/tcp"));
		assert_non_null(strstr(err.hint, "Minimum of no numbers"));
		assert_int_equal(sonde_calc_ask(&ask, &request, &result, NULL), wanted);
		assert_int_equal(result, 4711);
	}
}

static void fails_without_room_for_the_words(void **state)
{
	(void)state;
	struct sonde_calc_request request = request_of(SONDE_CALC_SUM, 1, 1);
	int32_t result;
	struct sonde_calc_ask nobody = {.host = "127.0.0.1", .port = "1"};
	struct sonde_calc_ask nonsense = {.host = "1.2.3.4.5", .port = "x"};
	struct sonde_calc_ask nowhere = {.host = "*"};

	assert_int_equal(sonde_calc_ask(&nobody, &request, &result, NULL), -ECONNREFUSED);
	nobody.udp = true;
	assert_int_equal(sonde_calc_ask(&nobody, &request, &result, NULL), -ECONNREFUSED);
	assert_int_equal(sonde_calc_ask(&nonsense, &request, &result, NULL), -EINVAL);
	assert_int_equal(sonde_calc_ask(&nowhere, &request, &result, NULL), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gets_the_result),
		cmocka_unit_test(leaves_the_result_alone_when_there_is_none),
		cmocka_unit_test(fails_without_room_for_the_words),
	};
	return cmocka_run_group_tests(tests, start, stop);
}
