/* Ends that are not in order: an output that is full just when the peer has ended, and a
 * listener whose caller asks for no reason. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <cmocka.h>

#include <sonde/connect.h>
#include <sonde/listen.h>

/* A Unix socket that listens: what is sent to it in pages is read in pages. */
static int listen_here(char name[32])
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(name, 32, "@sonde-test-%ld", (long)getpid());
	memcpy(address.sun_path + 1, name + 1, strlen(name + 1));
	assert_true(fd >= 0);
	assert_int_equal(
		bind(fd, (struct sockaddr *)&address,
		     (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(name))),
		0);
	assert_int_equal(listen(fd, 5), 0);
	return fd;
}

static void note_end(void *context, const struct sonde_session_event *event)
{
	if (event->kind == SONDE_SESSION_PEER_END)
		atomic_store((atomic_bool *)context, true);
}

struct run {
	struct sonde_session *session;
	struct sonde_pipe pipe;
	int result;
};

static void *run_pipe(void *context)
{
	struct run *run = context;

	run->result = sonde_session_run_pipe(run->session, &run->pipe, NULL);
	return NULL;
}

/* What is held back until the peer's end meets an output that takes nothing. */
static void test_held_end(void **state)
{
	atomic_bool has_ended = false;
	const struct sonde_session_options options = {.observer = note_end,
						      .context = &has_ended};
	struct run run = {.pipe = {.in_fd = -1, .also_fd = -1, .escapes = true}};
	static char block[4096], name[32];
	const struct sonde_target target = {.transport = SONDE_TRANSPORT_UNIX,
					    .host = name};
	int ends[2], waiting = 0, rooms, fd, listening = listen_here(name);
	pthread_t thread;

	(void)state;
	memset(block, 'x', sizeof(block));
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	/* As wide as the session makes it. */
	(void)fcntl(ends[1], F_SETPIPE_SZ, 1 << 20);
	rooms = fcntl(ends[1], F_GETPIPE_SZ);
	assert_int_equal(sonde_session_new(&options, &run.session, NULL), 0);
	assert_int_equal(sonde_session_open(run.session, &target, NULL), 0);
	fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC);
	run.pipe.out_fd = dup(ends[1]);
	assert_int_equal(pthread_create(&thread, NULL, run_pipe, &run), 0);
	for (int sent = 0; sent < rooms; sent += (int)sizeof(block))
		assert_int_equal(send(fd, block, sizeof(block), 0), sizeof(block));
	while (waiting < rooms) {
		assert_int_equal(ioctl(ends[0], FIONREAD, &waiting), 0);
		poll(NULL, 0, 1);
	}
	close(ends[1]);
	assert_int_equal(send(fd, "\xc3", 1, 0), 1);
	shutdown(fd, SHUT_WR);
	while (!atomic_load(&has_ended))
		poll(NULL, 0, 1);
	for (int got = 0; got < rooms;)
		got += (int)read(ends[0], block, sizeof(block));
	assert_int_equal(read(ends[0], block, sizeof(block)), 4);
	assert_memory_equal(block, "\\xc3", 4);
	assert_int_equal(read(ends[0], block, sizeof(block)), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	assert_int_equal(run.result, 0);
	sonde_session_free(run.session);
	close(ends[0]);
	close(fd);
	close(listening);
}

struct heard {
	struct sonde_address address;
};

static void hear(void *context, const struct sonde_listen_event *event)
{
	struct heard *heard = context;

	if (event->kind == SONDE_LISTEN_LISTENING)
		heard->address = event->local_address;
}

/* Nobody wants to know why: the code alone is returned. */
static void test_without_reason(void **state)
{
	struct heard heard = {0};
	const struct sonde_target to = {
		.transport = SONDE_TRANSPORT_TCP, .host = "127.0.0.1", .port = "1"};
	const struct sonde_listen_options options = {
		.transport = SONDE_TRANSPORT_TCP,
		.address = "127.0.0.1:0",
		.use = SONDE_LISTEN_RELAY,
		.to = &to,
		.in_fd = -1,
		.out_fd = -1,
		.observer = hear,
		.context = &heard,
	};
	struct sonde_listener *listener = NULL;
	struct sockaddr_storage address;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	assert_int_equal(sonde_listener_open(&options, &listener, NULL), 0);
	socklen_t size = sonde_address_to_sockaddr(&heard.address, &address);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, size), 0);
	assert_int_equal(sonde_listener_run(listener, -1, NULL), -ECONNREFUSED);
	sonde_listener_free(listener);
	close(fd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_held_end),
		cmocka_unit_test(test_without_reason),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
