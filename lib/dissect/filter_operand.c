/* Display filters: the sides of a relation.  A field, perhaps of certain layers, then
 * slices and masks from left to right; or a function of such a field; or a value. */
#include <errno.h>
#include <string.h>

#include <sonde/text.h>

#include "base/array.h"
#include "dissect/filter.h"

enum function {
	FUNCTION_LOWER = 0,
	FUNCTION_UPPER,
	FUNCTION_LENGTH,
	FUNCTION_COUNT,
	FUNCTION_STRING,
	FUNCTION_NONE,
};

static const char *const function_names[] = {
	[FUNCTION_LOWER] = "lower",   [FUNCTION_UPPER] = "upper",
	[FUNCTION_LENGTH] = "len",    [FUNCTION_COUNT] = "count",
	[FUNCTION_STRING] = "string",
};

static struct filter_operand *operand_of(struct filter_parser *parser, uint32_t index)
{
	return &parser->filter->operands[index];
}

static int add_operand(struct filter_parser *parser, const struct filter_operand *operand,
		       uint32_t *ret)
{
	struct sonde_filter *filter = parser->filter;
	int r = array_reserve(&filter->operands, &filter->operand_capacity,
			      filter->operand_count + 1, sizeof(*filter->operands));

	if (r < 0)
		return r;
	*ret = (uint32_t)filter->operand_count;
	filter->operands[filter->operand_count++] = *operand;
	return 0;
}

/* Steps of one operand lie side by side: it is the last one that was begun. */
static int add_step(struct filter_parser *parser, struct filter_operand *operand,
		    const struct filter_step *step)
{
	struct sonde_filter *filter = parser->filter;
	int r = array_reserve(&filter->steps, &filter->step_capacity,
			      filter->step_count + 1, sizeof(*filter->steps));

	if (r < 0)
		return r;
	if (operand->step_count == 0)
		operand->first_step = (uint32_t)filter->step_count;
	filter->steps[filter->step_count++] = *step;
	operand->step_count++;
	return 0;
}

/* A point in front says that it is no value: ".fc". */
static int find_field(const struct filter_token *token)
{
	size_t skip = token->size > 1 && token->bytes[0] == '.';

	return sonde_field_find((const char *)token->bytes + skip, token->size - skip);
}

/* For names that Wireshark knows. */
static const char *used_instead(const struct filter_token *token)
{
	const char *name = (const char *)token->bytes;

	if (token->size >= 3 && memcmp(name, "ssl", 3) == 0 &&
	    (token->size == 3 || name[3] == '.'))
		return "it is called tls, with all its fields";
	if (token->size >= 10 && memcmp(name, "_ws.expert", 10) == 0)
		return "sonde has no expert information; tcp.analysis.flags and "
		       "_ws.malformed are the most of it";
	return NULL;
}

static int refuse_unknown(struct filter_parser *parser)
{
	const struct filter_token *token = &parser->token;
	const char *nearest = NULL, *instead = NULL;
	int r;

	if (token->kind != TOKEN_WORD && token->kind != TOKEN_STRING &&
	    token->kind != TOKEN_CHAR)
		return filter_refuse_token(parser);
	r = filter_refuse(parser, token->at, token->length, "no such field or protocol");
	if (token->kind == TOKEN_WORD)
		instead = used_instead(token);
	if (token->kind == TOKEN_WORD && !instead)
		nearest = sonde_field_nearest((const char *)token->bytes, token->size);
	if (instead)
		filter_hint(parser, "%s", instead);
	else if (nearest)
		filter_hint(parser, "did you mean %s?", nearest);
	else
		filter_hint(parser,
			    "sonde read --fields lists all; a field stands on the "
			    "left, a value on the right");
	return r;
}

/* ---- what follows a field ---- */

static int parse_layers(struct filter_parser *parser, struct filter_operand *operand)
{
	const char *name = operand->info->name;
	const char *point = strchr(name, '.');
	int protocol =
		sonde_field_find(name, point ? (size_t)(point - name) : strlen(name));

	if (protocol < 0)
		return filter_refuse(parser, parser->token.at, parser->token.length,
				     "%s belongs to no layer", name);
	operand->protocol = (uint16_t)protocol;
	return filter_lex_layers(parser, &operand->first_layer, &operand->layer_count);
}

static int parse_slice(struct filter_parser *parser, struct filter_operand *operand)
{
	struct filter_step step = {.kind = STEP_SLICE};
	int r;

	if (!filter_type_is_data(operand->type) && operand->type != SONDE_FIELD_IPV4)
		return filter_refuse(parser, operand->at, operand->length,
				     "%s has no bytes to take a slice of",
				     filter_type_words(operand->type));
	r = filter_lex_ranges(parser, true, &step.first_range, &step.range_count);
	if (r < 0)
		return r;
	operand->type = SONDE_FIELD_BYTES;
	return add_step(parser, operand, &step);
}

static int parse_mask(struct filter_parser *parser, struct filter_operand *operand)
{
	struct filter_step step = {.kind = STEP_MASK};
	const struct sonde_field_info *info = operand->step_count ? NULL : operand->info;
	struct filter_token *token = &parser->token;
	int r;

	if (operand->type == SONDE_FIELD_BOOL || operand->type == SONDE_FIELD_PROTOCOL ||
	    operand->type == SONDE_FIELD_TEXT || operand->type == SONDE_FIELD_TIME ||
	    operand->type == SONDE_FIELD_DURATION || operand->type == SONDE_FIELD_NOTE) {
		r = filter_refuse(parser, operand->at, operand->length,
				  "%s has no bits to mask",
				  filter_type_words(operand->type));
		filter_hint(parser, "did you mean &&?");
		return r;
	}
	r = filter_take(parser);
	if (r < 0)
		return r;
	if (token->kind == TOKEN_STRING || token->kind == TOKEN_END ||
	    (token->kind != TOKEN_WORD && token->kind != TOKEN_CHAR))
		return filter_refuse_token(parser);
	if (token->kind == TOKEN_WORD && find_field(token) >= 0 && token->bytes[0] > '9')
		return filter_refuse(parser, token->at, token->length,
				     "a mask is a number, not a field");
	r = filter_parse_value(parser, token, operand->type, info, &step.mask);
	if (r == 0)
		r = add_step(parser, operand, &step);
	return r == 0 ? filter_take(parser) : r;
}

static int parse_slices(struct filter_parser *parser, struct filter_operand *operand)
{
	int r = 0;

	while (r == 0 && parser->token.kind == TOKEN_BRACKET) {
		r = parse_slice(parser, operand);
		operand->length = parser->end - operand->at;
	}
	return r;
}

static int parse_masks(struct filter_parser *parser, struct filter_operand *operand)
{
	int r = 0;

	while (r == 0 && parser->token.kind == TOKEN_MASK) {
		r = parse_mask(parser, operand);
		operand->length = parser->end - operand->at;
	}
	return r;
}

/* The field that the token names, with layers and slices. */
static int parse_plain_field(struct filter_parser *parser, struct filter_operand *ret)
{
	const struct filter_token *token = &parser->token;
	int field = token->kind == TOKEN_WORD ? find_field(token) : -1;
	int r;

	if (field < 0)
		return refuse_unknown(parser);
	*ret = (struct filter_operand){.kind = OPERAND_FIELD,
				       .field = (uint16_t)field,
				       .info = sonde_field_info((uint16_t)field),
				       .at = token->at,
				       .length = token->length};
	ret->type = ret->info->type;
	r = filter_take(parser);
	if (r == 0 && parser->token.kind == TOKEN_HASH) {
		r = parse_layers(parser, ret);
		ret->length = parser->end - ret->at;
	}
	return r == 0 ? parse_slices(parser, ret) : r;
}

/* ---- functions ---- */

static enum function find_function(const struct filter_token *token)
{
	for (int i = 0; i < FUNCTION_NONE; i++) {
		if (strlen(function_names[i]) == token->size &&
		    memcmp(function_names[i], token->bytes, token->size) == 0)
			return (enum function)i;
	}
	return FUNCTION_NONE;
}

static bool function_takes(enum function function, uint8_t type)
{
	switch (function) {
	case FUNCTION_LOWER:
	case FUNCTION_UPPER:
		return type == SONDE_FIELD_TEXT;
	case FUNCTION_LENGTH:
		return filter_type_is_data(type) || type == SONDE_FIELD_UINT ||
		       type == SONDE_FIELD_INT || type == SONDE_FIELD_IPV4;
	case FUNCTION_STRING:
		return type == SONDE_FIELD_UINT || type == SONDE_FIELD_INT ||
		       type == SONDE_FIELD_IPV4 || type == SONDE_FIELD_IPV6 ||
		       type == SONDE_FIELD_ETHERNET;
	case FUNCTION_COUNT:
	case FUNCTION_NONE:
		return true;
	}
	return true;
}

static int refuse_function(struct filter_parser *parser)
{
	const struct filter_token *token = &parser->token;
	const char *nearest = NULL;
	char word[32];
	int r = filter_refuse(parser, token->at, token->length, "no such function");

	if (token->size < sizeof(word)) {
		memcpy(word, token->bytes, token->size);
		word[token->size] = '\0';
		nearest = sonde_text_nearest(word, function_names, FUNCTION_NONE);
	}
	if (nearest)
		filter_hint(parser, "did you mean %s()?", nearest);
	else
		filter_hint(parser, "there are lower, upper, len, count and string");
	return r;
}

static int apply_function(struct filter_parser *parser, enum function function,
			  struct filter_operand *operand)
{
	static const uint8_t steps[] = {
		[FUNCTION_LOWER] = STEP_LOWER,
		[FUNCTION_UPPER] = STEP_UPPER,
		[FUNCTION_LENGTH] = STEP_LENGTH,
		[FUNCTION_STRING] = STEP_STRING,
	};
	struct filter_step step = {0};

	if (!function_takes(function, operand->type))
		return filter_refuse(parser, operand->at, operand->length,
				     "%s() has no meaning for %s",
				     function_names[function],
				     filter_type_words(operand->type));
	if (function == FUNCTION_COUNT) {
		operand->kind = OPERAND_COUNT;
		operand->type = SONDE_FIELD_UINT;
		return 0;
	}
	step.kind = steps[function];
	operand->type = function == FUNCTION_LENGTH ? SONDE_FIELD_UINT : SONDE_FIELD_TEXT;
	return add_step(parser, operand, &step);
}

/* name(field); the token is the name, and '(' follows. */
static int parse_function(struct filter_parser *parser, struct filter_operand *ret)
{
	enum function function = find_function(&parser->token);
	size_t at = parser->token.at;
	int r;

	if (function == FUNCTION_NONE)
		return refuse_function(parser);
	r = filter_take(parser);
	if (r == 0)
		r = filter_take(parser);
	if (r == 0 && parser->token.kind == TOKEN_CLOSE)
		return filter_refuse(parser, at, parser->token.at + 1 - at,
				     "it wants a field between the parentheses");
	if (r == 0)
		r = parse_plain_field(parser, ret);
	if (r == 0)
		r = apply_function(parser, function, ret);
	if (r == 0 && parser->token.kind == TOKEN_COMMA)
		return filter_refuse(parser, parser->token.at, 1, "%s() takes one field",
				     function_names[function]);
	if (r == 0 && parser->token.kind != TOKEN_CLOSE)
		return filter_refuse_token(parser);
	if (r == 0)
		r = filter_take(parser);
	ret->at = at;
	ret->length = parser->end - at;
	return r == 0 ? parse_slices(parser, ret) : r;
}

static bool is_call(const struct filter_parser *parser)
{
	size_t at = parser->at;

	if (parser->token.kind != TOKEN_WORD)
		return false;
	while (at < parser->size && parser->text[at] == ' ')
		at++;
	return at < parser->size && parser->text[at] == '(';
}

int filter_parse_field(struct filter_parser *parser, uint32_t *ret_operand)
{
	struct filter_operand operand = {0};
	int r = is_call(parser) ? parse_function(parser, &operand)
				: parse_plain_field(parser, &operand);

	if (r == 0)
		r = parse_masks(parser, &operand);
	return r == 0 ? add_operand(parser, &operand, ret_operand) : r;
}

/* ---- the right side ---- */

static bool are_comparable(uint8_t a, uint8_t b)
{
	bool is_plain_a = a == SONDE_FIELD_BYTES || a == SONDE_FIELD_PROTOCOL ||
			  a == SONDE_FIELD_ETHERNET;
	bool is_plain_b = b == SONDE_FIELD_BYTES || b == SONDE_FIELD_PROTOCOL ||
			  b == SONDE_FIELD_ETHERNET;

	return a == b || (filter_type_is_number(a) && filter_type_is_number(b)) ||
	       (is_plain_a && is_plain_b);
}

int filter_parse_right(struct filter_parser *parser, uint32_t left, uint8_t relation,
		       uint32_t *ret_operand)
{
	const struct filter_token *token = &parser->token;
	uint8_t type = operand_of(parser, left)->type;
	/* Names and widths are the bare field's. */
	const struct sonde_field_info *info =
		operand_of(parser, left)->kind == OPERAND_FIELD &&
				operand_of(parser, left)->type ==
					operand_of(parser, left)->info->type
			? operand_of(parser, left)->info
			: NULL;
	struct filter_operand operand = {
		.kind = OPERAND_CONSTANT, .at = token->at, .length = token->length};
	int r;

	if (relation != RELATION_MATCHES &&
	    (is_call(parser) || (token->kind == TOKEN_WORD && find_field(token) >= 0))) {
		r = filter_parse_field(parser, ret_operand);
		if (r == 0 &&
		    !are_comparable(type, operand_of(parser, *ret_operand)->type)) {
			const struct filter_operand *right =
				operand_of(parser, *ret_operand);
			return filter_refuse(parser, right->at, right->length,
					     "%s cannot be compared with %s",
					     filter_type_words(right->type),
					     filter_type_words(type));
		}
		return r;
	}
	if (token->kind != TOKEN_WORD && token->kind != TOKEN_STRING &&
	    token->kind != TOKEN_CHAR)
		return filter_refuse_token(parser);
	if (relation == RELATION_MATCHES && token->kind != TOKEN_STRING) {
		r = filter_refuse(parser, token->at, token->length, "no quoted string");
		filter_hint(parser, "an expression stands in double quotes");
		return r;
	}
	/* Some of its bytes, or what describes them. */
	if (relation == RELATION_MATCHES ||
	    (relation == RELATION_CONTAINS && type == SONDE_FIELD_ETHERNET))
		type = SONDE_FIELD_BYTES;
	operand.type = type;
	r = filter_parse_value(parser, token, type, info, &operand.constant);
	if (r == 0)
		r = add_operand(parser, &operand, ret_operand);
	return r == 0 ? filter_take(parser) : r;
}
