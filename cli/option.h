/* Options as a table: from it come the parser, --help and the completions of the shells.
 *
 * Understood are --name value, --name=value, -n value, -nvalue, bundled flags (-vq), and
 * -- as the end of the options.  Names are never abbreviated: a script that does so would
 * break with the next option. */
#ifndef CLI_OPTION_H
#define CLI_OPTION_H

#include <stdbool.h>
#include <stddef.h>

#include <sonde/error.h>

enum option_type {
	OPTION_FLAG = 0,
	OPTION_TEXT,
	OPTION_FILE,        /* text too, but shells complete it with files */
	OPTION_INT,         /* in [least, most]; both 0: 0 and more */
	OPTION_SIZE,        /* bytes, with k, M or G (1024) */
	OPTION_DURATION,    /* "250ms"; nanoseconds; never negative */
	OPTION_PROBABILITY, /* "10%"; parts of a million */
	OPTION_CHOICE,      /* one of `choices` */
};

struct option {
	const char *name; /* without dashes; NULL ends the table */
	char letter;      /* 0 none */
	enum option_type type;
	const char *argument;       /* "FILE"; NULL for a flag */
	const char *help;           /* no full stop; wrapped by --help */
	bool repeats;               /* may be given more than once */
	long long least, most;      /* both 0: any; of a duration, only `least` */
	const char *const *choices; /* ends with NULL */
	const char *advice;         /* for a size out of range, or NULL */
};

struct option_value {
	const struct option *option;
	const char *text; /* borrowed from argv; NULL for a flag */
	long long number; /* of INT, SIZE, DURATION, PROBABILITY; the index of a CHOICE */
};

/* What a command line said.  Strings are argv's. */
struct arguments {
	struct option_value *values; /* in the order given */
	size_t value_count;
	char **operands; /* ends with NULL, as execvp(3) wants it */
	size_t operand_count;
};

/* Room for a command line of argc words.  0 or -ENOMEM. */
int arguments_init(struct arguments *arguments, int argc);
void arguments_done(struct arguments *arguments);

/* An option of another program that people have in their fingers, and what to write here
 * instead.  It is refused even where our own letters could be made of it ("-oX"); one of
 * a single letter is known in a bundle, too ("-lvnp"). */
struct foreign_option {
	const char *word; /* "-l", "--ssl": whole, as typed; NULL past the last */
	const char *hint;
};

struct option_syntax {
	const char *operation;          /* for error texts: the command's name, or "" */
	const struct option *tables[2]; /* NULL: none */
	bool stops_at_operand;          /* at the first: it and the rest are operands */
	bool has_negative_operands;
	const struct foreign_option *foreign; /* NULL none */
	const char *foreign_of;               /* the other programs */
};

/* Parses words[0..count) and appends to *arguments.  With stop_before_operand it returns
 * at the first operand without taking it.  Returns the number of words that it used, or
 * -EINVAL with *err filled. */
int arguments_parse(struct arguments *arguments, const struct option_syntax *syntax,
		    char **words, int count, bool stop_before_operand,
		    struct sonde_error *err);

/* How often the option was given. */
size_t arguments_count(const struct arguments *arguments, const char *name);
bool arguments_has(const struct arguments *arguments, const char *name);
const char *arguments_text(const struct arguments *arguments, const char *name,
			   const char *fallback);
/* The i-th one of an option that repeats; NULL past the last. */
const char *arguments_nth(const struct arguments *arguments, const char *name, size_t i);
long long arguments_number(const struct arguments *arguments, const char *name,
			   long long fallback);

/* Refuses two options that have no meaning together.  0 or -EINVAL with *err filled. */
int arguments_refuse_both(const struct arguments *arguments, const char *operation,
			  const char *a, const char *b, struct sonde_error *err);

#endif
