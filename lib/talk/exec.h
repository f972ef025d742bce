/* A program whose standard input and output are somebody's peer.  It finds in its
 * environment SONDE_PROTO, SONDE_PEER_ADDRESS, SONDE_PEER_PORT, SONDE_LOCAL_ADDRESS and
 * SONDE_LOCAL_PORT; of Unix sockets the addresses are paths, and there are no ports. */
#ifndef TALK_EXEC_H
#define TALK_EXEC_H

#include <stdint.h>
#include <sys/types.h>

#include <sonde/address.h>
#include <sonde/error.h>

struct exec_place {
	const char *proto;
	struct sonde_address local, peer; /* where they are of IP; else */
	const char *local_text, *peer_text;
};

struct exec {
	pid_t pid;
	int in_fd;  /* owned: to its standard input */
	int out_fd; /* owned: from its standard output */
};

/* Starts `sh -c command` in a process group of its own, with all signals as they are by
 * default.  0 or -errno. */
int exec_start(const char *command, const struct exec_place *place, struct exec *ret,
	       struct sonde_error *err);
/* Closes what is open, and waits; a program that goes on is told to end after a while.
 * Returns its status, as waitpid() has it. */
int exec_stop(struct exec *exec);
/* 0 where the status is one of success; else *err says what it was. */
int exec_check(const char *command, int status, struct sonde_error *err);

#endif
