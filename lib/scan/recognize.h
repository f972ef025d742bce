/* What a service is, by its words: bytes in, a name out. */
#ifndef SCAN_RECOGNIZE_H
#define SCAN_RECOGNIZE_H

#include <stddef.h>
#include <stdint.h>

/* What an open port that says nothing by itself is asked. */
struct question {
	const char *name;
	uint16_t port; /* where it is asked first; 0: anywhere */
	const uint8_t *bytes;
	size_t n;
};

/* The i-th question for a port, the most likely first; NULL past the last. */
const struct question *recognize_question(uint16_t port, size_t i);

/* The service that says bytes[0..n), after a question or (NULL) by itself.  NULL where
 * they prove none.  Static. */
const char *recognize(const struct question *asked, const uint8_t *bytes, size_t n);
/* The same of a datagram that answers what this port is asked. */
const char *recognize_datagram(uint16_t port, const uint8_t *asked, size_t asked_bytes,
			       const uint8_t *bytes, size_t n);

#endif
