/* sonde_trace: what it does when its own machinery fails. */
#include <dirent.h>
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
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include <sonde/trace.h>

enum { PAGE = 4096, PATIENCE_S = 60 };

/* The reading end of the feed: the pipe that is large. */
static int find_feed(void)
{
	DIR *folder = opendir("/proc/self/fd");
	const struct dirent *entry;
	int found = -1;

	assert_non_null(folder);
	while ((entry = readdir(folder))) {
		int fd = atoi(entry->d_name);

		if (entry->d_name[0] != '.' && fcntl(fd, F_GETPIPE_SZ) > 16 * PAGE)
			found = fd;
	}
	closedir(folder);
	return found;
}

/* A record that makes no sense comes first, and what follows it does not fit into the
 * pipe: the tracer stands in a write that nobody will read. */
static void a_broken_feed_ends_the_run(void **context)
{
	static const uint32_t nonsense[] = {999, 8};
	static char script[] = "read go; while :; do /bin/true $WORD $WORD; done";
	char word[PAGE - 200], path[64];
	char *command[] = {"sh", "-c", script, NULL};
	struct sonde_trace_options options = {.arguments = command};
	struct sonde_trace *trace;
	struct sonde_error error;
	int go[2], feed, feed_in, standard_in;

	(void)context;
	memset(word, 'x', sizeof(word));
	word[sizeof(word) - 1] = '\0';
	setenv("WORD", word, 1);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	standard_in = dup(STDIN_FILENO);
	dup2(go[0], STDIN_FILENO);
	close(go[0]);
	assert_int_equal(sonde_trace_start(&options, &trace, &error), 0);
	feed = find_feed();
	assert_true(feed >= 0);
	snprintf(path, sizeof(path), "/proc/self/fd/%d", feed);
	feed_in = open(path, O_WRONLY | O_CLOEXEC);
	assert_true(feed_in >= 0);
	assert_int_equal(write(feed_in, nonsense, sizeof(nonsense)), sizeof(nonsense));
	close(feed_in);
	assert_true(fcntl(feed, F_SETPIPE_SZ, PAGE) >= 0);
	assert_int_equal(write(go[1], "go\n", 3), 3);
	alarm(PATIENCE_S); /* a failure is a hang */
	assert_true(sonde_trace_wait(trace, -1, &error) < 0);
	alarm(0);
	assert_string_equal(error.subject, "tracer's records");
	sonde_trace_free(trace);
	close(go[1]);
	dup2(standard_in, STDIN_FILENO);
	close(standard_in);
	unsetenv("WORD");
}

static pid_t find_tracer(void)
{
	FILE *file = fopen("/proc/thread-self/children", "re");
	int pid = 0;

	assert_non_null(file);
	assert_int_equal(fscanf(file, "%d", &pid), 1);
	fclose(file);
	return pid;
}

static void a_tracer_that_does_not_listen_holds_nothing_up(void **context)
{
	char *command[] = {"sleep", "1000", NULL};
	struct sonde_trace_options options = {.arguments = command};
	struct sonde_trace *trace;
	struct sonde_error error;
	int answer = 0;

	(void)context;
	assert_int_equal(sonde_trace_start(&options, &trace, &error), 0);
	assert_int_equal(kill(find_tracer(), SIGSTOP), 0);
	alarm(PATIENCE_S);
	for (int i = 0; i < 100000 && answer == 0; i++)
		answer = sonde_trace_signal(trace, SIGWINCH);
	assert_int_equal(answer, -EAGAIN);
	sonde_trace_stop(trace);
	assert_true(sonde_trace_wait(trace, -1, &error) < 0);
	alarm(0);
	sonde_trace_free(trace);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_broken_feed_ends_the_run),
		cmocka_unit_test(a_tracer_that_does_not_listen_holds_nothing_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
