/* The end of a TCP client: so that what it was answered reaches it. */
#include "serve/client.h"

#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/limits.h"
#include "io/sock.h"
#include "serve/crew.h"

void client_close(struct sonde_server *server, struct client *client, const char *reason)
{
	if (client->state == CLIENT_CLOSED)
		return;
	client->state = CLIENT_CLOSED;
	waiting_drop(&client->input);
	waiting_drop(&client->output);
	if (client->previous)
		client->previous->next = client->next;
	else
		server->clients = client->next;
	if (client->next)
		client->next->previous = client->previous;
	crew_give_place(server->crew, server->options.max_clients);
	loop_close(server->loop, client->slot);
	counts_add(&client_counts(client)->left, 1);
	client_notify(server, client, SONDE_SERVE_CLOSED, 0, 0, reason);
	listener_resume(server);
}

void client_close_broken(struct sonde_server *server, struct client *client, int error)
{
	struct sonde_error broken;

	sonde_error_set(&broken, SONDE_ERROR_NETWORK, -error, "serve", "", NULL);
	client_close(server, client, broken.reason);
}

void client_free(void *context, void *object)
{
	struct client *client = object;

	(void)context;
	waiting_drop(&client->input);
	waiting_drop(&client->output);
	free(client->service_state);
	free(client);
}

void client_linger(struct sonde_server *server, struct client *client)
{
	for (int i = 0; i < LIMIT_CLIENT_ROUNDS; i++) {
		ssize_t n = recv(client->fd, server->input, LIMIT_CLIENT_INPUT, 0);
		if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
			client_close(server, client, client->reason);
			return;
		}
		if (n < 0)
			break;
	}
	/* The server's end does not wait for clients that have all their answers. */
	if (server->stopping && sock_unconfirmed(client->fd) == 0)
		client_close(server, client, client->reason);
}

void client_finish(struct sonde_server *server, struct client *client)
{
	if (client->finished || shutdown(client->fd, SHUT_WR) < 0) {
		client_close(server, client, client->reason);
		return;
	}
	client->state = CLIENT_LINGERING;
	if (loop_watch(server->loop, client->slot, EPOLLIN) < 0) {
		client_close(server, client, client->reason);
		return;
	}
	loop_set_deadline(server->loop, client->slot,
			  loop_now_ns(server->loop) + LIMIT_LINGER_MS * NS_PER_MS);
	client_linger(server, client);
}

void client_end(struct client *client, const char *reason)
{
	if (client->state != CLIENT_OPEN)
		return;
	client->state = CLIENT_ENDING;
	client->reason = reason;
	client->wish = SERVICE_CLOSES;
	waiting_drop(&client->input);
}
