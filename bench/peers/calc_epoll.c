/* A calculation server that does nothing but its work: one epoll loop, one recv and one
 * send for all that came together.  What a server of its kind can reach at most. */
#include <sys/epoll.h>

#include "calc.h"

struct client {
	int fd;
	size_t kept;
	uint8_t rest[64];
};

static uint8_t input[64 + CALC_INPUT], output[CALC_OUTPUT];

static int serve(struct client *client)
{
	size_t given;

	memcpy(input, client->rest, client->kept);
	ssize_t n = recv(client->fd, input + client->kept, CALC_INPUT, 0);
	if (n < 0 && errno == EAGAIN)
		return 0;
	if (n <= 0)
		return -1;
	size_t all = client->kept + (size_t)n;
	size_t taken = calc_answer(input, all, output, &given);
	client->kept = all - taken;
	if (client->kept > sizeof(client->rest))
		return -1;
	memcpy(client->rest, input + taken, client->kept);
	if (given > 0 && send(client->fd, output, given, MSG_NOSIGNAL) != (ssize_t)given)
		return -1;
	return 0;
}

int main(void)
{
	struct epoll_event events[256];
	int poller = epoll_create1(EPOLL_CLOEXEC);
	int listener = calc_bind(SOCK_STREAM | SOCK_NONBLOCK);
	struct epoll_event event = {.events = EPOLLIN};

	if (poller < 0 || epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event) < 0)
		die("epoll");
	for (;;) {
		int count = epoll_wait(poller, events, 256, -1);
		for (int i = 0; i < count; i++) {
			struct client *client = events[i].data.ptr;
			if (client) {
				if (serve(client) < 0) {
					close(client->fd);
					free(client);
				}
				continue;
			}
			int fd = accept4(listener, NULL, NULL,
					 SOCK_NONBLOCK | SOCK_CLOEXEC);
			if (fd < 0)
				continue;
			client = calloc(1, sizeof(*client));
			if (!client)
				die("client");
			client->fd = fd;
			event = (struct epoll_event){.events = EPOLLIN,
						     .data.ptr = client};
			if (epoll_ctl(poller, EPOLL_CTL_ADD, fd, &event) < 0)
				die("epoll");
		}
	}
}
