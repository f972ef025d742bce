/* The listening TCP sockets of a server.
 *
 * Where no descriptor (or memory, or place for a client) is left, accept() fails while
 * the connection stays in the queue, and a level-triggered loop would spin.  Then no
 * listening socket is watched until a client has left, or for a quarter of a second:
 * descriptors may also come free elsewhere. */
#include "serve/server.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/limits.h"
#include "serve/crew.h"

struct listener {
	struct listener *next;
	const struct serve_spec *spec; /* borrowed */
	int fd;                        /* the loop's */
	int slot;
};

static void watch_all(struct sonde_server *server, bool accepting)
{
	server->accepting = accepting;
	for (struct listener *at = server->listeners; at; at = at->next) {
		/* A listener that cannot be watched again is looked at once more when the
		 * pause is over. */
		if (loop_watch(server->loop, at->slot, accepting ? EPOLLIN : 0) < 0)
			server->accepting = false;
	}
	loop_set_deadline(server->loop, server->resume_slot,
			  server->accepting ? LOOP_NEVER
					    : loop_now_ns(server->loop) +
						      LIMIT_ACCEPT_PAUSE_MS * NS_PER_MS);
}

static void pause_accepting(struct sonde_server *server, const struct listener *listener,
			    const char *why)
{
	trouble_add(server, &server->quiet_accept, listener->spec, false, why);
	watch_all(server, false);
}

void listener_resume(struct sonde_server *server)
{
	if (!server->accepting && !server->stopping)
		watch_all(server, true);
}

void listener_late(void *context, void *object)
{
	(void)object;
	listener_resume(context);
}

/* What accept() says of a connection that is gone again is no trouble of ours
 * (accept(2), "Error handling"). */
static void describe_failure(struct sonde_server *server, const struct listener *listener,
			     int error)
{
	switch (error) {
	case EMFILE:
		pause_accepting(server, listener,
				"no file descriptor left: clients wait until one leaves "
				"(ulimit -n)");
		break;
	case ENFILE:
		pause_accepting(server, listener,
				"the system has no file left: clients wait until one "
				"leaves");
		break;
	case ENOBUFS:
	case ENOMEM:
		pause_accepting(server, listener, "no memory left: clients wait");
		break;
	default:
		break;
	}
}

/* Takes fd. */
static void turn_away(struct sonde_server *server, const struct listener *listener,
		      int fd, const struct sonde_address *peer)
{
	close(fd);
	counts_add(&listener->spec->counts[SPEC_TCP].turned_away, 1);
	server->quiet_allow.peer = *peer;
	trouble_add(server, &server->quiet_allow, listener->spec, false,
		    "turned away: not of an allowed network (--allow)");
}

/* 1: a client more; 0: none, of this connection; -EAGAIN: nobody waits. */
static int accept_one(struct sonde_server *server, struct listener *listener)
{
	struct sockaddr_storage storage;
	socklen_t length = sizeof(storage);
	struct sonde_address peer = {0};

	int fd = accept4(listener->fd, (struct sockaddr *)&storage, &length,
			 SOCK_NONBLOCK | SOCK_CLOEXEC);
	if (fd < 0 && errno == EAGAIN)
		return -EAGAIN;
	if (fd < 0) {
		describe_failure(server, listener, errno);
		return 0;
	}
	sonde_address_from_sockaddr((const struct sockaddr *)&storage, length, &peer);
	if (!server_allows(server, &peer)) {
		turn_away(server, listener, fd, &peer);
		return 0;
	}
	if (client_new(server, fd, listener->spec, &peer) < 0) {
		close(fd);
		pause_accepting(server, listener,
				"no memory left for a client: it was refused");
		return 0;
	}
	return 1;
}

void listener_ready(void *context, void *object, uint32_t events)
{
	struct sonde_server *server = context;
	struct listener *listener = object;

	(void)events;
	for (int i = 0; i < LIMIT_ACCEPTS && server->accepting; i++) {
		if (!crew_take_place(server->crew, server->options.max_clients)) {
			/* Whether another one waits, the next turn tells. */
			if (i > 0)
				return;
			pause_accepting(server, listener,
					"as many clients as allowed: others wait until "
					"one leaves");
			return;
		}
		int r = accept_one(server, listener);
		if (r <= 0)
			crew_give_place(server->crew, server->options.max_clients);
		if (r == -EAGAIN)
			return;
	}
}

void listener_free(void *context, void *object)
{
	(void)context;
	free(object);
}

int listener_new(struct sonde_server *server, int fd, const struct serve_spec *spec)
{
	struct listener *listener = calloc(1, sizeof(*listener));

	if (!listener)
		return -ENOMEM;
	listener->spec = spec;
	listener->fd = fd;
	listener->slot = loop_add(server->loop, SERVER_LISTENER, fd,
				  server->accepting ? EPOLLIN : 0, listener);
	if (listener->slot < 0) {
		int r = listener->slot;
		free(listener);
		return r;
	}
	listener->next = server->listeners;
	server->listeners = listener;
	return 0;
}

void listener_close_all(struct sonde_server *server)
{
	for (struct listener *at = server->listeners; at; at = at->next)
		loop_close(server->loop, at->slot);
	server->listeners = NULL;
}
