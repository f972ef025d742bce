/* The first signal to stop is a wish, the second an order.
 *
 * A blocked signal and a signalfd(2) would hold the second one back, too, until somebody
 * reads: also where the library looks a name up, and cannot look. */
#include "stop_fd.h"

#include <errno.h>
#include <signal.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

static const int stops[] = {SIGINT, SIGTERM};
static int stop_fd = -1;

static void handle(int number)
{
	static const uint64_t one = 1;
	int error = errno;

	for (unsigned i = 0; i < 2; i++) {
		struct sigaction now;

		if (sigaction(stops[i], NULL, &now) == 0 && now.sa_handler == handle)
			signal(stops[i], SIG_DFL);
	}
	if (write(stop_fd, &one, sizeof(one)) < 0)
		_exit(128 + number);
	errno = error;
}

int stop_fd_open(void)
{
	struct sigaction stop = {.sa_handler = handle, .sa_flags = SA_RESTART};

	stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (stop_fd < 0)
		return -1;
	sigemptyset(&stop.sa_mask);
	for (unsigned i = 0; i < 2; i++)
		sigaddset(&stop.sa_mask, stops[i]);
	for (unsigned i = 0; i < 2; i++) {
		struct sigaction now;

		if (sigaction(stops[i], NULL, &now) == 0 && now.sa_handler != SIG_IGN)
			sigaction(stops[i], &stop, NULL);
	}
	return stop_fd;
}
