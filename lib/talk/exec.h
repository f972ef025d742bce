/* A program whose standard input and output are somebody's peer: `sh -c COMMAND`.
 *
 *	exec.c			starts and stops it
 *	exec_environment.c	what it finds in its environment
 *	exec_run.c		a session with one
 *	child.c			those of a listener's clients
 *
 * Each direction is a pipe of its own, so that either side may close one and go on with the
 * other.  Of UDP what it writes at once is a datagram; what it reads is a stream, because a
 * shell reads byte by byte, and the rest of a datagram would be lost. */
#ifndef TALK_EXEC_H
#define TALK_EXEC_H

#include <stdint.h>
#include <sys/types.h>

#include <sonde/address.h>
#include <sonde/connect.h>
#include <sonde/error.h>

/* All borrowed. */
struct exec_place {
	enum sonde_transport transport;
	struct sonde_address local, peer; /* where they are of IP; else */
	const char *local_text, *peer_text;
	uint64_t client;          /* of a listener; 0 none */
	char *const *environment; /* the program's, before ours is added; NULL none */
};

struct exec {
	pid_t pid;
	int in_fd;  /* owned: to its standard input */
	int out_fd; /* owned: from its standard output */
};

/* Starts it in a process group of its own, with all signals as they are by default.
 * 0 or -errno. */
int exec_start(const char *command, const struct exec_place *place, struct exec *ret);
/* Closes what is open, and waits; a program that goes on is told to end after a while.
 * Returns its status, as waitpid() has it. */
int exec_stop(struct exec *exec);
/* 0 where the status is one of success; else *err says what it was. */
int exec_check(const char *command, int status, struct sonde_error *err);

enum { EXEC_VARIABLES = 16, EXEC_VARIABLE_CHARS = 160 };

struct exec_environment {
	char storage[EXEC_VARIABLES][EXEC_VARIABLE_CHARS];
	unsigned count;
	char **all; /* owned; ends with NULL */
};

/* The place's environment, with what is known of the peer instead of variables of the same
 * names.  0 or -ENOMEM. */
int exec_environment_init(struct exec_environment *environment,
			  const struct exec_place *place);
void exec_environment_done(struct exec_environment *environment);

#endif
