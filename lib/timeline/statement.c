/* Folds calls into statements: what a person wrote as one line is often several system
 * calls.  CPython with a timeout turns recv() into poll + recvfrom, connect() into
 * connect + poll + getsockopt, and accept() is followed by a getsockname.
 *
 * A call joins the statement before it in its thread only at the same instruction with
 * the same callers, and only while that statement is not done:
 *
 *	leading    waits, options and socket() so far: the first telling call joins them
 *	unfinished the telling call gave up for now (EAGAIN, EINPROGRESS, a signal, a
 *	           short send): a wait for its socket joins, and the call that goes on
 *	done       only options (getsockname after accept) still join
 *
 * Everything else begins a statement: a send in a loop is a statement each time, and so
 * is a select.  A wait that follows a short send belongs to it only if the call after the
 * wait really goes on with the same buffer; so each thread's calls are chained first. */
#include "timeline/statement.h"

#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"

/* The statement that a thread is in. */
struct thread {
	uint32_t program, tid; /* tid 0 and program 0: a free slot unless `used` */
	bool used;
	uint32_t chained;    /* the call seen last, while chaining */
	uint32_t statement;  /* 0 before the first call */
	uint32_t last;       /* its latest call */
	uint32_t unfinished; /* the telling call that another one must go on with */
	uint32_t wait;       /* the latest wait since the latest telling call */
	bool has_telling;
	uint32_t socket, new_socket;
};

struct folder {
	const struct sonde_recording *recording;
	struct sonde_timeline *timeline;
	struct thread *threads; /* a hash table by program and tid */
	size_t thread_slots, thread_count;
	uint32_t *next_of_thread; /* [call - 1] */
	size_t statement_room;
};

static size_t hash_thread(uint32_t program, uint32_t tid)
{
	uint64_t hash = ((uint64_t)program << 32 | tid) * 0x9e3779b97f4a7c15u;

	return (size_t)(hash >> 20);
}

static struct thread *find_thread(struct thread *threads, size_t slots, uint32_t program,
				  uint32_t tid)
{
	size_t slot = hash_thread(program, tid) & (slots - 1);

	while (threads[slot].used &&
	       (threads[slot].program != program || threads[slot].tid != tid))
		slot = (slot + 1) & (slots - 1);
	return &threads[slot];
}

static int grow_threads(struct folder *folder)
{
	size_t slots = folder->thread_slots ? folder->thread_slots * 2 : 64;
	struct thread *threads = array_new(slots, sizeof(*threads));

	if (!threads)
		return -ENOMEM;
	for (size_t i = 0; i < folder->thread_slots; i++) {
		const struct thread *old = &folder->threads[i];

		if (old->used)
			*find_thread(threads, slots, old->program, old->tid) = *old;
	}
	array_free(folder->threads);
	folder->threads = threads;
	folder->thread_slots = slots;
	return 0;
}

/* Each call learns the next one of its thread. */
static int chain_threads(struct folder *folder, const struct call_index *index)
{
	for (uint32_t i = 0; i < folder->recording->call_count; i++) {
		uint32_t number = index->by_enter[i];
		const struct sonde_call *call = &folder->recording->calls[number - 1];
		struct thread *thread;

		if (folder->thread_count * 2 >= folder->thread_slots &&
		    grow_threads(folder) < 0)
			return -ENOMEM;
		thread = find_thread(folder->threads, folder->thread_slots, call->program,
				     call->tid);
		if (!thread->used) {
			*thread = (struct thread){
				.program = call->program, .tid = call->tid, .used = true};
			folder->thread_count++;
		}
		if (thread->chained)
			folder->next_of_thread[thread->chained - 1] = number;
		thread->chained = number;
	}
	return 0;
}

static bool is_telling(const struct sonde_call *call)
{
	return call->kind != SONDE_CALL_WAIT && call->kind != SONDE_CALL_OPTION &&
	       call->kind != SONDE_CALL_SOCKET;
}

/* How much a call tells about what its statement is for. */
static int telling_rank(const struct sonde_call *call)
{
	static const uint8_t ranks[] = {
		[SONDE_CALL_OPTION] = 1,   [SONDE_CALL_WAIT] = 2,
		[SONDE_CALL_SOCKET] = 3,   [SONDE_CALL_OTHER] = 4,
		[SONDE_CALL_EXIT] = 5,     [SONDE_CALL_LISTEN] = 6,
		[SONDE_CALL_BIND] = 7,     [SONDE_CALL_CLOSE] = 8,
		[SONDE_CALL_SHUTDOWN] = 9, [SONDE_CALL_RECEIVE] = 10,
		[SONDE_CALL_SEND] = 11,    [SONDE_CALL_ACCEPT] = 12,
		[SONDE_CALL_CONNECT] = 13,
	};

	return call->kind < sizeof(ranks) ? ranks[call->kind] : 0;
}

/* Whether two stacks with one user place agree from there outwards, as far as known. */
static bool same_callers(const struct sonde_recording *recording, uint32_t a_number,
			 uint32_t b_number)
{
	const struct sonde_stack *a = stack_at(recording, a_number);
	const struct sonde_stack *b = stack_at(recording, b_number);
	uint32_t i = 0, j = 0;

	if (a_number == b_number || !a || !b)
		return a_number == b_number;
	while (i < a->place_count && a->places[i] != a->user_place)
		i++;
	while (j < b->place_count && b->places[j] != b->user_place)
		j++;
	for (; i < a->place_count && j < b->place_count; i++, j++)
		if (a->places[i] != b->places[j])
			return false;
	return (i == a->place_count || b->is_cut) && (j == b->place_count || a->is_cut);
}

static bool same_statement_place(const struct sonde_recording *recording,
				 const struct sonde_call *a, const struct sonde_call *b)
{
	uint32_t place = call_place(recording, a);

	return place && place == call_place(recording, b) &&
	       same_callers(recording, a->stack, b->stack);
}

/* Whether `call` goes on with what `before` left unfinished. */
static bool goes_on(const struct sonde_call *before, const struct sonde_call *call,
		    bool has_wait)
{
	if (call->kind != before->kind || call->socket != before->socket)
		return false;
	if (call_was_interrupted(before))
		return true;
	if (call->kind == SONDE_CALL_SEND) {
		uint64_t sent = before->result > 0 ? (uint64_t)before->result : 0;

		return (sent || has_wait) && call->buffer == before->buffer + sent &&
		       call->length == before->length - sent;
	}
	/* Without a wait between them it is the program that tries again. */
	return has_wait;
}

/* Whether the wait between a short send and the next call of the thread leads to the rest
 * of that send (or to nothing: then it waited for room in vain). */
static bool leads_to_rest(const struct folder *folder, const struct sonde_call *send,
			  const struct sonde_call *wait)
{
	const struct sonde_call *call;

	for (;; wait = call) {
		call = call_at(folder->recording, folder->next_of_thread[wait->call - 1]);
		if (!call || !same_statement_place(folder->recording, wait, call))
			return true;
		if (call->kind != SONDE_CALL_WAIT || !call_was_interrupted(wait))
			break;
	}
	return call->kind == SONDE_CALL_SEND && goes_on(send, call, true);
}

static bool telling_joins(const struct folder *folder, const struct thread *thread,
			  const struct sonde_call *call)
{
	const struct sonde_call *wait = call_at(folder->recording, thread->wait);
	const struct sonde_call *unfinished =
		call_at(folder->recording, thread->unfinished);

	if (call->kind == SONDE_CALL_EXIT)
		return false;
	if (wait && (wait->result <= 0 || !call_watches(wait, call->socket)))
		return false;
	if (unfinished)
		return goes_on(unfinished, call, wait != NULL);
	if (thread->has_telling)
		return false;
	return wait || (call->socket && (call->socket == thread->socket ||
					 call->socket == thread->new_socket));
}

static bool wait_joins(const struct folder *folder, const struct thread *thread,
		       const struct sonde_call *call)
{
	const struct sonde_call *wait = call_at(folder->recording, thread->wait);
	const struct sonde_call *unfinished =
		call_at(folder->recording, thread->unfinished);

	if (wait)
		return call_was_interrupted(wait);
	if (unfinished) {
		if (!call_watches(call, unfinished->socket))
			return false;
		return unfinished->result < 0 || leads_to_rest(folder, unfinished, call);
	}
	return !thread->has_telling && (call_watches(call, thread->socket) ||
					call_watches(call, thread->new_socket));
}

/* The same option from the same instruction, once more: a loop. */
static bool is_repeated(const struct folder *folder, const struct thread *thread,
			const struct sonde_call *call)
{
	const struct sonde_timeline *timeline = folder->timeline;
	const struct sonde_statement *statement =
		&timeline->statements[thread->statement - 1];
	uint32_t number = statement->first_call;

	if (statement->call_count > LIMIT_STATEMENT_OPTIONS)
		return true;
	for (; number; number = timeline->next_call[number - 1]) {
		const struct sonde_call *other = call_at(folder->recording, number);

		if (other->kind == SONDE_CALL_OPTION && other->stack == call->stack &&
		    other->name && call->name && !strcmp(other->name, call->name))
			return true;
	}
	return false;
}

static bool option_joins(const struct folder *folder, const struct thread *thread,
			 const struct sonde_call *call)
{
	const struct sonde_call *wait = call_at(folder->recording, thread->wait);
	bool is_related = !call->socket || call->socket == thread->socket ||
			  call->socket == thread->new_socket ||
			  (wait && call_watches(wait, call->socket));

	return is_related && !is_repeated(folder, thread, call);
}

static bool joins(const struct folder *folder, const struct thread *thread,
		  const struct sonde_call *call)
{
	const struct sonde_call *last = call_at(folder->recording, thread->last);

	if (!last || !call_returned(last) ||
	    !same_statement_place(folder->recording, last, call))
		return false;
	switch (call->kind) {
	case SONDE_CALL_SOCKET:
		return false;
	case SONDE_CALL_WAIT:
		return wait_joins(folder, thread, call);
	case SONDE_CALL_OPTION:
		return option_joins(folder, thread, call);
	default:
		return telling_joins(folder, thread, call);
	}
}

static int begin_statement(struct folder *folder, struct thread *thread,
			   const struct sonde_call *call)
{
	struct sonde_timeline *timeline = folder->timeline;
	uint32_t number;

	if (array_reserve(&timeline->statements, &folder->statement_room,
			  (size_t)timeline->statement_count + 1,
			  sizeof(*timeline->statements)) < 0)
		return -ENOMEM;
	number = ++timeline->statement_count;
	timeline->statements[number - 1] = (struct sonde_statement){
		.statement = number,
		.program = call->program,
		.pid = call->pid,
		.tid = call->tid,
		.place = call_place(folder->recording, call),
		.principal = call->call,
		.first_call = call->call,
		.enter_ns = call->enter_ns,
	};
	thread->statement = number;
	thread->last = 0;
	thread->unfinished = 0;
	thread->wait = 0;
	thread->has_telling = false;
	thread->socket = 0;
	thread->new_socket = 0;
	return 0;
}

static void add_call(struct folder *folder, struct thread *thread,
		     const struct sonde_call *call)
{
	struct sonde_timeline *timeline = folder->timeline;
	struct sonde_statement *statement = &timeline->statements[thread->statement - 1];
	const struct sonde_call *principal =
		call_at(folder->recording, statement->principal);
	const struct sonde_call *unfinished =
		call_at(folder->recording, thread->unfinished);
	int rank = telling_rank(call) - telling_rank(principal);

	timeline->statement_of_call[call->call - 1] = statement->statement;
	if (thread->last)
		timeline->next_call[thread->last - 1] = call->call;
	thread->last = call->call;
	statement->call_count++;
	statement->exit_ns = call->exit_ns;
	if (rank > 0 || (rank == 0 && (call->result >= 0 || principal->result < 0)))
		statement->principal = call->call;
	statement->can_block |= call_can_wait(folder->recording, call);

	if (is_telling(call)) {
		thread->has_telling = true;
		thread->wait = 0;
		thread->unfinished = call_is_unfinished(call) ? call->call : 0;
	} else if (call->kind == SONDE_CALL_WAIT) {
		thread->wait = call->call;
	} else if (unfinished && unfinished->kind == SONDE_CALL_CONNECT && call->name &&
		   !strcmp(call->name, "getsockopt")) {
		/* SO_ERROR: how the connect ended. */
		thread->unfinished = 0;
	}
	if (call->socket)
		thread->socket = call->socket;
	if (call->new_socket)
		thread->new_socket = call->new_socket;
}

/* What is known only when all calls are in. */
static void finish_statement(const struct folder *folder,
			     struct sonde_statement *statement)
{
	const struct sonde_call *principal =
		call_at(folder->recording, statement->principal);

	statement->socket = principal->socket;
	if (!statement->socket && principal->kind == SONDE_CALL_SOCKET)
		statement->socket = principal->new_socket;
	if (!statement->socket && principal->watched_count == 1)
		statement->socket = principal->watched[0].socket;
	if (!socket_at(folder->recording, statement->socket))
		statement->socket = 0;
	/* The wait for room before a send does not make it a blocking statement. */
	if (principal->kind != SONDE_CALL_CONNECT &&
	    principal->kind != SONDE_CALL_ACCEPT &&
	    principal->kind != SONDE_CALL_RECEIVE && principal->kind != SONDE_CALL_WAIT)
		statement->can_block = false;
}

/* A place without one is an instruction of a program without debug information. */
static bool has_line(const struct sonde_recording *recording,
		     const struct sonde_call *call)
{
	uint32_t place = call_place(recording, call);

	return place && recording->places[place - 1].line > 0;
}

int statement_fold(const struct sonde_recording *recording,
		   const struct call_index *index, struct sonde_timeline *timeline)
{
	struct folder folder = {.recording = recording, .timeline = timeline};
	size_t count = recording->call_count;
	int error = -ENOMEM;

	timeline->statement_of_call =
		array_new(count + 1, sizeof(*timeline->statement_of_call));
	timeline->next_call = array_new(count + 1, sizeof(*timeline->next_call));
	folder.next_of_thread = array_new(count + 1, sizeof(*folder.next_of_thread));
	if (!timeline->statement_of_call || !timeline->next_call ||
	    !folder.next_of_thread || chain_threads(&folder, index) < 0)
		goto out;
	for (size_t i = 0; i < count; i++) {
		const struct sonde_call *call = &recording->calls[index->by_enter[i] - 1];
		struct thread *thread = find_thread(folder.threads, folder.thread_slots,
						    call->program, call->tid);

		/* The end of a program stands on no line of it. */
		if (call->kind != SONDE_CALL_EXIT && !has_line(recording, call))
			timeline->calls_without_line++;
		if (!joins(&folder, thread, call) &&
		    begin_statement(&folder, thread, call) < 0)
			goto out;
		add_call(&folder, thread, call);
	}
	for (uint32_t i = 0; i < timeline->statement_count; i++)
		finish_statement(&folder, &timeline->statements[i]);
	error = 0;
out:
	array_free(folder.next_of_thread);
	array_free(folder.threads);
	return error;
}
