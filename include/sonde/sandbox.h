/* What a process gives up for good when all that it needs is open: for programs that
 * serve strangers.  Called by the program, never by the library itself, after sockets are
 * bound, files are read and threads are started. */
#ifndef SONDE_SANDBOX_H
#define SONDE_SANDBOX_H

#include <stdbool.h>
#include <sys/types.h>

#include <sonde/error.h>
#include <sonde/export.h>

enum sonde_sandbox_policy {
	/* Accepts, receives, sends and closes on what is open, waits, tells the time,
	 * manages memory, and ends.  No file is opened, no program executed, no process
	 * or thread made, no socket opened, bound or connected: such calls fail with
	 * EPERM. */
	SONDE_SANDBOX_SERVE = 0,
	/* Reads what is open, a capture above all, and writes to what is open; files that
	 * come later are handed over a socket.  All capabilities are given up, too. */
	SONDE_SANDBOX_CAPTURE,
	/* Opens, makes and removes files as who it is, hands them on over a socket, and
	 * looks at nothing from strangers.  The user stays; of the capabilities only those
	 * that have to do with whose file it is (CAP_DAC_OVERRIDE, CAP_FOWNER). */
	SONDE_SANDBOX_FILES,
};

/* What came of it.  The reasons are static text. */
struct sonde_sandbox {
	bool is_nobody; /* was root, and is user and group 65534, or those asked for, now */
	const char *why_root;   /* NULL, or why root could not be left */
	bool is_filtered;       /* system calls, of every thread */
	const char *why_opened; /* NULL, or why they could not be filtered */
};

/* Root becomes nobody (65534) without further groups, no execve gives privileges again
 * (no_new_privs), and the policy's system calls are all that is left.  What this machine
 * or user namespace cannot do is left out and said in *ret; an error is only what must
 * not be served with. */
SONDE_API int sonde_sandbox_enter(enum sonde_sandbox_policy policy,
				  struct sonde_sandbox *ret, struct sonde_error *err);
/* The same, and root becomes that user. */
SONDE_API int sonde_sandbox_enter_as(enum sonde_sandbox_policy policy, uid_t uid,
				     gid_t gid, struct sonde_sandbox *ret,
				     struct sonde_error *err);

#endif
