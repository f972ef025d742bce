/* Regular expressions of the page: those of PCRE2 that a filter has use for, over bytes.
 *
 * The browser's own expressions cannot be stopped: one that repeats what repeats, as in
 * (a+)+$, would hang the page for ever.  Here each step is counted, and there are only so
 * many for one match and for one filter.
 *
 * A pattern becomes a program for a machine that tries one way after the other:
 *
 *	program   instructions, with jumps relative to themselves, so that a piece can be
 *	          moved and copied as it is
 *	stack     where to go on when a way ends (a branch, or a repetition that gives back
 *	          a byte), and what registers held before
 *	registers where groups begin and end, where a loop's turn began, how high the stack
 *	          was
 *
 * What is not there (recursion, conditions, verbs, properties) is refused by name. */
#ifndef WEB_PATTERN_H
#define WEB_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum pattern_op {
	PATTERN_BYTES,  /* one of set a */
	PATTERN_REPEAT, /* of set a, b to c times; how: enum pattern_how */
	PATTERN_SPLIT,  /* goes on at a; if that fails at b */
	PATTERN_JUMP,   /* to a */
	PATTERN_SAVE,   /* the position into register a */
	PATTERN_AGAIN,  /* to a, unless the turn that began at register b was empty */
	PATTERN_PLACE,  /* only at such a place; how: enum pattern_place */
	PATTERN_BACK,   /* a bytes back */
	PATTERN_SAME,   /* what group a matched; how: without regard to case */
	PATTERN_HOLD,   /* the stack's height into register a */
	PATTERN_CUT,    /* no other way since register a */
	PATTERN_LOOKED, /* the same, and back to the position in register b */
	PATTERN_UNLESS, /* goes on at b once what follows has failed; height into a */
	PATTERN_FORBID, /* what follows UNLESS did not fail: fails, as of register a */
	PATTERN_NEVER,  /* fails */
	PATTERN_MATCHED,
};

enum pattern_how { PATTERN_GREEDY, PATTERN_LAZY, PATTERN_POSSESSIVE };

enum pattern_place {
	PLACE_START,
	PLACE_END,
	PLACE_LAST_LINE_END, /* the end, or before a line feed that is the last byte */
	PLACE_LINE_START,
	PLACE_LINE_END,
	PLACE_WORD_EDGE,
	PLACE_NO_WORD_EDGE,
};

#define PATTERN_ENDLESS UINT32_MAX

struct pattern_step {
	uint8_t op, how;
	uint32_t a, b, c; /* jumps: added to the step's own place, as two's complement */
};

struct pattern_set {
	uint32_t bits[8];
};

/* Where to go on, or what to put back. */
struct pattern_way {
	uint32_t kind, step, at, more;
};

struct pattern {
	struct pattern_step *steps;
	size_t step_count, step_room;
	struct pattern_set *sets;
	size_t set_count, set_room;
	uint32_t group_count, register_count;
	uint32_t *registers;      /* of the machine; group g: 2g and 2g + 1 */
	struct pattern_way *ways; /* its stack */
	size_t way_room;
	struct pattern_set first; /* bytes that a match may begin with */
	bool has_first, is_anchored;
};

#define PATTERN_NONE UINT32_MAX

/* 0, or -EINVAL with a reason of at most `size` bytes, or -ENOMEM. */
int pattern_parse(const char *text, size_t n, bool ignore_case, struct pattern *ret,
		  char *reason, size_t size);
void pattern_done(struct pattern *pattern);

/* 1 it is found somewhere, 0 it is not; -ELOOP: it took all of *budget, from which the
 * steps are taken, or a stack that is too high; -ENOMEM. */
int pattern_match(struct pattern *pattern, const uint8_t *bytes, size_t n,
		  uint64_t *budget);

static inline bool pattern_has(const struct pattern_set *set, uint8_t byte)
{
	return set->bits[byte >> 5] >> (byte & 31) & 1;
}

static inline void pattern_add(struct pattern_set *set, uint8_t byte)
{
	set->bits[byte >> 5] |= UINT32_C(1) << (byte & 31);
}

#endif
