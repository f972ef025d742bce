/* Workers.
 *
 * Goals: a core more for each of them, and nothing that one does on a request's way
 * touches memory of another, but for datagrams of other machines, whose rate is one.  Each worker therefore is a whole server with sockets of its
 * own on the same addresses (SO_REUSEPORT): the kernel deals the connections out.
 *
 * The first worker is the thread that calls sonde_server_run().  The others are made
 * before, so that a program can enter its sandbox in between, and wait.  They end when
 * the eventfd of their loop says so.  Signals are the program's business: they are blocked
 * in these threads. */
#include "serve/crew.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>

#include "serve/server.h"

int crew_new(unsigned count, struct crew **ret)
{
	struct crew *crew = calloc(1, sizeof(*crew));
	int r = -ENOMEM;

	if (!crew)
		return r;
	crew->count = count;
	crew->members = calloc(count, sizeof(*crew->members));
	crew->threads = calloc(count, sizeof(*crew->threads));
	if (!crew->members || !crew->threads)
		goto out;
	r = -pthread_mutex_init(&crew->lock, NULL);
	if (r < 0)
		goto out;
	r = -pthread_mutex_init(&crew->rate_lock, NULL);
	if (r < 0)
		goto out_lock;
	r = -pthread_cond_init(&crew->changed, NULL);
	if (r < 0)
		goto out_rate_lock;
	*ret = crew;
	return 0;
out_rate_lock:
	pthread_mutex_destroy(&crew->rate_lock);
out_lock:
	pthread_mutex_destroy(&crew->lock);
out:
	free(crew->members);
	free(crew->threads);
	free(crew);
	return r;
}

void crew_free(struct crew *crew)
{
	if (!crew)
		return;
	pthread_cond_destroy(&crew->changed);
	pthread_mutex_destroy(&crew->lock);
	pthread_mutex_destroy(&crew->rate_lock);
	free(crew->members);
	free(crew->threads);
	free(crew);
}

bool crew_admit(struct crew *crew, const struct sonde_address *source, int64_t now_ns)
{
	if (crew->count == 1)
		return rate_admit(&crew->rate, source, now_ns);
	pthread_mutex_lock(&crew->rate_lock);
	bool admits = rate_admit(&crew->rate, source, now_ns);
	pthread_mutex_unlock(&crew->rate_lock);
	return admits;
}

bool crew_take_place(struct crew *crew, unsigned limit)
{
	unsigned taken = atomic_load(&crew->places);

	if (limit == 0)
		return true;
	do {
		if (taken >= limit)
			return false;
	} while (!atomic_compare_exchange_weak(&crew->places, &taken, taken + 1));
	return true;
}

void crew_give_place(struct crew *crew, unsigned limit)
{
	if (limit > 0)
		atomic_fetch_sub(&crew->places, 1);
}

void crew_lock(struct crew *crew)
{
	if (crew->count > 1)
		pthread_mutex_lock(&crew->lock);
}

void crew_unlock(struct crew *crew)
{
	if (crew->count > 1)
		pthread_mutex_unlock(&crew->lock);
}

static void *work(void *context)
{
	struct sonde_server *server = context;
	struct crew *crew = server->crew;

	crew_lock(crew);
	while (!crew->begun)
		pthread_cond_wait(&crew->changed, &crew->lock);
	crew_unlock(crew);
	server_work(server);
	return NULL;
}

int crew_start(struct crew *crew)
{
	sigset_t all, before;
	int r = 0;

	sigfillset(&all);
	pthread_sigmask(SIG_BLOCK, &all, &before);
	while (r == 0 && crew->started + 1 < crew->count) {
		r = -pthread_create(&crew->threads[crew->started], NULL, work,
				    crew->members[crew->started]);
		if (r == 0)
			crew->started++;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

void crew_begin(struct crew *crew)
{
	crew_lock(crew);
	crew->begun = true;
	if (crew->count > 1)
		pthread_cond_broadcast(&crew->changed);
	crew_unlock(crew);
}

void crew_stop(struct crew *crew)
{
	for (unsigned i = 0; i < crew->started; i++)
		eventfd_write(crew->members[i]->stop_fd, 1);
	crew_begin(crew); /* where they still wait */
}

void crew_join(struct crew *crew)
{
	for (unsigned i = 0; i < crew->started; i++)
		pthread_join(crew->threads[i], NULL);
	crew->started = 0;
}
