/* A port that somebody else has. */
#include "talk/taken.h"

#include <errno.h>
#include <inttypes.h>

#include "base/clock.h"
#include "io/holder.h"

#define LOOK_NS (2 * NS_PER_S) /* for who it is */

static int nobody(const char *operation, const char *subject, const struct holder *holder,
		  const char *choice, struct sonde_error *err)
{
	if (holder->state == HOLDER_TIME_WAIT) {
		sonde_error_set(err, SONDE_ERROR_TROUBLE, -EADDRINUSE, operation, subject,
				"a connection that has ended keeps this port for "
				"%" PRId64 " s (EADDRINUSE)",
				(holder->left_ms + 999) / 1000);
		sonde_error_hint(err, "wait, or %s", choice);
		return -EADDRINUSE;
	}
	sonde_error_set(err, SONDE_ERROR_TROUBLE, -EADDRINUSE, operation, subject,
			"another program has this port (EADDRINUSE)");
	sonde_error_hint(err, "%s; as root `ss -antup` names who has it", choice);
	return -EADDRINUSE;
}

int taken_explain(const char *operation, const struct sonde_address *address,
		  enum sock_transport transport, const char *choice,
		  struct sonde_error *err)
{
	const struct holder_search search = {.deadline_ns = holder_clock_ns() + LOOK_NS};
	struct holder holder = {0};
	char subject[SOCK_SUBJECT_CHARS];

	sock_format_subject(address, transport, subject);
	if (holder_find(&search, address, transport, &holder) < 0 || !holder.pid)
		return nobody(operation, subject, &holder, choice, err);
	sonde_error_set(err, SONDE_ERROR_TROUBLE, -EADDRINUSE, operation, subject,
			"%s (process %d) has this port%s%s (EADDRINUSE)", holder.name,
			(int)holder.pid,
			holder.state == HOLDER_TALKS ? " for a connection" : "",
			holder.stopped ? " and is stopped" : "");
	sonde_error_hint(err, "%s, or %s",
			 holder.stopped ? "continue it with fg, or end it" : "end it",
			 choice);
	return -EADDRINUSE;
}
