/* Descriptors of the traced processes.
 *
 * What stands behind one is looked up at its first use, and never around a close: the
 * copy that is made for it would turn that close into one that is not the last.
 *
 * A negative entry ("not a socket") stays right because every call that can put a socket
 * under a number is traced, and sets or forgets the entry.  Opening a FIFO is not: so the
 * end of a file makes its number unknown again, at once; that of a socket only once the
 * close has returned, because until then another thread could still find it there. */
#include "trace/descriptor.h"

#include <errno.h>
#include <linux/kcmp.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/array.h"
#include "trace/lookup.h"
#include "trace/pipe.h"

enum { DESCRIPTORS = 1 << 20 }; /* numbers beyond are looked up each time */

static struct descriptor *entry(struct process *process, int fd)
{
	if (fd < 0 || fd >= DESCRIPTORS)
		return NULL;
	if (array_reserve(&process->table->entries, &process->table->capacity,
			  (size_t)fd + 1, sizeof(process->table->entries[0])) < 0)
		return NULL;
	return &process->table->entries[fd];
}

/* The entry if there is one; NULL means that nothing is known. */
static struct descriptor *known(struct process *process, int fd)
{
	if (fd < 0 || (size_t)fd >= process->table->capacity)
		return NULL;
	return &process->table->entries[fd];
}

static void add_reference(struct tracer *tracer, const struct descriptor *descriptor)
{
	struct traced_socket *socket;

	if (descriptor->kind == DESCRIPTOR_EPOLL)
		tracer->epolls[descriptor->number - 1].references++;
	if (descriptor->kind != DESCRIPTOR_SOCKET)
		return;
	socket = socket_of(tracer, descriptor->number);
	socket->references++;
	if (!socket->seen.closed_ns)
		return;
	/* Somebody held it who was not known. */
	socket->seen.closed_ns = 0;
	socket->seen.closed_by = 0;
	feed_socket_state(tracer->feed, &socket->seen);
}

bool descriptor_is_open(const struct traced_socket *socket)
{
	return socket->references || socket->travelling;
}

static bool is_last(const struct traced_socket *socket)
{
	return socket->references + socket->travelling == 1;
}

bool descriptor_is_last(struct tracer *tracer, uint32_t socket)
{
	return is_last(socket_of(tracer, socket));
}

static void say_if_closed(struct tracer *tracer, uint32_t number, uint32_t call)
{
	struct traced_socket *socket = socket_of(tracer, number);

	if (descriptor_is_open(socket))
		return;
	socket->seen.closed_ns = tracer->now_ns;
	socket->seen.closed_by = call;
	feed_socket_state(tracer->feed, &socket->seen);
}

static uint32_t look_up(struct tracer *tracer, struct process *process, int fd,
			bool is_inherited, uint32_t accepted_by)
{
	struct descriptor *descriptor = known(process, fd);
	uint32_t number;
	int copy;

	if (fd < 0)
		return 0;
	copy = lookup_copy(tracer, process, fd);
	if (copy < 0) {
		/* Where it could not be asked, the next call asks again. */
		if (descriptor)
			descriptor->kind =
				copy == -EBADF ? DESCRIPTOR_NONE : DESCRIPTOR_UNKNOWN;
		return 0;
	}
	number = lookup_socket(tracer, process, fd, copy, is_inherited, accepted_by);
	if (!number)
		number = pipe_find(tracer, process, fd, copy);
	close(copy);
	/* Only now: a number that is not open must not make the table grow. */
	descriptor = entry(process, fd);
	if (!descriptor)
		return number;
	descriptor->kind = number ? DESCRIPTOR_SOCKET : DESCRIPTOR_NONE;
	descriptor->number = number;
	add_reference(tracer, descriptor);
	return number;
}

uint32_t descriptor_known_socket(struct process *process, int fd)
{
	const struct descriptor *descriptor = known(process, fd);

	return descriptor && descriptor->kind == DESCRIPTOR_SOCKET ? descriptor->number
								   : 0;
}

uint32_t descriptor_socket(struct tracer *tracer, struct process *process, int fd)
{
	const struct descriptor *descriptor = known(process, fd);

	if (descriptor && descriptor->kind != DESCRIPTOR_UNKNOWN)
		return descriptor->kind == DESCRIPTOR_SOCKET ? descriptor->number : 0;
	return look_up(tracer, process, fd, true, 0);
}

uint32_t descriptor_epoll(struct process *process, int fd)
{
	const struct descriptor *descriptor = known(process, fd);

	return descriptor && descriptor->kind == DESCRIPTOR_EPOLL ? descriptor->number
								  : 0;
}

/* Drops the reference that an entry holds; where it was the socket's last one, the call
 * is remembered as what closed it. */
static void release(struct tracer *tracer, struct descriptor *descriptor, uint32_t call)
{
	struct descriptor was = *descriptor;

	if (was.kind == DESCRIPTOR_NONE || was.kind == DESCRIPTOR_UNKNOWN) {
		descriptor->kind = DESCRIPTOR_UNKNOWN;
		return;
	}
	*descriptor = (struct descriptor){.kind = DESCRIPTOR_NONE};
	if (was.kind == DESCRIPTOR_EPOLL) {
		struct epoll_instance *epoll = &tracer->epolls[was.number - 1];

		if (--epoll->references == 0) {
			array_free(epoll->members);
			*epoll = (struct epoll_instance){0};
		}
		return;
	}
	if (was.kind != DESCRIPTOR_SOCKET)
		return;
	socket_of(tracer, was.number)->references--;
	say_if_closed(tracer, was.number, call);
}

uint32_t descriptor_opened(struct tracer *tracer, struct process *process, int fd,
			   uint32_t accepted_by)
{
	struct descriptor *descriptor = known(process, fd);

	if (descriptor)
		release(tracer, descriptor, 0);
	return look_up(tracer, process, fd, false, accepted_by);
}

void descriptor_opened_epoll(struct tracer *tracer, struct process *process, int fd)
{
	struct descriptor *descriptor = entry(process, fd);
	uint32_t at = 0;

	if (!descriptor)
		return;
	release(tracer, descriptor, 0);
	while (at < tracer->epoll_count && tracer->epolls[at].references)
		at++;
	if (at == tracer->epoll_count) {
		if (array_reserve(&tracer->epolls, &tracer->epoll_capacity, at + 1,
				  sizeof(tracer->epolls[0])) < 0)
			return;
		tracer->epoll_count++;
	}
	tracer->epolls[at].references = 1;
	*descriptor = (struct descriptor){.kind = DESCRIPTOR_EPOLL, .number = at + 1};
}

void descriptor_forget(struct process *process, int fd)
{
	struct descriptor *descriptor = known(process, fd);

	if (descriptor && descriptor->kind == DESCRIPTOR_NONE)
		descriptor->kind = DESCRIPTOR_UNKNOWN;
}

void descriptor_freed(struct process *process, const struct syscall *syscall,
		      const uint64_t arguments[6])
{
	unsigned first = (unsigned)arguments[0], last = first;

	if (syscall->shape == SHAPE_CLOSERANGE)
		last = (unsigned)arguments[1];
	else if (syscall->shape != SHAPE_CLOSE)
		return;
	for (size_t fd = first; fd < process->table->capacity && fd <= last; fd++)
		descriptor_forget(process, (int)fd);
}

uint32_t descriptor_arrived(struct tracer *tracer, struct process *process, int fd)
{
	struct descriptor *descriptor = known(process, fd);

	if (descriptor)
		release(tracer, descriptor, 0);
	return look_up(tracer, process, fd, true, 0);
}

void descriptor_landed(struct tracer *tracer, uint32_t number, uint32_t call)
{
	struct traced_socket *socket = socket_of(tracer, number);

	if (!socket->travelling)
		return;
	socket->travelling--;
	say_if_closed(tracer, number, call);
}

void descriptor_copied(struct tracer *tracer, struct process *process, int from, int to)
{
	struct descriptor *target = entry(process, to);
	const struct descriptor *source =
		known(process, from); /* after entry(): it may move */

	if (!target || !source)
		return;
	*target = *source;
	add_reference(tracer, target);
}

void descriptor_closed(struct tracer *tracer, struct process *process, int fd,
		       uint32_t call)
{
	struct descriptor *descriptor = known(process, fd);

	if (descriptor)
		release(tracer, descriptor, call);
}

void descriptor_closed_range(struct tracer *tracer, struct process *process,
			     unsigned first, unsigned last, uint32_t call)
{
	for (size_t fd = first; fd < process->table->capacity && fd <= last; fd++)
		release(tracer, &process->table->entries[fd], call);
}

void descriptor_closed_all(struct tracer *tracer, struct process *process, uint32_t call)
{
	struct descriptor_table *empty = NULL;

	if (process->table->holders > 1)
		empty = table_new();
	if (empty) {
		table_release(process->table);
		process->table = empty;
	} else {
		descriptor_closed_range(tracer, process, 0, UINT32_MAX, call);
	}
}

uint32_t descriptor_first_socket(struct process *process, unsigned first, unsigned last)
{
	for (size_t fd = first; fd < process->table->capacity && fd <= last; fd++) {
		if (process->table->entries[fd].kind == DESCRIPTOR_SOCKET)
			return process->table->entries[fd].number;
	}
	return 0;
}

/* How many of the table's entries stand for the socket. */
static uint32_t count_entries(const struct descriptor_table *table, uint32_t number)
{
	uint32_t count = 0;

	for (size_t fd = 0; fd < table->capacity; fd++)
		count += table->entries[fd].kind == DESCRIPTOR_SOCKET &&
			 table->entries[fd].number == number;
	return count;
}

bool descriptor_end_closes(struct tracer *tracer, const struct process *process)
{
	const struct descriptor_table *table = process->table;

	for (size_t fd = 0; fd < table->capacity; fd++) {
		const struct descriptor *descriptor = &table->entries[fd];
		const struct traced_socket *socket;

		if (descriptor->kind != DESCRIPTOR_SOCKET)
			continue;
		socket = socket_of(tracer, descriptor->number);
		if (socket->seen.kind != SONDE_SOCKET_PIPE ||
		    (!socket->travelling &&
		     socket->references == count_entries(table, descriptor->number)))
			return true;
	}
	return false;
}

/* Other threads of the parent were at work when it forked: what the child has is known
 * for certain only from itself, which has not run yet. */
static void check_inherited(struct tracer *tracer, const struct process *parent,
			    struct process *child)
{
	struct descriptor_table *table = child->table;

	if (!parent->table->capacity ||
	    array_reserve(&table->entries, &table->capacity, parent->table->capacity,
			  sizeof(table->entries[0])) < 0)
		return;
	for (size_t fd = 0; fd < parent->table->capacity; fd++) {
		const struct descriptor *was = &parent->table->entries[fd];
		int copy;

		if (look_up(tracer, child, (int)fd, true, 0) ||
		    was->kind != DESCRIPTOR_EPOLL)
			continue;
		copy = lookup_copy(tracer, child, (int)fd);
		if (copy < 0)
			continue;
		close(copy);
		table->entries[fd] = *was;
		add_reference(tracer, was);
	}
}

static void copy_table(struct tracer *tracer, const struct descriptor_table *from,
		       struct descriptor_table *to)
{
	if (!from->capacity || array_reserve(&to->entries, &to->capacity, from->capacity,
					     sizeof(to->entries[0])) < 0)
		return;
	memcpy(to->entries, from->entries, from->capacity * sizeof(to->entries[0]));
	for (size_t fd = 0; fd < from->capacity; fd++)
		add_reference(tracer, &to->entries[fd]);
}

void descriptor_inherit(struct tracer *tracer, const struct process *parent,
			struct process *child)
{
	child->said_closed = parent->said_closed;
	if (syscall(SYS_kcmp, parent->pid, child->pid, KCMP_FILES, 0, 0) == 0) {
		table_release(child->table);
		child->table = parent->table;
		child->table->holders++;
		return;
	}
	if (parent->task_count > 1 || parent->table->holders > 1)
		check_inherited(tracer, parent, child);
	else
		copy_table(tracer, parent->table, child->table);
}

/* An exec gives the process descriptors of its own. */
static void unshare_table(struct tracer *tracer, struct process *process)
{
	struct descriptor_table *shared = process->table, *own;

	if (shared->holders == 1)
		return;
	own = table_new();
	if (!own)
		return;
	copy_table(tracer, shared, own);
	process->table = own;
	table_release(shared);
}

void descriptor_check_exec(struct tracer *tracer, struct process *process,
			   uint32_t (*closing_call)(struct tracer *tracer,
						    struct process *process,
						    uint32_t socket))
{
	process->said_closed = false;
	unshare_table(tracer, process);
	for (size_t fd = 0; fd < process->table->capacity; fd++) {
		struct descriptor *descriptor = &process->table->entries[fd];
		uint32_t call = 0;
		int copy;

		if (descriptor->kind == DESCRIPTOR_NONE)
			descriptor->kind = DESCRIPTOR_UNKNOWN;
		if (descriptor->kind == DESCRIPTOR_UNKNOWN)
			continue;
		copy = lookup_copy(tracer, process, (int)fd);
		if (copy >= 0)
			close(copy);
		if (copy != -EBADF)
			continue;
		if (descriptor->kind == DESCRIPTOR_SOCKET &&
		    is_last(socket_of(tracer, descriptor->number)))
			call = closing_call(tracer, process, descriptor->number);
		release(tracer, descriptor, call);
		descriptor->kind = DESCRIPTOR_UNKNOWN;
	}
}

void descriptor_refresh(struct tracer *tracer, struct process *process, int fd,
			bool has_new_peer)
{
	uint32_t number = descriptor_known_socket(process, fd);
	struct sonde_socket *seen, fresh;
	int copy;

	if (!number || (copy = lookup_copy(tracer, process, fd)) < 0)
		return;
	seen = &socket_of(tracer, number)->seen;
	fresh = *seen;
	if (has_new_peer)
		fresh.peer = (struct sonde_address){0};
	lookup_state(copy, &fresh);
	close(copy);
	if (sonde_address_equal(&fresh.local, &seen->local) &&
	    sonde_address_equal(&fresh.peer, &seen->peer) &&
	    fresh.is_listening == seen->is_listening &&
	    fresh.defers_accept == seen->defers_accept)
		return;
	*seen = fresh;
	feed_socket_state(tracer->feed, &fresh);
}
