/* Writing text that is known to fit, piece by piece: each returns where the next one goes.
 * For texts that are made for every packet. */
#ifndef BASE_PUT_H
#define BASE_PUT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <sonde/text.h>

/* Of a constant, a store or two. */
static inline __attribute__((always_inline)) char *put_text(char *to, const char *text)
{
	size_t n = strlen(text);

	/* The checked memcpy() would be called, as nobody knows what is left at `to`. */
	__builtin_memcpy(to, text, n);
	return to + n;
}

static inline char *put_number(char *to, uint64_t number)
{
	return to + sonde_text_put_number(number, to);
}

#endif
