/* The capture file while it grows: whole blocks, also on a full disk. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "record/capture_file.h"

static char path[] = "/tmp/sonde-capture-file-XXXXXX";

static int make_path(void **context)
{
	int fd;

	(void)context;
	strcpy(path + sizeof(path) - 7, "XXXXXX");
	fd = mkstemp(path);
	if (fd < 0)
		return -1;
	close(fd);
	return 0;
}

static int remove_path(void **context)
{
	(void)context;
	return unlink(path);
}

static const struct sonde_interface loopback = {
	.interface = 1,
	.link = SONDE_LINK_ETHERNET,
	.name = "lo",
};

/* Reads the file back: counts its packet blocks; fails where it is not whole. */
static unsigned count_packets(void)
{
	static uint8_t bytes[1 << 22];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = read(fd, bytes, sizeof(bytes));
	bool swapped = false;
	unsigned count = 0;

	close(fd);
	for (ssize_t at = 0; at < n;) {
		struct pcapng_view view;
		ssize_t length =
			pcapng_parse(bytes + at, (size_t)(n - at), &swapped, &view);

		assert_true(length > 0);
		count += view.type == PCAPNG_PACKET;
		at += length;
	}
	return count;
}

static void add_packets(struct capture_file *file, unsigned count)
{
	static uint8_t bytes[1000];
	struct sonde_packet packet = {
		.interface = 1,
		.captured_length = sizeof(bytes),
		.wire_length = sizeof(bytes),
	};

	for (unsigned i = 0; i < count; i++) {
		packet.at_ns = i;
		capture_file_add_packet(file, &packet, bytes);
	}
}

static void holds_what_was_added(void **context)
{
	struct capture_file file;

	(void)context;
	assert_int_equal(capture_file_open(&file, path, NULL), 0);
	capture_file_begin(&file);
	capture_file_add_interface(&file, &loopback);
	add_packets(&file, 1000);
	capture_file_flush(&file);
	assert_int_equal(file.error, 0);
	assert_int_equal(capture_file_packets(&file), 1000);
	assert_int_equal(count_packets(), 1000);
	capture_file_close(&file);
}

static void a_full_disk_leaves_whole_blocks(void **context)
{
	struct rlimit before, limit;
	struct capture_file file;

	(void)context;
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	limit = before;
	limit.rlim_cur = 300 * 1024 + 123;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
	assert_int_equal(capture_file_open(&file, path, NULL), 0);
	capture_file_begin(&file);
	capture_file_add_interface(&file, &loopback);
	add_packets(&file, 1000);
	capture_file_flush(&file);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_true(file.error < 0);
	assert_in_range(count_packets(), 200, 300);
	assert_int_equal(count_packets(), capture_file_packets(&file));
	add_packets(&file, 10);
	assert_int_equal(count_packets(), capture_file_packets(&file));
	capture_file_close(&file);
}

/* Until it is begun, an old file is as it was. */
static void opening_changes_nothing(void **context)
{
	struct capture_file file;
	struct stat status;
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	(void)context;
	assert_int_equal(write(fd, "old", 3), 3);
	close(fd);
	assert_int_equal(capture_file_open(&file, path, NULL), 0);
	capture_file_flush(&file);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, 3);
	capture_file_begin(&file);
	capture_file_finish(&file);
	capture_file_close(&file);
	assert_int_equal(count_packets(), 0);
	/* And what was not there is not there then. */
	assert_int_equal(unlink(path), 0);
	assert_int_equal(capture_file_open(&file, path, NULL), 0);
	capture_file_close(&file);
	assert_int_equal(access(path, F_OK), -1);
	assert_int_equal(capture_file_open(&file, path, NULL), 0);
	capture_file_begin(&file);
	capture_file_finish(&file);
	capture_file_close(&file);
	assert_int_equal(count_packets(), 0);
}

/* Neither a signal nor a wait: what the reader does not take is kept, and when it is gone
 * that is an error. */
static void a_pipe_is_written_without_waiting(void **context)
{
	static uint8_t bytes[1 << 22];
	struct capture_file file;
	size_t used = 0;
	sigset_t pending;
	int reader;

	(void)context;
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_true(capture_file_open(&file, path, NULL) < 0);
	reader = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_int_equal(capture_file_open(&file, path, NULL), 0);
	capture_file_begin(&file);
	capture_file_add_interface(&file, &loopback);
	add_packets(&file, 1000);
	capture_file_flush(&file);
	assert_int_equal(file.error, 0);
	while (file.pending_used > 0) {
		ssize_t n = read(reader, bytes + used, sizeof(bytes) - used);

		assert_true(n > 0);
		used += (size_t)n;
		capture_file_flush(&file);
	}
	assert_int_equal(file.packets[999].offset + file.packets[999].length,
			 file.written);
	close(reader);
	add_packets(&file, 1);
	capture_file_flush(&file);
	assert_int_equal(file.error, -EPIPE);
	assert_int_equal(sigpending(&pending), 0);
	assert_false(sigismember(&pending, SIGPIPE));
	assert_non_null(capture_file_refuses(&file));
	capture_file_close(&file);
}

static void says_why_it_cannot_be_opened(void **context)
{
	struct capture_file file;
	struct sonde_error error;

	(void)context;
	assert_true(capture_file_open(&file, "/nonexistent/x.pcapng", &error) < 0);
	assert_string_equal(error.operation, "open");
	assert_string_equal(error.subject, "/nonexistent/x.pcapng");
	assert_non_null(strstr(error.reason, "No such file"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(holds_what_was_added, make_path,
						remove_path),
		cmocka_unit_test_setup_teardown(a_full_disk_leaves_whole_blocks,
						make_path, remove_path),
		cmocka_unit_test_setup_teardown(opening_changes_nothing, make_path,
						remove_path),
		cmocka_unit_test_setup_teardown(a_pipe_is_written_without_waiting,
						make_path, remove_path),
		cmocka_unit_test(says_why_it_cannot_be_opened),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
