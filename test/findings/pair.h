/* The two ends of a TCP connection on loopback, in one process, and a thread to serve. */
#ifndef PAIR_H
#define PAIR_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

static struct sockaddr_in address = {.sin_family = AF_INET};

/* Port 0: the kernel chooses it; `address` has it then. */
static inline int listen_at(unsigned short port)
{
	socklen_t size = sizeof(address);
	int listener = socket(AF_INET, SOCK_STREAM, 0);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	address.sin_port = htons(port);
	if (bind(listener, (struct sockaddr *)&address, size) < 0 ||
	    listen(listener, 5) < 0)
		exit(1);
	getsockname(listener, (struct sockaddr *)&address, &size);
	return listener;
}

static inline int connect_there(void)
{
	int client = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(client, (struct sockaddr *)&address, sizeof(address)) < 0)
		exit(1);
	return client;
}

static inline pthread_t begin(void *(*serve)(void *), int *listener)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, serve, listener))
		exit(1);
	return thread;
}

static inline void set_timeout(int fd, int seconds)
{
	struct timeval limit = {.tv_sec = seconds};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
}

#endif
