/* What is not exact bytes: line ends, telnet, and what a terminal may be shown. */
#ifndef TALK_ENCODE_H
#define TALK_ENCODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "talk/session.h"

enum {
	/* What is sent may become so many times longer, */
	ENCODE_GROWS = 4,
	/* and of what is received this much fits, escaped, into LIMIT_TALK_BYTES. */
	ENCODE_READ_BYTES = 1 << 15,
};

bool encode_is_needed(const struct sonde_session *session);
/* ret has room for ENCODE_GROWS * n.  Returns the length. */
size_t encode_sent(struct sonde_session *session, const uint8_t *bytes, size_t n,
		   uint8_t *ret);

/* As it may stand on a terminal.  n is at most ENCODE_READ_BYTES; ret has room for 4 times
 * that, what was held and a NUL.  Returns the length. */
size_t encode_shown(struct held *held, const uint8_t *bytes, size_t n, uint8_t *ret,
		    size_t room);
/* What was held back because more could follow; at the peer's end. */
size_t encode_shown_end(struct held *held, uint8_t *ret, size_t room);

bool encode_received_is_needed(const struct sonde_session *session, bool escapes);
/* n is at most ENCODE_READ_BYTES; ret has room for LIMIT_TALK_BYTES. */
size_t encode_received(struct sonde_session *session, const uint8_t *bytes, size_t n,
		       bool escapes, uint8_t *ret);

size_t encode_received_end(struct sonde_session *session, uint8_t *ret);

#endif
