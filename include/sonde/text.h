/* Text in storage of a fixed size, and text from the network made safe to show. */
#ifndef SONDE_TEXT_H
#define SONDE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/export.h>

/* A string builder over the caller's storage.  It is always NUL-terminated; what does not
 * fit is left out and `cut` says so (never in the middle of a UTF-8 sequence), and
 * nothing is added behind a cut. */
struct sonde_text {
	char *chars;     /* borrowed */
	size_t capacity; /* bytes, NUL included; at least 1 */
	size_t used;     /* bytes, NUL excluded */
	bool cut;
};

SONDE_API void sonde_text_init(struct sonde_text *text, char *storage, size_t capacity);
SONDE_API void sonde_text_add(struct sonde_text *text, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
SONDE_API void sonde_text_add_list(struct sonde_text *text, const char *format,
				   va_list arguments)
	__attribute__((format(printf, 2, 0)));
SONDE_API void sonde_text_add_bytes(struct sonde_text *text, const char *chars, size_t n);

/* Adds bytes as a person may read them: printable UTF-8 as it is; \n \r \t \0 \\ and \xNN
 * for C0 and C1 controls, DEL, and bytes that are not UTF-8; U+202A..U+202E,
 * U+2066..U+2069 (which reorder a line) as \u202E. */
SONDE_API void sonde_text_add_escaped(struct sonde_text *text, const void *bytes,
				      size_t n);

/* The same, but a backslash stays one, as Wireshark shows it: safe, but not to be undone. */
SONDE_API void sonde_text_add_shown(struct sonde_text *text, const void *bytes, size_t n);

/* Length of the valid UTF-8 sequence (RFC 3629) at the start of bytes[0..n), and its code
 * point; 0 where there is none. */
SONDE_API size_t sonde_text_decode_utf8(const void *bytes, size_t n, unsigned *ret_code);
/* Whether all of bytes[0..n) are such sequences. */
SONDE_API bool sonde_text_is_utf8(const void *bytes, size_t n);
/* The greatest length <= n at which bytes[0..n) can be cut without parting a sequence that
 * is incomplete at n. */
SONDE_API size_t sonde_text_whole_utf8(const void *bytes, size_t n);

/* Decimal digits without a NUL, fast: of the number, as many as it has (20 at most), which
 * is returned; or its last `digits` ones (10 at most), with zeros in front. */
SONDE_API size_t sonde_text_put_number(uint64_t number, char *to);
SONDE_API void sonde_text_put_digits(uint32_t number, char *to, unsigned digits);

/* Parses durations: "250ms", "5s", "2m", "1h", "10us", "7ns"; a unit is required, a
 * fraction is allowed ("1.5s").  Returns nanoseconds, or -EINVAL / -ERANGE (also for what
 * is more than 0 but less than a nanosecond). */
SONDE_API long long sonde_text_parse_duration(const char *text);

/* "1.23 ms", "12.0 us", "3.50 s", "532 ns": three significant digits, a unit with a
 * space; from 1000 s on whole seconds. */
SONDE_API void sonde_text_add_duration(struct sonde_text *text, long long duration_ns);

/* A whole decimal number in [least, most], nothing before or after it.  Returns 0,
 * -EINVAL where it is no number, -ERANGE. */
SONDE_API int sonde_text_parse_int(const char *text, long long least, long long most,
				   long long *ret);

/* The one of words[0..count) that is nearest to text (Damerau-Levenshtein distance at
 * most a third of its length, at least 1), or NULL. */
SONDE_API const char *sonde_text_nearest(const char *text, const char *const *words,
					 size_t count);

#endif
