/* What the halves of the pattern's parser share. */
#ifndef WEB_PATTERN_PART_H
#define WEB_PATTERN_PART_H

#include "pattern.h"

enum {
	PATTERN_STEPS = 1 << 15, /* of one program */
	PATTERN_GROUPS = 255,
	PATTERN_DEPTH = 200,   /* groups in groups */
	PATTERN_COUNT = 65535, /* in braces */
	PATTERN_NAME = 32,
};

struct pattern_flags {
	bool ignores_case, is_multiline, dot_is_all, is_extended, groups_are_plain;
};

/* How many bytes a piece matches. */
struct pattern_width {
	uint32_t least, most; /* PATTERN_ENDLESS: any number */
};

struct pattern_name {
	char text[PATTERN_NAME + 1];
	uint32_t group;
};

struct pattern_reader {
	struct pattern *pattern;
	const char *text;
	size_t size, at;
	struct pattern_flags flags;
	bool is_quoted;                             /* within \Q...\E */
	uint32_t depth, groups_in_all, referred_to; /* the last group that is */
	struct pattern_name *names;                 /* owned */
	size_t name_count, name_room;
	char *reason;
	size_t reason_size;
	int error; /* sticky */
};

/* Notes the first reason; returns -EINVAL. */
int pattern_refuse(struct pattern_reader *reader, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* The next byte; -1 at the end. */
static inline int pattern_peek(const struct pattern_reader *reader)
{
	return reader->at < reader->size ? (unsigned char)reader->text[reader->at] : -1;
}

/* pattern_set.c: classes and escapes that stand for bytes. */

/* A class, behind its bracket. */
void pattern_read_class(struct pattern_reader *reader, struct pattern_set *ret);
/* d, D, s ... as in \d; false: no such class. */
bool pattern_letter_class(int letter, struct pattern_set *ret);
/* The byte that an escape behind its backslash stands for, at reader->at; PATTERN_NONE: it
 * stands for something else, and nothing was read. */
uint32_t pattern_read_byte(struct pattern_reader *reader, bool in_class);
/* Both cases of the letters that are in it. */
void pattern_fold(struct pattern_set *set);

#endif
