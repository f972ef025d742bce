/* What the tracer knows: threads, processes, their descriptors, and sockets.
 *
 *	tracer -> process (one address space and descriptor table) -> task (a thread)
 *	                  process.descriptors[fd] -> socket | epoll instance | neither
 *
 * A socket is the kernel's open socket, whoever holds it: its references are counted over
 * all descriptors of all traced processes and those in messages between them, because
 * only the last close sends the FIN. */
#ifndef TRACE_STATE_H
#define TRACE_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <sonde/recording.h>

#include "base/limits.h"
#include "trace/feed.h"
#include "trace/sleep.h"
#include "trace/source.h"
#include "trace/syscall.h"

enum descriptor_kind {
	DESCRIPTOR_UNKNOWN = 0, /* not looked at yet */
	DESCRIPTOR_NONE,        /* closed, or nothing that matters here */
	DESCRIPTOR_SOCKET,      /* number: of the socket */
	DESCRIPTOR_EPOLL,       /* number: index of the instance + 1 */
};

struct descriptor {
	uint8_t kind; /* enum descriptor_kind */
	uint32_t number;
};

/* A process's descriptors; processes made with CLONE_FILES share one. */
struct descriptor_table {
	uint32_t holders;
	struct descriptor *entries; /* owned; [capacity] */
	size_t capacity;
};

struct traced_socket {
	struct sonde_socket seen; /* as it was fed last */
	uint32_t references;      /* entries of tables that stand for it */
	uint32_t travelling;      /* references in messages that were not received yet */
	bool is_nonblocking;      /* O_NONBLOCK */
	pid_t sender;             /* the thread that sent last */
	bool has_senders;         /* several threads send on it */
	/* Of an end of a pipe: where the pipe is. */
	uint64_t device, inode;
	bool is_gone; /* another one has its place */
};

/* A socket whose descriptor is in a message that a task sends. */
struct travel {
	uint32_t socket;
	uint32_t message; /* which of the call's, from 0 */
};

/* An epoll instance: which sockets it watches, and under which data. */
struct epoll_member {
	uint64_t data;
	uint32_t events;
	uint32_t socket;
};

struct epoll_instance {
	uint32_t references;
	uint32_t member_count;
	size_t member_capacity;
	struct epoll_member *members; /* owned */
};

struct process {
	pid_t pid;
	uint32_t task_count; /* threads that have not begun to exit */
	uint32_t root; /* which of the command line's programs it descends from, from 0 */
	bool is_exiting;
	bool said_closed;             /* that nobody may look into it */
	struct sonde_call exit_call;  /* its number is 0 until there is one */
	struct sonde_program program; /* what was fed; its strings are gone */
	bool has_program;             /* it has not ended */
	bool is_uncounted; /* its number is another program's: there are too many */
	bool is_script;    /* of a language whose lines are not those of its runtime */
	bool is_executed;  /* it is past the exec that made it ours */
	char name[64];     /* the program's, for notes */
	uint8_t lines;     /* enum sonde_lines */
	struct source_python *python; /* owned */
	struct source_dwarf *dwarf;   /* owned; both where libpython came later */
	uint32_t dwarf_maps; /* source_dwarf_maps() when libpython was looked for */
	struct descriptor_table *table;
	struct process *next; /* in its bucket */
};

/* Where in its program a thread made a call. */
struct call_site {
	uint64_t instruction, stack; /* the pointers */
};

struct task {
	pid_t tid;
	struct process *process; /* NULL: its parent's clone has not been seen yet */
	bool is_stopped_early;   /* and waits for that, with this status: */
	int early_status;
	bool is_exiting;
	const struct syscall
		*syscall; /* in the kernel, to be seen coming out; NULL none */
	uint64_t arguments[6];
	struct sonde_call call;
	struct sonde_watched watched[LIMIT_WATCHED];
	int watched_fds[LIMIT_WATCHED];    /* poll: index of the entry; select: the fd */
	struct call_site entered;          /* the last call */
	const struct syscall *interrupted; /* what restart_syscall goes on with, there */
	struct sleep_watch sleep;
	uint64_t interrupted_arguments[6];
	struct call_site interrupted_at;
	uint32_t travel_count; /* of the call that it is in */
	struct travel travels[LIMIT_RIGHTS];
	struct task *next; /* in its bucket */
};

enum { STATE_BUCKETS = 1 << 12 };

/* Numbers by a key that was hashed; grows. */
struct number_map {
	struct number_slot {
		uint64_t hash; /* 0: empty */
		uint32_t number;
	} * slots;
	size_t capacity, count;
};

/* trace/in_use.c: addresses that somebody has, and when that was looked up; the index + 1
 * is the holder's number. */
struct in_use {
	struct asked {
		struct sonde_address wanted;
		uint64_t place;
		int64_t at_ns;
		uint8_t kind;    /* enum sonde_socket_kind */
		bool is_refused; /* of a connect */
		uint32_t holder; /* the answer; 0 nobody */
	} asked[LIMIT_HOLDERS];
	uint32_t count, refused_count, holder_count;
	int64_t spent_ns;
	bool said_enough;
};

struct tracer {
	struct feed *feed;
	struct task *tasks[STATE_BUCKETS];
	struct process *processes[STATE_BUCKETS];
	uint32_t task_count, process_count;

	struct traced_socket *sockets; /* [number - 1] */
	size_t socket_capacity;
	uint32_t socket_count;
	struct number_map socket_by_cookie;
	struct number_map pipe_by_inode; /* trace/pipe.c */

	struct epoll_instance *epolls; /* [number - 1] */
	size_t epoll_capacity;
	uint32_t epoll_count;

	uint32_t program_count, call_count;
	uint64_t calls_dropped;
	uint64_t stops; /* served, and how long they held the programs: */
	int64_t held_ns;

	/* trace/where.c */
	bool has_lines; /* they are wanted */
	uint32_t place_count, stack_count;
	struct number_map places, stacks;

	struct in_use in_use;

	bool said_uring, said_foreign, said_version, said_setuid, said_programs;
	bool said_threads, said_exhausted, said_tracing, said_untraced;
	char said_closed[64];  /* the last program of which it was said */
	bool makes_pipe;       /* a pipe that is new is a program's own */
	bool must_flush;       /* what was fed must be out before the program goes on */
	bool waits_for_peer;   /* the program started last has come to wait for one */
	uint32_t root_started; /* which one that is */
	int64_t now_ns;        /* when the stop that is being served was seen */
};

/* ---- state.c ---- */

struct task *task_find(struct tracer *tracer, pid_t tid);
struct task *task_add(struct tracer *tracer, pid_t tid); /* NULL: no memory */
void task_remove(struct tracer *tracer, struct task *task);

struct process *process_find(struct tracer *tracer, pid_t pid);
struct process *process_add(struct tracer *tracer, pid_t pid);
struct descriptor_table *table_new(void); /* NULL: no memory */
void table_release(struct descriptor_table *table);
void process_remove(struct tracer *tracer, struct process *process);
/* Never reaches another process that has been given the same number since. */
void process_signal(const struct process *process, int signal);

static inline struct traced_socket *socket_of(struct tracer *tracer, uint32_t number)
{
	return &tracer->sockets[number - 1];
}

/* The number under this hash (never 0) for which is_same(context, number) holds, or 0. */
uint32_t number_map_find(const struct number_map *map, uint64_t hash,
			 bool (*is_same)(const void *context, uint32_t number),
			 const void *context);
int number_map_add(struct number_map *map, uint64_t hash, uint32_t number);
/* FNV-1a, to be begun with HASH_START. */
#define HASH_START UINT64_C(0xcbf29ce484222325)
uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t n);

#endif
