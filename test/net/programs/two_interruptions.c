/* A poll ended by a signal's handler, then a sleep that is stopped and continued: the
 * kernel resumes both in the same way, but only the sleep is resumed.  With an argument
 * it is the poll that is stopped; a byte ends it then. */
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static void nothing(int signal)
{
	(void)signal;
}

/* Whether the state of the process is one of these. */
static int is_in_state(pid_t pid, const char *wanted)
{
	char path[32], state = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	file = fopen(path, "r");
	if (!file)
		return 1;
	if (fscanf(file, "%*d (%*[^)]) %c", &state) != 1)
		state = 0;
	fclose(file);
	return state && strchr(wanted, state);
}

/* It may be at a stop of its tracer on its way: asleep long means in the call. */
static void until_long(pid_t pid, const char *states)
{
	struct timespec soon = {0, 50000000};

	for (int times = 0; times < 4; times++) {
		nanosleep(&soon, NULL);
		if (!is_in_state(pid, states))
			times = 0;
	}
}

static void stop_and_continue(pid_t pid, int pipe_fd, int peer)
{
	char byte;

	if (read(pipe_fd, &byte, 1) != 1)
		_exit(1);
	until_long(pid, "S");
	kill(pid, SIGSTOP);
	until_long(pid, "Tt");
	kill(pid, SIGCONT);
	if (peer >= 0) {
		until_long(pid, "S");
		if (write(peer, "x", 1) != 1)
			_exit(1);
	}
	_exit(0);
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = nothing};
	struct timespec rest = {1, 0};
	struct pollfd wait_for = {.events = POLLIN};
	int pair[2], go[2];
	pid_t pid = getpid();

	(void)argv;
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) < 0 || pipe(go) < 0)
		return 1;
	wait_for.fd = pair[0];
	if (fork() == 0)
		stop_and_continue(pid, go[0], argc > 1 ? pair[1] : -1);
	if (argc == 1) {
		sigaction(SIGALRM, &action, NULL);
		ualarm(50000, 50000); /* the first one may come before the poll */
		printf("poll %d\n", poll(&wait_for, 1, 60000));
		ualarm(0, 0);
	}
	if (write(go[1], "x", 1) != 1)
		return 1;
	if (argc > 1)
		printf("poll %d\n", poll(&wait_for, 1, 60000));
	else
		printf("nanosleep %d\n", nanosleep(&rest, NULL));
	wait(NULL);
	return 0;
}
