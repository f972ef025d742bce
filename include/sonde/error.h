/* Errors of libsonde: what was being done, to what, why it failed, and what helps.
 *
 * Functions return >= 0, or a negative errno.  Those that a program calls take a trailing
 * `struct sonde_error *`, which the caller owns and which may be NULL; it is written only
 * when the function fails.  One is printed as
 *
 *	sonde: OPERATION SUBJECT: REASON
 *	hint: HINT
 */
#ifndef SONDE_ERROR_H
#define SONDE_ERROR_H

#include <sonde/export.h>

/* Whose fault it is; the values are the exit statuses of the command line. */
enum sonde_error_kind {
	SONDE_ERROR_NONE = 0,
	SONDE_ERROR_NETWORK = 1,    /* the network or the peer said no */
	SONDE_ERROR_USAGE = 2,      /* a value that cannot be used */
	SONDE_ERROR_PERMISSION = 3, /* a capability is missing */
	SONDE_ERROR_TROUBLE = 4,    /* disk full, out of memory, descriptor limit */
};

struct sonde_error {
	enum sonde_error_kind kind;
	int code;           /* the negative errno that the function returned */
	char operation[32]; /* "bind" */
	char subject[192];  /* "127.0.0.1:7/tcp" */
	char reason[256];   /* "Address already in use (EADDRINUSE)" */
	char hint[256];     /* empty where none is known */
};

/* Fills *err (which may be NULL) and returns code.  The reason is a printf format; where
 * it is NULL, the text and name of -code are the reason.  Clears the hint. */
SONDE_API int sonde_error_set(struct sonde_error *err, enum sonde_error_kind kind,
			      int code, const char *operation, const char *subject,
			      const char *reason, ...)
	__attribute__((format(printf, 6, 7)));

/* Adds the remedy to an error that was just set. */
SONDE_API void sonde_error_hint(struct sonde_error *err, const char *hint, ...)
	__attribute__((format(printf, 2, 3)));

/* The kind that an errno usually means: EPERM and EACCES permission, ECONN*, EHOST*,
 * ENET* and ETIMEDOUT network, EINVAL usage, everything else trouble. */
SONDE_API enum sonde_error_kind sonde_error_kind_of(int error_number);

/* "ECONNREFUSED" for 111: the numbers are Linux's on every system, as recordings have
 * them. Static.  "E<number>" for one that has no name, until the thread's next such call.
 */
SONDE_API const char *sonde_error_name(int error_number);

#endif
