/* births: a child that runs away by forking for ever; each one ends as soon as it has made
 * the next.  The parent ends after 0.2 s with 3. */
#include <signal.h>
#include <unistd.h>

int main(void)
{
	signal(SIGTERM, SIG_IGN);
	switch (fork()) {
	case -1:
		return 1;
	case 0:
		while (fork() == 0)
			;
		_exit(0);
	}
	usleep(200000);
	return 3;
}
