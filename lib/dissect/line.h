/* Protocols of text lines, and secrets in them. */
#ifndef DISSECT_LINE_H
#define DISSECT_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sonde_dissector;
struct span;

/* What a secret is shown as. */
#define LINE_MASK "********"

enum { LINE_MOST = 1 << 16 }; /* bytes: a longer one is taken in parts */

/* Bytes of bytes[0..n) up to the last line that is whole; 0 where none is and more may
 * come. */
ssize_t lines_whole(const uint8_t *bytes, size_t n);
/* Length of the line at the start, with its end; n where it has none. */
size_t line_length(const uint8_t *bytes, size_t n);
/* The same without CR and LF. */
size_t line_content(const uint8_t *bytes, size_t n);
/* The word at *at: its length, and *at behind it and the spaces that follow. */
size_t line_word(const uint8_t *bytes, size_t n, size_t *at, size_t *ret_start);
bool line_is(const uint8_t *bytes, size_t n, const char *word); /* in any case */

/* Adds a text: as it was sent where secrets are shown, else masked. */
void line_add_secret(struct sonde_dissector *d, unsigned own, const struct span *span,
		     uint32_t at, uint32_t length, const char *text, size_t size);
/* RFC 4648 base64 of a line; decoded into memory of the frame.  NULL: it is none. */
const char *line_decode(struct sonde_dissector *d, const uint8_t *bytes, size_t n,
			size_t *ret_size);
/* From here on the conversation is TLS's. */
void line_start_tls(struct sonde_dissector *d);

#endif
