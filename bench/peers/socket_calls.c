/* What a call costs under a tracer: socket_calls N
 *
 * N sends and N receives on a pair of sockets, then 20 N calls that no tracer of sockets
 * wants.  Prints nanoseconds for each call, by the program's own clock, so that starting
 * and ending a tracer does not count:
 *
 *	socket 512.3
 *	other 61.0 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { OTHERS = 20 }; /* they are short, and to be measured to 0.1 us */

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

static void print(const char *what, int64_t began_ns, long calls)
{
	printf("%s %.1f\n", what, (double)(now_ns() - began_ns) / (double)calls);
}

int main(int argc, char **argv)
{
	long count = argc == 2 ? atol(argv[1]) : 0;
	int pair[2];
	char byte = 'x';
	int64_t began_ns;

	if (count <= 0) {
		fprintf(stderr, "usage: socket_calls N\n");
		return 2;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		perror("socketpair");
		return 1;
	}
	began_ns = now_ns();
	for (long i = 0; i < count; i++) {
		if (send(pair[0], &byte, 1, MSG_NOSIGNAL) != 1 ||
		    recv(pair[1], &byte, 1, 0) != 1) {
			perror("socket_calls");
			return 1;
		}
	}
	print("socket", began_ns, 2 * count);
	began_ns = now_ns();
	for (long i = 0; i < OTHERS * count; i++)
		syscall(SYS_getppid);
	print("other", began_ns, OTHERS * count);
	return 0;
}
