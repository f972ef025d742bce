/* Frames into files and pipes, and back: what is on disk is whole whatever happens. */
#include <sonde/capture_file.h>

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

static char path[64];

static struct sonde_frame make_frame(uint32_t interface, uint16_t link, const char *bytes)
{
	return (struct sonde_frame){
		.link = link,
		.interface = interface,
		.interface_name = interface ? "second" : NULL,
		.at_ns = INT64_C(1700000000123456789),
		.captured_length = (uint32_t)strlen(bytes),
		.wire_length = 100,
		.bytes = (const uint8_t *)bytes,
	};
}

static unsigned count_frames(bool *ret_cut)
{
	struct sonde_capture_reader *reader;
	struct sonde_capture_facts facts;
	struct sonde_frame frame;
	unsigned count = 0;

	assert_int_equal(sonde_capture_reader_open(path, &reader, NULL), 0);
	while (sonde_capture_reader_next(reader, &frame, NULL) > 0)
		count++;
	sonde_capture_reader_facts(reader, &facts);
	*ret_cut = facts.is_cut;
	sonde_capture_reader_close(reader);
	return count;
}

static void test_round(void **state)
{
	const struct sonde_capture_statistics statistics = {.received = 10, .dropped = 3};
	const struct sonde_capture_interface interface = {
		.link = 1, .name = "fourth", .filter = "tcp port 80"};
	const struct sonde_frame_text text = {.text = "why not", .length = 3};
	struct sonde_frame frames[3] = {make_frame(7, 101, "x"), make_frame(0, 1, ""),
					make_frame(7, 101, "three")};
	struct sonde_capture_writer *writer;
	struct sonde_capture_reader *reader;
	struct sonde_capture_facts facts;
	struct sonde_frame frame;
	struct stat status;

	(void)state;
	frames[2].comments = &text;
	frames[2].comment_count = 1;
	assert_int_equal(sonde_capture_writer_open(path, &writer, NULL), 0);
	for (int i = 0; i < 3; i++)
		assert_int_equal(sonde_capture_writer_add(writer, &frames[i], NULL), 0);
	assert_int_equal(sonde_capture_writer_describe(writer, 3, &interface, NULL), 0);
	assert_int_equal(sonde_capture_writer_count(writer, 3, &statistics, NULL), 0);
	assert_int_equal(sonde_capture_writer_flush(writer, NULL), 0);
	assert_int_equal(stat(path, &status), 0);
	assert_int_equal(status.st_size, sonde_capture_writer_size(writer));
	assert_int_equal(sonde_capture_writer_close(writer, NULL), 0);

	assert_int_equal(sonde_capture_reader_open(path, &reader, NULL), 0);
	for (uint32_t i = 0; i < 3; i++) {
		assert_int_equal(sonde_capture_reader_next(reader, &frame, NULL), 1);
		assert_int_equal(frame.number, i + 1);
		assert_int_equal(frame.link, frames[i].link);
		assert_int_equal(frame.interface, i == 1); /* in the order of use */
		assert_int_equal(frame.captured_length, frames[i].captured_length);
		assert_memory_equal(frame.bytes, frames[i].bytes, frame.captured_length);
		assert_int_equal(frame.at_ns, frames[i].at_ns);
		assert_int_equal(frame.comment_count, i == 2);
	}
	assert_memory_equal(frame.comments[0].text, "why", 3);
	assert_int_equal(frame.comments[0].length, 3);
	assert_string_equal(frame.interface_name, "second");
	assert_int_equal(sonde_capture_reader_next(reader, &frame, NULL), 0);
	sonde_capture_reader_facts(reader, &facts);
	assert_true(facts.has_dropped);
	assert_int_equal(facts.dropped, 3);
	assert_false(facts.is_cut);
	sonde_capture_reader_close(reader);
}

/* A file that may not grow any more, at every size: what is in it stays whole. */
static void test_full(void **state)
{
	struct rlimit before, limit;

	(void)state;
	signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	for (rlim_t most = 1000; most < 1300; most += 7) {
		struct sonde_frame frame = make_frame(0, 1, "0123456789");
		struct sonde_capture_writer *writer;
		struct sonde_error err = {0};
		unsigned added = 0, count;
		struct stat status;
		bool is_cut;
		int r = 0;

		limit = before;
		limit.rlim_cur = most;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
		assert_int_equal(sonde_capture_writer_open(path, &writer, NULL), 0);
		while (r == 0) {
			r = sonde_capture_writer_add(writer, &frame, &err);
			if (r == 0)
				r = sonde_capture_writer_flush(writer, &err);
			added++;
		}
		assert_int_equal(r, -EFBIG);
		assert_string_equal(err.operation, "write");
		assert_string_equal(err.subject, path);
		assert_true(err.hint[0]);
		assert_int_equal(sonde_capture_writer_add(writer, &frame, NULL), -EFBIG);
		assert_int_equal(sonde_capture_writer_close(writer, NULL), -EFBIG);
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
		count = count_frames(&is_cut);
		assert_int_equal(count, added - 1);
		assert_false(is_cut);
		assert_int_equal(stat(path, &status), 0);
		assert_true(status.st_size <= (off_t)most);
	}
}

/* Into a pipe each block goes at once, and gathered ones when they are flushed. */
static void test_pipe(void **state)
{
	struct sonde_frame frame = make_frame(0, 1, "0123456789");
	struct sonde_capture_writer *writer;
	uint8_t bytes[4096];
	int fds[2];

	(void)state;
	assert_int_equal(pipe2(fds, O_NONBLOCK), 0);
	assert_int_equal(sonde_capture_writer_take(fds[1], "pipe", &writer, NULL), 0);
	assert_true(read(fds[0], bytes, sizeof(bytes)) > 28);
	assert_int_equal(sonde_capture_writer_add(writer, &frame, NULL), 0);
	assert_true(read(fds[0], bytes, sizeof(bytes)) > 40);
	sonde_capture_writer_gather(writer);
	assert_int_equal(sonde_capture_writer_add(writer, &frame, NULL), 0);
	assert_int_equal(read(fds[0], bytes, sizeof(bytes)), -1);
	assert_int_equal(sonde_capture_writer_flush(writer, NULL), 0);
	assert_true(read(fds[0], bytes, sizeof(bytes)) > 40);
	assert_int_equal(sonde_capture_writer_close(writer, NULL), 0);
	assert_int_equal(read(fds[0], bytes, sizeof(bytes)), 0);
	close(fds[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_pipe),
	};
	int fd, failed;

	strcpy(path, "/tmp/sonde-test-writer-XXXXXX");
	fd = mkstemp(path);
	if (fd < 0)
		return 1;
	close(fd);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	unlink(path);
	return failed;
}
