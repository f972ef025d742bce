/* group: signals its whole process group, catches it, and ends with 5. */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

static volatile sig_atomic_t caught;

static void on_signal(int number)
{
	(void)number;
	caught++;
}

int main(void)
{
	const int signals[] = {SIGUSR1, SIGUSR2, SIGALRM, SIGVTALRM, SIGPROF, SIGRTMIN};
	const int count = sizeof(signals) / sizeof(signals[0]);

	for (int i = 0; i < count; i++) {
		signal(signals[i], on_signal);
		kill(0, signals[i]);
	}
	printf("caught %d of %d\n", caught, count);
	return caught == count ? 5 : 1;
}
