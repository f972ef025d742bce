/* Who has an address that somebody else wanted: for the sentence that says so.
 *
 * The tables of /proc/PID/net tell which sockets have it, /proc/PID/fd whose they are, as
 * far as this process may look.  Slow on a machine with many sockets or processes, and so
 * to be asked only after a failure, with a deadline. */
#ifndef IO_HOLDER_H
#define IO_HOLDER_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/types.h>

#include <sonde/address.h>

#include "io/sock.h"

enum holder_state {
	HOLDER_LISTENS,   /* of TCP and Unix sockets */
	HOLDER_BOUND,     /* a datagram socket; or one of TCP that does not listen */
	HOLDER_TALKS,     /* one end of a TCP connection */
	HOLDER_CLOSING,   /* a connection that the kernel ends; nobody has it any more */
	HOLDER_TIME_WAIT, /* one that has ended, and waits for late packets */
};

struct holder {
	enum holder_state state;
	struct sonde_address local, peer;
	uint64_t inode;     /* 0: no descriptor stands for it */
	uint32_t uid;       /* the socket's */
	int64_t left_ms;    /* HOLDER_TIME_WAIT: until it is gone */
	pid_t pid;          /* 0: nobody that may be looked into */
	int fd;             /* there */
	uint32_t others;    /* more processes that have it */
	bool unsearched;    /* pid 0 because there were too many to look through */
	bool stopped;       /* by a signal, as Ctrl-Z does it */
	int64_t started_ns; /* when the process was; CLOCK_REALTIME; 0 not known */
	char name[64];      /* "web.py": the program's, for sentences */
};

struct holder_search {
	pid_t viewer;        /* whose network namespace and folders; 0: this process's */
	int64_t deadline_ns; /* of holder_clock_ns() */
	/* Processes that are looked at first; one of them is taken without a look at who
	 * else has it. */
	const pid_t *likely;
	size_t likely_count;
};

/* The processor time of this thread: a machine that is busy with other things shall not make
 * the search shorter. */
int64_t holder_clock_ns(void);

/* 0; -ENOENT where no socket can be seen to have it; -ETIMEDOUT where there was too much
 * to look through. */
int holder_find(const struct holder_search *search, const struct sonde_address *wanted,
		enum sock_transport transport, struct holder *ret);

/* Who is near an address of this machine at which nobody listens for TCP: has the port for
 * UDP (*ret_is_udp), or listens at it under another address, or at a port that is
 * easily taken for it.  As above. */
int holder_find_near(const struct holder_search *search,
		     const struct sonde_address *asked, bool *ret_is_udp,
		     struct holder *ret);

/* Of a Unix socket's path, as the viewer spelt it, or name (which begins with '@' in place
 * of the NUL).  The viewer is another process. */
int holder_find_unix(const struct holder_search *search, const char *path,
		     struct holder *ret);
/* The file of that path, as the viewer sees it. */
bool holder_find_file(pid_t viewer, const char *path, struct stat *ret);

#endif
