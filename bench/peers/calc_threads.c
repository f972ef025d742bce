/* A calculation server with a thread for each connection. */
#include <pthread.h>

#include "calc.h"

static void *serve(void *context)
{
	int fd = (int)(intptr_t)context;
	uint8_t input[4096], output[4096];
	size_t kept = 0, given;
	ssize_t n;

	while ((n = recv(fd, input + kept, sizeof(input) - kept, 0)) > 0) {
		kept += (size_t)n;
		size_t taken = calc_answer(input, kept, output, &given);
		kept -= taken;
		memmove(input, input + taken, kept);
		if (given > 0 && send(fd, output, given, MSG_NOSIGNAL) != (ssize_t)given)
			break;
	}
	close(fd);
	return NULL;
}

int main(void)
{
	int listener = calc_bind(SOCK_STREAM);
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, 1 << 16);
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0 && pthread_create(&thread, &attributes, serve,
					      (void *)(intptr_t)fd) != 0)
			close(fd);
	}
}
