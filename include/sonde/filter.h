/* Display filters, in Wireshark's language (wireshark-filter(4)): text in, a decision for
 * each dissected frame out.  Pure. */
#ifndef SONDE_FILTER_H
#define SONDE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/dissect.h>

struct sonde_filter;

/* Regular expressions are lent by the caller: a program has PCRE2 (sonde_regex_pcre2()), a
 * page its browser's. */
struct sonde_regex {
	/* NULL, with a reason of at most `size` bytes, for what is no expression. */
	void *(*compile)(const char *pattern, size_t n, bool ignore_case, char *reason,
			 size_t size);
	bool (*match)(void *compiled, const uint8_t *bytes, size_t n);
	void (*free)(void *compiled);
};

/* Where a filter is wrong: bytes [at, at + length) of its text. */
struct sonde_filter_place {
	size_t at, length;
};

/* regex: NULL: `matches` is refused.  0, -EINVAL with *err and *ret_place filled, or -ENOMEM.  An empty text lets all through. */
SONDE_API int sonde_filter_new(const char *text, const struct sonde_regex *regex,
			       struct sonde_filter **ret,
			       struct sonde_filter_place *ret_place,
			       struct sonde_error *err);
SONDE_API void sonde_filter_free(struct sonde_filter *filter);

/* Makes the dissector give the fields that the filter asks about. */
SONDE_API int sonde_filter_want(const struct sonde_filter *filter,
				struct sonde_dissector *dissector);
SONDE_API bool sonde_filter_match(const struct sonde_filter *filter,
				  const struct sonde_dissection *dissection);

#endif
