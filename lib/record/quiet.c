/* The two signals of a write are sent to the thread that writes; so it blocks them, and
 * takes back what its own writes have caused. */
#include "record/quiet.h"

#include <errno.h>
#include <time.h>

static sigset_t signals_of_writes(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGPIPE);
	sigaddset(&set, SIGXFSZ);
	return set;
}

void quiet_begin(struct quiet *quiet)
{
	sigset_t set = signals_of_writes();

	pthread_sigmask(SIG_BLOCK, &set, &quiet->before);
	sigpending(&quiet->were_there);
}

void quiet_end(struct quiet *quiet)
{
	const struct timespec now = {0};
	sigset_t set = signals_of_writes();

	if (sigismember(&quiet->were_there, SIGPIPE))
		sigdelset(&set, SIGPIPE);
	if (sigismember(&quiet->were_there, SIGXFSZ))
		sigdelset(&set, SIGXFSZ);
	while (sigtimedwait(&set, NULL, &now) >= 0 || errno == EINTR)
		;
	pthread_sigmask(SIG_SETMASK, &quiet->before, NULL);
}
