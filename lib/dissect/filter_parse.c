/* Display filters: tokens to a flat program.
 *
 * Operators that wait for their right side are kept on a stack of fixed size and go into
 * the program when one that binds less tightly comes: not before and before xor before or,
 * as in Wireshark 4.2.  What stands between them is a test: a relation, or a field alone. */
#include <errno.h>
#include <string.h>

#include "base/array.h"
#include "base/limits.h"
#include "dissect/filter.h"

enum binding { BINDING_OPEN = 0, BINDING_OR, BINDING_XOR, BINDING_AND, BINDING_NOT };

struct waiting {
	uint8_t binding;
	uint32_t skip; /* of AND, OR: the instruction that will jump to what follows */
	size_t at;
};

struct stack {
	struct waiting waiting[LIMIT_FILTER_DEPTH];
	size_t used;
};

static int emit(struct filter_parser *parser, enum filter_op op, uint32_t argument)
{
	struct sonde_filter *filter = parser->filter;
	int r = array_reserve(&filter->instructions, &filter->instruction_capacity,
			      filter->instruction_count + 1,
			      sizeof(*filter->instructions));

	if (r < 0)
		return r;
	filter->instructions[filter->instruction_count++] =
		(struct filter_instruction){.op = (uint8_t)op, .argument = argument};
	return 0;
}

static void land(struct filter_parser *parser, uint32_t skip)
{
	parser->filter->instructions[skip].argument =
		(uint32_t)parser->filter->instruction_count;
}

/* ---- tests ---- */

static int add_test(struct filter_parser *parser, const struct filter_test *test)
{
	struct sonde_filter *filter = parser->filter;
	int r = array_reserve(&filter->tests, &filter->test_capacity,
			      filter->test_count + 1, sizeof(*filter->tests));

	if (r < 0)
		return r;
	filter->tests[filter->test_count++] = *test;
	return emit(parser, OP_TEST, (uint32_t)filter->test_count - 1);
}

static const struct filter_operand *left_of(const struct filter_parser *parser,
					    const struct filter_test *test)
{
	return &parser->filter->operands[test->left];
}

static int check_relation(struct filter_parser *parser, const struct filter_test *test)
{
	const struct filter_operand *left = left_of(parser, test);
	bool is_plain =
		left->type == SONDE_FIELD_BYTES || left->type == SONDE_FIELD_PROTOCOL ||
		left->type == SONDE_FIELD_TEXT || left->type == SONDE_FIELD_ETHERNET;
	int r;

	if (left->type == SONDE_FIELD_NOTE) {
		r = filter_refuse(parser, left->at, left->length,
				  "a note has no value to compare");
		filter_hint(parser, "it is there or not: write it alone");
		return r;
	}
	if ((test->relation == RELATION_CONTAINS || test->relation == RELATION_MATCHES) &&
	    !is_plain) {
		r = filter_refuse(parser, left->at, left->length,
				  "%s is nothing to search in",
				  filter_type_words(left->type));
		if (filter_type_is_number(left->type) || left->type == SONDE_FIELD_IPV4 ||
		    left->type == SONDE_FIELD_IPV6)
			filter_hint(parser, "string(%.*s) makes it text",
				    (int)left->length, parser->text + left->at);
		return r;
	}
	return 0;
}

static int compile_regex(struct filter_parser *parser, struct filter_test *test)
{
	const struct filter_operand *right = &parser->filter->operands[test->right];
	const struct sonde_regex *regex = parser->filter->regex;
	char reason[128] = "";

	if (!regex)
		return filter_refuse(parser, right->at, right->length,
				     "regular expressions are not built in");
	test->regex =
		regex->compile((const char *)right->constant.u.data.bytes,
			       right->constant.u.data.size, true, reason, sizeof(reason));
	if (test->regex)
		return 0;
	return filter_refuse(parser, right->at, right->length,
			     "no regular expression: %s", reason);
}

static int parse_comparison(struct filter_parser *parser, struct filter_test *test)
{
	int r;

	test->relation = parser->token.relation;
	r = check_relation(parser, test);
	if (test->relation == RELATION_CONTAINS || test->relation == RELATION_MATCHES)
		parser->filter->operands[test->left].is_wide =
			left_of(parser, test)->type == SONDE_FIELD_PROTOCOL;
	if (r == 0)
		r = filter_take(parser);
	if (r == 0)
		r = filter_parse_right(parser, test->left, test->relation, &test->right);
	if (r == 0 && test->relation == RELATION_MATCHES)
		r = compile_regex(parser, test);
	if (r == 0) {
		r = add_test(parser, test);
		if (r < 0 && test->regex)
			parser->filter->regex->free(test->regex);
	}
	return r;
}

static int parse_member(struct filter_parser *parser, struct filter_test *test)
{
	struct sonde_filter *filter = parser->filter;
	struct filter_member member;
	int r = filter_parse_right(parser, test->left, RELATION_IN, &member.low);

	member.high = member.low;
	if (r == 0 && parser->token.kind == TOKEN_DOTS) {
		r = filter_take(parser);
		if (r == 0)
			r = filter_parse_right(parser, test->left, RELATION_IN,
					       &member.high);
	}
	if (r == 0)
		r = array_reserve(&filter->members, &filter->member_capacity,
				  filter->member_count + 1, sizeof(*filter->members));
	if (r < 0)
		return r;
	filter->members[filter->member_count++] = member;
	test->member_count++;
	return 0;
}

static int parse_set(struct filter_parser *parser, struct filter_test *test,
		     bool is_turned)
{
	int r;

	test->relation = RELATION_IN;
	r = check_relation(parser, test);
	if (r == 0)
		r = filter_take(parser);
	if (r == 0 && parser->token.kind != TOKEN_BRACE_OPEN) {
		r = filter_refuse_token(parser);
		filter_hint(parser, "a set stands in braces: in {80, 443, 8000..8080}");
	}
	test->first_member = (uint32_t)parser->filter->member_count;
	do {
		if (r == 0)
			r = filter_take(parser);
		if (r == 0)
			r = parse_member(parser, test);
	} while (r == 0 && parser->token.kind == TOKEN_COMMA);
	if (r == 0 && parser->token.kind != TOKEN_BRACE_CLOSE)
		r = filter_refuse_token(parser);
	if (r == 0)
		r = filter_take(parser);
	if (r == 0)
		r = add_test(parser, test);
	if (r == 0 && is_turned)
		r = emit(parser, OP_NOT, 0);
	return r;
}

/* "not" begins a set only where "in" follows: `tcp.port not in {80}`. */
static bool is_not_in(const struct filter_parser *parser)
{
	struct filter_parser ahead = *parser;

	if (parser->token.kind != TOKEN_NOT)
		return false;
	while (ahead.at < ahead.size && ahead.text[ahead.at] == ' ')
		ahead.at++;
	return ahead.size - ahead.at >= 2 &&
	       memcmp(ahead.text + ahead.at, "in", 2) == 0 &&
	       (ahead.at + 2 == ahead.size || ahead.text[ahead.at + 2] == ' ' ||
		ahead.text[ahead.at + 2] == '{');
}

static int parse_bare(struct filter_parser *parser, struct filter_test *test)
{
	const struct filter_operand *left = left_of(parser, test);
	const struct filter_step *last =
		left->step_count
			? &parser->filter->steps[left->first_step + left->step_count - 1]
			: NULL;

	if (left->kind == OPERAND_COUNT ||
	    (last && last->kind != STEP_SLICE && last->kind != STEP_MASK)) {
		int r = filter_refuse(parser, left->at, left->length,
				      "a function alone asks nothing");
		filter_hint(parser, "compare it, as in len(tcp) > 20");
		return r;
	}
	test->relation = RELATION_EXISTS;
	return add_test(parser, test);
}

/* a == 1, a < b <= 3, a in {1, 2}, a */
static int parse_test(struct filter_parser *parser)
{
	struct filter_test test = {0};
	uint8_t kind = parser->token.kind;
	bool has_quantifier = kind == TOKEN_ANY || kind == TOKEN_ALL;
	uint32_t skip;
	int r = 0;

	if (has_quantifier)
		r = filter_take(parser);
	if (r == 0)
		r = filter_parse_field(parser, &test.left);
	if (r < 0)
		return r;
	test.is_all = kind == TOKEN_ALL;
	if (parser->token.kind == TOKEN_IN)
		return parse_set(parser, &test, false);
	if (is_not_in(parser)) {
		r = filter_take(parser);
		return r == 0 ? parse_set(parser, &test, true) : r;
	}
	if (parser->token.kind != TOKEN_RELATION) {
		if (has_quantifier)
			return filter_refuse_token(parser);
		return parse_bare(parser, &test);
	}
	for (;;) {
		if (!has_quantifier)
			test.is_all = parser->token.is_all;
		r = parse_comparison(parser, &test);
		if (r < 0 || parser->token.kind != TOKEN_RELATION)
			return r;
		/* a < b < c: both hold. */
		skip = (uint32_t)parser->filter->instruction_count;
		if (parser->filter->operands[test.right].kind == OPERAND_CONSTANT)
			return filter_refuse_token(parser);
		test = (struct filter_test){.left = test.right, .is_all = test.is_all};
		r = emit(parser, OP_SKIP_IF_FALSE, 0);
		if (!has_quantifier)
			test.is_all = parser->token.is_all;
		if (r == 0)
			r = parse_comparison(parser, &test);
		if (r < 0)
			return r;
		land(parser, skip);
		if (parser->token.kind != TOKEN_RELATION)
			return 0;
		return filter_refuse_token(parser);
	}
}

/* ---- what stands between tests ---- */

static int push(struct filter_parser *parser, struct stack *stack, enum binding binding,
		size_t at)
{
	if (stack->used == LIMIT_FILTER_DEPTH)
		return filter_refuse(parser, at, 1, "nested deeper than %d",
				     LIMIT_FILTER_DEPTH);
	stack->waiting[stack->used++] = (struct waiting){
		.binding = (uint8_t)binding,
		.skip = (uint32_t)parser->filter->instruction_count,
		.at = at,
	};
	return 0;
}

/* Into the program with all that bind at least as tightly. */
static int pop(struct filter_parser *parser, struct stack *stack, enum binding least)
{
	int r = 0;

	while (r == 0 && stack->used > 0 &&
	       stack->waiting[stack->used - 1].binding >= least) {
		const struct waiting *top = &stack->waiting[--stack->used];
		if (top->binding == BINDING_NOT)
			r = emit(parser, OP_NOT, 0);
		else if (top->binding == BINDING_XOR)
			r = emit(parser, OP_XOR, 0);
		else
			land(parser, top->skip);
	}
	return r;
}

static int parse_operator(struct filter_parser *parser, struct stack *stack)
{
	static const struct {
		uint8_t token, binding, op;
	} operators[] = {
		{TOKEN_AND, BINDING_AND, OP_SKIP_IF_FALSE},
		{TOKEN_OR, BINDING_OR, OP_SKIP_IF_TRUE},
		{TOKEN_XOR, BINDING_XOR, OP_XOR},
	};
	size_t at = parser->token.at;

	for (size_t i = 0; i < sizeof(operators) / sizeof(operators[0]); i++) {
		int r;
		if (operators[i].token != parser->token.kind)
			continue;
		r = pop(parser, stack, (enum binding)operators[i].binding);
		if (r == 0)
			r = push(parser, stack, (enum binding)operators[i].binding, at);
		if (r == 0 && operators[i].op != OP_XOR)
			r = emit(parser, (enum filter_op)operators[i].op, 0);
		return r == 0 ? filter_take(parser) : r;
	}
	return filter_refuse_token(parser);
}

static int close_parenthesis(struct filter_parser *parser, struct stack *stack)
{
	int r = pop(parser, stack, BINDING_OR);

	if (r < 0)
		return r;
	if (stack->used == 0)
		return filter_refuse(parser, parser->token.at, 1,
				     "closes what was not opened");
	stack->used--;
	return filter_take(parser);
}

static int finish(struct filter_parser *parser, struct stack *stack)
{
	int r = pop(parser, stack, BINDING_OR);

	if (r == 0 && stack->used > 0)
		return filter_refuse(parser, stack->waiting[stack->used - 1].at, 1,
				     "this parenthesis is not closed");
	return r;
}

static int parse_filter(struct filter_parser *parser)
{
	struct stack stack = {.used = 0};
	bool wants_test = true;
	int r = filter_lex(parser);

	if (r < 0 || parser->token.kind == TOKEN_END)
		return r;
	while (r == 0) {
		uint8_t kind = parser->token.kind;
		if (wants_test && (kind == TOKEN_NOT || kind == TOKEN_OPEN)) {
			r = push(parser, &stack,
				 kind == TOKEN_NOT ? BINDING_NOT : BINDING_OPEN,
				 parser->token.at);
			if (r == 0)
				r = filter_take(parser);
		} else if (wants_test) {
			r = parse_test(parser);
			wants_test = false;
		} else if (kind == TOKEN_CLOSE) {
			r = close_parenthesis(parser, &stack);
		} else if (kind == TOKEN_END) {
			return finish(parser, &stack);
		} else {
			r = parse_operator(parser, &stack);
			wants_test = true;
		}
	}
	return r;
}

/* ---- the whole ---- */

int sonde_filter_new(const char *text, const struct sonde_filter_means *means,
		     struct sonde_filter **ret, struct sonde_filter_place *ret_place,
		     struct sonde_error *err)
{
	struct sonde_error unused = {0};
	struct filter_parser parser = {
		.text = text,
		.size = strlen(text),
		.means = means,
		.err = err ? err : &unused,
	};
	/* Bytes of constants are fewer than their text's, but for IPv6 addresses, which
	 * may be written in two characters. */
	size_t arena = 8 * (parser.size < LIMIT_FILTER_TEXT ? parser.size : 0) + 16;
	int r;

	parser.filter = array_new(1, sizeof(*parser.filter));
	if (!parser.filter)
		return -ENOMEM;
	parser.filter->regex = means ? means->regex : NULL;
	parser.filter->arena = array_new(arena, 1);
	parser.filter->arena_capacity = arena;
	parser.filter->frame_field = (uint16_t)sonde_field_find("frame", 5);
	r = parser.filter->arena ? array_reserve(&parser.filter->text,
						 &parser.filter->text_capacity, 1, 1)
				 : -ENOMEM;
	if (r == 0 && parser.size >= LIMIT_FILTER_TEXT)
		r = filter_refuse(&parser, 0, 1, "longer than %d bytes",
				  LIMIT_FILTER_TEXT - 1);
	if (r == 0)
		r = parse_filter(&parser);
	if (r == 0) {
		*ret = parser.filter;
		return 0;
	}
	if (r == -EINVAL && ret_place)
		*ret_place = parser.place;
	sonde_filter_free(parser.filter);
	return r;
}

void sonde_filter_free(struct sonde_filter *filter)
{
	if (!filter)
		return;
	for (size_t i = 0; i < filter->test_count; i++) {
		if (filter->regex && filter->tests[i].regex)
			filter->regex->free(filter->tests[i].regex);
	}
	for (size_t i = 0; i < 4; i++)
		array_free(filter->buffers[i / 2][i % 2].bytes);
	array_free(filter->instructions);
	array_free(filter->tests);
	array_free(filter->operands);
	array_free(filter->steps);
	array_free(filter->ranges);
	array_free(filter->members);
	array_free(filter->arena);
	array_free(filter->text);
	array_free(filter);
}

const char *sonde_filter_text(const struct sonde_filter *filter)
{
	return filter->text;
}

int sonde_filter_want(const struct sonde_filter *filter,
		      struct sonde_dissector *dissector)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < filter->operand_count; i++) {
		const struct filter_operand *operand = &filter->operands[i];
		if (operand->kind == OPERAND_CONSTANT)
			continue;
		r = sonde_dissector_want(dissector, operand->field);
		if (operand->is_wide)
			sonde_dissector_want_headers(dissector);
		if (r == 0 && operand->is_wide)
			r = sonde_dissector_want(dissector, filter->frame_field);
		if (r == 0 && operand->layer_count > 0)
			r = sonde_dissector_want(dissector, operand->protocol);
	}
	return r;
}
