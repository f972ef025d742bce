/* Inside of display filters.
 *
 * A filter goes through three stages, a file or two each:
 *
 *	filter_lex.c      text -> tokens
 *	filter_range.c    what stands in brackets behind a field
 *	filter_parse.c    tokens -> program; filter_operand.c, filter_value.c and
 *	                  filter_time.c read what stands left and right of a relation
 *	filter_run.c      program, fields of a frame -> yes or no
 *	filter_cursor.c   the values of one side of a relation
 *
 * The program is flat: tests in the order of the text, and between them instructions that
 * work on a small stack of answers.  Parsing keeps waiting operators on a stack of its own
 * (Dijkstra's shunting yard), so that hostile nesting meets a limit and not the end of the
 * machine's stack; running never jumps backwards.
 *
 * A field may be in a frame several times, so each side of a relation is a list of values,
 * walked by a cursor and never collected.  What must be changed before it is compared (a
 * slice of several pieces, capital letters, a mask) goes into buffers of the filter. */
#ifndef DISSECT_FILTER_H
#define DISSECT_FILTER_H

#include <sonde/filter.h>

/* ---- values ---- */

struct filter_value {
	uint8_t type;   /* enum sonde_field_type */
	uint8_t prefix; /* of IPV4, IPV6: how many bits count */
	union {
		uint64_t number;
		int64_t integer;
		struct {
			const uint8_t *bytes; /* borrowed */
			uint32_t size;
		} data;
	} u;
};

bool filter_type_is_number(uint8_t type); /* BOOL, UINT, INT */
bool filter_type_is_data(uint8_t type);   /* value.data holds it */
/* "an IPv4 address" */
const char *filter_type_words(uint8_t type);

/* ---- tokens ---- */

enum filter_token_kind {
	TOKEN_END = 0,
	TOKEN_WORD,   /* a name, or a value without quotes */
	TOKEN_STRING, /* decoded */
	TOKEN_CHAR,   /* 'P' */
	TOKEN_RELATION,
	TOKEN_IN,
	TOKEN_AND,
	TOKEN_XOR,
	TOKEN_OR,
	TOKEN_NOT,
	TOKEN_ANY,
	TOKEN_ALL,
	TOKEN_MASK, /* & */
	TOKEN_OPEN,
	TOKEN_CLOSE,
	TOKEN_BRACE_OPEN,
	TOKEN_BRACE_CLOSE,
	TOKEN_BRACKET, /* [ */
	TOKEN_HASH,
	TOKEN_COMMA,
	TOKEN_DOTS, /* .. */
	TOKEN_OTHER,
};

enum filter_relation {
	RELATION_EXISTS = 0,
	RELATION_EQUAL,
	RELATION_NOT_EQUAL,
	RELATION_LESS,
	RELATION_GREATER,
	RELATION_AT_MOST,
	RELATION_AT_LEAST,
	RELATION_CONTAINS,
	RELATION_MATCHES,
	RELATION_IN,
};

struct filter_token {
	uint8_t kind;     /* enum filter_token_kind */
	uint8_t relation; /* of RELATION */
	bool is_all;      /* of RELATION: all values, not any */
	size_t at, length;
	const uint8_t *bytes; /* of WORD, STRING, CHAR; borrowed */
	size_t size;
};

/* ---- the program ---- */

enum filter_range_kind { RANGE_LENGTH = 0, RANGE_TO, RANGE_REST };

/* A piece of a slice, or a choice of layers. */
struct filter_range {
	uint8_t kind;
	int32_t start, other; /* length, or the last one */
};

enum filter_step_kind {
	STEP_SLICE = 0,
	STEP_LOWER,
	STEP_UPPER,
	STEP_STRING,
	STEP_LENGTH,
	STEP_MASK,
};

struct filter_step {
	uint8_t kind;
	uint32_t first_range, range_count;
	struct filter_value mask;
};

enum filter_operand_kind { OPERAND_FIELD = 0, OPERAND_COUNT, OPERAND_CONSTANT };

struct filter_operand {
	uint8_t kind;
	uint8_t type;   /* of the values that come out */
	uint16_t field; /* number */
	const struct sonde_field_info *info;
	uint16_t protocol; /* whose layers are counted, where there are layers */
	uint32_t first_layer, layer_count;
	uint32_t first_step, step_count;
	bool is_wide; /* a protocol with all that it carries */
	struct filter_value constant;
	size_t at, length; /* in the text */
};

struct filter_member {
	uint32_t low, high; /* operands; the same for a single value */
};

struct filter_test {
	uint8_t relation;
	bool is_all;
	uint32_t left, right; /* operands */
	uint32_t first_member, member_count;
	void *regex; /* owned */
};

enum filter_op {
	OP_TEST = 0, /* puts the answer of test `argument` on the stack */
	OP_NOT,      /* turns the top round */
	OP_XOR,      /* two become one */
	OP_SKIP_IF_FALSE, /* a false top stays and is the answer up to `argument`; else it goes */
	OP_SKIP_IF_TRUE,
};

struct filter_instruction {
	uint8_t op;
	uint32_t argument;
};

struct filter_buffer {
	uint8_t *bytes; /* owned */
	size_t capacity;
};

struct sonde_filter {
	struct filter_instruction *instructions;
	size_t instruction_count, instruction_capacity;
	struct filter_test *tests;
	size_t test_count, test_capacity;
	struct filter_operand *operands;
	size_t operand_count, operand_capacity;
	struct filter_step *steps;
	size_t step_count, step_capacity;
	struct filter_range *ranges;
	size_t range_count, range_capacity;
	struct filter_member *members;
	size_t member_count, member_capacity;
	/* Of constants; never moves, because values point into it. */
	uint8_t *arena;
	size_t arena_used, arena_capacity;
	char *text; /* as sonde_filter_text() shows it */
	size_t text_used, text_capacity;
	bool is_name_last; /* what the text ends with */
	const struct sonde_regex *regex;
	uint32_t costly;      /* the test whose expression took too many steps */
	uint16_t frame_field; /* the number of "frame" */
	/* While it runs: two for each side of a relation, taken in turns. */
	struct filter_buffer buffers[2][2];
};

/* ---- parsing ---- */

struct filter_parser {
	struct sonde_filter *filter;
	const char *text;
	size_t size, at;
	struct filter_token token; /* the one to look at */
	size_t end;                /* of the one that was taken last */
	const struct sonde_filter_means *means;
	/* Where it is wrong. */
	struct sonde_filter_place place;
	struct sonde_error *err;
	bool has_error;
};

/* filter_lex.c.  All return 0, -EINVAL with the error told, or -ENOMEM. */
int filter_lex(struct filter_parser *parser);
/* Appends the token to the filter's own text and reads the next one. */
int filter_take(struct filter_parser *parser);
/* Tells the error, the first one only, and returns -EINVAL. */
int filter_refuse(struct filter_parser *parser, size_t at, size_t length,
		  const char *reason, ...) __attribute__((format(printf, 4, 5)));
void filter_hint(struct filter_parser *parser, const char *hint, ...)
	__attribute__((format(printf, 2, 3)));
/* The token was not expected here. */
int filter_refuse_token(struct filter_parser *parser);
/* Room for bytes that live as long as the filter. */
uint8_t *filter_keep(struct filter_parser *parser, size_t size);
/* Behind the filter's own text. */
int filter_append(struct sonde_filter *filter, const char *text, size_t size);
bool filter_is_space(char c);
bool filter_is_digit(char c);
int filter_hex_digit(char c); /* its value, or -1 */

/* filter_range.c, which reads characters, not tokens. */
/* The ranges between brackets; the text is behind '['. */
int filter_lex_ranges(struct filter_parser *parser, bool is_slice, uint32_t *ret_first,
		      uint32_t *ret_count);
/* "#3" and "#[2-3]"; the text is behind '#'. */
int filter_lex_layers(struct filter_parser *parser, uint32_t *ret_first,
		      uint32_t *ret_count);

/* filter_operand.c: a field with what is done to it, or a function. */
int filter_parse_field(struct filter_parser *parser, uint32_t *ret_operand);
/* What stands on the right: a field, or a value of the kind that the left one has. */
int filter_parse_right(struct filter_parser *parser, uint32_t left, uint8_t relation,
		       uint32_t *ret_operand);

/* filter_value.c: the token as a value of this type.  info may be NULL: names of values
 * are then not known. */
int filter_parse_value(struct filter_parser *parser, const struct filter_token *token,
		       uint8_t type, const struct sonde_field_info *info,
		       struct filter_value *ret);

/* filter_time.c.  0, or -EINVAL.  is_local: the text says no zone, and the result is what
 * it would be in UTC. */
int filter_parse_time(const char *text, size_t size, int64_t *ret_ns, bool *ret_is_local);
int filter_parse_duration(const char *text, size_t size, int64_t *ret_ns);

#endif
