/* The second thread, and how it is woken and waited for. */
#include "scan/mate.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>

#include "base/array.h"

struct mate {
	pthread_t thread;
	pthread_mutex_t lock; /* of what follows */
	pthread_cond_t changed;
	void (*work)(void *context); /* NULL: nothing to do */
	void *context;
	bool is_running, is_ending;
};

static void *run(void *context)
{
	struct mate *mate = context;

	pthread_mutex_lock(&mate->lock);
	for (;;) {
		while (!mate->work && !mate->is_ending)
			pthread_cond_wait(&mate->changed, &mate->lock);
		if (mate->is_ending)
			break;
		mate->is_running = true;
		pthread_mutex_unlock(&mate->lock);
		mate->work(mate->context);
		pthread_mutex_lock(&mate->lock);
		mate->is_running = false;
		mate->work = NULL;
		pthread_cond_signal(&mate->changed);
	}
	pthread_mutex_unlock(&mate->lock);
	return NULL;
}

static bool has_processors(void)
{
	cpu_set_t processors;

	return sched_getaffinity(0, sizeof(processors), &processors) == 0 &&
	       CPU_COUNT(&processors) > 1;
}

/* Signals are the caller's. */
static int start(struct mate *mate)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&mate->thread, NULL, run, mate);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return r;
}

struct mate *mate_new(void)
{
	struct mate *mate = has_processors() ? array_new(1, sizeof(*mate)) : NULL;

	if (!mate)
		return NULL;
	pthread_mutex_init(&mate->lock, NULL);
	pthread_cond_init(&mate->changed, NULL);
	if (start(mate) != 0) {
		pthread_cond_destroy(&mate->changed);
		pthread_mutex_destroy(&mate->lock);
		array_free(mate);
		return NULL;
	}
	return mate;
}

void mate_free(struct mate *mate)
{
	if (!mate)
		return;
	pthread_mutex_lock(&mate->lock);
	mate->is_ending = true;
	pthread_cond_signal(&mate->changed);
	pthread_mutex_unlock(&mate->lock);
	pthread_join(mate->thread, NULL);
	pthread_cond_destroy(&mate->changed);
	pthread_mutex_destroy(&mate->lock);
	array_free(mate);
}

void mate_begin(struct mate *mate, void (*work)(void *context), void *context)
{
	pthread_mutex_lock(&mate->lock);
	mate->context = context;
	mate->work = work;
	pthread_cond_signal(&mate->changed);
	pthread_mutex_unlock(&mate->lock);
}

void mate_wait(struct mate *mate)
{
	pthread_mutex_lock(&mate->lock);
	if (!mate->is_running)
		mate->work = NULL;
	while (mate->work)
		pthread_cond_wait(&mate->changed, &mate->lock);
	pthread_mutex_unlock(&mate->lock);
}
