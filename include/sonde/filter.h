/* Display filters, in Wireshark's language (wireshark-filter(4), version 4.0): text in, a
 * decision for each dissected frame out.  Pure. */
#ifndef SONDE_FILTER_H
#define SONDE_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <sonde/dissect.h>

struct sonde_filter;

/* Regular expressions are lent by the caller: a program has PCRE2 (sonde_regex_pcre2()), a
 * page a small engine of its own (web/pattern.h). */
struct sonde_regex {
	/* NULL, with a reason of at most `size` bytes, for what is no expression. */
	void *(*compile)(const char *pattern, size_t n, bool ignore_case, char *reason,
			 size_t size);
	/* 1 it is somewhere in there, 0 it is not; -ELOOP: that takes too many steps to be
	 * told, -ENOMEM. */
	int (*match)(void *compiled, const uint8_t *bytes, size_t n);
	void (*free)(void *compiled);
};

/* PCRE2, with limits on what one match may cost.  Static. */
SONDE_API const struct sonde_regex *sonde_regex_pcre2(void);

/* What a filter cannot know by itself; borrowed until it is freed. */
struct sonde_filter_means {
	const struct sonde_regex *regex; /* NULL: `matches` is refused */
	/* How many seconds local time is ahead of UTC when a local clock shows local_s
	 * seconds since 1970.  NULL: times without a zone are UTC. */
	int64_t (*utc_offset_s)(int64_t local_s);
};

/* Where a filter is wrong: bytes [at, at + length) of its text; length 0: at its end. */
struct sonde_filter_place {
	size_t at, length;
};

/* means may be NULL: none.  0, -EINVAL with *err and *ret_place filled, or -ENOMEM.  An
 * empty text lets all through. */
SONDE_API int sonde_filter_new(const char *text, const struct sonde_filter_means *means,
			       struct sonde_filter **ret,
			       struct sonde_filter_place *ret_place,
			       struct sonde_error *err);
SONDE_API void sonde_filter_free(struct sonde_filter *filter);

/* The filter in one spelling (== for eq, one space between words); a filter of that text
 * decides alike and has the same text.  Borrowed. */
SONDE_API const char *sonde_filter_text(const struct sonde_filter *filter);

/* Makes the dissector give the fields that the filter asks about.  0 or -ENOMEM. */
SONDE_API int sonde_filter_want(const struct sonde_filter *filter,
				struct sonde_dissector *dissector);
/* Whether nothing but frames of one conversation can pass: then the number of its stream is
 * for sonde_dissector_only_stream(). */
SONDE_API bool sonde_filter_stream(const struct sonde_filter *filter, bool *ret_is_tcp,
				   uint32_t *ret_number);
/* 1 the frame passes, 0 it does not, -ENOMEM; -ELOOP: an expression of `matches` takes too
 * many steps, and whether the frame passes is not known.  The filter is not const: it keeps buffers,
 * so that nothing is allocated for each frame. */
SONDE_API int sonde_filter_match(struct sonde_filter *filter,
				 const struct sonde_dissection *dissection);
/* Behind -ELOOP: which expression it was, at that frame. */
SONDE_API void sonde_filter_trouble(const struct sonde_filter *filter, uint32_t frame,
				    struct sonde_filter_place *ret_place,
				    struct sonde_error *err);

#endif
