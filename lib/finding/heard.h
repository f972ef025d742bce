/* What the dissectors made of the frames, kept small: a protocol for each frame, and the
 * first bytes of each direction of each conversation. */
#ifndef FINDING_HEARD_H
#define FINDING_HEARD_H

#include <sonde/explain.h>

/* NULL: none that says more than TCP or UDP. */
const char *heard_protocol(const struct sonde_heard *heard, uint32_t frame);
/* Whether the frame's payload is kept, as the first of its direction. */
const uint8_t *heard_bytes(const struct sonde_heard *heard, uint32_t frame,
			   uint8_t *ret_count);
/* They are a summary, as the packet list has it: of what is no text, or has a password. */
bool heard_is_summary(const struct sonde_heard *heard, uint32_t frame);

/* Whether the protocol's name is one of TLS. */
bool heard_is_tls(const char *protocol);

#endif
