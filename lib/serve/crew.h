/* The workers of a server: so many servers in one process, each with its own thread, loop,
 * sockets and clients.  They share what stands here. */
#ifndef SERVE_CREW_H
#define SERVE_CREW_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <sonde/serve.h>

#include "serve/rate.h"

struct crew {
	_Atomic uint64_t accepted; /* connections: their numbers */
	_Atomic unsigned places;   /* that clients have, where their number is limited */
	unsigned count;            /* of workers, the first included */
	unsigned started;          /* threads */
	struct sonde_server **members; /* owned; count - 1, all but the first */
	pthread_t *threads;            /* of the members */
	pthread_mutex_t lock;          /* of the observer, and of: */
	pthread_cond_t changed;
	bool begun; /* they serve */
	/* A source that asks from many ports meets all workers: they have one table. */
	pthread_mutex_t rate_lock;
	struct rate rate;
};

int crew_new(unsigned count, struct crew **ret);
/* Their threads must have ended. */
void crew_free(struct crew *crew);

/* One worker at a time; costs nothing where there is only one. */
void crew_lock(struct crew *crew);
void crew_unlock(struct crew *crew);

/* Whether this source may ask over UDP now; counts it if so. */
bool crew_admit(struct crew *crew, const struct sonde_address *source, int64_t now_ns);

/* A place for one more client of at most so many (0: no limit), whoever serves it. */
bool crew_take_place(struct crew *crew, unsigned limit);
void crew_give_place(struct crew *crew, unsigned limit);

/* The threads of all members, which wait until crew_begin().  0 or -errno. */
int crew_start(struct crew *crew);
void crew_begin(struct crew *crew);
/* Tells the members to stop, which they do while the first worker stops itself. */
void crew_stop(struct crew *crew);
void crew_join(struct crew *crew);

#endif
